"""What is known of each column of some rows, gathered block by block without a copy of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


@dataclass(frozen=True)
class Gathered:
    """What is known of the columns of some rows, before that of others is added.

    Attributes
    ----------
    moments : Moments
    rows : int
    sparse : bool
        Whether the zeros between the values are still to be counted.
    """

    moments: Moments
    rows: int
    sparse: bool


def gathered(blocks: Iterable[Matrix]) -> Gathered:
    """Return what is known of rows that come in blocks."""
    moments, rows, sparse = Moments(), 0, False
    for block in blocks:
        moments.add(block)
        rows += len(block)
        sparse = isinstance(block, Csr)
    return Gathered(moments, rows, sparse)


def settled(parts: Sequence[Gathered]) -> ColumnStatistics:
    """Return the statistics of the rows of all parts, at least one row in all."""
    moments, rows = parts[0].moments, parts[0].rows
    for part in parts[1:]:
        moments.join(part.moments)
        rows += part.rows
    sparse = any(part.sparse for part in parts)
    values = np.full_like(moments.count, rows) if sparse else moments.count
    mean, deviation, low, high = moments.result(rows - moments.count if sparse else None)
    return ColumnStatistics(rows, mean, deviation, low, high, values)


def column_statistics(blocks: Iterable[Matrix]) -> ColumnStatistics:
    """Return the statistics of rows that come in blocks, at least one row in all."""
    return settled([gathered(blocks)])


def rows_of_cells(cells: int, n_features: int) -> int:
    """Return how many rows of so many features have about `cells` cells, at least one."""
    return max(1, cells // max(1, n_features))
