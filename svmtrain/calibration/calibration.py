"""The calibration of a classifier: a curve from margins to probabilities.

The margin of a class is its score less the best of the others, which is above 0 for the label of a
row alone. All classes share one curve: few rows then do for it, and a class without any has
probabilities too. What it gives the classes of a row is divided by its sum. Of two classes, whose
margins are opposite, it gives the second, and the first has the rest. To add a kind of curve, write
its two functions and enter them in `CALIBRATIONS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.calibration.curve import Array, Curve
from svmtrain.calibration.isotonic import fit_isotonic, isotonic
from svmtrain.calibration.sigmoid import fit_sigmoid, sigmoid

Fit = Callable[[Array, NDArray[np.bool_]], Curve]

CALIBRATIONS: dict[str, tuple[Fit, Callable[[Curve, Array], Array]]] = {
    "sigmoid": (fit_sigmoid, sigmoid),
    "isotonic": (fit_isotonic, isotonic),
}
"""By name: the function that fits a curve, and the one that applies it."""


@dataclass(frozen=True)
class Calibration:
    """Curves that were fitted.

    Attributes
    ----------
    method : str
        A name in `CALIBRATIONS`.
    curve : Curve
    rows : int
        How many rows it was fitted on.
    """

    method: str
    curve: Curve
    rows: int

    def probabilities(self, scores: NDArray[np.floating[Any]]) -> Array:
        """Return the probability of each class, (n, n_classes), for scores of that shape.

        Each row sums to 1. Where the curve says 0 of every class, all classes are as probable.
        """
        apply = CALIBRATIONS[self.method][1]
        margins = class_margins(scores)
        if margins.shape[1] == 2:
            second = apply(self.curve, margins[:, 1])
            return np.column_stack([1 - second, second])
        found: Array = np.reshape(apply(self.curve, margins.ravel()), margins.shape)
        whole = found.sum(axis=1, keepdims=True)
        even = np.full_like(margins, 1 / margins.shape[1])
        return np.asarray(np.divide(found, whole, out=even, where=whole > 0))


def fit(scores: NDArray[np.floating[Any]], y: NDArray[np.int64], method: str) -> Calibration:
    """Fit the calibration of a classifier.

    Parameters
    ----------
    scores : ndarray of float (n, n_classes), n >= 1
        Of rows that had no part in the training.
    y : ndarray of int64 (n,)
        Their classes.
    method : str
        A name in `CALIBRATIONS`.
    """
    margins = class_margins(scores)
    own = y[:, np.newaxis] == np.arange(margins.shape[1])
    if margins.shape[1] == 2:
        margins, own = margins[:, 1:], own[:, 1:]
    return Calibration(method, CALIBRATIONS[method][0](margins.ravel(), own.ravel()), len(y))


def class_margins(scores: NDArray[np.floating[Any]]) -> Array:
    """Return each score less the best of the others of its row, (n, n_classes)."""
    scores = np.asarray(scores, np.float64)
    best = scores.argmax(axis=1)
    rows = np.arange(len(scores))
    top = scores[rows, best]
    others = scores.copy()
    others[rows, best] = -np.inf
    margins = scores - top[:, np.newaxis]
    margins[rows, best] = top - others.max(axis=1)
    return np.asarray(margins)
