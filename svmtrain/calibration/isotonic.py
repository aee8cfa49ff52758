"""The isotonic function: the best one that never falls, straight between its corners."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from svmtrain.calibration.curve import Array, Curve


def fit_isotonic(margins: Array, positive: NDArray[np.bool_]) -> Curve:
    """Minimise the mean squared error of a function of the margins that never falls.

    Rows of equal margins are one point. Pools adjacent violators: neighbours whose means fall are
    put together until none do. Each pool then gives the corners at its first and last margin.

    Parameters
    ----------
    margins : ndarray of float64 (n,)
    positive : ndarray of bool (n,)
        Which rows are of the class.

    Source: Ayer, Brunk, Ewing, Reid and Silverman (1955), An empirical distribution function for
    sampling with incomplete information; for classifiers, Zadrozny and Elkan (2002).
    """
    at, place = np.unique(margins, return_inverse=True)
    rows = np.bincount(place).astype(np.float64)
    ahead = np.bincount(place, weights=positive)
    pools: list[list[float]] = []  # positives, rows, first point, last point
    for point in range(len(at)):
        pools.append([ahead[point], rows[point], point, point])
        while len(pools) > 1 and pools[-2][0] * pools[-1][1] >= pools[-1][0] * pools[-2][1]:
            late = pools.pop()
            pools[-1] = [pools[-1][0] + late[0], pools[-1][1] + late[1], pools[-1][2], late[3]]
    corners: list[tuple[float, float]] = []
    for positives, count, first, last in pools:
        share = positives / count
        corners += [(at[int(end)], share) for end in dict.fromkeys((first, last))]
    x, y = np.array(corners).T
    return Curve(np.ascontiguousarray(x), np.ascontiguousarray(y))


def isotonic(curve: Curve, margins: Array) -> Array:
    """Return the probabilities of margins (n,); beyond the corners, that of the nearest one."""
    return np.asarray(np.interp(margins, curve.x, curve.y))
