"""Circuits: nodes that keep their forward values, and the backward pass over them.

A node is made by a gate from the nodes before it, and its value is computed once, then and
there. `backward` walks the nodes in reverse order of their making, multiplies the gradient from
above into each gate's local gradient (the chain rule) and adds gradients up at forks. It starts
from a fresh table every time: nothing is left to be zeroed between calls.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from svmtrain.graph.gates import GATES, TIED, Array, Gate


class GraphError(ValueError):
    """A value outside a gate's domain, or shapes that do not fit; names the gate and the node."""


_serial = itertools.count()


class Node:
    """A value in a circuit, and how it came about.

    Attributes
    ----------
    name : str
    gate : str
        The name of the gate that made it; "input" or "constant" for those that none made.
    inputs : tuple of Node
    options : dict
        The options of the gate.
    value : ndarray of float64
    grad : ndarray of float64 or None
        The gradient, after `backward` of a node that depends on this one.
    """

    __slots__ = (
        "_memory",
        "_rule",
        "_serial",
        "gate",
        "grad",
        "inputs",
        "name",
        "options",
        "value",
    )
    __array_ufunc__ = None

    def __init__(
        self,
        gate: str,
        rule: Gate | Composite | None,
        inputs: tuple[Node, ...],
        options: Mapping[str, Any],
        value: ArrayLike | None,
        name: str | None,
    ) -> None:
        self._serial = next(_serial)
        self._rule = rule
        self._memory: Any = None
        self.gate = gate
        self.inputs = inputs
        self.options = dict(options)
        self.name = name if name is not None else f"n{self._serial}"
        self.grad: Array | None = None
        self.value: Array = self._compute() if rule is not None else _as_array(value, self.name)

    def _compute(self) -> Array:
        """Run the gate on the inputs' values; the only place where a gate goes forward."""
        values = [node.value for node in self.inputs]
        assert self._rule is not None
        try:
            problem = self._rule.complaint(values, self.options)
        except (ValueError, TypeError, OverflowError) as error:
            problem = f"an option is missing or of the wrong kind ({error})"
        if problem:
            raise GraphError(f"{self.gate} at {self.name}: {problem}")
        with np.errstate(all="ignore"):
            try:
                value, self._memory = self._rule.run(values, self.options)
            except GraphError:
                raise
            except (ValueError, TypeError, IndexError, OverflowError) as error:
                shapes = " and ".join(str(value.shape) for value in values)
                raise GraphError(
                    f"{self.gate} at {self.name}: inputs of shape {shapes} ({error})"
                ) from None
        if not np.isfinite(value).all():
            raise GraphError(f"{self.gate} at {self.name}: the result is not finite")
        return value

    def pull(self, gradient: Array) -> tuple[Array, ...]:
        """Return the gradient of each input, given that of this node; shapes as the inputs'."""
        values = [node.value for node in self.inputs]
        assert self._rule is not None
        with np.errstate(all="ignore"):
            parts = self._rule.pull(gradient, self.value, values, self.options, self._memory)
        if not all(np.isfinite(part).all() for part in parts):
            raise GraphError(f"{self.gate} at {self.name}: there is no finite gradient here")
        return tuple(
            unbroadcast(part, value.shape) if self._rule.elementwise else part
            for part, value in zip(parts, values, strict=True)
        )

    def backward(self, upstream: ArrayLike | None = None) -> None:
        """Set `grad` of this node and of every node that it depends on.

        Parameters
        ----------
        upstream : array_like, optional
            The gradient of this node, of its shape; ones if not given.
        """
        if upstream is None:
            seed = np.ones_like(self.value)
        else:
            seed = _as_array(upstream, "upstream")
            if seed.shape != self.value.shape:
                raise GraphError(
                    f"upstream of shape {seed.shape} for {self.name} of shape {self.value.shape}"
                )
        for node, gradient in gradients(self, seed).items():
            node.grad = gradient

    @property
    def tied(self) -> bool:
        """Whether an input of this gate sits exactly on its kink."""
        where = TIED.get(self.gate)
        if where is None:
            return False
        return bool(np.any(where(*(node.value for node in self.inputs))))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value."""
        return self.value.shape

    def __repr__(self) -> str:
        value = f"{self.value:.6g}" if self.value.ndim == 0 else f"shape {self.shape}"
        made = self.gate if not self.inputs else f"{self.gate}({', '.join(self.sources())})"
        return f"<{self.name} = {made}: {value}>"

    def sources(self) -> list[str]:
        """Return the names of the inputs."""
        return [node.name for node in self.inputs]

    def named(self, name: str) -> Node:
        """Give the node a name, and return it."""
        self.name = name
        return self

    def __add__(self, other: Operand) -> Node:
        return apply("add", self, other)

    def __radd__(self, other: Operand) -> Node:
        return apply("add", other, self)

    def __sub__(self, other: Operand) -> Node:
        return apply("subtract", self, other)

    def __rsub__(self, other: Operand) -> Node:
        return apply("subtract", other, self)

    def __mul__(self, other: Operand) -> Node:
        return apply("multiply", self, other)

    def __rmul__(self, other: Operand) -> Node:
        return apply("multiply", other, self)

    def __truediv__(self, other: Operand) -> Node:
        return apply("divide", self, other)

    def __rtruediv__(self, other: Operand) -> Node:
        return apply("divide", other, self)

    def __matmul__(self, other: Operand) -> Node:
        return apply("matmul", self, other)

    def __rmatmul__(self, other: Operand) -> Node:
        return apply("matmul", other, self)

    def __pow__(self, exponent: float) -> Node:
        return apply("power", self, exponent=float(exponent))

    def __neg__(self) -> Node:
        return apply("negate", self)

    def __abs__(self) -> Node:
        return apply("abs", self)

    @property
    def T(self) -> Node:
        """The transpose of a matrix."""
        return apply("transpose", self)


Operand = Node | ArrayLike


def _as_array(value: ArrayLike | None, name: str) -> Array:
    try:
        array = np.array(value, dtype=np.float64)
    except (ValueError, TypeError):
        raise GraphError(f"{name} is not a number or an array of numbers") from None
    if not np.isfinite(array).all():
        raise GraphError(f"{name} is not finite")
    return array


def Variable(value: ArrayLike, name: str | None = None) -> Node:
    """Return an input of a circuit: a number or an array, with a name."""
    return Node("input", None, (), {}, value, name)


def constant(value: ArrayLike, name: str | None = None) -> Node:
    """Return a constant: like an input, but nobody asks for its gradient."""
    node = Node("constant", None, (), {}, value, name)
    if name is None:
        node.name = f"{node.value:g}" if node.value.ndim == 0 else node.name
    return node


def apply(gate: str | Composite, *inputs: Operand, name: str | None = None, **options: Any) -> Node:
    """Return the node that a gate makes of some inputs; numbers become constants.

    Raises
    ------
    GraphError
        For an unknown gate or option, a wrong number of inputs, or inputs outside its domain.
    """
    rule = gate if isinstance(gate, Composite) else GATES.get(gate)
    called = gate.name if isinstance(gate, Composite) else gate
    if rule is None:
        raise GraphError(f"there is no gate {called!r}")
    if len(inputs) != rule.arity:
        raise GraphError(f"{called} takes {rule.arity} inputs, got {len(inputs)}")
    unknown = set(options) - set(rule.options)
    if unknown:
        raise GraphError(f"{called} has no option {sorted(unknown)[0]!r}")
    nodes = tuple(node if isinstance(node, Node) else constant(node) for node in inputs)
    return Node(called, rule, nodes, options, None, name)


def ancestors(output: Node) -> list[Node]:
    """Return the nodes that `output` depends on, itself included, in the order of their making."""
    found = {output}
    waiting = [output]
    while waiting:
        for node in waiting.pop().inputs:
            if node not in found:
                found.add(node)
                waiting.append(node)
    return sorted(found, key=lambda node: node._serial)


def number(output: Node) -> None:
    """Name the nodes without a name of their own n1, n2... by their place in the circuit.

    They are then called the same whatever other circuits there were before.
    """
    unnamed = [node for node in ancestors(output) if node.name == f"n{node._serial}"]
    for place, node in enumerate(unnamed, start=1):
        node.name = f"n{place}"


def gradients(output: Node, seed: Array) -> dict[Node, Array]:
    """Return the gradient of every node that `output` depends on, given its own."""
    table: dict[Node, Array] = {output: seed}
    for node in reversed(ancestors(output)):
        gradient = table.setdefault(node, np.zeros_like(node.value))
        if node.inputs:
            for source, part in zip(node.inputs, node.pull(gradient), strict=True):
                table[source] = table[source] + part if source in table else np.array(part)
    return table


def unbroadcast(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Sum a gradient over the axes along which an input of this shape was repeated."""
    extra = gradient.ndim - len(shape)
    summed = gradient.sum(axis=tuple(range(extra))) if extra else gradient
    stretched = tuple(
        axis for axis, size in enumerate(shape) if size == 1 and summed.shape[axis] != 1
    )
    return np.asarray(summed.sum(axis=stretched, keepdims=True) if stretched else summed)


