"""How many threads the linear algebra may use. Must be settled before numpy is imported."""

from __future__ import annotations

import os
import sys

VARIABLES = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def resolve(threads: int | str) -> int:
    """Return the number of threads that a setting means; `auto` is 1.

    The products of a mini-batch are too small to share: two threads were slower than one on
    every data set that was tried.
    """
    return 1 if isinstance(threads, str) else threads


def limit(threads: int) -> bool:
    """Set the environment so that numpy will use so many threads; return False if too late."""
    for name in VARIABLES:
        os.environ[name] = str(threads)
    return "numpy" not in sys.modules


def in_force() -> str:
    """Return the setting that numpy found, in words."""
    return next((os.environ[name] for name in VARIABLES if name in os.environ), "default")
