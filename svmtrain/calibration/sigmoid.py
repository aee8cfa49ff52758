"""The sigmoid: p(m) = 1 / (1 + exp(-(slope m + offset)))."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from svmtrain.calibration.curve import Array, Curve, logistic

STEPS = 100
RIDGE = 1e-12
FLAT = 1e-10
"""A gradient below this, of a mean over rows, is that of the minimum."""


def fit_sigmoid(margins: Array, positive: NDArray[np.bool_]) -> Curve:
    """Minimise the mean cross-entropy of a sigmoid of the margins, with smoothed targets.

    A row of the class has the target (N+ + 1) / (N+ + 2), any other 1 / (N- + 2), so that the
    slope is finite however well the margins part the rows. Stops when no entry of the gradient is
    above `FLAT`, or where no step makes the mean smaller. Where that has a slope below 0, by which
    the clearer label would be the less probable, the slope is 0: the mean is convex, so that is
    the least of all that do not fall.

    Parameters
    ----------
    margins : ndarray of float64 (n,)
    positive : ndarray of bool (n,)
        Which rows are of the class.

    Source: Platt (1999), Probabilistic outputs for support vector machines; solved by Newton's
    method with backtracking, Lin, Lin and Weng (2007), A note on Platt's probabilistic outputs.
    """
    n, ahead = len(margins), int(positive.sum())
    high, low = (ahead + 1) / (ahead + 2), 1 / (n - ahead + 2)
    target = np.where(positive, high, low)
    width = float(np.abs(margins).max()) or 1.0
    columns = np.column_stack([margins / width, np.ones(n)])
    at = np.array([0.0, np.log((ahead + 1) / (n - ahead + 1))])
    value = _cross_entropy(columns @ at, target)
    for _ in range(STEPS):
        p = logistic(columns @ at)
        gradient: Array = columns.T @ (p - target) / n
        if np.abs(gradient).max() < FLAT:
            break
        hessian = (columns.T * (p * (1 - p))) @ columns / n + RIDGE * np.eye(2)
        direction = np.asarray(np.linalg.solve(hessian, gradient), np.float64)
        found = _shorten(columns, target, at, direction, gradient, value)
        if found is None:
            break
        at, value = found
    if at[0] < 0:
        at = np.array([0.0, np.log(target.sum() / (n - target.sum()))])
    return Curve(at[:1] / width, at[1:].copy())


def _shorten(
    columns: Array, target: Array, at: Array, direction: Array, gradient: Array, value: float
) -> tuple[Array, float] | None:
    """Return the first point along a direction that is enough lower, halving the step."""
    size, slope = 1.0, float(gradient @ direction)
    while size > 1e-10:
        trial = at - size * direction
        lower = _cross_entropy(columns @ trial, target)
        if lower < value - 1e-4 * size * slope:
            return trial, lower
        size /= 2
    return None


def _cross_entropy(t: Array, target: Array) -> float:
    """Return the mean of -(target log p + (1 - target) log(1 - p)), p the logistic of t."""
    return float(np.mean(np.logaddexp(0.0, t) - target * t))


def sigmoid(curve: Curve, margins: Array) -> Array:
    """Return the probabilities of margins (n,)."""
    return logistic(curve.x[0] * margins + curve.y[0])
