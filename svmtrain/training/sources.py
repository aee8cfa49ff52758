"""Where the sums come from. The loop asks a source for data terms and never sees a row.

A source of another kind (rows on the workers of a cluster) is a class with the methods of
`RowSource`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from svmtrain import interrupts
from svmtrain.data.dataset import Dataset
from svmtrain.data.mapped import Reading
from svmtrain.data.scaled import SparseRows
from svmtrain.data.scaling import Scaler
from svmtrain.data.sparse import Csr
from svmtrain.data.statistics import rows_of_cells
from svmtrain.objective.lazy import LazyWeights
from svmtrain.objective.linear import DataTerm, LinearObjective
from svmtrain.objective.losses import Classes, Floats

MEASURE_CELLS = 1 << 21
MEASURE_ROWS = (64, 8192)


class RowSource(Protocol):
    """Rows that sums are taken over."""

    def __len__(self) -> int:
        """Return the number of rows."""

    def term(
        self, objective: LinearObjective, rows: NDArray[np.intp], *parameters: Any
    ) -> DataTerm:
        """Return the data term with its gradient, summed over some rows.

        The parameters are those of the solver's state: W and b, or one `LazyWeights`.
        """

    def measure(self, objective: LinearObjective, W: Floats, b: Floats) -> DataTerm | None:
        """Return the data term without gradient over all rows; None when a signal came."""

    def mean_square(self) -> float:
        """Return the mean squared length of a row."""

    def batch(self, rows: NDArray[np.intp]) -> tuple[Floats | SparseRows, Classes]:
        """Return some rows, scaled, and their classes; the next call may reuse the array."""

    def parts(self) -> Iterator[NDArray[np.intp]]:
        """Return the numbers of all rows in order, in parts as large as is measured at a time."""


def measure_rows(n_features: int, *, sparse: bool = False) -> int:
    """Return how many rows are measured at a time, the same for every kind of source."""
    fewest, most = MEASURE_ROWS
    if sparse:
        return most
    return min(most, max(fewest, rows_of_cells(MEASURE_CELLS, n_features)))


def parts_of(n: int, size: int) -> Iterator[NDArray[np.intp]]:
    """Return the numbers from 0 to n - 1 in parts of a size."""
    for start in range(0, n, size):
        yield np.arange(start, min(n, start + size))


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
        self, objective: LinearObjective, rows: NDArray[np.intp], *parameters: Any
    ) -> DataTerm:
        """Return the data term with its gradient, summed over some rows."""
        W, b = parameters
        if self._dW is None or self._dW.shape != W.shape:
            self._dW = np.empty_like(W)
        X, y = self.batch(rows)
        return objective.data_term(X, y, W, b, out=self._dW)

    def batch(self, rows: NDArray[np.intp]) -> tuple[Floats, Classes]:
        """Return some rows and their classes; the next call reuses the array."""
        if len(self._batch) < len(rows):
            self._batch = np.empty((len(rows), self.X.shape[1]), dtype=self.X.dtype)
        batch = self._batch[: len(rows)]
        np.take(self.X, rows, axis=0, out=batch, mode="clip")
        return batch, self.y[rows]

    def parts(self) -> Iterator[NDArray[np.intp]]:
        """Return the numbers of all rows in order, in parts as large as is measured at a time."""
        return parts_of(len(self), measure_rows(self.X.shape[1]))

    def measure(self, objective: LinearObjective, W: Floats, b: Floats) -> DataTerm | None:
        """Return the data term without gradient over all rows; None when a signal came."""
        total = DataTerm(0.0, 0, 0, 0)
        size = measure_rows(self.X.shape[1])
        for start in range(0, len(self), size):
            if interrupts.pending():
                return None
            part = slice(start, start + size)
            total += objective.measure(self.X[part], self.y[part], W, b)
        return total

    def mean_square(self) -> float:
        """Return the mean squared length of a row; infinite when it is too large to know."""
        with np.errstate(over="ignore"):
            return float(np.einsum("ij,ij->", self.X, self.X, dtype=np.float64)) / len(self)


class SparseMemoryRows:
    """Sparse rows in memory, scaled and in the dtype of the weights.

    Parameters
    ----------
    X : SparseRows (n_samples, n_features)
    y : ndarray of int64 (n_samples,)
    """

    def __init__(self, X: SparseRows, y: Classes) -> None:
        self.X = X
        self.y = y

    def __len__(self) -> int:
        return len(self.y)

    def term(
        self, objective: LinearObjective, rows: NDArray[np.intp], *parameters: Any
    ) -> DataTerm:
        """Return the data term with its gradient, summed over some rows."""
        return sparse_term(objective, *self.batch(rows), *parameters)

    def batch(self, rows: NDArray[np.intp]) -> tuple[SparseRows, Classes]:
        """Return some rows and their classes."""
        return self.X[rows], self.y[rows]

    def parts(self) -> Iterator[NDArray[np.intp]]:
        """Return the numbers of all rows in order, in parts as large as is measured at a time."""
        return parts_of(len(self), measure_rows(self.X.shape[1], sparse=True))

    def measure(self, objective: LinearObjective, W: Floats, b: Floats) -> DataTerm | None:
        """Return the data term without gradient over all rows; None when a signal came."""
        if interrupts.pending():
            return None
        return objective.measure(self.X, self.y, W, b)

    def mean_square(self) -> float:
        """Return the mean squared length of a row; infinite when it is too large to know."""
        with np.errstate(over="ignore"):
            return self.X.squares() / len(self)


def sparse_term(
    objective: LinearObjective, X: SparseRows, y: Classes, *parameters: Any
) -> DataTerm:
    """Return the data term of sparse rows, for lazy weights or for W and b."""
    if isinstance(parameters[0], LazyWeights):
        return parameters[0].term(objective, X, y)
    W, b = parameters
    return objective.data_term(X, y, W, b)


class GatheredRows:
    """Rows as they were read, scaled a batch at a time: nothing is ever copied whole.

    For rows of bytes, rows mapped from a file, and sparse rows. The sums are those of
    `MemoryRows` over the scaled rows, to the last bit where those are dense.

    Parameters
    ----------
    data : Dataset
    scaler : Scaler
    dtype : dtype of the weights
    """

    def __init__(self, data: Dataset, scaler: Scaler, dtype: Any) -> None:
        self.data = data
        self.scaler = scaler
        self.dtype = np.dtype(dtype)
        self.sparse = isinstance(data.matrix, Csr)
        self._reading = Reading(data.matrix)
        self._dW: Floats | None = None

    def __len__(self) -> int:
        return len(self.data)

    def term(
        self, objective: LinearObjective, rows: NDArray[np.intp], *parameters: Any
    ) -> DataTerm:
        """Return the data term with its gradient, summed over some rows."""
        X, y = self.batch(rows)
        if isinstance(X, SparseRows):
            return sparse_term(objective, X, y, *parameters)
        W, b = parameters
        if self._dW is None or self._dW.shape != W.shape:
            self._dW = np.empty_like(W)
        return objective.data_term(X, y, W, b, out=self._dW)

    def batch(self, rows: NDArray[np.intp]) -> tuple[Floats | SparseRows, Classes]:
        """Return some rows, scaled, and their classes."""
        X = self.scaler.transform(self.data.take(rows), self.dtype)
        self._reading.saw(len(rows))
        return X, self.data.y[rows]

    def parts(self) -> Iterator[NDArray[np.intp]]:
        """Return the numbers of all rows in order, in parts as large as is measured at a time."""
        return parts_of(len(self), measure_rows(self.data.n_features, sparse=self.sparse))

    def measure(self, objective: LinearObjective, W: Floats, b: Floats) -> DataTerm | None:
        """Return the data term without gradient over all rows; None when a signal came."""
        total = DataTerm(0.0, 0, 0, 0)
        size = measure_rows(self.data.n_features, sparse=self.sparse)
        start = 0
        for block in self.data.blocks(size):
            if interrupts.pending():
                return None
            X = self.scaler.transform(block, self.dtype)
            total += objective.measure(X, self.data.y[start : start + len(block)], W, b)
            start += len(block)
        return total

    def mean_square(self) -> float:
        """Return the mean squared length of a row; infinite when it is too large to know."""
        total = 0.0
        with np.errstate(over="ignore"):
            for block in self.data.blocks(measure_rows(self.data.n_features, sparse=self.sparse)):
                X = self.scaler.transform(block, self.dtype)
                if isinstance(X, SparseRows):
                    total += X.squares()
                else:
                    total += float(np.einsum("ij,ij->", X, X, dtype=np.float64))
        return total / len(self)