class Composite:
    """A gate made of gates: its circuit is built when it goes forward, and kept for the way back.

    Parameters
    ----------
    name : str
    function : callable
        From input nodes to the output node.
    arity : int
    """

    options: tuple[str, ...] = ()
    elementwise = False

    def __init__(self, name: str, function: Callable[..., Node], arity: int) -> None:
        self.name = name
        self.function = function
        self.arity = arity

    def complaint(self, values: Sequence[Array], options: Mapping[str, Any]) -> str | None:
        """Return None: the gates inside speak for themselves."""
        return None

    def run(self, values: Sequence[Array], options: Mapping[str, Any]) -> tuple[Array, Any]:
        """Return the value, and the inner circuit to go back through."""
        inputs = [Variable(value) for value in values]
        output = self.function(*inputs)
        if not isinstance(output, Node):
            raise GraphError(f"{self.name}: a gate made of gates must return a node")
        first = inputs[0]._serial
        outside = [n for n in ancestors(output) if n._serial < first and n.gate != "constant"]
        if outside:
            raise GraphError(
                f"{self.name}: uses {outside[0].name}, which is not among its inputs, and whose "
                "gradient would be lost"
            )
        return output.value, (inputs, output)

    def pull(
        self,
        gradient: Array,
        out: Array,
        values: Sequence[Array],
        options: Mapping[str, Any],
        memory: Any,
    ) -> tuple[Array, ...]:
        """Return the gradient of each input through the inner circuit."""
        inputs, output = memory
        table = gradients(output, gradient)
        return tuple(table.get(node, np.zeros_like(node.value)) for node in inputs)


def compose(name: str, function: Callable[..., Node], arity: int = 1) -> Composite:
    """Group gates into one: `compose("softplus", lambda x: log(1 + exp(x)))`."""
    return Composite(name, function, arity)


def evaluate(output: Node, values: Mapping[Node, Array]) -> Array:
    """Return what `output` would be with other values for some inputs; the circuit stays as is."""
    computed: dict[Node, Node] = {}
    for node in ancestors(output):
        if node.inputs and node._rule is not None:
            sources = tuple(computed[source] for source in node.inputs)
            computed[node] = Node(node.gate, node._rule, sources, node.options, None, node.name)
        else:
            computed[node] = constant(values.get(node, node.value), node.name)
    return computed[output].value


def leaves(nodes: Sequence[Node]) -> Iterator[Node]:
    """Yield the inputs among some nodes; constants are not inputs."""
    return (node for node in nodes if node.gate == "input")
