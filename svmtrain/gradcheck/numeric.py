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
        Kinks at the point, or nearer than `NEAR`.
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


def nearest_kink(values: Array, slopes: Array) -> tuple[float, int]:
    """Return the distance along the line to the nearest kink, and how many are at the point.

    Parameters
    ----------
    values, slopes : ndarray (any,)
        Linear functions of t, at t = 0 and their slopes; a kink is where one is 0. Those that
        cross nearer than `NEAR` count as at the point and do not bound the distance.
    """
    moving = slopes != 0
    times = np.abs(values[moving] / slopes[moving])
    near = times < NEAR
    far = times[~near]
    return (float(far.min()) if far.size else math.inf), int(near.sum())


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
        there. At such a point the step is `NEAR`, the root of the machine's precision, which
        balances rounding against the bend.
    """
    distance, kinks = nearest_kink(*lines(direction))
    step = min(LARGEST_STEP, 2.0 ** math.floor(math.log2(distance)) / 2 if distance < 1 else 1.0)
    if smooth and kinks:
        step = NEAR
    here = value(point)
    above, below = value(point + step * direction), value(point - step * direction)
    noise = ROUNDING * np.finfo(float).eps * max(abs(here), abs(above), abs(below)) / step
    if smooth or kinks == 0:
        central = (above - below) / (2 * step)
        return Slope(central, central, step, noise, kinks)
    return Slope((here - below) / step, (above - here) / step, step, noise, kinks)


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
