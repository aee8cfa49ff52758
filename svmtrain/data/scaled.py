"""Sparse rows after scaling: a centred row has no zeros, so it is never written out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.data.sparse import Csr

Floats = NDArray[np.floating[Any]]


CHUNK = 4096


@dataclass(frozen=True)
class SparseRows:
    """Rows x_i = z_i - w_i shift, z sparse, that multiply as if they were written out.

    Attributes
    ----------
    Z : Csr (n, n_features), of the dtype to compute in
    shift : ndarray (n_features,) or None
        What every row was moved by, after its features were scaled; None for nothing.
    weight : ndarray (n,) or None
        w: 1, or what a row was divided by, inverted; None when there is no shift.
    along : ndarray (n,) or None
        z_i . shift; None when there is no shift.
    """

    Z: Csr
    shift: Floats | None = None
    weight: Floats | None = None
    along: Floats | None = None

    @classmethod
    def of(cls, Z: Csr, shift: Floats | None, weight: Floats | None) -> SparseRows:
        """Return rows z_i - w_i shift; without a shift, the weights are left aside."""
        if shift is None or weight is None:
            return cls(Z)
        along = np.zeros(len(Z), dtype=Z.dtype)
        for begin in range(0, len(Z), CHUNK):  # so that nothing as large as the rows is made
            part = Z[begin : begin + CHUNK]
            pulls = part.data * shift[part.indices]
            along[begin : begin + CHUNK] = np.bincount(part.rows(), pulls, len(part))
        return cls(Z, shift, weight, along)

    def __len__(self) -> int:
        return len(self.Z)

    def __getitem__(self, rows: slice | NDArray[np.intp]) -> SparseRows:
        """Return some rows; see `Csr`."""
        if self.weight is None or self.along is None:
            return SparseRows(self.Z[rows])
        return SparseRows(self.Z[rows], self.shift, self.weight[rows], self.along[rows])

    @property
    def shape(self) -> tuple[int, int]:
        """(n, n_features)."""
        return self.Z.shape

    def times(self, W: Floats) -> Floats:
        """Return X W, (n, n_classes)."""
        product: Floats = self.Z.to_scipy() @ W
        if self.shift is not None and self.weight is not None:
            product -= np.outer(self.weight, self.shift @ W)
        return product

    def pull(self, dscores: Floats) -> Floats:
        """Return X^T dscores, (n_features, n_classes)."""
        product: Floats = self.Z.to_scipy().T @ dscores
        if self.shift is not None and self.weight is not None:
            product -= np.outer(self.shift, self.weight @ dscores)
        return product

    def gram(self) -> Floats:
        """Return X X^T, (n, n)."""
        Z = self.Z.to_scipy()
        product: Floats = (Z @ Z.T).toarray()
        if self.shift is not None and self.weight is not None and self.along is not None:
            crossed = np.outer(self.along, self.weight)
            product -= crossed + crossed.T
            shift = self.shift.dtype.type(np.vdot(self.shift, self.shift))
            product += shift * np.outer(self.weight, self.weight)
        return product

    def squares(self) -> float:
        """Return the sum of the squares of all cells, those that centring fills included."""
        total = float(np.vdot(self.Z.data, self.Z.data))
        if self.shift is not None and self.weight is not None and self.along is not None:
            total -= 2 * float(np.vdot(self.weight, self.along))
            shift = float(np.vdot(self.shift, self.shift))
            total += shift * float(np.vdot(self.weight, self.weight))
        return total

    def lengths(self) -> NDArray[np.float64]:
        """Return the squared length of each row as it would be written out, (n,)."""
        cells = np.square(self.Z.data.astype(np.float64))
        found = np.asarray(np.bincount(self.Z.rows(), cells, len(self.Z)), np.float64)
        if self.shift is not None and self.weight is not None and self.along is not None:
            weight, along = self.weight.astype(np.float64), self.along.astype(np.float64)
            shift = float(np.vdot(self.shift, self.shift))
            found += weight * (weight * shift - 2 * along)
        return np.maximum(found, 0.0)

    def toarray(self) -> Floats:
        """Return the rows written out, (n, n_features)."""
        written: Floats = self.Z.toarray(self.Z.dtype)
        if self.shift is not None and self.weight is not None:
            written -= np.outer(self.weight, self.shift)
        return written


def dense(rows: Floats | SparseRows) -> Floats:
    """Return scaled rows written out, (n, n_features): for few rows only."""
    return rows.toarray() if isinstance(rows, SparseRows) else rows
