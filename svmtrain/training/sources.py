"""Where the sums come from. The loop asks a source for data terms and never sees a row.

A source of another kind (rows on the workers of a cluster) is a class with the methods of
`RowSource`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from svmtrain import interrupts
from svmtrain.data.dataset import Dataset
from svmtrain.data.mapped import Reading
from svmtrain.data.scaled import SparseRows
from svmtrain.data.scaling import Scaler
from svmtrain.data.sparse import Csr
from svmtrain.data.statistics import rows_of_cells
from svmtrain.objective.compiled import CompiledRows
from svmtrain.objective.lazy import LazyWeights
from svmtrain.objective.linear import DataTerm, LinearObjective
from svmtrain.objective.losses import Classes, Floats
from svmtrain.objective.work import Work

Held = TypeVar("Held", SparseRows, CompiledRows)

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

    def batch(self, rows: NDArray[np.intp]) -> tuple[Floats | SparseRows | CompiledRows, Classes]:
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


class Buffers:
    """What the steps over dense rows are made in: for each size of a batch, arrays of its own.

    Sizes are few: that of a batch, of the rest of an epoch, and of what is measured at a time.
    """

    MOST = 8

    def __init__(self) -> None:
        self._works: dict[tuple[Any, ...], Work] = {}
        self._batches: dict[tuple[Any, ...], NDArray[Any]] = {}
        self._dW: Floats | None = None

    def work(self, objective: LinearObjective, rows: int, W: Floats) -> Work:
        """Return the arrays for the scores of so many rows."""
        key = (rows, W.shape[1], W.dtype, objective.paired)
        work = self._works.get(key)
        if work is None:
            if len(self._works) >= self.MOST:
                self._works.clear()
            work = self._works[key] = objective.work(rows, W)
        return work

    def batch(self, rows: int, like: NDArray[Any], dtype: Any = None) -> NDArray[Any]:
        """Return an array for so many rows like those of another array, in its dtype or this."""
        key = (rows, like.shape[1:], dtype or like.dtype)
        batch = self._batches.get(key)
        if batch is None:
            if len(self._batches) >= self.MOST:
                self._batches.clear()
            batch = self._batches[key] = np.empty((rows, *like.shape[1:]), dtype or like.dtype)
        return batch

    def gradient(self, W: Floats) -> Floats:
        """Return an array for the gradient with respect to W."""
        if self._dW is None or self._dW.shape != W.shape or self._dW.dtype != W.dtype:
            self._dW = np.empty_like(W)
        return self._dW

    def gather(self, array: NDArray[Any], rows: NDArray[np.intp]) -> NDArray[Any]:
        """Return some rows of an array."""
        out = self.batch(len(rows), array)
        return array.take(rows, axis=0, out=out, mode="clip")

    def term(
        self, objective: LinearObjective, X: Floats, y: Classes, W: Floats, b: Floats
    ) -> DataTerm:
        """Return the data term of some rows with its gradient."""
        work = self.work(objective, len(y), W)
        return objective.data_term(X, y, W, b, out=self.gradient(W), work=work)


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
        self._buffers = Buffers()

    def __len__(self) -> int:
        return len(self.y)

    def term(
        self, objective: LinearObjective, rows: NDArray[np.intp], *parameters: Any
    ) -> DataTerm:
        """Return the data term with its gradient, summed over some rows."""
        return self._buffers.term(objective, *self.batch(rows), *parameters)

    def batch(self, rows: NDArray[np.intp]) -> tuple[Floats, Classes]:
        """Return some rows and their classes; the next call reuses the arrays."""
        return self._buffers.gather(self.X, rows), self._buffers.gather(self.y, rows)

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
            X, y = self.X[start : start + size], self.y[start : start + size]
            total += objective.measure(X, y, W, b, self._buffers.work(objective, len(y), W))
        return total

    def mean_square(self) -> float:
        """Return the mean squared length of a row; infinite when it is too large to know."""
        with np.errstate(over="ignore"):
            return float(np.einsum("ij,ij->", self.X, self.X, dtype=np.float64)) / len(self)


class IndexedRows(Generic[Held]):
    """Rows in memory that give some of themselves by their numbers.

    Parameters
    ----------
    X : rows (n_samples, n_features)
    y : ndarray of int64 (n_samples,)
    """

    def __init__(self, X: Held, y: Classes) -> None:
        self.X: Held = X
        self.y = y

    def __len__(self) -> int:
        return len(self.y)

    def batch(self, rows: NDArray[np.intp]) -> tuple[Held, Classes]:
        """Return some rows and their classes."""
        return self.X[rows], self.y[rows]

    def parts(self) -> Iterator[NDArray[np.intp]]:
        """Return the numbers of all rows in order, in parts as large as is measured at a time."""
        return parts_of(len(self), measure_rows(self.X.shape[1], sparse=True))


class SparseMemoryRows(IndexedRows[SparseRows]):
    """Sparse rows in memory, scaled and in the dtype of the weights."""

    def term(
        self, objective: LinearObjective, rows: NDArray[np.intp], *parameters: Any
    ) -> DataTerm:
        """Return the data term with its gradient, summed over some rows."""
        return sparse_term(objective, *self.batch(rows), *parameters)

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


class CompiledMemoryRows(IndexedRows[CompiledRows]):
    """Rows in memory for compiled loops, which gather nothing."""

    def term(
        self, objective: LinearObjective, rows: NDArray[np.intp], *parameters: Any
    ) -> DataTerm:
        """Return the data term with its gradient, summed over some rows."""
        W, b = parameters
        return objective.data_term(*self.batch(rows), W, b, out=np.empty_like(W))

    def measure(self, objective: LinearObjective, W: Floats, b: Floats) -> DataTerm | None:
        """Return the data term without gradient over all rows; None when a signal came."""
        total = DataTerm(0.0, 0, 0, 0)
        for rows in self.parts():
            if interrupts.pending():
                return None
            total += objective.measure(*self.batch(rows), W, b)
        return total

    def mean_square(self) -> float:
        """Return the mean squared length of a row."""
        return float(self.X.squares.mean(dtype=np.float64))


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
        self._buffers = Buffers()

    def __len__(self) -> int:
        return len(self.data)

    def term(
        self, objective: LinearObjective, rows: NDArray[np.intp], *parameters: Any
    ) -> DataTerm:
        """Return the data term with its gradient, summed over some rows."""
        X, y = self.batch(rows)
        if isinstance(X, SparseRows):
            return sparse_term(objective, X, y, *parameters)
        return self._buffers.term(objective, X, y, *parameters)

    def batch(self, rows: NDArray[np.intp]) -> tuple[Floats | SparseRows, Classes]:
        """Return some rows, scaled, and their classes; the next call reuses dense arrays."""
        self._reading.saw(len(rows))
        y = self._buffers.gather(self.data.y, rows)
        if isinstance(self.data.matrix, Csr) or self.data.maker is not None:
            return self.scaler.transform(self.data.take(rows), self.dtype), y
        at = rows if self.data.at is None else self.data.at[rows]
        raw = self._buffers.gather(self.data.matrix, at)
        out = self._buffers.batch(len(rows), raw, self.dtype)
        return self.scaler.transform_dense(raw, self.dtype, out), y

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
            y = self.data.y[start : start + len(block)]
            work = None
            if isinstance(block, Csr):
                X = self.scaler.transform(block, self.dtype)
            else:
                out = self._buffers.batch(len(block), block, self.dtype)
                X = self.scaler.transform_dense(block, self.dtype, out)
                work = self._buffers.work(objective, len(y), W)
            total += objective.measure(X, y, W, b, work)
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
