"""Products of compressed sparse rows that add to an array that is there.

scipy's own products make a new array, as large as W for every mini-batch. The two routines
under them add in place, and cost the non-zeros alone. They are not of scipy's public interface;
where they are missing, the features that occur are gathered, which gives the same to rounding.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from svmtrain.objective.losses import Floats


def add_product(out: Floats, Z: Any, V: Floats) -> None:
    """Add Z V, (n, n_classes), to `out`.

    Parameters
    ----------
    out : ndarray (n, n_classes), C-contiguous
    Z : compressed rows (n, n_features) with data, indices, indptr and shape
    V : ndarray (n_features, n_classes), C-contiguous, of the dtype of `out` and of Z's data
    """
    routines = _routines()
    if routines is None:
        matrix, columns = _narrow(Z)
        out += matrix @ V[columns]
        return
    indptr = Z.indptr.astype(Z.indices.dtype, copy=False)
    sizes = (Z.shape[0], Z.shape[1], V.shape[1])
    routines.csr_matvecs(*sizes, indptr, Z.indices, Z.data, V.ravel(), out.ravel())


def add_pulled(out: Floats, Z: Any, by: Floats) -> None:
    """Add Z^T by, (n_features, n_classes), to `out`; parameters as for `add_product`."""
    routines = _routines()
    if routines is None:
        matrix, columns = _narrow(Z)
        out[columns] += matrix.T @ by
        return
    indptr = Z.indptr.astype(Z.indices.dtype, copy=False)
    by = np.ascontiguousarray(by, dtype=out.dtype)
    sizes = (Z.shape[1], Z.shape[0], by.shape[1])
    routines.csc_matvecs(*sizes, indptr, Z.indices, Z.data, by.ravel(), out.ravel())


@cache
def _routines() -> Any:
    """Return scipy's module of routines for sparse matrices, or None."""
    try:
        from scipy.sparse import _sparsetools
    except ImportError:
        return None
    wanted = ("csr_matvecs", "csc_matvecs")
    return _sparsetools if all(hasattr(_sparsetools, name) for name in wanted) else None


def _narrow(Z: Any) -> tuple[Any, Any]:
    """Return the rows with only the features that occur in them, and those features."""
    from scipy.sparse import csr_array

    columns, place = np.unique(Z.indices, return_inverse=True)
    return csr_array((Z.data, place, Z.indptr), shape=(Z.shape[0], len(columns))), columns
