"""Gates made of other gates: what one gate of `GATES` does, split into its stages.

Each is equal to the gate of the same name, in value and in gradient (away from kinks); the tests
walk the table.
"""

from __future__ import annotations

from svmtrain.graph.circuit import Composite, Node, apply, compose


def _subtract(x: Node, y: Node) -> Node:
    return x + -y


def _divide(x: Node, y: Node) -> Node:
    return x * apply("reciprocal", y)


def _min(x: Node, y: Node) -> Node:
    return -apply("max", -x, -y)


def _relu(x: Node) -> Node:
    return apply("max", x, 0.0)


def _abs(x: Node) -> Node:
    return apply("max", x, -x)


def _square(x: Node) -> Node:
    return x * x


def _sqrt(x: Node) -> Node:
    return apply("exp", 0.5 * apply("log", x))


def _sigmoid(x: Node) -> Node:
    return apply("reciprocal", 1.0 + apply("exp", -x))


def _tanh(x: Node) -> Node:
    return 2.0 * apply("sigmoid", 2.0 * x) - 1.0


def _mean(x: Node) -> Node:
    return apply("sum", x) / x.value.size


def _dot(x: Node, y: Node) -> Node:
    return apply("sum", x * y)


COMPOSITES: dict[str, Composite] = {
    "subtract": compose("subtract", _subtract, 2),
    "divide": compose("divide", _divide, 2),
    "min": compose("min", _min, 2),
    "relu": compose("relu", _relu),
    "abs": compose("abs", _abs),
    "square": compose("square", _square),
    "sqrt": compose("sqrt", _sqrt),
    "sigmoid": compose("sigmoid", _sigmoid),
    "tanh": compose("tanh", _tanh),
    "mean": compose("mean", _mean),
    "dot": compose("dot", _dot, 2),
}
