"""Drawings of circuits: SVG and DOT as text, PNG through matplotlib.

Each gate is a box with its value above and its gradient below, in two colours that people with
any colour vision tell apart.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from html import escape

from svmtrain.graph.circuit import GraphError, Node, ancestors
from svmtrain.graph.layout import MOST_NODES, Box, Layout, layout
from svmtrain.graph.stages import operation, show

VALUE, GRADIENT, INK, WIRE = "#0b5fa5", "#b5400b", "#222222", "#888888"
INPUT_FILL, GATE_FILL, CONSTANT_FILL = "#eef4fa", "#ffffff", "#f4f4f4"
LEGEND = 26.0
DPI = 144


def svg(output: Node) -> bytes:
    """Return the circuit as an SVG picture; `backward` must have run for the gradients."""
    page = layout(output)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{page.width:.0f}" '
        f'height="{page.height + LEGEND:.0f}" viewBox="0 0 {page.width:.1f} '
        f'{page.height + LEGEND:.1f}" role="img" font-family="DejaVu Sans Mono, Menlo, '
        'Consolas, monospace" font-size="11">',
        f"<title>The circuit of {escape(output.name)}</title>",
        f"<desc>{escape(description(output))}</desc>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        *(_svg_wire(chain) for chain in page.wires),
        *(_svg_box(box) for box in page.boxes),
        f'<text x="18" y="{page.height + 10:.1f}"><tspan fill="{VALUE}">value above</tspan>'
        f'<tspan fill="{INK}">, </tspan><tspan fill="{GRADIENT}">gradient below</tspan></text>',
        "</svg>",
    ]
    return "\n".join(parts).encode()


def description(output: Node) -> str:
    """Return the circuit in words, for those who cannot see the picture."""
    return "; ".join(
        f"{node.name} = {operation(node)} = {show(node.value)}"
        + ("" if node.grad is None else f", gradient {show(node.grad)}")
        for node in ancestors(output)
        if node.gate != "constant"
    )


def _svg_wire(chain: list[Box]) -> str:
    points = _wire_points(chain)
    path = [f"M {points[0][0]:.1f} {points[0][1]:.1f}"]
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        middle = (x0 + x1) / 2
        path.append(f"C {middle:.1f} {y0:.1f} {middle:.1f} {y1:.1f} {x1:.1f} {y1:.1f}")
    return f'<path d="{" ".join(path)}" fill="none" stroke="{WIRE}" stroke-width="1.2"/>'


def _wire_points(chain: list[Box]) -> list[tuple[float, float]]:
    """Return the corners of a wire: straight through the layers that it passes."""
    points = [(chain[0].x + chain[0].width, chain[0].y)]
    for box in chain[1:-1]:
        points += [(box.x, box.y), (box.x + box.width, box.y)]
    return [*points, (chain[-1].x, chain[-1].y)]


def _fill(box: Box) -> str:
    gate = box.node.gate if box.node else ""
    return {"input": INPUT_FILL, "constant": CONSTANT_FILL}.get(gate, GATE_FILL)


def _svg_box(box: Box) -> str:
    left, top = box.x, box.y - box.height / 2
    middle = left + box.width / 2
    rect = (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" '
        f'rx="5" fill="{_fill(box)}" stroke="{INK}" stroke-width="0.8"/>'
    )
    texts = [
        f'<text x="{middle:.1f}" y="{y + 4:.1f}" text-anchor="middle" fill="{colour}"'
        f"{' font-weight=' + chr(34) + 'bold' + chr(34) if bold else ''}>{escape(line)}</text>"
        for line, y, colour, bold in _rows(box)
        if line
    ]
    return "\n".join([rect, *texts])


def _rows(box: Box) -> list[tuple[str, float, str, bool]]:
    """Return the lines of a box with height, colour and weight."""
    value, title, gradient = box.lines
    if box.node is not None and box.node.gate == "constant":
        return [(value, box.y, INK, False)]
    return [
        (value, box.y - 16, VALUE, False),
        (title, box.y, INK, True),
        (gradient, box.y + 16, GRADIENT, False),
    ]


def dot(output: Node) -> bytes:
    """Return the circuit as text for Graphviz."""
    nodes = ancestors(output)
    if len(nodes) > MOST_NODES:
        raise GraphError(
            f"the circuit has {len(nodes):,} nodes; a drawing takes at most {MOST_NODES}"
        )
    number = {node: i for i, node in enumerate(nodes)}
    lines = ["digraph circuit {", "  rankdir=LR;", '  node [shape=box, fontname="monospace"];']
    for node in nodes:
        words = [show(node.value, 4)]
        if node.gate != "constant":
            words = [f"{node.name} = {operation(node)}", f"value {words[0]}"]
            words += [] if node.grad is None else [f"gradient {show(node.grad, 4)}"]
        label = "\\n".join(word.replace("\\", "\\\\").replace('"', '\\"') for word in words)
        lines.append(f'  g{number[node]} [label="{label}"];')
    for node in nodes:
        lines += [f"  g{number[source]} -> g{number[node]};" for source in node.inputs]
    return ("\n".join([*lines, "}"]) + "\n").encode()


def png(output: Node) -> bytes:
    """Return the circuit as a PNG picture.

    Raises
    ------
    ImportError
        Without matplotlib, which the extra `plot` brings.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    page = layout(output)
    height = page.height + LEGEND
    figure = Figure(figsize=(page.width / 72, height / 72), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, page.width)
    axes.set_ylim(height, 0)
    axes.axis("off")
    _paint(axes, page)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _paint(axes: object, page: Layout) -> None:
    """Draw wires, boxes and texts on matplotlib's axes."""
    from matplotlib.axes import Axes
    from matplotlib.patches import FancyBboxPatch, PathPatch
    from matplotlib.path import Path

    assert isinstance(axes, Axes)
    for chain in page.wires:
        points = _wire_points(chain)
        vertices, codes = [points[0]], [Path.MOVETO]
        for (x0, y0), (x1, y1) in itertools.pairwise(points):
            middle = (x0 + x1) / 2
            vertices += [(middle, y0), (middle, y1), (x1, y1)]
            codes += [Path.CURVE4] * 3
        axes.add_patch(PathPatch(Path(vertices, codes), fill=False, edgecolor=WIRE, lw=1.2))
    for box in page.boxes:
        corner = (box.x, box.y - box.height / 2)
        style = "round,pad=0,rounding_size=5"
        axes.add_patch(
            FancyBboxPatch(
                corner, box.width, box.height, style, facecolor=_fill(box), edgecolor=INK, lw=0.8
            )
        )
        for line, y, colour, bold in _rows(box):
            weight = "bold" if bold else "normal"
            axes.text(
                box.x + box.width / 2,
                y,
                line,
                color=colour,
                fontsize=10,
                weight=weight,
                ha="center",
                va="center",
                family="monospace",
            )
    for x, text, colour in ((18, "value above,", VALUE), (110, "gradient below", GRADIENT)):
        axes.text(x, page.height + 8, text, color=colour, fontsize=10, family="monospace")


DRAWERS: dict[str, Callable[[Node], bytes]] = {".svg": svg, ".dot": dot, ".png": png}
