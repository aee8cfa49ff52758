"""Mean, standard deviation, smallest and largest value of each column, block by block.

The moments of two sets of values combine exactly into those of both; within a block they are
taken in two passes. Gaps (NaN) are no values. Of sparse rows the stored values are gathered, and
the zeros between them join at the end.

Source: Chan, Golub, LeVeque (1983), Algorithms for computing the sample variance.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.data.sparse import Csr, Matrix

BLOCK_VALUES = 1 << 17
Columns = NDArray[np.float64]


class Moments:
    """What is known of the values of each column so far.

    Attributes
    ----------
    count, mean, squares, low, high : ndarray of float64 (n_features,)
        The number of values, their mean, the sum of their squared deviations from it, the
        smallest and the largest.
    """

    def __init__(self) -> None:
        self.count, self.mean, self.squares, self.low, self.high = np.zeros((5, 0))

    def widen(self, n_features: int) -> None:
        """Make room for so many columns, the new ones without values."""
        more = n_features - len(self.count)
        if more > 0:
            nothing = np.zeros(more)
            self.count = np.concatenate([self.count, nothing])
            self.mean = np.concatenate([self.mean, nothing])
            self.squares = np.concatenate([self.squares, nothing])
            self.low = np.concatenate([self.low, nothing + np.inf])
            self.high = np.concatenate([self.high, nothing - np.inf])

    def join(self, other: Moments) -> None:
        """Take in what is known of other rows."""
        self.widen(len(other.count))
        known = (other.count, other.mean, other.squares, other.low, other.high)
        with np.errstate(over="ignore", invalid="ignore"):
            self._combine(slice(len(other.count)), *known)

    def add(self, rows: Matrix) -> None:
        """Take rows in, (n, n_features); they are looked at in pieces that the caches hold."""
        self.widen(rows.shape[1])
        with np.errstate(over="ignore", invalid="ignore"):
            for piece in pieces(rows):
                if isinstance(piece, Csr):
                    self._add_sparse(piece)
                else:
                    self._add_dense(piece)

    def _add_dense(self, piece: NDArray[Any]) -> None:
        values = piece.astype(np.float64)
        count: Columns = np.full(piece.shape[1], float(len(piece)))
        gaps = np.isnan(values) if piece.dtype.kind == "f" else None
        if gaps is not None and gaps.any():
            count -= gaps.sum(axis=0)
            low = np.where(gaps, np.inf, values).min(axis=0)
            high = np.where(gaps, -np.inf, values).max(axis=0)
            values[gaps] = 0.0
            mean = values.sum(axis=0) / np.maximum(count, 1.0)
            values -= mean
            values[gaps] = 0.0
        else:
            low, high = piece.min(axis=0), piece.max(axis=0)
            mean = values.mean(axis=0)
            values -= mean
        squares = np.einsum("ij,ij->j", values, values)
        self._combine(slice(None), count, mean, squares, low, high)

    def _add_sparse(self, piece: Csr) -> None:
        width, at = piece.shape[1], piece.indices
        columns: slice | NDArray[Any] = slice(width)
        if width > BLOCK_VALUES:  # most columns have no value here
            columns, at = np.unique(piece.indices, return_inverse=True)
            width = len(columns)
        values = piece.data.astype(np.float64)
        count: Columns = np.bincount(at, minlength=width).astype(np.float64)
        mean = np.bincount(at, weights=values, minlength=width) / np.maximum(count, 1.0)
        apart = np.square(values - mean[at])
        squares = np.bincount(at, weights=apart, minlength=width).astype(np.float64)
        low, high = np.full(width, np.inf), np.full(width, -np.inf)
        np.minimum.at(low, at, values)
        np.maximum.at(high, at, values)
        self._combine(columns, count, mean, squares, low, high)

    def _combine(
        self,
        at: slice | NDArray[Any],
        count: Columns,
        mean: Columns,
        squares: Columns,
        low: Columns,
        high: Columns,
    ) -> None:
        """Join what is known of some columns with what other values of them say."""
        before, apart = self.count[at], mean - self.mean[at]
        share = count / np.maximum(before + count, 1.0)
        self.mean[at] += apart * share
        self.squares[at] += squares + apart**2 * (before * share)
        self.count[at] = before + count
        self.low[at] = np.minimum(self.low[at], low)
        self.high[at] = np.maximum(self.high[at], high)

    def result(self, zeros: Columns | None) -> NDArray[np.float64]:
        """Return mean, standard deviation, smallest and largest value, (4, n_features) float64.

        Parameters
        ----------
        zeros : ndarray of float64 (n_features,) or None
            How many zeros each column has besides the values taken in. A column without any
            value has NaN for all four.
        """
        zeros = np.zeros_like(self.count) if zeros is None else zeros
        total = self.count + zeros
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            mean = self.mean * (self.count / total)
            squares = self.squares + self.mean**2 * (self.count * zeros / total)
            deviation = np.sqrt(squares / total)
        low = np.where(zeros > 0, np.minimum(self.low, 0.0), self.low)
        high = np.where(zeros > 0, np.maximum(self.high, 0.0), self.high)
        return np.where(total > 0, [mean, deviation, low, high], np.nan)


def pieces(rows: Matrix) -> Iterator[Matrix]:
    """Yield rows in order, as views of about `BLOCK_VALUES` values, at least a row each."""
    if isinstance(rows, Csr):
        start = 0
        while start < len(rows):
            most = rows.indptr[start] + BLOCK_VALUES
            stop = int(np.searchsorted(rows.indptr, most, side="right")) - 1
            yield rows[start : max(stop, start + 1)]
            start = max(stop, start + 1)
        return
    size = max(1, BLOCK_VALUES // max(1, rows.shape[1]))
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
