"""Sparse rows after scaling: a centred row has no zeros, so it is never written out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.data.sparse import Csr

Floats = NDArray[np.floating[Any]]


def dense(rows: Floats | SparseRows) -> Floats:
    """Return scaled rows written out, (n, n_features): for few rows only."""
    return rows.toarray() if isinstance(rows, SparseRows) else rows


@dataclass(frozen=True)
class CompactRows:
    """Sparse rows with only the features that occur; see `objective.lazy.Compact`."""

    columns: NDArray[np.intp]
    Z: Any
    weight: Floats | None
    along: Floats | None


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
    """

    Z: Csr
    shift: Floats | None = None
    weight: Floats | None = None

    def __len__(self) -> int:
        return len(self.Z)

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

    def squares(self) -> float:
        """Return the sum of the squares of all cells, those that centring fills included."""
        total = float(np.vdot(self.Z.data, self.Z.data))
        if self.shift is not None and self.weight is not None:
            total -= 2 * float(np.vdot(self.weight, self._along(self.shift)))
            shift = float(np.vdot(self.shift, self.shift))
            total += shift * float(np.vdot(self.weight, self.weight))
        return total

    def toarray(self) -> Floats:
        """Return the rows written out, (n, n_features)."""
        dense: Floats = self.Z.toarray(self.Z.dtype)
        if self.shift is not None and self.weight is not None:
            dense -= np.outer(self.weight, self.shift)
        return dense

    def compact(self) -> CompactRows:
        """Return the same rows with only the features that occur in them."""
        columns, place = np.unique(self.Z.indices, return_inverse=True)
        narrow = Csr(self.Z.data, place.astype(np.int32), self.Z.indptr, (len(self), len(columns)))
        along = None if self.shift is None else self._along(self.shift)
        return CompactRows(columns, narrow.to_scipy(), self.weight, along)

    def _along(self, shift: Floats) -> Floats:
        """Return z_i . shift of each row, (n,)."""
        products: Floats = self.Z.to_scipy() @ shift
        return products
