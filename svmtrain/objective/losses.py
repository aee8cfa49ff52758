"""The losses: each maps scores to one loss a row and the gradient with respect to the scores.

A loss knows nothing of weights, data or penalties. To add one, write a function with the
signature of `LossFunction` and enter it in `LOSSES`.

Notation: S are the scores of one row, y its class, delta the margin,
m_j = S_j - S_y + delta. At a kink (a margin of exactly 0) the subgradient taken is 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Classes = NDArray[np.int64]
LossFunction = Callable[[Floats, Classes, float], tuple[Floats, Floats]]


@dataclass(frozen=True)
class Loss:
    """One entry of `LOSSES`.

    Attributes
    ----------
    function : callable
        `function(scores, y, delta)` takes scores of shape (n, n_classes) and classes of shape
        (n,) as int64, and returns losses (n,) and dscores (n, n_classes) in the dtype of the
        scores. The inputs are left as they are.
    formula : str
        The loss of one row, for people.
    source : str
        Where it was defined.
    own_term : bool
        Whether the true class has a hinge of its own (one against rest).
    squared : bool
        Whether the hinges are squared; those that are not have slopes 0 and 1 alone.
    """

    function: LossFunction
    formula: str
    source: str
    own_term: bool = False
    squared: bool = False

    def active(self, dscores: Floats) -> int:
        """Count the hinges with a positive margin behind `dscores`, (n, n_classes)."""
        count = int(np.count_nonzero(dscores > 0))
        return count + int(np.count_nonzero(dscores < 0)) if self.own_term else count


def _hinges(scores: Floats, y: Classes, delta: float) -> tuple[Floats, Classes]:
    """Return max(0, m_j) with 0 in the place of the true class, and the row numbers."""
    rows = np.arange(len(y))
    hinges = scores - scores[rows, y][:, np.newaxis]
    hinges += scores.dtype.type(delta)
    hinges[rows, y] = 0
    np.maximum(hinges, 0, out=hinges)
    return hinges, rows


def weston_watkins(scores: Floats, y: Classes, delta: float) -> tuple[Floats, Floats]:
    """Every class that comes within delta of the true one costs its margin."""
    hinges, rows = _hinges(scores, y, delta)
    losses = hinges.sum(axis=1)
    dscores = (hinges > 0).astype(scores.dtype)
    dscores[rows, y] = -dscores.sum(axis=1)
    return losses, dscores


def weston_watkins_squared(scores: Floats, y: Classes, delta: float) -> tuple[Floats, Floats]:
    """Every class that comes within delta of the true one costs its margin squared."""
    hinges, rows = _hinges(scores, y, delta)
    losses = np.square(hinges).sum(axis=1)
    dscores = 2 * hinges
    dscores[rows, y] = -dscores.sum(axis=1)
    return losses, dscores


def _worst(scores: Floats, y: Classes, delta: float) -> tuple[Floats, Classes, Classes]:
    """Return the largest hinge a row, the (first) class that has it, and the row numbers."""
    hinges, rows = _hinges(scores, y, delta)
    worst = hinges.argmax(axis=1)
    return hinges[rows, worst], worst, rows


def crammer_singer(scores: Floats, y: Classes, delta: float) -> tuple[Floats, Floats]:
    """Only the worst class costs; the first of several equally bad ones takes the gradient."""
    losses, worst, rows = _worst(scores, y, delta)
    active = (losses > 0).astype(scores.dtype)
    dscores = np.zeros_like(scores, order="C")
    dscores[rows, worst] = active
    dscores[rows, y] -= active
    return losses, dscores


def crammer_singer_squared(scores: Floats, y: Classes, delta: float) -> tuple[Floats, Floats]:
    """Only the worst class costs, its margin squared."""
    hinges, worst, rows = _worst(scores, y, delta)
    dscores = np.zeros_like(scores, order="C")
    dscores[rows, worst] = 2 * hinges
    dscores[rows, y] -= 2 * hinges
    return np.square(hinges), dscores


def _signed_hinges(scores: Floats, y: Classes, delta: float) -> tuple[Floats, Classes]:
    """Return max(0, delta + S_j), and max(0, delta - S_y) for the true class; row numbers."""
    rows = np.arange(len(y))
    hinges = scores + scores.dtype.type(delta)
    hinges[rows, y] = scores.dtype.type(delta) - scores[rows, y]
    np.maximum(hinges, 0, out=hinges)
    return hinges, rows


def one_vs_rest(scores: Floats, y: Classes, delta: float) -> tuple[Floats, Floats]:
    """One binary hinge a class: the true class wants a score above delta, others below."""
    hinges, rows = _signed_hinges(scores, y, delta)
    dscores = (hinges > 0).astype(scores.dtype)
    dscores[rows, y] *= -1
    return hinges.sum(axis=1), dscores


def one_vs_rest_squared(scores: Floats, y: Classes, delta: float) -> tuple[Floats, Floats]:
    """One binary squared hinge a class."""
    hinges, rows = _signed_hinges(scores, y, delta)
    dscores = 2 * hinges
    dscores[rows, y] *= -1
    return np.square(hinges).sum(axis=1), dscores


_WW = "Weston and Watkins (1999), Support vector machines for multi-class pattern recognition"
_CS = "Crammer and Singer (2001), On the algorithmic implementation of multiclass SVMs"
_OVR = "Rifkin and Klautau (2004), In defense of one-vs-all classification"

LOSSES: dict[str, Loss] = {
    "weston_watkins": Loss(weston_watkins, "sum_{j != y} max(0, S_j - S_y + delta)", _WW),
    "weston_watkins_squared": Loss(
        weston_watkins_squared,
        "sum_{j != y} max(0, S_j - S_y + delta)^2",
        _WW,
        squared=True,
    ),
    "crammer_singer": Loss(crammer_singer, "max(0, max_{j != y} S_j - S_y + delta)", _CS),
    "crammer_singer_squared": Loss(
        crammer_singer_squared,
        "max(0, max_{j != y} S_j - S_y + delta)^2",
        _CS,
        squared=True,
    ),
    "one_vs_rest": Loss(
        one_vs_rest,
        "max(0, delta - S_y) + sum_{j != y} max(0, delta + S_j)",
        _OVR,
        own_term=True,
    ),
    "one_vs_rest_squared": Loss(
        one_vs_rest_squared,
        "max(0, delta - S_y)^2 + sum_{j != y} max(0, delta + S_j)^2",
        _OVR,
        own_term=True,
        squared=True,
    ),
}
