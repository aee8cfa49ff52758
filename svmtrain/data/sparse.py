"""Rows that are mostly zeros: compressed sparse rows, as readers and stores hold them.

A `Csr` is indexed like an ndarray of rows: `X[rows]` and `X[start:stop]`. It needs numpy alone;
products are scipy's, through `to_scipy`.

Source: Tinney and Walker (1967), for compressed rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.errors import DataError


@dataclass(frozen=True)
class Csr:
    """A matrix of compressed sparse rows.

    Attributes
    ----------
    data : ndarray (n_stored,) of a real dtype
        The values that are stored, row after row.
    indices : ndarray of int32 or int64 (n_stored,)
        Their columns, from 0, strictly increasing within a row.
    indptr : ndarray of int64 (n_rows + 1,)
        Row i owns data[indptr[i]:indptr[i + 1]].
    shape : tuple of int
        (n_rows, n_columns).
    """

    data: NDArray[Any]
    indices: NDArray[Any]
    indptr: NDArray[np.int64]
    shape: tuple[int, int]

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the values."""
        return self.data.dtype

    @property
    def nbytes(self) -> int:
        """Bytes that the three arrays take."""
        return self.data.nbytes + self.indices.nbytes + self.indptr.nbytes

    @property
    def density(self) -> float:
        """The share of all cells that is stored."""
        return len(self.data) / max(1, self.shape[0] * self.shape[1])

    def __getitem__(self, rows: slice | NDArray[np.intp]) -> Csr:
        """Return some rows: a view of consecutive ones, a copy of others."""
        if isinstance(rows, slice):
            start, stop, stride = rows.indices(len(self))
            if stride == 1:
                return self._between(start, max(start, stop))
            rows = np.arange(start, stop, stride)
        starts = self.indptr[rows]
        lengths = self.indptr[rows + 1] - starts
        indptr = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum(lengths, out=indptr[1:])
        at = np.arange(indptr[-1]) + np.repeat(starts - indptr[:-1], lengths)
        shape = (len(rows), self.shape[1])
        return Csr(self.data[at], self.indices[at], indptr, shape)

    def _between(self, start: int, stop: int) -> Csr:
        """Return consecutive rows; values and columns are views."""
        indptr = np.asarray(self.indptr[start : stop + 1])
        part = slice(int(indptr[0]), int(indptr[-1]))
        shape = (stop - start, self.shape[1])
        return Csr(self.data[part], self.indices[part], indptr - indptr[0], shape)

    def rows(self) -> NDArray[np.intp]:
        """Return the row of each stored value, (n_stored,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.indptr))

    def toarray(self, dtype: Any = np.float64) -> NDArray[Any]:
        """Return all cells, (n_rows, n_columns), of a dtype."""
        dense = np.zeros(self.shape, dtype=dtype)
        dense[self.rows(), self.indices] = self.data
        return dense

    def only(self, columns: NDArray[np.intp]) -> Csr:
        """Return the same rows with some columns only, ascending, in that order."""
        place = np.full(self.shape[1], -1, dtype=np.int64)
        place[columns] = np.arange(len(columns))
        found = place[self.indices]
        keep = found >= 0
        lengths = np.bincount(self.rows()[keep], minlength=len(self))
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return Csr(self.data[keep], found[keep], indptr, (len(self), len(columns)))

    def widened(self, n_columns: int) -> Csr:
        """Return the same rows with so many columns, the new ones empty; nothing is copied."""
        return Csr(self.data, self.indices, self.indptr, (self.shape[0], n_columns))

    def to_scipy(self) -> Any:
        """Return the matrix as scipy's csr_array, which shares the three arrays.

        Raises
        ------
        DataError
            When scipy is not installed.
        """
        return scipy_sparse().csr_array((self.data, self.indices, self.indptr), shape=self.shape)


Matrix = NDArray[Any] | Csr
"""Rows: dense, of any real dtype, or sparse. Both have len, shape, dtype, nbytes and `X[rows]`."""


def scipy_sparse() -> Any:
    """Return the module scipy.sparse.

    Raises
    ------
    DataError
        Naming the extra, when scipy is not installed.
    """
    try:
        import scipy.sparse
    except ImportError:
        raise DataError(
            "sparse data need scipy: pip install 'svmtrain[sparse]', "
            "or data.sparse: false to hold every zero in memory"
        ) from None
    return scipy.sparse


def has_scipy() -> bool:
    """Return whether scipy can be imported, without importing it."""
    import importlib.util

    return importlib.util.find_spec("scipy") is not None


def stacked(parts: Sequence[Matrix]) -> Matrix:
    """Return the rows of several matrices as one; sparse ones get the width of the widest.

    Dense parts take the dtype that holds all of theirs. The parts are not changed.
    """
    if len(parts) == 1:
        return parts[0]
    sparse = [part for part in parts if isinstance(part, Csr)]
    if len(sparse) < len(parts):
        dense = [part.toarray() if isinstance(part, Csr) else part for part in parts]
        return np.concatenate(dense)
    stored = np.cumsum([0, *(len(part.data) for part in sparse)])
    indptr = [part.indptr[1:] + start for part, start in zip(sparse, stored[:-1], strict=True)]
    shape = (sum(map(len, sparse)), max(part.shape[1] for part in sparse))
    return Csr(
        np.concatenate([part.data for part in sparse]),
        np.concatenate([part.indices for part in sparse]),
        np.concatenate([np.zeros(1, dtype=np.int64), *indptr]),
        shape,
    )
