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

    It must be settled before numpy is imported, so before the rows are seen. The products of a
    mini-batch are small: on an idle machine of two cores a second thread took 14 to 35 % off an
    epoch of 784 features and more, but where the other core was busy, and with few features, it
    made steps slower, and its sums may differ in the last bits.
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
