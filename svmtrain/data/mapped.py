"""Arrays that are mapped from files."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.data.sparse import Csr, Matrix

RESIDENT_LIMIT = 128 << 20
FAULT = 1 << 16
"""Bytes that the system maps around a place that is looked at."""


def mapping_of(array: NDArray[Any]) -> mmap.mmap | None:
    """Return the mapping that an array looks into, or None when it is in memory."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, memoryview):
        base = base.obj
    return base if isinstance(base, mmap.mmap) else None


class Reading:
    """Follows how much of a mapped matrix was looked at, and forgets it when that is a lot.

    Parameters
    ----------
    matrix : Matrix
    limit : int
        Bytes.
    """

    def __init__(self, matrix: Matrix, limit: int = RESIDENT_LIMIT) -> None:
        values = matrix.data if isinstance(matrix, Csr) else matrix
        self._matrix = matrix if mapping_of(values) is not None else None
        self._row_bytes = matrix.nbytes // max(1, len(matrix))
        self._limit = limit
        self._seen = 0

    def saw(self, rows: int, span: int | None = None) -> None:
        """Take note that so many more rows were looked at.

        They stand within so many rows of the matrix; None is for rows that stand anywhere.
        """
        if self._matrix is None:
            return
        apart = rows * max(self._row_bytes, FAULT)
        self._seen += apart if span is None else min(apart, span * self._row_bytes)
        if self._seen > self._limit:
            forget(self._matrix)
            self._seen = 0


def forget(matrix: Matrix) -> None:
    """Tell the system that the pages of a mapped matrix are not needed now.

    Memory then holds only what is looked at next, however large the file; what is looked at
    again is read again, mostly from the system's own cache. Rows in memory are left alone.
    """
    for array in (matrix.data, matrix.indices) if isinstance(matrix, Csr) else (matrix,):
        forget_array(array)


def forget_array(array: NDArray[Any]) -> None:
    """Tell the system that the pages of a mapped array are not needed now."""
    mapping = mapping_of(array)
    if mapping is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapping.madvise(mmap.MADV_DONTNEED)
