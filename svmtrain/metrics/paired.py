"""How sure an accuracy is, and whether two classifiers differ on the same rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000
Z95 = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""


def wilson(right: int, rows: int) -> tuple[float, float]:
    """Return a 95 % interval for the share that `right` of `rows` stand for.

    Source: Wilson (1927), Probable inference, the law of succession, and statistical inference.
    """
    if rows < 1:
        raise ValueError("an interval needs at least one row")
    share, square = right / rows, Z95**2 / rows
    middle = (share + square / 2) / (1 + square)
    reach = Z95 / (1 + square) * math.sqrt(share * (1 - share) / rows + square / (4 * rows))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def mcnemar(first_only: int, second_only: int) -> float:
    """Return the two-sided p-value that two classifiers err equally often, by McNemar's test.

    Parameters
    ----------
    first_only, second_only : int
        Rows that one classifier alone labels right. Those that both or neither do say nothing.

    Returns
    -------
    float
        From the exact binomial distribution: twice the lower tail, at most 1.

    Source: McNemar (1947), Note on the sampling error of the difference between correlated
    proportions or percentages; in the exact form, Dietterich (1998).
    """
    n, least = first_only + second_only, min(first_only, second_only)
    if n == 0:
        return 1.0
    whole = math.lgamma(n + 1) - n * math.log(2)
    tail = math.fsum(
        math.exp(whole - math.lgamma(k + 1) - math.lgamma(n - k + 1)) for k in range(least + 1)
    )
    return min(1.0, 2 * tail)


def holm(p_values: list[float], among: int | None = None) -> list[float]:
    """Return p-values adjusted for being several, in their order.

    Parameters
    ----------
    p_values : list of float
    among : int, optional
        How many there could have been, when these were picked from more; the others are taken to
        be larger, which errs on the side of no difference.

    Source: Holm (1979), A simple sequentially rejective multiple test procedure.
    """
    adjusted, highest = [0.0] * len(p_values), 0.0
    among = len(p_values) if among is None else among
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (among - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


@dataclass(frozen=True)
class Pair:
    """Two classifiers on the same rows.

    Attributes
    ----------
    rows : int
    first_only, second_only : int
        Rows that one of them alone labels right.
    low, high : float
        A 95 % interval for the accuracy of the first less that of the second.
    p : float
        McNemar's; see `mcnemar`.
    """

    rows: int
    first_only: int
    second_only: int
    low: float
    high: float
    p: float

    @property
    def difference(self) -> float:
        """The accuracy of the first less that of the second."""
        return (self.first_only - self.second_only) / self.rows


def compare(first: NDArray[np.bool_], second: NDArray[np.bool_], seed: int = 0) -> Pair:
    """Compare two classifiers by the rows that they label right, each (n,).

    The interval is the percentile bootstrap's over `RESAMPLES` samples of the rows with
    replacement. A sample enters by its counts of the two kinds of rows that count, so these are
    drawn, from a multinomial distribution.

    Raises
    ------
    ValueError
        When there are no rows, or not the same number.

    Source: Efron and Tibshirani (1993), An introduction to the bootstrap, chapter 13.
    """
    if len(first) != len(second) or not len(first):
        raise ValueError(f"{len(first)} and {len(second)} rows cannot be compared")
    n, one = len(first), int((first & ~second).sum())
    other = int((second & ~first).sum())
    generator = np.random.Generator(np.random.Philox(seed))
    drawn = generator.multinomial(n, [one / n, other / n, (n - one - other) / n], RESAMPLES)
    low, high = np.quantile((drawn[:, 0] - drawn[:, 1]) / n, [0.025, 0.975])
    return Pair(n, one, other, float(low), float(high), mcnemar(one, other))
