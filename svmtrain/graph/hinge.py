"""The losses out of gates: the same objectives as in `svmtrain.objective`, made apart from it.

Nothing here is imported from there; the two agree, or one of them is wrong.

With S = X W + b and the mask T of the true classes, the margins are M = S - S_y + delta (for one
against rest, delta - S at the true class and delta + S elsewhere), the hinges H = max(M, 0) with
the true class left out, and a loss is a sum, or a maximum, of hinges or of their squares.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from svmtrain.graph.circuit import Node, Variable, apply, constant, number

Array = NDArray[np.float64]


@dataclass(frozen=True)
class HingeCircuit:
    """The nodes of an objective that one may want to look at.

    Attributes
    ----------
    X, W, b : Node
        The inputs: (n, n_features), (n_features, n_classes), (1, n_classes).
    scores, margins, hinges : Node
        (n, n_classes).
    losses : Node
        Weighted, (n,).
    data : Node
        Mean of the losses.
    penalty, objective : Node
    """

    X: Node
    W: Node
    b: Node
    scores: Node
    margins: Node
    hinges: Node
    losses: Node
    data: Node
    penalty: Node
    objective: Node


def _against_true(scores: Node, y: NDArray[np.int64], truth: Array, delta: float) -> Node:
    """Return the margins S_j - S_y + delta, (n, n_classes)."""
    own = apply("reshape", apply("take", scores, classes=y), shape=(len(y), 1))
    return scores - own.named("true_scores") + delta


def _signed(scores: Node, y: NDArray[np.int64], truth: Array, delta: float) -> Node:
    """Return the margins of one against rest, (n, n_classes)."""
    return scores * constant(1 - 2 * truth, "sign") + delta


def _positive(margins: Node, left_out: Array | None) -> Node:
    """Return max(M, 0), with 0 where the true class is left out."""
    hinges = apply("max", margins, 0.0)
    return hinges if left_out is None else hinges * constant(1 - left_out, "others")


def _sum(hinges: Node) -> Node:
    return apply("sum", hinges, axis=1)


def _worst(hinges: Node) -> Node:
    """Return the largest hinge of each row; at a tie the first has it."""
    columns = apply("transpose", hinges)
    worst = apply("take", columns, rows=0)
    for column in range(1, hinges.shape[1]):
        worst = apply("max", worst, apply("take", columns, rows=column), ties="first")
    return worst


@dataclass(frozen=True)
class _Recipe:
    margins: Callable[[Node, NDArray[np.int64], Array, float], Node]
    reduce: Callable[[Node], Node]
    squared: bool = False
    own: bool = False


RECIPES: dict[str, _Recipe] = {
    "weston_watkins": _Recipe(_against_true, _sum),
    "weston_watkins_squared": _Recipe(_against_true, _sum, squared=True),
    "crammer_singer": _Recipe(_against_true, _worst),
    "crammer_singer_squared": _Recipe(_against_true, _worst, squared=True),
    "one_vs_rest": _Recipe(_signed, _sum, own=True),
    "one_vs_rest_squared": _Recipe(_signed, _sum, squared=True, own=True),
}


def build(
    loss: str,
    X: ArrayLike,
    y: NDArray[np.int64],
    W: ArrayLike,
    b: ArrayLike,
    *,
    delta: float = 1.0,
    lam: float = 0.0,
    bias: str = "regularized",
    class_weight: ArrayLike | None = None,
) -> HingeCircuit:
    """Return the circuit of an objective.

    Parameters
    ----------
    loss : str
        A name in `RECIPES`.
    X, y, W, b : array_like
        (n, n_features), (n,) of classes, (n_features, n_classes), (n_classes,).
    delta, lam : float
    bias : str
        "none", "regularized" or "free".
    class_weight : array_like (n_classes,), optional

    Raises
    ------
    GraphError
        When shapes do not fit.
    """
    recipe = RECIPES[loss]
    y = np.asarray(y)
    x, w = Variable(X, "X"), Variable(W, "W")
    bias_row = Variable(np.reshape(np.asarray(b, dtype=float), (1, -1)), "b")
    truth = np.zeros((len(y), w.shape[1]))
    truth[np.arange(len(y)), y] = 1
    product = (x @ w).named("XW")
    scores = product if bias == "none" else (product + bias_row).named("scores")
    margins = recipe.margins(scores, y, truth, delta).named("margins")
    hinges = _positive(margins, None if recipe.own else truth).named("hinges")
    costs = recipe.reduce(hinges)
    if recipe.squared and recipe.reduce is _sum:
        costs = recipe.reduce(apply("square", hinges, name="squares"))
    elif recipe.squared:
        costs = apply("square", costs, name="squares")
    if class_weight is not None:
        costs = costs * constant(np.asarray(class_weight, dtype=float)[y], "class_weight")
    losses = costs.named("losses")
    data = apply("mean", losses, name="data")
    norm = apply("sum", apply("square", w, name="W2"), name="norm")
    if bias == "regularized":
        norm = norm + apply("sum", apply("square", bias_row, name="b2"), name="norm_b")
    penalty = (lam * norm).named("penalty")
    objective = (data + penalty).named("objective")
    number(objective)
    return HingeCircuit(x, w, bias_row, scores, margins, hinges, losses, data, penalty, objective)
