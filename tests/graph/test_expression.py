"""Expressions: what is allowed becomes gates, and nothing else is touched."""

import contextlib
import re

import numpy as np
import pytest
from extent import extent
from hypothesis import given, settings
from hypothesis import strategies as st

from svmtrain.graph.circuit import GraphError
from svmtrain.graph.expression import ExpressionError, parse, parse_value

VALUES = {"x": -2, "y": 5, "z": -4}


def value(text: str) -> float:
    """Return the value of an expression of some of x, y and z."""
    used = set(re.findall(r"\b[xyz]\b", text))
    return float(parse(text, {name: VALUES[name] for name in used}).output.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(x + y) * z", -12.0),
        ("-x ** 2", -4.0),
        ("+x - y / z", -0.75),
        ("2 ** 3 * x", -16.0),
        ("x ** -1", -0.5),
        ("sum([1, 2, 3]) + mean([2, 4])", 9.0),
        ("dot([1, 2], [3, 4])", 11.0),
        ("sum([[1, 2]] @ [[3], [4]])", 11.0),
        ("sum(transpose([[1, 2]]) * [[1], [2]])", 5.0),
        ("max(x, y, ties='first')", 5.0),
        ("power(y, exponent=2)", 25.0),
        ("sum(take([1, 2, 3], rows=[0, 2]))", 4.0),
        ("sum(reshape([1, 2, 3, 4], shape=(2, 2)), axis=0) @ [[1], [1]]", None),
    ],
)
def test_an_expression_has_its_usual_value(text: str, expected: float | None) -> None:
    """Operators, calls, lists and options mean what they mean everywhere."""
    if expected is None:
        with pytest.raises(GraphError, match="matmul"):
            value(text)
    else:
        assert value(text) == expected


def test_names_are_shared_and_stages_are_named() -> None:
    """A name is one node however often it is used; unnamed stages are numbered."""
    parsed = parse("(x + y) * (x + 1)", {"x": 2, "y": 3})
    assert parsed.output.name == "f"
    names = [node.name for node in parsed.output.inputs]
    assert names == ["n1", "n2"]
    assert parsed.output.inputs[0].inputs[0] is parsed.output.inputs[1].inputs[0]


def test_staged_lines_take_values_from_outside_and_an_upstream_gradient() -> None:
    """A value given outside replaces that of the file."""
    parsed = parse("x = 1  # a number\nupstream = 3\nq = x * x\nf = q + x", {"x": 4})
    assert float(parsed.output.value) == 20
    parsed.output.backward(parsed.upstream)
    assert float(parsed.variables["x"].grad) == 27


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ("", "there is no expression", None, None),
        ("x +", "not an expression", 1, 4),
        ("x +* y", "not an expression", 1, 4),
        ("q = x\nf = q +", "not an expression", 2, 8),
        ("y", "'y' has no value", 1, 1),
        ("x.real", "Attribute is not allowed", 1, 1),
        ("__import__('os')", "__import__ is not a gate; the gates are add", 1, 1),
        ("x if x else 1", "IfExp is not allowed", 1, 1),
        ("lambda: 1", "Lambda is not allowed", 1, 1),
        ("[n for n in x]", "ListComp is not allowed", 1, 1),
        ("x < 1", "Compare is not allowed", 1, 1),
        ("x // 2", "the operator FloorDiv is not allowed", 1, 1),
        ("x ** x", "the exponent must be a constant number", 1, 6),
        ("'text'", "expected a number", 1, 1),
        ("True", "expected a number", 1, 1),
        ("[1, [2]] + x", "the rows of a matrix must be numbers, equally many", 1, 1),
        ("import os", "only expressions and assignments", 1, 1),
        ("x += 1", "only expressions and assignments", 1, 1),
        ("a, b = 1, 2", "a line assigns to one name", 1, 1),
        ("q = x + 1\nq = x", "'q' is assigned twice", 2, 1),
        ("exp = 2", "'exp' is the name of a gate", 1, 1),
        ("exp(x, base=2)", "exp has no option 'base'", 1, 1),
        ("randn(0)", "expected sizes", 1, 1),
        ("randn(9999, 1) + randn(1, 9999)", "add would give more than", 1, 1),
        ("randn(9999, 1) @ randn(1, 9999)", "matmul would give more than", 1, 1),
        ("randn(10000, 10000)", "expected sizes", 1, 1),
        ("x + 1\n" * 20_000, "longer than", None, None),
        ("(" * 3000 + "x" + ")" * 3000, "not an expression", None, None),
        ("-" * 5000 + "x", "nested too deeply", None, None),
    ],
)
def test_anything_else_is_refused_with_its_place(
    text: str, message: str, line: int | None, column: int | None
) -> None:
    """The message says what, and where it stands."""
    with pytest.raises(ExpressionError, match=message) as caught:
        parse(text, {"x": 1})
    if line is not None:
        assert (caught.value.line, caught.value.column) == (line, column)


def test_a_value_for_a_name_that_is_not_there_is_refused() -> None:
    """It would be a typing error that nobody sees."""
    with pytest.raises(ExpressionError, match="the expression has no 'z'"):
        parse("x + 1", {"x": 1, "z": 2})


@pytest.mark.parametrize(
    "text", ["NAME", "NAME(1)", "NAME = 1\nNAME = 2", "f = 1\nNAME = f", "max(1, 2, ties='NAME')"]
)
def test_a_name_however_long_makes_no_long_message(text: str) -> None:
    """It is cut, as all foreign text in messages is."""
    with pytest.raises((ExpressionError, GraphError)) as caught:
        parse(text.replace("NAME", "n" * 5000))
    assert len(str(caught.value)) < 600


def test_random_values_depend_on_seed_and_name() -> None:
    """Two names get other numbers, the same name the same."""
    one, two = parse_value("randn(4)", 1, "x"), parse_value("randn(4)", 1, "y")
    assert not np.array_equal(one, two)
    np.testing.assert_array_equal(one, parse_value("randn(4)", 1, "x"))
    assert not np.array_equal(one, parse_value("randn(4)", 2, "x"))
    with pytest.raises(ExpressionError, match="expected a number or a list"):
        parse_value("x + 1")


@settings(max_examples=extent(50, 200))
@given(st.text(alphabet="xyz01.+-*/@()[], =\n'#_ef", max_size=60))
def test_random_text_gives_a_circuit_or_a_refusal(text: str) -> None:
    """No other exception, whatever the text."""
    with contextlib.suppress(ExpressionError, GraphError):
        parsed = parse(text, {"x": 1.5})
        assert np.isfinite(parsed.output.value).all()
