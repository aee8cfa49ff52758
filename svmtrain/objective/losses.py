"""The losses: each maps scores to one loss a row and the gradient with respect to the scores.

A loss knows nothing of weights, data or penalties. To add one, write a function with the
signature of `LossFunction` and enter it in `LOSSES`.

Notation: S are the scores of one row, y its class, delta the margin,
m_j = S_j - S_y + delta. At a kink (a margin of exactly 0) the subgradient taken is 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from svmtrain.objective.work import Classes, Floats, Work

__all__ = ["LOSSES", "Classes", "Floats", "Loss", "LossFunction"]

LossFunction = Callable[..., tuple[Floats, Floats]]
"""`function(scores, y, delta, work=None)`; see `Loss`."""


@dataclass(frozen=True)
class Loss:
    """One entry of `LOSSES`.

    Attributes
    ----------
    function : callable
        `function(scores, y, delta, work=None)` takes scores of shape (n, n_classes) and classes
        of shape (n,) as int64, and returns losses (n,) and dscores (n, n_classes) in the dtype of
        the scores. The inputs are left as they are. What is returned are arrays of the `Work`
        where one is given, so that a step makes none.
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

    def active(self, dscores: Floats, work: Work | None = None) -> int:
        """Count the hinges with a positive margin behind `dscores`, (n, n_classes)."""
        flags = None if work is None else work.flags
        count = int(np.count_nonzero(np.greater(dscores, 0, out=flags)))
        if self.own_term:
            count += int(np.count_nonzero(np.less(dscores, 0, out=flags)))
        return count


def _hinges(scores: Floats, y: Classes, delta: float, work: Work) -> Floats:
    """Return max(0, m_j) with 0 in the place of the true class, in `work.hinges`."""
    true = work.own(scores, y)
    hinges = np.subtract(scores, true[:, np.newaxis], out=work.hinges)
    hinges += scores.dtype.type(delta)
    work.put(hinges, y, 0)
    return np.maximum(hinges, 0, out=hinges)


def _balance(dscores: Floats, y: Classes, work: Work) -> None:
    """Give the true class, whose cells are 0, minus what the others have together."""
    work.put(dscores, y, work.minus_sums(dscores, work.per_row))


def weston_watkins(
    scores: Floats, y: Classes, delta: float, work: Work | None = None
) -> tuple[Floats, Floats]:
    """Every class that comes within delta of the true one costs its margin."""
    work = work or Work.like(scores)
    hinges = _hinges(scores, y, delta, work)
    np.copyto(work.dscores, np.greater(hinges, 0, out=work.flags))
    _balance(work.dscores, y, work)
    return work.sums(hinges, work.losses), work.dscores


def weston_watkins_squared(
    scores: Floats, y: Classes, delta: float, work: Work | None = None
) -> tuple[Floats, Floats]:
    """Every class that comes within delta of the true one costs its margin squared."""
    work = work or Work.like(scores)
    hinges = _hinges(scores, y, delta, work)
    np.multiply(hinges, 2, out=work.dscores)
    _balance(work.dscores, y, work)
    return work.sums(np.square(hinges, out=hinges), work.losses), work.dscores


def _worst(scores: Floats, y: Classes, delta: float, work: Work) -> tuple[Floats, Classes]:
    """Return the largest hinge a row, in `work.losses`, and the (first) class that has it."""
    hinges = _hinges(scores, y, delta, work)
    worst = np.argmax(hinges, axis=1, out=work.worst)
    np.copyto(work.losses, work.own(hinges, worst))
    return work.losses, worst


def _pair(slopes: Floats, y: Classes, worst: Classes, work: Work) -> Floats:
    """Return dscores with slopes (n,) for the worst class and minus that for the true one.

    Where they are the same class, the slope is 0. The slopes are changed.
    """
    dscores = work.dscores
    dscores.fill(0)
    work.put(dscores, worst, slopes)
    work.put(dscores, y, np.negative(slopes, out=slopes))
    return dscores


def crammer_singer(
    scores: Floats, y: Classes, delta: float, work: Work | None = None
) -> tuple[Floats, Floats]:
    """Only the worst class costs; the first of several equally bad ones takes the gradient."""
    work = work or Work.like(scores)
    losses, worst = _worst(scores, y, delta, work)
    np.sign(losses, out=work.per_row)
    return losses, _pair(work.per_row, y, worst, work)


def crammer_singer_squared(
    scores: Floats, y: Classes, delta: float, work: Work | None = None
) -> tuple[Floats, Floats]:
    """Only the worst class costs, its margin squared."""
    work = work or Work.like(scores)
    losses, worst = _worst(scores, y, delta, work)
    np.multiply(losses, 2, out=work.per_row)
    return np.square(losses, out=losses), _pair(work.per_row, y, worst, work)


def _signed_hinges(scores: Floats, y: Classes, delta: float, work: Work) -> Floats:
    """Return max(0, delta + S_j), and max(0, delta - S_y) for the true class."""
    hinges = np.add(scores, scores.dtype.type(delta), out=work.hinges)
    true = work.own(scores, y)
    work.put(hinges, y, np.subtract(scores.dtype.type(delta), true, out=true))
    return np.maximum(hinges, 0, out=hinges)


def _sign(dscores: Floats, y: Classes, work: Work) -> None:
    """Change the sign of the slope of the true class."""
    true = work.own(dscores, y)
    work.put(dscores, y, np.negative(true, out=true))


def one_vs_rest(
    scores: Floats, y: Classes, delta: float, work: Work | None = None
) -> tuple[Floats, Floats]:
    """One binary hinge a class: the true class wants a score above delta, others below."""
    work = work or Work.like(scores)
    hinges = _signed_hinges(scores, y, delta, work)
    np.copyto(work.dscores, np.greater(hinges, 0, out=work.flags))
    _sign(work.dscores, y, work)
    return work.sums(hinges, work.losses), work.dscores


def one_vs_rest_squared(
    scores: Floats, y: Classes, delta: float, work: Work | None = None
) -> tuple[Floats, Floats]:
    """One binary squared hinge a class."""
    work = work or Work.like(scores)
    hinges = _signed_hinges(scores, y, delta, work)
    np.multiply(hinges, 2, out=work.dscores)
    _sign(work.dscores, y, work)
    return work.sums(np.square(hinges, out=hinges), work.losses), work.dscores


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
