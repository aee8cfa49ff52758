"""Numeric derivatives of piecewise linear and piecewise quadratic convex functions.

Two evaluations give the derivative along a direction. The step is chosen below the distance to
the nearest kink, where the function is exactly linear (or quadratic, for squared losses, where a
central difference is exact too), so that only rounding is left. Where a kink is at the point
itself, or too near for any step, the derivative from the left and that from the right bracket
every subgradient, because the function is convex.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Value = Callable[[Array], float]
Lines = Callable[[Array], tuple[Array, Array]]

LARGEST_STEP = 2.0**-4
NEAR = 2.0**-26
ROUNDING = 8


@dataclass(frozen=True)
class Slope:
    """The derivative of a function along a direction.

    Attributes
    ----------
    left, right : float
        Bounds; equal where there is no kink.
    step : float
    noise : float
        How large the error from rounding may be: `ROUNDING` roundings of the values, over the
        step.
    kinks : int
        Kinks at the point.
    """

    left: float
    right: float
    step: float
    noise: float
    kinks: int

    @property
    def central(self) -> float:
        """The mean of the two bounds."""
        return (self.left + self.right) / 2

    def distance(self, value: float) -> float:
        """Return how far a value lies outside the bounds; 0 inside them."""
        return max(self.left - value, value - self.right, 0.0)


def nearest_kink(values: Array, slopes: Array) -> tuple[float, Array]:
    """Return the distance along the line to the nearest kink, and the slopes of those here.

    Parameters
    ----------
    values, slopes : ndarray (any,)
        Linear functions of t, at t = 0 and their slopes; a kink is where one is 0. Those that
        are 0 here, but for rounding, are at the point and do not bound the distance.
    """
    moving = slopes != 0
    values, slopes = values[moving], slopes[moving]
    rounding = ROUNDING * np.finfo(float).eps * (float(np.abs(values).max()) if values.size else 0)
    here = np.abs(values) <= rounding
    times = np.abs(values[~here] / slopes[~here])
    return (float(times.min()) if times.size else math.inf), slopes[here]


def slope(value: Value, point: Array, direction: Array, lines: Lines, *, smooth: bool) -> Slope:
    """Return the derivative of a convex function along a direction.

    Parameters
    ----------
    value : callable
        The function, of arrays of the shape of `point`.
    point, direction : ndarray
    lines : callable
        From a direction to the linear functions of `nearest_kink`.
    smooth : bool
        Whether the function is squared at its kinks, so that its first derivative is continuous
        there. At such a point the step is at most `NEAR`, the root of the machine's precision,
        which balances rounding against the bend, and the bend is allowed for.
    """
    distance, here = nearest_kink(*lines(direction))
    step = min(LARGEST_STEP, distance / 2)
    if smooth and here.size:
        step = min(step, NEAR)
    middle = value(point)
    above, below = value(point + step * direction), value(point - step * direction)
    size = max(abs(middle), abs(above), abs(below))
    noise = ROUNDING * np.finfo(float).eps * size / step
    if smooth or not here.size:
        central = (above - below) / (2 * step)
        bend = step * float(np.square(here).sum()) if smooth else 0.0
        return Slope(central, central, step, noise + bend, here.size)
    return Slope((middle - below) / step, (above - middle) / step, step, noise, here.size)


def directions(
    shape: tuple[int, ...], coordinates: int | None, random: int, seed: int
) -> list[tuple[str, Array]]:
    """Return directions to check along, each with its name: coordinates, then random ones.

    Parameters
    ----------
    shape : tuple of int
    coordinates : int or None
        How many coordinates to choose; None for all.
    random : int
        How many random directions, each of length 1.
    seed : int
    """
    generator = np.random.Generator(np.random.Philox(seed))
    size = int(np.prod(shape))
    if coordinates is None or coordinates >= size:
        chosen = np.arange(size)
    else:
        chosen = np.sort(generator.choice(size, coordinates, replace=False))
    found: list[tuple[str, Array]] = []
    for flat in chosen:
        direction = np.zeros(size)
        direction[flat] = 1
        index = ", ".join(str(int(i)) for i in np.unravel_index(int(flat), shape))
        found.append((f"[{index}]", direction.reshape(shape)))
    for number in range(random):
        direction = generator.standard_normal(size)
        direction /= math.sqrt(float(direction @ direction))
        found.append((f"direction {number + 1}", direction.reshape(shape)))
    return found
