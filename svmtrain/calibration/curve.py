"""What a calibration is made of: functions from a margin to a probability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """The numbers of one function from margins to probabilities.

    Attributes
    ----------
    x, y : ndarray of float64 (k,)
        Of a sigmoid its slope and its offset, k = 1; of an isotonic function its corners, k >= 1.
    """

    x: Array
    y: Array


def logistic(t: Array) -> Array:
    """Return 1 / (1 + exp(-t)) for any t, without overflow."""
    tail = np.exp(-np.abs(t))
    return np.asarray(np.where(t >= 0, 1.0, tail) / (1.0 + tail))
