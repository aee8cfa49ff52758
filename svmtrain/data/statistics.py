"""What is known of each column of some rows, gathered block by block without a copy of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from svmtrain.data.moments import Moments
from svmtrain.data.sparse import Csr, Matrix

Columns = NDArray[np.float64]


@dataclass(frozen=True)
class ColumnStatistics:
    """What is known of each column, over all cells: those that a Csr does not store are 0.

    Attributes
    ----------
    count : int
        The number of rows.
    mean, deviation, low, high : ndarray of float64 (n_features,)
        Mean, standard deviation (with n in the denominator), smallest and largest value; gaps
        are no values, and a column without any has NaN.
    values : ndarray of float64 (n_features,)
        How many cells are no gaps.
    """

    count: int
    mean: Columns
    deviation: Columns
    low: Columns
    high: Columns
    values: Columns


def column_statistics(blocks: Iterable[Matrix]) -> ColumnStatistics:
    """Return the statistics of rows that come in blocks, at least one row in all."""
    moments, rows, zeros = Moments(), 0, None
    for block in blocks:
        moments.add(block)
        rows += len(block)
        if isinstance(block, Csr):
            zeros = rows - moments.count
    values = moments.count if zeros is None else np.full_like(moments.count, rows)
    mean, deviation, low, high = moments.result(zeros)
    return ColumnStatistics(rows, mean, deviation, low, high, values)


def rows_of_cells(cells: int, n_features: int) -> int:
    """Return how many rows of so many features have about `cells` cells, at least one."""
    return max(1, cells // max(1, n_features))
