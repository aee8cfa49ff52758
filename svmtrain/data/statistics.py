"""Statistics of columns, gathered block by block, so that no copy of the rows is made.

The mean and the sum of squared deviations of two sets of rows combine exactly into those of
both; within a block they are taken in two passes.

Source: Chan, Golub, LeVeque (1983), Algorithms for computing the sample variance.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.data.sparse import Csr, Matrix

BLOCK_CELLS = 1 << 19
Columns = NDArray[np.float64]


@dataclass(frozen=True)
class ColumnStatistics:
    """What is known of each column of some rows.

    Attributes
    ----------
    count : int
        The number of rows.
    mean, low, high : ndarray of float64 (n_features,)
        Mean, smallest and largest value, over all cells: those that a Csr does not store are 0.
    squares : ndarray of float64 (n_features,)
        Sum of the squared deviations from the mean.
    """

    count: int
    mean: Columns
    squares: Columns
    low: Columns
    high: Columns

    @property
    def deviation(self) -> Columns:
        """The standard deviation of each column, with n in the denominator."""
        return np.sqrt(self.squares / self.count)

    def __add__(self, other: ColumnStatistics) -> ColumnStatistics:
        """Return the statistics of both sets of rows."""
        count = self.count + other.count
        apart = other.mean - self.mean
        return ColumnStatistics(
            count,
            self.mean + apart * (other.count / count),
            self.squares + other.squares + apart**2 * (self.count * other.count / count),
            np.minimum(self.low, other.low),
            np.maximum(self.high, other.high),
        )


def column_statistics(blocks: Iterable[Matrix]) -> ColumnStatistics:
    """Return the statistics of rows that come in blocks, at least one row in all.

    Blocks of any size: larger ones are looked at in pieces of about `BLOCK_CELLS` cells.
    """
    parts = (part for block in blocks for part in _pieces(block))
    total = _of(next(parts))
    for part in parts:
        total = total + _of(part)
    return total


def rows_of_cells(cells: int, n_features: int) -> int:
    """Return how many rows of so many features have about `cells` cells, at least one."""
    return max(1, cells // max(1, n_features))


def _pieces(block: Matrix) -> Iterator[Matrix]:
    size = rows_of_cells(BLOCK_CELLS, block.shape[1])
    if isinstance(block, Csr):
        size = max(size, len(block))
    for start in range(0, len(block), size):
        yield block[start : start + size]


def _of(part: Matrix) -> ColumnStatistics:
    with np.errstate(over="ignore", invalid="ignore"):
        return _of_sparse(part) if isinstance(part, Csr) else _of_dense(part)


def _of_dense(part: NDArray[Any]) -> ColumnStatistics:
    values = part.astype(np.float64)
    mean = values.mean(axis=0)
    values -= mean
    squares = np.einsum("ij,ij->j", values, values)
    low, high = part.min(axis=0), part.max(axis=0)
    return ColumnStatistics(
        len(part), mean, squares, low.astype(np.float64), high.astype(np.float64)
    )


def _of_sparse(part: Csr) -> ColumnStatistics:
    n_rows, n_columns = part.shape
    values, columns = part.data.astype(np.float64), part.indices
    stored = np.bincount(columns, minlength=n_columns)
    missing = (n_rows - stored).astype(np.float64)
    mean = np.bincount(columns, weights=values, minlength=n_columns) / n_rows
    apart = np.square(values - mean[columns])
    squares = missing * np.square(mean)
    squares += np.bincount(columns, weights=apart, minlength=n_columns)
    low = np.where(missing > 0, 0.0, np.inf)
    high = np.where(missing > 0, 0.0, -np.inf)
    np.minimum.at(low, columns, values)
    np.maximum.at(high, columns, values)
    return ColumnStatistics(n_rows, mean, squares, low, high)
