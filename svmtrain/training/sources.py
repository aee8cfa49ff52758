"""Where the sums come from. The loop asks a source for data terms and never sees a row.

A source of another kind (a store on disk, rows on the workers of a cluster) is a class with the
methods of `RowSource`.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from svmtrain import interrupts
from svmtrain.objective.linear import DataTerm, LinearObjective
from svmtrain.objective.losses import Classes, Floats

MEASURE_ROWS = 8192


class RowSource(Protocol):
    """Rows that sums are taken over."""

    def __len__(self) -> int:
        """Return the number of rows."""

    def term(
        self, objective: LinearObjective, rows: NDArray[np.intp], W: Floats, b: Floats
    ) -> DataTerm:
        """Return the data term with its gradient, summed over some rows."""

    def measure(self, objective: LinearObjective, W: Floats, b: Floats) -> DataTerm | None:
        """Return the data term without gradient over all rows; None when a signal came."""


class MemoryRows:
    """Rows in memory, scaled and in the dtype of the weights.

    The arrays that `term` returns are reused by its next call.

    Parameters
    ----------
    X : ndarray (n_samples, n_features)
    y : ndarray of int64 (n_samples,)
    """

    def __init__(self, X: Floats, y: Classes) -> None:
        self.X = X
        self.y = y
        self._batch = np.empty((0, X.shape[1]), dtype=X.dtype)
        self._dW: Floats | None = None

    def __len__(self) -> int:
        return len(self.y)

    def term(
        self, objective: LinearObjective, rows: NDArray[np.intp], W: Floats, b: Floats
    ) -> DataTerm:
        """Return the data term with its gradient, summed over some rows."""
        if len(self._batch) < len(rows):
            self._batch = np.empty((len(rows), self.X.shape[1]), dtype=self.X.dtype)
        if self._dW is None or self._dW.shape != W.shape:
            self._dW = np.empty_like(W)
        batch = self._batch[: len(rows)]
        np.take(self.X, rows, axis=0, out=batch, mode="clip")
        return objective.data_term(batch, self.y[rows], W, b, out=self._dW)

    def measure(self, objective: LinearObjective, W: Floats, b: Floats) -> DataTerm | None:
        """Return the data term without gradient over all rows; None when a signal came."""
        total = DataTerm(0.0, 0, 0, 0)
        for start in range(0, len(self), MEASURE_ROWS):
            if interrupts.pending():
                return None
            part = slice(start, start + MEASURE_ROWS)
            total += objective.measure(self.X[part], self.y[part], W, b)
        return total
