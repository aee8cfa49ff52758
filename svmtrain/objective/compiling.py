"""Whether numba is there (extra `fast`), and how loops are compiled by it.

The modules of compiled loops are imported only where the work repays the import of numba.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, cast

import numpy as np

from svmtrain.objective.work import Floats

Function = TypeVar("Function", bound=Callable[..., Any])

FLAGS = ("contract", "reassoc", "nsz")
"""What the compiler may do with sums of floats: reorder them, so that they go side by side."""

LANE_BYTES = 64
"""Columns are taken side by side in groups of so many bytes."""


_MADE: list[Any] = []
_TOLD: list[Callable[[], object]] = []


def when_compiling(tell: Callable[[], object]) -> None:
    """Have a function called once, before the first loop is compiled that is not kept on disk."""
    _TOLD[:] = [tell]


@cache
def numba_version() -> str | None:
    """Return the version of numba, or None where it is not installed."""
    try:
        import numba
    except ImportError:
        return None
    return str(numba.__version__)


def compiled(function: Function) -> Function:
    """Compile a function; what comes of it is kept on disk, where a folder can be written.

    Where none can, or the disk is full, it is compiled again by the next process.
    """
    import numba

    made: Any
    try:
        made = numba.njit(cache=True, fastmath=set(FLAGS))(function)
    except RuntimeError:
        made = numba.njit(fastmath=set(FLAGS))(function)
    else:
        _forgive(made._cache)
    _MADE.append(made)
    return cast(Function, made)


def _forgive(kept: Any) -> None:
    """Let the work go on when what was compiled cannot be kept; tell when nothing was."""
    save, load = kept.save_overload, kept.load_overload

    def load_or_tell(*args: Any) -> Any:
        found = load(*args)
        if found is None and _TOLD:
            _TOLD.pop()()
        return found

    def try_to_save(*args: Any) -> None:
        with contextlib.suppress(OSError):
            save(*args)

    kept.save_overload = try_to_save
    kept.load_overload = load_or_tell


def use_no_cache() -> None:
    """Have all compiled functions neither read what is kept on disk nor write there."""
    from numba.core.caching import NullCache

    for made in _MADE:
        made._cache = NullCache()


def inlined(function: Function) -> Function:
    """Compile a function into those of its module that call it."""
    import numba

    made: Any = numba.njit(fastmath=set(FLAGS), inline="always")(function)
    return cast(Function, made)


def widened(array: Floats, dtype: Any) -> Floats:
    """Return a C-contiguous copy with columns of zeros up to a whole number of groups.

    One column, which stands for two classes, stays alone.
    """
    columns, group = array.shape[1], LANE_BYTES // np.dtype(dtype).itemsize
    width = columns if columns == 1 else -(-columns // group) * group
    wide = np.zeros((len(array), width), dtype)
    wide[:, :columns] = array
    return wide
