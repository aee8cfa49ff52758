"""How good probabilities are: the Brier score, and whether they keep what they promise."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

BINS = 10
Array = NDArray[np.float64]


def _zeros() -> Array:
    return np.zeros(BINS)


@dataclass
class Reliability:
    """Probabilities of some rows beside what came true; rows are added a block at a time.

    A row counts in the bin of its confidence, the probability of its label: bin k of `BINS` holds
    those from k / BINS to (k + 1) / BINS.

    Attributes
    ----------
    rows, confidence, right : ndarray of float64 (BINS,)
        Of each bin: its rows, the sum of their confidences, and how many are labelled right.
    """

    rows: Array = field(default_factory=_zeros)
    confidence: Array = field(default_factory=_zeros)
    right: Array = field(default_factory=_zeros)
    _brier: float = 0.0

    def add(self, probabilities: Array, y: NDArray[np.int64], labels: NDArray[np.intp]) -> None:
        """Take rows: probabilities (n, n_classes), their classes (n,) and their labels (n,)."""
        wrong = probabilities.copy()
        wrong[np.arange(len(y)), y] -= 1
        self._brier += float(np.square(wrong).sum())
        confidence = probabilities[np.arange(len(y)), labels]
        at = np.minimum((confidence * BINS).astype(np.intp), BINS - 1)
        self.rows += np.bincount(at, minlength=BINS)
        self.confidence += np.bincount(at, confidence, minlength=BINS)
        self.right += np.bincount(at, labels == y, minlength=BINS)

    def __add__(self, other: Reliability) -> Reliability:
        """Return the reliability over both sets of rows."""
        return Reliability(
            self.rows + other.rows,
            self.confidence + other.confidence,
            self.right + other.right,
            self._brier + other._brier,
        )

    @property
    def brier(self) -> float:
        """The Brier score: mean of sum_k (p_k - [y = k])^2, from 0 (perfect) to 2.

        Source: Brier (1950), Verification of forecasts expressed in terms of probability.
        """
        return self._brier / float(self.rows.sum())

    @property
    def error(self) -> float:
        """The expected calibration error: the mean distance of confidence and accuracy in a bin.

        Source: Naeini, Cooper and Hauskrecht (2015), Obtaining well calibrated probabilities
        using Bayesian binning.
        """
        return float(np.abs(self.confidence - self.right).sum() / self.rows.sum())

    @property
    def points(self) -> list[tuple[float, float, int]]:
        """Mean confidence, accuracy and rows of each bin that has rows."""
        return [
            (float(c / n), float(r / n), int(n))
            for n, c, r in zip(self.rows, self.confidence, self.right, strict=True)
            if n
        ]


def coverage(
    probabilities: Array,
    y: NDArray[np.int64],
    labels: NDArray[np.intp],
    thresholds: tuple[float, ...],
) -> list[tuple[float, float, float | None]]:
    """Return, for each threshold, the share of rows at least so sure, and their accuracy.

    Parameters
    ----------
    probabilities : ndarray of float64 (n, n_classes), n >= 1
    y, labels : ndarray of int (n,)
        The class of each row, and the one it was given.
    thresholds : tuple of float

    Returns
    -------
    list of (threshold, share, accuracy); None for the accuracy of no rows
    """
    confidence, right = probabilities[np.arange(len(y)), labels], labels == y
    found = []
    for threshold in thresholds:
        sure = confidence >= threshold
        accuracy = float(right[sure].mean()) if sure.any() else None
        found.append((threshold, float(sure.mean()), accuracy))
    return found
