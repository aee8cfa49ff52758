"""Planted faults: what a wrong gradient looks like, so that the check itself can be checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from svmtrain.gradcheck.compare import Made, Point

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Facts:
    """What a fault needs to know of the problem.

    Attributes
    ----------
    X : ndarray (n, n_features)
    dscores : ndarray (n, n_classes)
        The right gradient of each row's loss with respect to its scores, weighted.
    margins : ndarray (n, n_classes)
        S_j - S_y + delta, and delta at the true class.
    y : ndarray (n,)
    delta, lam : float
    """

    X: Array
    dscores: Array
    margins: Array
    y: NDArray[np.int64]
    delta: float
    lam: float


Fault = Callable[[Made, Point, Facts], Made]


def _with(made: Made, **changes: Array) -> Made:
    """Return a copy with some gradients replaced: `data_W=...`."""
    gradients = dict(made.gradients)
    for name, array in changes.items():
        term, _, group = name.partition("_")
        gradients[term, group] = array
    return Made(dict(made.values), gradients)


def _from_dscores(made: Made, point: Point, facts: Facts, dscores: Array) -> Made:
    """Return the gradients that other dscores would give."""
    n = len(dscores)
    changed = _with(made, data_W=facts.X.T @ dscores / n, data_X=dscores @ point["W"].T / n)
    if ("data", "b") in made.gradients:
        changed = _with(changed, data_b=dscores.sum(axis=0) / n)
    return changed


def _scaled(made: Made, factor: float) -> Made:
    parts = {f"{t}_{g}": factor * a for (t, g), a in made.gradients.items() if t == "data"}
    return _with(made, **parts)


def _missing_mean(made: Made, point: Point, facts: Facts) -> Made:
    return _scaled(made, len(facts.y))


def _wrong_sign(made: Made, point: Point, facts: Facts) -> Made:
    return _scaled(made, -1)


def _per_mille(made: Made, point: Point, facts: Facts) -> Made:
    return _scaled(made, 1.001)


def _mean_over_classes(made: Made, point: Point, facts: Facts) -> Made:
    return _scaled(made, 1 / facts.dscores.shape[1])


def _delta_counted(made: Made, point: Point, facts: Facts) -> Made:
    values = {**made.values, "data": made.values["data"] + facts.delta}
    return Made(values, made.gradients)


def _half_penalty(made: Made, point: Point, facts: Facts) -> Made:
    return _with(made, penalty_W=made.gradients["penalty", "W"] / 2)


def _penalty_missing(made: Made, point: Point, facts: Facts) -> Made:
    return _with(made, penalty_W=np.zeros_like(point["W"]))


def _bias_not_shared(made: Made, point: Point, facts: Facts) -> Made:
    return _with(made, data_b=facts.dscores[0] / len(facts.y))


def _bias_penalty_wrong(made: Made, point: Point, facts: Facts) -> Made:
    wrong = 2 * facts.lam * point["b"] - made.gradients["penalty", "b"]
    return _with(made, penalty_b=wrong)


def _columns_swapped(made: Made, point: Point, facts: Facts) -> Made:
    dW = made.gradients["data", "W"].copy()
    dW[:, [0, 1]] = dW[:, [1, 0]]
    return _with(made, data_W=dW)


def _true_class_left_out(made: Made, point: Point, facts: Facts) -> Made:
    dscores = facts.dscores.copy()
    dscores[np.arange(len(facts.y)), facts.y] = 0
    return _from_dscores(made, point, facts, dscores)


def _labels_shifted(made: Made, point: Point, facts: Facts) -> Made:
    return _from_dscores(made, point, facts, np.roll(facts.dscores, 1, axis=0))


def _last_row_dropped(made: Made, point: Point, facts: Facts) -> Made:
    dscores = facts.dscores.copy()
    dscores[np.flatnonzero(dscores.any(axis=1))[-1]] = 0
    return _from_dscores(made, point, facts, dscores)


def _kinks_active(made: Made, point: Point, facts: Facts) -> Made:
    """Take a margin of exactly 0 for active, with twice the gradient."""
    rows = np.arange(len(facts.y))
    on = (facts.margins == 0).astype(float) * 2
    on[rows, facts.y] = 0
    on[rows, facts.y] = -on.sum(axis=1)
    return _from_dscores(made, point, facts, facts.dscores + on)


def _no_delta(made: Made, point: Point, facts: Facts) -> Made:
    """Take a margin for active only when it would be without delta."""
    rows = np.arange(len(facts.y))
    dscores = np.where(facts.margins - facts.delta > 0, facts.dscores, 0.0)
    dscores[rows, facts.y] = 0
    dscores[rows, facts.y] = -dscores.sum(axis=1)
    return _from_dscores(made, point, facts, dscores)


def _input_reversed(made: Made, point: Point, facts: Facts) -> Made:
    return _with(made, data_X=np.ascontiguousarray(made.gradients["data", "X"][:, ::-1]))


def _one_element(made: Made, point: Point, facts: Facts) -> Made:
    dW = made.gradients["data", "W"].copy()
    dW.flat[int(np.argmax(np.abs(dW)))] *= 1.01
    return _with(made, data_W=dW)


def _not_a_number(made: Made, point: Point, facts: Facts) -> Made:
    dW = made.gradients["data", "W"].copy()
    dW.flat[0] = np.nan
    return _with(made, data_W=dW)


FAULTS: dict[str, Fault] = {
    "the mean is a sum (1/n missing)": _missing_mean,
    "wrong sign": _wrong_sign,
    "off by one per mille": _per_mille,
    "divided by the classes too": _mean_over_classes,
    "delta counted for the true class": _delta_counted,
    "lambda W in place of 2 lambda W": _half_penalty,
    "penalty missing": _penalty_missing,
    "penalty of the bias the wrong way": _bias_penalty_wrong,
    "bias not shared by the rows": _bias_not_shared,
    "two class columns swapped": _columns_swapped,
    "true class left out": _true_class_left_out,
    "labels of the neighbouring row": _labels_shifted,
    "last row with a loss dropped": _last_row_dropped,
    "kinks counted active, twice": _kinks_active,
    "delta forgotten in the margins": _no_delta,
    "features of the input reversed": _input_reversed,
    "one element off by a per cent": _one_element,
    "one element not a number": _not_a_number,
}
