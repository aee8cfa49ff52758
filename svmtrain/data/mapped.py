"""Arrays that are mapped from files."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.data.sparse import Csr, Matrix


def mapping_of(array: NDArray[Any]) -> mmap.mmap | None:
    """Return the mapping that an array looks into, or None when it is in memory."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, memoryview):
        base = base.obj
    return base if isinstance(base, mmap.mmap) else None


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
