"""Whether rows are held dense or sparse in memory."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from svmtrain.data.sparse import Csr, Matrix, has_scipy, scipy_sparse
from svmtrain.errors import DataError

SPARSE_BELOW = 0.1
WIDE = 1000
DENSE_LIMIT = 1 << 30
AUTO = "auto"


def settled(X: Matrix, wanted: bool | str, path: str, say: Callable[[str], None]) -> Matrix:
    """Return rows in the form that is wanted: sparse, dense, or what is less work.

    `auto` leaves dense rows dense. Sparse rows stay sparse when at least `WIDE` features are
    there and less than `SPARSE_BELOW` of the cells are stored, or when they would take more
    than `DENSE_LIMIT` bytes as a dense array: products with few features are faster dense.

    Parameters
    ----------
    X : Matrix
    wanted : bool or "auto"
        See data.sparse of the config.
    path : str
        What errors call the file.
    say : callable
        Takes a note for the user.

    Raises
    ------
    DataError
        When a dense array would be too large, or scipy is needed and not there.
    """
    if not isinstance(X, Csr):
        return compressed(X) if wanted is True else X
    if stays_sparse(X.shape, len(X.data), wanted, path, say=say):
        return X
    return X.toarray(X.dtype)


def stays_sparse(
    shape: tuple[int, int],
    stored: int,
    wanted: bool | str,
    path: str,
    *,
    compressed: bool = True,
    say: Callable[[str], None] | None = None,
) -> bool:
    """Return whether rows with so many cells stored are held sparse; see `settled`.

    Parameters
    ----------
    shape : tuple of int
        (n_samples, n_features).
    stored : int
    wanted, path
        See `settled`.
    compressed : bool
        Whether they are stored without their zeros.
    say : callable, optional
        Takes a note for the user.

    Raises
    ------
    DataError
        As `settled`.
    """
    if not compressed:
        return wanted is True
    cells = shape[0] * shape[1]
    size = cells * 8
    narrow = shape[1] < WIDE or stored >= SPARSE_BELOW * cells
    if wanted is True or (wanted == AUTO and not (narrow and size <= DENSE_LIMIT)):
        if wanted is True or has_scipy() or size > DENSE_LIMIT:
            scipy_sparse()
            return True
        if say is not None:
            say(f"{path}: made dense, {in_words(size)}, for want of scipy (svmtrain[sparse])")
    if size > DENSE_LIMIT:
        raise DataError(
            f"{shape[0]:,} rows of {shape[1]:,} features need {in_words(size)} as a dense "
            f"array; the limit is {in_words(DENSE_LIMIT)} (set data.sparse: true)",
            path=path,
        )
    return False


def workable(X: Matrix) -> Matrix:
    """Return rows that are only passed over once, such as a chunk, in the form to compute with.

    Raises
    ------
    DataError
        When they would need scipy, which is not there.
    """
    if not isinstance(X, Csr) or (X.shape[1] >= WIDE and has_scipy()):
        return X
    if X.shape[0] * X.shape[1] * 8 > DENSE_LIMIT:
        scipy_sparse()
    return X.toarray(X.dtype)


def compressed(X: Matrix) -> Csr:
    """Return a dense matrix without its zeros."""
    if isinstance(X, Csr):
        return X
    flat = np.ascontiguousarray(X).reshape(-1)
    places = np.flatnonzero(flat)
    counts = np.count_nonzero(X, axis=1)
    indptr = np.zeros(len(X) + 1, dtype=np.int64)
    np.cumsum(counts, out=indptr[1:])
    columns = places - np.repeat(np.arange(len(X)) * X.shape[1], counts)
    values = flat[places].astype(np.float64)
    return Csr(values, columns.astype(np.int32), indptr, (len(X), X.shape[1]))


def in_words(n_bytes: int) -> str:
    """Return a number of bytes in KiB, MiB or GiB."""
    if n_bytes < 2**20:
        return f"{-(-n_bytes // 2**10):,} KiB"
    gib = n_bytes / 2**30
    return f"{gib:,.1f} GiB" if gib >= 1 else f"{n_bytes / 2**20:,.0f} MiB"
