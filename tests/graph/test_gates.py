"""Every gate of the table: its local gradient, its domain, its ties."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from svmtrain.graph import COMPOSITES, GATES, GraphError, Node, Variable, apply
from svmtrain.graph.circuit import evaluate
from svmtrain.graph.stages import compare, stages

RANDOM = np.random.default_rng(7)


def anywhere(*shape: int) -> np.ndarray:
    """Return numbers of both signs, none near 0."""
    sign = np.where(RANDOM.random(shape) < 0.5, -1.0, 1.0)
    return sign * RANDOM.uniform(0.3, 2.0, shape)


def positive(*shape: int) -> np.ndarray:
    return RANDOM.uniform(0.3, 2.0, shape)


ELEMENTWISE: dict[str, tuple[Callable[..., np.ndarray], dict[str, Any]]] = {
    "log": (positive, {}),
    "sqrt": (positive, {}),
    "power": (positive, {"exponent": 2.5}),
}
OTHERS: dict[str, list[tuple[list[np.ndarray], dict[str, Any]]]] = {
    "sum": [
        ([anywhere(3, 4)], {}),
        ([anywhere(3, 4)], {"axis": 0}),
        ([anywhere(2, 3, 4)], {"axis": -1}),
        ([anywhere(2, 3, 4)], {"axis": (0, 2)}),
    ],
    "mean": [
        ([anywhere(2, 3, 4)], {"axis": (0, -1)}),
        ([anywhere(3, 4)], {}),
        ([anywhere(3, 4)], {"axis": 1}),
        ([anywhere(5)], {"axis": 0}),
    ],
    "matmul": [([anywhere(3, 4), anywhere(4, 2)], {}), ([anywhere(1, 4), anywhere(4, 1)], {})],
    "dot": [([anywhere(5), anywhere(5)], {}), ([anywhere(1), anywhere(1)], {})],
    "transpose": [([anywhere(3, 4)], {})],
    "reshape": [([anywhere(3, 4)], {"shape": (2, 6)}), ([anywhere(4)], {"shape": (4, 1)})],
    "take": [
        ([anywhere(4, 3)], {"rows": [2, 0, 2]}),
        ([anywhere(4, 3)], {"rows": 1}),
        ([anywhere(4, 3)], {"classes": np.array([2, 0, 1, 1])}),
    ],
}
SHAPES = {
    1: [[()], [(4,)], [(3, 4)]],
    2: [[(), ()], [(3, 4), (3, 4)], [(3, 4), (4,)], [(3, 1), (1, 4)], [(), (2, 3)], [(2, 3), (1,)]],
}


def cases(name: str) -> list[tuple[list[np.ndarray], dict[str, Any]]]:
    """Return inputs and options in the domain of a gate, with and without broadcasting."""
    if name in OTHERS:
        return OTHERS[name]
    draw, options = ELEMENTWISE.get(name, (anywhere, {}))
    return [([draw(*shape) for shape in shapes], options) for shapes in SHAPES[GATES[name].arity]]


@pytest.mark.parametrize("name", GATES)
def test_the_local_gradient_of_every_gate_is_the_numeric_one(name: str) -> None:
    """With and without broadcasting; each input apart, through a random upstream gradient."""
    for arrays, options in cases(name):
        nodes = [Variable(array, f"x{i}") for i, array in enumerate(arrays)]
        output = apply(name, *nodes, **options)
        upstream = anywhere(*output.shape)
        stages(output, upstream)
        for comparison in compare(output, upstream):
            assert comparison.worst < 1e-8, (name, comparison, [a.shape for a in arrays], options)
        assert all(node.grad is not None and node.grad.shape == node.shape for node in nodes)


@pytest.mark.parametrize("name", GATES)
def test_every_gate_says_its_formula_and_domain_in_a_line(name: str) -> None:
    """The table is its own documentation."""
    about = GATES[name].about
    assert ";" in about
    assert "\n" not in about


@pytest.mark.parametrize("name", COMPOSITES)
def test_a_composite_equals_the_gate_of_its_name(name: str) -> None:
    """Grouped or split, a function has the same value and the same gradient."""
    composite, gate = COMPOSITES[name], GATES[name]
    draw = positive if name in ("sqrt", "log") else anywhere
    shape = (4,) if name == "dot" else (3, 4)
    arrays = [draw(*shape) for _ in range(gate.arity)]
    results = []
    for one in (composite, name):
        nodes = [Variable(array) for array in arrays]
        output = apply(one, *nodes)
        upstream = np.linspace(-1, 2, output.value.size).reshape(output.shape)
        output.backward(upstream)
        results.append((output.value, [node.grad for node in nodes]))
    (value, grads), (expected, expected_grads) = results
    np.testing.assert_allclose(value, expected, rtol=1e-14)
    for grad, expected_grad in zip(grads, expected_grads, strict=True):
        np.testing.assert_allclose(grad, expected_grad, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(
    ("gate", "ties", "expected"),
    [
        ("max", "second", (0, 1)),
        ("max", "first", (1, 0)),
        ("max", "both", (1, 1)),
        ("min", "second", (0, 1)),
        ("min", "first", (1, 0)),
        ("min", "both", (1, 1)),
    ],
)
def test_a_tie_goes_where_the_gate_was_told(
    gate: str, ties: str, expected: tuple[int, int]
) -> None:
    """`both` is the formula as it is often written, and gives twice too much."""
    x, y = Variable(2.0, "x"), Variable(2.0, "y")
    f = apply(gate, x, y, ties=ties)
    f.backward()
    assert (float(x.grad), float(y.grad)) == expected
    assert f.tied


def test_a_hinge_at_its_kink_has_gradient_zero() -> None:
    """max(margin, 0) at margin 0: the default tie rule gives the subgradient 0."""
    margin = Variable(0.0, "margin")
    apply("max", margin, 0.0).backward()
    assert float(margin.grad) == 0


@pytest.mark.parametrize(
    ("gate", "values", "options", "message"),
    [
        ("log", [-1.0], {}, "log at q: the logarithm of -1"),
        ("log", [0.0], {}, "log at q: the logarithm of 0"),
        ("divide", [1.0, 0.0], {}, "divide at q: the divisor is 0"),
        ("reciprocal", [0.0], {}, "reciprocal at q: the divisor is 0"),
        ("sqrt", [-4.0], {}, "sqrt at q: the square root of -4"),
        ("power", [-2.0], {"exponent": 0.5}, "power at q: a negative number to the power 0.5"),
        ("power", [0.0], {"exponent": -1}, "power at q: 0 to the power -1"),
        ("power", [2.0], {}, "power at q: an option is missing"),
        ("power", [2.0], {"exponent": float("inf")}, "power at q: the power inf"),
        ("exp", [1000.0], {}, "exp at q: the result is not finite"),
        ("matmul", [[[1.0, 2]], [[1.0, 2]]], {}, r"matmul at q: .* \(1, 2\) and \(1, 2\)"),
        ("dot", [[1.0, 2], [1.0]], {}, r"dot at q: .* \(2,\) and \(1,\)"),
        ("add", [[1.0, 2], [1.0, 2, 3]], {}, r"add at q: inputs of shape \(2,\) and \(3,\)"),
        ("transpose", [[1.0, 2]], {}, r"transpose at q: .* shape \(2,\)"),
        ("reshape", [[1.0, 2]], {"shape": (3,)}, r"reshape at q: shape \(3,\) for 2 elements"),
        ("sum", [[1.0, 2]], {"axis": 1}, "sum at q: axis 1 of"),
        ("take", [[1.0, 2]], {"rows": [2]}, r"take at q: an index outside 0 \.\.\. 1"),
        ("take", [[1.0, 2]], {"rows": [-1]}, "take at q: an index outside"),
        ("take", [[[1.0, 2]]], {"classes": [0, 1]}, "take at q: 2 classes for 1 rows"),
        ("max", [1.0, 2.0], {"ties": "none"}, "max at q: ties must be one of second, first, both"),
    ],
)
def test_outside_its_domain_a_gate_names_itself_and_the_node(
    gate: str, values: list[Any], options: dict[str, Any], message: str
) -> None:
    """Wrong shapes and domains are errors at the gate, not numbers further on."""
    with pytest.raises(GraphError, match=message):
        apply(gate, *values, name="q", **options)


def test_a_gradient_that_does_not_exist_is_an_error_too() -> None:
    """The square root has a value at 0 and no slope."""
    root = apply("sqrt", Variable(0.0, "x"), name="root")
    assert float(root.value) == 0
    with pytest.raises(GraphError, match="sqrt at root: there is no finite gradient here"):
        root.backward()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: apply("sine", 1.0), "there is no gate 'sine'"),
        (lambda: apply("add", 1.0), "add takes 2 inputs, got 1"),
        (lambda: apply("exp", 1.0, base=2), "exp has no option 'base'"),
        (lambda: Variable("x", "v"), "v is not a number"),
        (lambda: Variable(np.nan, "v"), "v is not finite"),
    ],
)
def test_a_wrong_call_is_an_error(call: Callable[[], Node], message: str) -> None:
    """Unknown gates and options, and values that are no numbers."""
    with pytest.raises(GraphError, match=message):
        call()


def test_evaluate_answers_for_other_values_and_leaves_the_circuit_alone() -> None:
    """It is how numeric gradients ask."""
    x = Variable(2.0, "x")
    f = x * x + 1.0
    assert float(evaluate(f, {x: np.array(3.0)})) == 10
    assert float(f.value) == 5
