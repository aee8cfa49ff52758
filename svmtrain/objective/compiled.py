"""Rows in memory whose products are compiled loops, and which are never gathered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.objective.compiling import widened
from svmtrain.objective.features import gram
from svmtrain.objective.lazy import SparseFeatures
from svmtrain.objective.work import Floats

CHUNK = 4096


@dataclass(frozen=True)
class CompiledRows:
    """Rows x_i = z_i - w_i shift, sparse or dense, of which some are looked at.

    Attributes
    ----------
    values : ndarray
        The stored values of sparse rows, or all cells of dense ones, row after row.
    columns, indptr : ndarray of integers
        As in compressed sparse rows; empty for dense rows.
    at : ndarray of intp (n,)
        The rows that are looked at, in order.
    n_features : int
    squares : ndarray (any,)
        ||x_i||^2 of every row.
    shift, weight, along : ndarray (n_features,), (any,), (any,)
        See `objective.lazy.SparseFeatures`, for every row; empty when there is no shift.
    """

    values: Floats
    columns: NDArray[np.integer[Any]]
    indptr: NDArray[np.integer[Any]]
    at: NDArray[np.intp]
    n_features: int
    squares: Floats
    shift: Floats
    weight: Floats
    along: Floats

    @classmethod
    def dense(cls, X: Floats) -> CompiledRows:
        """Return all rows of X (n, n_features), C-contiguous; nothing large is copied."""
        none, columns, indptr = (np.zeros(0, kind) for kind in (X.dtype, np.int32, np.int64))
        squares = np.einsum("ij,ij->i", X, X)
        everything = np.arange(len(X))
        places = (columns, indptr, everything)
        return cls(X.reshape(-1), *places, X.shape[1], squares, none, none, none)

    @classmethod
    def sparse(cls, X: SparseFeatures) -> CompiledRows:
        """Return all of some sparse rows; nothing large is copied."""
        Z, none = X.Z, np.zeros(0, X.Z.data.dtype)
        n, n_features = Z.shape
        squares = np.zeros(n)
        for begin in range(0, n, CHUNK):  # so that nothing as large as the rows is made
            ends = Z.indptr[begin : begin + CHUNK + 1]
            cells = np.square(Z.data[ends[0] : ends[-1]], dtype=np.float64)
            of = np.repeat(np.arange(len(ends) - 1), np.diff(ends))
            squares[begin : begin + CHUNK] = np.bincount(of, cells, len(ends) - 1)
        shift, weight, along = none, none, none
        if X.shift is not None and X.weight is not None and X.along is not None:
            shift, weight, along = X.shift, X.weight, X.along
            length = float(np.vdot(shift, shift))
            squares = squares + weight * (weight * length - 2 * along)
        squares = np.maximum(squares, 0).astype(none.dtype)
        everything = np.arange(n)
        places = (Z.indices, Z.indptr, everything)
        return cls(Z.data, *places, n_features, squares, shift, weight, along)

    def __len__(self) -> int:
        return len(self.at)

    def __getitem__(self, rows: NDArray[np.intp]) -> CompiledRows:
        """Return some of the rows that are looked at; only their numbers are copied."""
        return replace(self, at=self.at[rows])

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, n_features)."""
        return (len(self.at), self.n_features)

    @property
    def parts(self) -> tuple[Any, ...]:
        """What the compiled loops take."""
        return (self.values, self.columns, self.indptr, self.at)

    def times(self, W: Floats) -> Floats:
        """Return X W, (n, n_classes), a new array."""
        from svmtrain.objective import row_loops

        wide = widened(W, self.values.dtype)
        S = np.zeros((len(self), wide.shape[1]), self.values.dtype)
        row_loops.times(S, self.parts, wide)
        S = np.ascontiguousarray(S[:, : W.shape[1]])
        if len(self.shift):
            S -= np.outer(self.weight[self.at], self.shift @ W)
        return S

    def pull(self, dscores: Floats) -> Floats:
        """Return X^T dscores, (n_features, n_classes), a new array of float64."""
        from svmtrain.objective import row_loops

        u = widened(dscores, np.float64)
        G = np.zeros((self.n_features, u.shape[1]))
        row_loops.pull(G, self.parts, u)
        pulled = np.ascontiguousarray(G[:, : dscores.shape[1]])
        if len(self.shift):
            pulled -= np.outer(self.shift, self.weight[self.at].astype(np.float64) @ dscores)
        return pulled

    def gram(self) -> Floats:
        """Return X X^T, (n, n), a new array."""
        return gram(self.written())

    def written(self) -> Floats:
        """Return the rows written out, (n, n_features): for few rows only."""
        written = np.zeros(self.shape, self.values.dtype)
        for row, place in zip(written, self.at, strict=True):
            if len(self.indptr):
                part = slice(self.indptr[place], self.indptr[place + 1])
                row[self.columns[part]] = self.values[part]
            else:
                row[:] = self.values[place * self.n_features : (place + 1) * self.n_features]
            if len(self.shift):
                row -= self.weight[place] * self.shift
        return written
