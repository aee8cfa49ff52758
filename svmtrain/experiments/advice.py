"""What a learning curve advises, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.metrics.paired import Z95, wilson

LITTLE = 0.005
"""A gain of accuracy that is hardly worth the rows."""
ROUNDING = 1e-9
"""What an interval that ends at 1 may end before it."""


@dataclass(frozen=True)
class Advice:
    """What the last step of a learning curve says.

    Attributes
    ----------
    gain : float
        Validation accuracy with all rows less that with the share before.
    error : float
        Its standard error: see `advise`.
    low, high : float
        A 95 % interval of the gain.
    train_accuracy, validation_accuracy : float
        Of the run with all rows.
    validation_low, validation_high : float
        Wilson's 95 % interval.
    doubted : int
        Validation rows whose label is probably wrong, by `metrics.margins.doubts`.
    rows : int
        Validation rows.
    more_rows, fit, labels : str
        The advice: whether more rows would help; whether the model fits too much or too little;
        what the labels allow.
    """

    gain: float
    error: float
    low: float
    high: float
    train_accuracy: float
    validation_accuracy: float
    validation_low: float
    validation_high: float
    doubted: int
    rows: int
    more_rows: str
    fit: str
    labels: str

    def to_dict(self) -> dict[str, Any]:
        """Return the figures and the words as plain values."""
        return asdict(self)


def advise(
    *,
    rows: tuple[int, int],
    before: NDArray[np.bool_],
    after: NDArray[np.bool_],
    train_accuracy: float,
    doubted: int,
) -> Advice:
    """Return what the step from fewer rows to all of them says.

    Both are judged by the same validation rows, so that the gain is a mean of differences row by
    row. Its standard error is made of two parts, whose squares add up: that of this mean over the
    validation rows, with a row more that is right before alone and one after alone, for without
    these it would be 0 where few rows happen to differ in nothing; and, where the fewer rows were
    drawn several times, that of the mean gain over the draws.

    Parameters
    ----------
    rows : (int, int)
        How many were trained on, before and after.
    before : ndarray of bool (runs, n)
        Which validation rows were labelled right with fewer rows, in each draw of them.
    after : ndarray of bool (n,)
        Which with all rows.
    train_accuracy : float
        With all rows.
    doubted : int
        Validation rows whose label is probably wrong.

    Source: Bonett and Price (2012), Adjusted Wald confidence interval for a difference of binomial
    proportions based on paired data.
    """
    n, runs = len(after), len(before)
    differences = after - before.mean(axis=0)
    gain, middle = float(differences.mean()), float(differences.sum()) / (n + 2)
    square = ((float(np.vdot(differences, differences)) + 2) / (n + 2) - middle**2) / (n + 2)
    if runs > 1:
        square += float(before.mean(axis=1).var(ddof=1)) / runs
    error = math.sqrt(square)
    low, high = middle - Z95 * error, middle + Z95 * error
    right = int(after.sum())
    interval = wilson(right, n)
    return Advice(
        *(gain, error, low, high, train_accuracy, right / n, *interval, doubted, n),
        more_rows=_of_rows(rows, gain, low, high),
        fit=_of_fit(train_accuracy, right, n, interval),
        labels=_of_labels(doubted, n),
    )


def _of_rows(rows: tuple[int, int], gain: float, low: float, high: float) -> str:
    """Return whether more rows would help, in words."""
    step = f"from {rows[0]:,} to {rows[1]:,} rows the validation accuracy changed by"
    known = f"{step} {gain:+.4f} (95 % interval {low:+.4f} to {high:+.4f})"
    if low > 0:
        return f"more rows of this kind probably help: {known}"
    if high < LITTLE:
        return f"more rows of this kind hardly help: {known}"
    return (
        f"the evidence is too weak to say whether more rows help: {known}; more validation rows or "
        "--repeats narrow it"
    )


def _of_fit(train: float, right: int, n: int, interval: tuple[float, float]) -> str:
    """Return whether the model fits too much or too little, in words."""
    low, high = interval
    figures = (
        f"train accuracy {train:.4f}, validation {right / n:.4f} (95 % interval {low:.4f} to "
        f"{high:.4f})"
    )
    if train > high + ROUNDING:
        return (
            f"it overfits: {figures}; a stronger penalty (a larger lambda), fewer features or more "
            "rows narrow the gap"
        )
    if train + LITTLE < 1:
        return (
            f"no overfitting is seen by {n:,} rows: {figures}; the training rows themselves are "
            "not all fitted, which a weaker penalty (a smaller lambda) or more features may change"
        )
    return f"no overfitting is seen by {n:,} rows: {figures}, and nearly all rows are fitted"


def _of_labels(doubted: int, n: int) -> str:
    """Return what the labels allow, in words."""
    if not doubted:
        return "no label of a validation row looks wrong"
    least = 1 - doubted / n
    those = "rows have labels that look" if doubted > 1 else "rows has a label that looks"
    return (
        f"{doubted:,} of {n:,} validation {those} wrong (another class wins by as much as with "
        f"typical rows of it): if so, a perfect model would be measured at {least:.4f}"
    )
