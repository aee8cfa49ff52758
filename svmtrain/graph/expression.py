"""Expressions as text, turned into circuits. Nothing is evaluated by Python.

The text is parsed by Python's `ast`, and only what stands in the tables below is allowed: names,
numbers, lists of numbers, the operators + - * / ** @, `.T`, and calls of gates. A staged
computation is one assignment a line; the last one is the output.
"""

from __future__ import annotations

import ast
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.errors import shown
from svmtrain.graph.circuit import GraphError, Node, Variable, apply, constant
from svmtrain.graph.gates import GATES

Array = NDArray[np.float64]

BINARY: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.MatMult: "matmul",
}
FILLED = ("randn", "ones", "zeros")
TEXT_LIMIT = 1 << 16
ELEMENT_LIMIT = 1 << 20
RESULT_LIMIT = 1 << 22
UPSTREAM = "upstream"


class ExpressionError(ValueError):
    """A text that is not an allowed expression; `line` and `column` are counted from 1."""

    def __init__(self, problem: str, node: ast.AST | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line: int | None = getattr(node, "lineno", None)
        column = getattr(node, "col_offset", None)
        self.column: int | None = None if column is None else column + 1


@dataclass
class Parsed:
    """A circuit made from a text.

    Attributes
    ----------
    output : Node
    upstream : ndarray or None
        The gradient given for the output.
    variables : dict
        The named inputs and stages, in order.
    """

    output: Node
    upstream: Array | None = None
    variables: dict[str, Node] = field(default_factory=dict)


def parse(text: str, values: Mapping[str, Any] | None = None, seed: int = 0) -> Parsed:
    """Return the circuit of an expression, or of staged assignments.

    Parameters
    ----------
    text : str
        `(x + y) * z`, or lines like `q = x + y`. A line `upstream = ...` gives the gradient of
        the output.
    values : mapping, optional
        Numbers or arrays for the names that the text uses and does not assign.
    seed : int
        Of `randn`.

    Raises
    ------
    ExpressionError
        For anything that is not allowed.
    GraphError
        For values outside a gate's domain, or shapes that do not fit.
    """
    if len(text) > TEXT_LIMIT:
        raise ExpressionError(f"the text is longer than {TEXT_LIMIT:,} characters")
    try:
        tree = ast.parse(text)
        return _Builder(values or {}, seed).module(tree)
    except SyntaxError as error:
        problem = ExpressionError(f"not an expression: {error.msg}")
        problem.line, problem.column = error.lineno, error.offset
        raise problem from None
    except (RecursionError, MemoryError):
        raise ExpressionError("the expression is nested too deeply") from None
    except ValueError as error:
        if isinstance(error, ExpressionError | GraphError):
            raise
        raise ExpressionError(f"not an expression: {error}") from None


def parse_value(text: str, seed: int = 0, name: str = "") -> Array:
    """Return the array that a text like `-2`, `[[1, 2], [3, 4]]` or `randn(5, 10)` stands for.

    What `randn` gives depends on the seed and on `name`, so that two names get other numbers.

    Raises
    ------
    ExpressionError
        When it is anything else.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ExpressionError("expected a number or a list of numbers") from None
    return _Builder({}, seed, name).literal(tree.body)


def _size(gate: str, inputs: Sequence[Node]) -> int:
    """Return how many numbers a gate would give, 0 when its shapes do not fit."""
    shapes = [node.shape for node in inputs]
    if gate == "matmul" and len(shapes) == 2 and all(len(shape) == 2 for shape in shapes):
        return shapes[0][0] * shapes[1][1]
    try:
        return math.prod(np.broadcast_shapes(*shapes))
    except ValueError:
        return 0


class _Builder:
    """Walks a syntax tree and makes nodes."""

    def __init__(self, values: Mapping[str, Any], seed: int, stream: str = "") -> None:
        self.names: dict[str, Node] = {}
        self.values = dict(values)
        self.random = np.random.Generator(
            np.random.Philox(key=np.array([seed, zlib.crc32(stream.encode())], dtype=np.uint64))
        )
        self.count = 0

    def module(self, tree: ast.Module) -> Parsed:
        upstream: Array | None = None
        output: Node | None = None
        for statement in tree.body:
            if isinstance(statement, ast.Expr):
                output = self.build(statement.value)
                if output.name.startswith("n") and output.gate not in ("input", "constant"):
                    output.name = self._fresh("f")
            elif isinstance(statement, ast.Assign):
                name = self._target(statement)
                if name == UPSTREAM:
                    upstream = self.literal(statement.value)
                    continue
                output = self.assign(name, statement.value)
            else:
                raise ExpressionError("only expressions and assignments are allowed", statement)
        if output is None:
            raise ExpressionError("there is no expression")
        unused = sorted(set(self.values) - set(self.names))
        if unused:
            raise ExpressionError(f"the expression has no {shown(unused[0])}")
        return Parsed(output, upstream, self.names)

    def _fresh(self, name: str) -> str:
        while name in self.names:
            name += "_"
        return name

    def _target(self, statement: ast.Assign) -> str:
        target = statement.targets[0]
        if len(statement.targets) != 1 or not isinstance(target, ast.Name):
            raise ExpressionError("a line assigns to one name", statement)
        if target.id in self.names:
            raise ExpressionError(f"{shown(target.id)} is assigned twice", target)
        if target.id in GATES or target.id in FILLED:
            raise ExpressionError(f"{target.id!r} is the name of a gate", target)
        return target.id

    def assign(self, name: str, value: ast.expr) -> Node:
        """Make the node of an assignment; a plain value becomes an input."""
        literal = self.try_literal(value)
        if literal is not None:
            if name in self.values:
                literal = np.asarray(self.values[name], dtype=float)
            node = Variable(literal, name)
        else:
            node = self.build(value)
            if node.gate == "input" or node.name in self.names:
                problem = f"{shown(name)} is only another name for {shown(node.name)}"
                raise ExpressionError(problem, value)
            node.name = name
        self.names[name] = node
        return node

    def build(self, node: ast.expr) -> Node:
        """Return the node of an expression."""
        literal = self.try_literal(node)
        if literal is not None:
            return constant(literal) if literal.ndim == 0 else constant(literal, self._numbered())
        if isinstance(node, ast.Name):
            return self.look_up(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return self.make("negate", node, self.build(node.operand))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd):
            return self.build(node.operand)
        if isinstance(node, ast.BinOp):
            return self.binary(node)
        if isinstance(node, ast.Attribute) and node.attr == "T":
            return self.make("transpose", node, self.build(node.value))
        if isinstance(node, ast.Call):
            return self.call(node)
        raise ExpressionError(f"{type(node).__name__} is not allowed in an expression", node)

    def look_up(self, node: ast.Name) -> Node:
        if node.id not in self.names:
            if node.id not in self.values:
                problem = f"{shown(node.id)} has no value (give {shown(node.id)[1:-1]}=NUMBER)"
                raise ExpressionError(problem, node)
            self.names[node.id] = Variable(self.values[node.id], node.id)
        return self.names[node.id]

    def binary(self, node: ast.BinOp) -> Node:
        if isinstance(node.op, ast.Pow):
            exponent = self.try_literal(node.right)
            if exponent is None or exponent.ndim:
                raise ExpressionError("the exponent must be a constant number", node.right)
            return self.make("power", node, self.build(node.left), exponent=float(exponent))
        gate = BINARY.get(type(node.op))
        if gate is None:
            raise ExpressionError(f"the operator {type(node.op).__name__} is not allowed", node)
        return self.make(gate, node, self.build(node.left), self.build(node.right))

    def call(self, node: ast.Call) -> Node:
        name = node.func.id if isinstance(node.func, ast.Name) else None
        if name not in GATES:
            known = ", ".join(GATES)
            called = "that" if name is None else shown(name)[1:-1]
            raise ExpressionError(f"{called} is not a gate; the gates are {known}", node)
        options = {}
        for keyword in node.keywords:
            if keyword.arg not in GATES[name].options:
                raise ExpressionError(f"{name} has no option {shown(keyword.arg)}", node)
            options[keyword.arg] = self.option(keyword.value)
        return self.make(name, node, *(self.build(argument) for argument in node.args), **options)

    def make(self, gate: str, where: ast.expr, *inputs: Node, **options: Any) -> Node:
        name = self._numbered()
        if _size(gate, inputs) > RESULT_LIMIT:
            raise ExpressionError(f"{gate} would give more than {RESULT_LIMIT:,} numbers", where)
        try:
            return apply(gate, *inputs, name=name, **options)
        except TypeError:
            raise ExpressionError(f"{gate} lacks an option", where) from None

    def _numbered(self) -> str:
        self.count += 1
        return f"n{self.count}"

    def option(self, node: ast.expr) -> Any:
        """Return the value of an option: a text, a whole number, or a list of them."""
        try:
            value = ast.literal_eval(node)
        except (ValueError, TypeError, SyntaxError):
            raise ExpressionError("an option must be a plain value", node) from None
        return value

    def literal(self, node: ast.expr) -> Array:
        value = self.try_literal(node)
        if value is None:
            raise ExpressionError("expected a number or a list of numbers", node)
        return value

    def try_literal(self, node: ast.expr) -> Array | None:
        """Return the value of a number, a list of numbers, or `randn(...)`; None for others."""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return self.filled(node) if node.func.id in FILLED else None
        try:
            value = ast.literal_eval(node)
        except (ValueError, TypeError, SyntaxError, MemoryError):
            return None
        if isinstance(value, bool) or not isinstance(value, int | float | list):
            raise ExpressionError("expected a number or a list of numbers", node)
        try:
            array = np.array(value, dtype=np.float64)
        except (ValueError, TypeError, OverflowError):
            problem = "the rows of a matrix must be numbers, equally many"
            raise ExpressionError(problem, node) from None
        return array

    def filled(self, node: ast.Call) -> Array:
        """Return `randn(5, 10)`, `ones(3)` or `zeros(2, 2)`."""
        shape = [self.option(argument) for argument in node.args]
        whole = all(isinstance(size, int) and 0 < size <= ELEMENT_LIMIT for size in shape)
        if not whole or node.keywords or int(np.prod(shape, dtype=object)) > ELEMENT_LIMIT:
            raise ExpressionError("expected sizes, such as randn(5, 10)", node)
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name == "randn":
            return np.asarray(self.random.standard_normal(shape))
        return np.full(shape, 1.0 if name == "ones" else 0.0)
