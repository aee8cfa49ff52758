"""Drawings: every node and wire is there, nothing overlaps, and too much is refused."""

import xml.etree.ElementTree as ET
from itertools import combinations, pairwise

import numpy as np
import pytest

from svmtrain.graph import GraphError, Node, Variable, apply
from svmtrain.graph.circuit import ancestors
from svmtrain.graph.draw import dot, svg
from svmtrain.graph.hinge import build
from svmtrain.graph.layout import MOST_NODES, layout

NAMESPACE = "{http://www.w3.org/2000/svg}"


def forks(count: int) -> Node:
    """Return a circuit of about `count` nodes with many forks."""
    nodes = [Variable(float(i), f"x{i}") for i in range(3)]
    while len(nodes) < count:
        i = len(nodes)
        nodes.append((nodes[i - 1] + nodes[i // 2]) if i % 2 else nodes[i - 3] * nodes[i // 3])
    nodes[-1].backward()
    return nodes[-1]


def loss() -> Node:
    """Return the circuit of a Crammer-Singer loss of ten classes."""
    circuit = build("crammer_singer", np.ones((1, 2)), np.array([1]), np.ones((2, 10)), np.ones(10))
    circuit.objective.backward()
    return circuit.objective


@pytest.mark.parametrize("output", [forks(8), forks(40), loss()], ids=["8", "40", "loss"])
def test_boxes_do_not_overlap_and_wires_go_to_the_right(output: Node) -> None:
    """Readable at 40 nodes and more: each gate has its place, left of what reads it."""
    page = layout(output)
    assert {box.node for box in page.boxes} == set(ancestors(output))
    for a, b in combinations(page.boxes, 2):
        apart_x = a.x + a.width <= b.x or b.x + b.width <= a.x
        apart_y = abs(a.y - b.y) >= (a.height + b.height) / 2
        assert apart_x or apart_y, (a.lines, b.lines)
    for chain in page.wires:
        assert all(left.x + left.width < right.x for left, right in pairwise(chain))
    for box in page.boxes:
        assert box.x >= 0
        assert box.x + box.width <= page.width
        assert box.y - box.height / 2 >= 0
        assert box.y + box.height / 2 <= page.height


def test_an_svg_shows_every_value_and_gradient_in_two_colours() -> None:
    """It is well-formed XML with a title and the circuit in words for those who cannot see it."""
    x, y = Variable(2.0, "x"), Variable(-3.0, "<y&>")
    f = (x * y).named("f")
    f.backward()
    root = ET.fromstring(svg(f))
    texts = {text.text: text.get("fill") for text in root.iter(f"{NAMESPACE}text")}
    assert {"x", "<y&>", "f = multiply", "2", "-3", "-6", "1"} <= set(texts)
    values = {element.get("fill") for element in root.iter(f"{NAMESPACE}text")}
    assert len(values - {None}) == 3
    description = root.find(f"{NAMESPACE}desc")
    assert description is not None
    assert "f = multiply(x, <y&>) = -6, gradient 1" in str(description.text)
    assert len(list(root.iter(f"{NAMESPACE}path"))) == 2


def test_a_tie_is_marked() -> None:
    """Where a maximum had to choose, the drawing says so."""
    f = apply("max", Variable(1.0, "x"), Variable(1.0, "y"))
    assert "(tie)" in svg(f).decode()


def test_dot_names_every_node_and_edge() -> None:
    """The text for Graphviz, with names escaped."""
    x = Variable(2.0, 'a"b')
    text = dot((x * x).named("f")).decode()
    assert text.count("->") == 2
    assert 'a\\"b = input' in text


@pytest.mark.parametrize("drawer", [svg, dot])
def test_a_circuit_of_more_than_400_nodes_is_refused(drawer: object) -> None:
    """Nobody could read it."""
    node = Variable(1.0)
    for _ in range(MOST_NODES):
        node = -node
    assert callable(drawer)
    with pytest.raises(GraphError, match="has 401 nodes; a drawing takes at most 400"):
        drawer(node)


def test_a_png_is_a_picture() -> None:
    """Where matplotlib is installed; the command says which extra brings it."""
    pytest.importorskip("matplotlib")
    from svmtrain.graph.draw import png

    assert png(forks(10)).startswith(b"\x89PNG\r\n")
