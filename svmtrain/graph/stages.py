"""A circuit as a table of its stages, and its gradients against numeric ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.graph.circuit import GraphError, Node, ancestors, evaluate, leaves

Array = NDArray[np.float64]
INLINE = 4
WHOLE = 64
CHECKED = 2_000


@dataclass(frozen=True)
class Stage:
    """A line of the table.

    Attributes
    ----------
    node, operation : str
        `q`, `add(x, y)`.
    value, gradient : ndarray of float64
    tie : bool
        Whether an input sits exactly on the kink of the gate.
    """

    node: str
    operation: str
    value: Array
    gradient: Array
    tie: bool

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "node": self.node,
            "operation": self.operation,
            "value": self.value.tolist(),
            "gradient": self.gradient.tolist(),
            "tie": self.tie,
        }


def operation(node: Node) -> str:
    """Return how a node came about, as a call."""
    if not node.inputs:
        return node.gate
    options = [f"{key}={_short(value)}" for key, value in node.options.items()]
    return f"{node.gate}({', '.join([*node.sources(), *options])})"


def _short(value: Any) -> str:
    text = repr(value.tolist() if isinstance(value, np.ndarray) else value)
    return text if len(text) <= 24 else f"{text[:20]}...]"


def stages(output: Node, upstream: Array | None = None) -> list[Stage]:
    """Run the backward pass and return every node but the constants, in forward order."""
    output.backward(upstream)
    return [
        Stage(node.name, operation(node), node.value, _gradient(node), node.tied)
        for node in ancestors(output)
        if node.gate != "constant"
    ]


def _gradient(node: Node) -> Array:
    return np.zeros_like(node.value) if node.grad is None else node.grad


def show(array: Array, digits: int = 6) -> str:
    """Return an array in the room of a cell: whole if it is small, or its shape and length."""
    if array.ndim == 0:
        return f"{float(array) + 0.0:.{digits}g}"
    if array.size <= INLINE:
        return np.array2string(array + 0.0, precision=digits, separator=", ").replace("\n", "")
    return f"{'x'.join(map(str, array.shape))}, norm {float(np.sqrt(np.square(array).sum())):.4g}"


def show_whole(array: Array, digits: int = 6) -> str:
    """Return an array of moderate size in full, on several lines; a larger one as `show` does."""
    if array.ndim == 0 or array.size > WHOLE:
        return show(array, digits)
    return np.array2string(array + 0.0, precision=digits, separator=", ", suppress_small=False)


@dataclass(frozen=True)
class Comparison:
    """A gradient of an input held against central differences.

    Attributes
    ----------
    node : str
    worst : float
        Largest distance from the slope, or where a gate sits on a kink from the slopes to both
        sides, over the elements, relative to the larger of the two values and 1.
    checked : int
    """

    node: str
    worst: float
    checked: int


def compare(output: Node, upstream: Array | None = None, step: float = 1e-5) -> list[Comparison]:
    """Hold the gradient of every input against central differences; `stages` must have run.

    Raises
    ------
    GraphError
        When the inputs have more elements than can be checked one by one.
    """
    inputs = list(leaves(ancestors(output)))
    if sum(node.value.size for node in inputs) > CHECKED:
        raise GraphError(f"--check takes at most {CHECKED:,} input elements")
    weight = np.ones_like(output.value) if upstream is None else upstream
    return [_compare_one(output, node, weight, step) for node in inputs]


def _compare_one(output: Node, node: Node, weight: Array, step: float) -> Comparison:
    analytic = _gradient(node)
    tied = any(other.tied for other in ancestors(output))
    worst = 0.0
    for index in _indices(node.value):
        h = step * (abs(float(node.value[index])) or 1.0)
        values = []
        for sign in (1, 0, -1):
            moved = node.value.copy()
            moved[index] += sign * h
            values.append(float((weight * evaluate(output, {node: moved})).sum()))
        slopes = [(values[0] - values[1]) / h, (values[1] - values[2]) / h]
        if not tied:
            slopes = [(values[0] - values[2]) / (2 * h)]
        error = max(min(slopes) - analytic[index], analytic[index] - max(slopes), 0.0)
        error /= max(1.0, *map(abs, slopes), abs(analytic[index]))
        worst = max(worst, float(error))
    return Comparison(node.name, worst, node.value.size)


def _indices(array: Array) -> Iterator[tuple[int, ...]]:
    return iter(np.ndindex(array.shape))
