"""Arrays that the losses of a batch are computed in, made once and used for every batch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Floats = NDArray[np.floating[Any]]
Classes = NDArray[np.int64]


class Work:
    """Arrays for the scores of so many rows; what is in them holds until the next batch.

    Parameters
    ----------
    rows, columns : int
    dtype : dtype of the scores

    Attributes
    ----------
    scores, hinges, dscores : ndarray (rows, columns)
    score, slope : ndarray (rows, 1)
        Of the one column that stands for two classes.
    losses, per_row, weights : ndarray (rows,)
    flags : ndarray of bool (rows, columns)
    worst : ndarray of int64 (rows,)
    """

    def __init__(self, rows: int, columns: int, dtype: DTypeLike) -> None:
        shape = (rows, columns)
        self.scores: Floats = np.empty(shape, dtype)
        self.hinges: Floats = np.empty(shape, dtype)
        self.dscores: Floats = np.empty(shape, dtype)
        self.score: Floats = np.empty((rows, 1), dtype)
        self.slope: Floats = np.empty((rows, 1), dtype)
        self.losses: Floats = np.empty(rows, dtype)
        self.per_row: Floats = np.empty(rows, dtype)
        self.weights: Floats = np.empty(rows, dtype)
        self.flags = np.empty(shape, np.bool_)
        self.worst = np.empty(rows, np.int64)
        self._row = np.ones(columns, dtype)
        self._minus = -self._row
        self._column = np.ones(rows, dtype)
        self._begins = np.arange(rows, dtype=np.int64) * columns
        self._at = np.empty(rows, np.int64)

    @classmethod
    def like(cls, scores: Floats) -> Work:
        """Return arrays for scores (n, n_classes)."""
        return cls(scores.shape[0], scores.shape[1], scores.dtype)

    def own(self, array: Floats, columns: Classes) -> Floats:
        """Return the cell of each row that is in its column, (n,), in `per_row`.

        Parameters
        ----------
        array : ndarray (n, columns)
        columns : ndarray of int64 (n,)
        """
        at = np.add(self._begins, columns, out=self._at)
        return array.reshape(-1).take(at, out=self.per_row, mode="clip")

    def put(self, array: Floats, columns: Classes, values: Floats | float) -> None:
        """Set the cell of each row that is in its column, in an array of this work."""
        at = np.add(self._begins, columns, out=self._at)
        array.reshape(-1)[at] = values

    def products(self, dscores: Floats) -> Floats:
        """Return an array like dscores that nothing needs once these are there."""
        return self.score if dscores.shape == self.score.shape else self.hinges

    def sums(self, array: Floats, out: Floats) -> Floats:
        """Return the sum of each row of an array of this work, (n,): a product with ones."""
        return np.matmul(array, self._row, out=out)

    def minus_sums(self, array: Floats, out: Floats) -> Floats:
        """Return minus the sum of each row of an array of this work, (n,)."""
        return np.matmul(array, self._minus, out=out)

    def column_sums(self, array: Floats) -> Floats:
        """Return the sum of each column of an array (n, any), a new array."""
        sums: Floats = np.matmul(self._column, array)
        return sums
