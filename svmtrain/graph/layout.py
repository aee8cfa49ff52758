"""Where the boxes and wires of a circuit go: layers from left to right, few crossings.

The layered method of Sugiyama, Tagawa and Toda (1981): longest-path layers, invisible boxes where
a wire passes a layer, the order within a layer by the mean position of the neighbours, and then
heights relaxed towards the neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from svmtrain.graph.circuit import GraphError, Node, ancestors
from svmtrain.graph.stages import show

MOST_NODES = 400
CHARACTER = 6.7
BOX_HEIGHT = 56.0
CONSTANT_HEIGHT = 24.0
WIRE_HEIGHT = 14.0
GAP_X, GAP_Y, MARGIN = 46.0, 16.0, 18.0
SWEEPS = 12


@dataclass(eq=False)
class Box:
    """A node on the page, or, without a node, a place where a wire passes a layer."""

    node: Node | None
    layer: int
    lines: tuple[str, str, str] = ("", "", "")
    before: list[Box] = field(default_factory=list, repr=False)
    after: list[Box] = field(default_factory=list, repr=False)
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0

    @property
    def height(self) -> float:
        """The height of the box; a wire takes little."""
        if self.node is None:
            return WIRE_HEIGHT
        return CONSTANT_HEIGHT if self.node.gate == "constant" else BOX_HEIGHT


@dataclass(frozen=True)
class Layout:
    """Boxes and wires; a wire is a chain of boxes from left to right."""

    boxes: list[Box]
    wires: list[list[Box]]
    width: float
    height: float


def layout(output: Node) -> Layout:
    """Place the nodes that `output` depends on.

    Raises
    ------
    GraphError
        For more than `MOST_NODES` nodes.
    """
    nodes = ancestors(output)
    if len(nodes) > MOST_NODES:
        raise GraphError(
            f"the circuit has {len(nodes):,} nodes; a drawing takes at most {MOST_NODES}"
        )
    boxes = {node: Box(node, layer, _lines(node)) for node, layer in _layers(nodes).items()}
    wires, passing = _wires(nodes, boxes)
    everything = [*boxes.values(), *passing]
    columns = _columns(everything)
    _order(columns)
    width = _place_columns(columns)
    _place_rows(columns)
    top = min(box.y - box.height / 2 for box in everything)
    for box in everything:
        box.y += MARGIN - top
    height = max(box.y + box.height / 2 for box in everything) + MARGIN
    return Layout(list(boxes.values()), wires, width, height)


def _lines(node: Node) -> tuple[str, str, str]:
    """Return what stands in a box: the value, the name and gate, the gradient."""
    if node.gate == "constant":
        return (node.name if node.name != show(node.value) else show(node.value), "", "")
    title = node.name if node.gate == "input" else f"{node.name} = {node.gate}"
    if node.tied:
        title += " (tie)"
    return (show(node.value, 4), title, "" if node.grad is None else show(node.grad, 4))


def _layers(nodes: list[Node]) -> dict[Node, int]:
    """Return the layer of each node: gates by their longest path, inputs beside their reader."""
    layer: dict[Node, int] = {}
    for node in nodes:
        layer[node] = 1 + max((layer[source] for source in node.inputs), default=-1)
    for node in reversed(nodes):
        if node.inputs:
            for source in node.inputs:
                if not source.inputs:
                    layer[source] = max(layer[source], 0)
    readers: dict[Node, int] = {}
    for node in nodes:
        for source in node.inputs:
            readers[source] = min(readers.get(source, layer[node]), layer[node])
    for node in nodes:
        if not node.inputs and node in readers:
            layer[node] = readers[node] - 1
    return layer


def _wires(nodes: list[Node], boxes: dict[Node, Box]) -> tuple[list[list[Box]], list[Box]]:
    """Return the chains of boxes from source to reader, and the invisible ones among them.

    The wires of one source share their way as far as they go together.
    """
    wires, passing = [], []
    trunks = {node: [box] for node, box in boxes.items()}
    for node in nodes:
        for source in dict.fromkeys(node.inputs):
            trunk, length = trunks[source], boxes[node].layer - boxes[source].layer
            while len(trunk) < length:
                passing.append(Box(None, trunk[-1].layer + 1))
                _join(trunk[-1], passing[-1])
                trunk.append(passing[-1])
            _join(trunk[length - 1], boxes[node])
            wires.append([*trunk[:length], boxes[node]])
    return wires, passing


def _join(left: Box, right: Box) -> None:
    left.after.append(right)
    right.before.append(left)


def _columns(boxes: list[Box]) -> list[list[Box]]:
    columns: list[list[Box]] = [[] for _ in range(1 + max(box.layer for box in boxes))]
    for box in boxes:
        columns[box.layer].append(box)
    return columns


def _order(columns: list[list[Box]]) -> None:
    """Sort each column by the mean position of its neighbours, forward and backward by turns."""
    for column in columns:
        for row, box in enumerate(column):
            box.y = row
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        for column in columns if forward else columns[::-1]:
            means = {}
            for box in column:
                near = (box.before or box.after) if forward else (box.after or box.before)
                means[box] = sum(other.y for other in near) / len(near) if near else box.y
            column.sort(key=lambda box: means[box])
            for row, box in enumerate(column):
                box.y = row


def _place_columns(columns: list[list[Box]]) -> float:
    """Set x and width of every box; return the width of the page."""
    left = MARGIN
    for column in columns:
        widest = max(max(len(line) for line in box.lines) for box in column)
        width = max(30.0, widest * CHARACTER + 14)
        for box in column:
            box.x, box.width = left, width
        left += width + GAP_X
    return left - GAP_X + MARGIN


def _place_rows(columns: list[list[Box]]) -> None:
    """Set y (the middle) of every box: near its neighbours, in order, without overlap."""
    for column in columns:
        _spread(column, [0.0] * len(column))
    for sweep in range(SWEEPS):
        for column in columns if sweep % 2 == 0 else columns[::-1]:
            wanted = []
            for box in column:
                near = box.before + box.after
                wanted.append(sum(o.y for o in near) / len(near) if near else box.y)
            _spread(column, wanted)


def _spread(column: list[Box], wanted: list[float]) -> None:
    """Give each box its wanted height as nearly as the order and the gaps allow."""
    low: list[float] = []
    for i, box in enumerate(column):
        floor = low[-1] + _distance(column[i - 1], box) if i else wanted[i]
        low.append(max(wanted[i], floor) if i else wanted[i])
    high: list[float] = []
    for i in range(len(column) - 1, -1, -1):
        roof = high[-1] - _distance(column[i], column[i + 1]) if high else wanted[i]
        high.append(min(wanted[i], roof))
    high.reverse()
    for box, a, b in zip(column, low, high, strict=True):
        box.y = (a + b) / 2


def _distance(above: Box, below: Box) -> float:
    return (above.height + below.height) / 2 + GAP_Y
