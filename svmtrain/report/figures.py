"""The pictures of a run, drawn with matplotlib from arrays and records."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.errors import ConfigError, printable
from svmtrain.metrics.classification import Report
from svmtrain.metrics.probabilities import Reliability
from svmtrain.report.images import Shape
from svmtrain.report.ink import IN_PAGE, ON_PAPER, SERIES, STROKES, as_variables
from svmtrain.training.history import EpochRecord

Ink = Mapping[str, str]
Runs = Sequence[tuple[str, Sequence[EpochRecord]]]
NUMBERED_CLASSES = 20
LONGEST_NAME = 24
BINS = 40
FULL_COLOUR = 0.95
ID = re.compile(r' id="([^"]*)"')
REFERENCE = re.compile(r"""(?:href="|url\()#([^")]+)""")
DIVERGING = "RdBu_r"
"""White at 0, and two ends that people with any colour vision tell apart."""


def label(name: object) -> str:
    """Return a name from data as matplotlib is to write it: short, and no formula."""
    text = printable(str(name))
    text = text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"
    return text.replace("$", r"\$")


@contextmanager
def drawing(ink: Ink, name: str) -> Iterator[Any]:
    """Give matplotlib's way to make a figure, in the colours and fonts of all pictures.

    No window, no global state; ids in the SVG depend on `name` alone, so that several pictures
    fit in one page and the same run always gives the same bytes.

    Raises
    ------
    ConfigError
        Without matplotlib.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        raise ConfigError("pictures need matplotlib: pip install 'svmtrain[plot]'") from None
    colour = ink["ink"]
    plain: Any = {
        "font.size": 9,
        "font.family": ["sans-serif"],
        "text.color": colour,
        "axes.labelcolor": colour,
        "axes.edgecolor": ink["quiet"],
        "axes.facecolor": "none",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": ink["faint"],
        "grid.linewidth": 0.6,
        "xtick.color": colour,
        "ytick.color": colour,
        "legend.frameon": False,
        "lines.linewidth": 1.6,
        "svg.fonttype": "none",
        "svg.hashsalt": name,
    }
    with matplotlib.rc_context(plain):
        yield Figure


def inline_svg(figure: Any, title: str, description: str, name: str) -> str:
    """Return a figure as SVG to stand in a page, with its text alternative."""
    stream = io.BytesIO()
    figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    text = stream.getvalue().decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    used = set(REFERENCE.findall(text))
    text = ID.sub(lambda match: match[0] if match[1] in used else "", text)
    head, rest = text.split(">", 1)
    head = re.sub(r' (width|height)="[^"]*"', "", head)
    head += f' role="img" aria-labelledby="{name}-title {name}-desc"'
    said = (
        f'<title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-desc">{escape(description)}</desc>'
    )
    return as_variables(f"{head}>{said}{rest}")


def picture(figure: Any, suffix: str, ink: Ink = ON_PAPER) -> bytes:
    """Return a figure as the content of a file, png or svg, on white."""
    stream = io.BytesIO()
    metadata: Any = {"Date": None} if suffix == "svg" else {"Software": None}
    figure.savefig(stream, format=suffix, dpi=160, facecolor="white", metadata=metadata)
    return stream.getvalue()


def draw_objective(axes: Any, runs: Runs, ink: Ink) -> None:
    """Draw the objective by epoch and, for one run, what it cannot be below."""
    for number, (name, records) in enumerate(runs):
        epochs = [record.epoch for record in records]
        values = [record.objective for record in records]
        what = "objective" if len(runs) == 1 else label(name)
        axes.plot(epochs, values, **_stroke(number, ink), label=what, **_dots(epochs))
        bounds = [(r.epoch, r.bound) for r in records if r.bound is not None and r.bound > 0]
        if len(runs) == 1 and bounds:
            at, bound = zip(*bounds, strict=True)
            axes.plot(at, bound, **_stroke(1, ink), label="lower bound of the optimum")
            above = [values[epochs.index(epoch)] for epoch in at]
            axes.fill_between(at, bound, above, color=ink["s1"], alpha=0.12, linewidth=0)
    _scale(axes, [record.objective for _, records in runs for record in records])
    _finish(axes, "objective")


def draw_losses(axes: Any, runs: Runs, ink: Ink) -> None:
    """Draw the mean losses of the training and the validation rows by epoch."""
    names = {
        "online_loss": "before each step",
        "train_loss": "training rows",
        "validation_loss": "validation rows",
    }
    seen = _draw_fields(axes, runs, names, ink, only="validation_loss")
    _scale(axes, seen)
    _finish(axes, _what("mean loss", runs, "validation_loss"))


def draw_accuracies(axes: Any, runs: Runs, ink: Ink) -> None:
    """Draw the accuracies on the training and the validation rows by epoch."""
    names = {"train_accuracy": "training rows", "validation_accuracy": "validation rows"}
    _draw_fields(axes, runs, names, ink, only="validation_accuracy")
    _finish(axes, _what("accuracy", runs, "validation_accuracy"))


def draw_rates(axes: Any, runs: Runs, ink: Ink) -> None:
    """Draw the learning rate by epoch."""
    seen = _draw_fields(axes, runs, {"lr": "learning rate"}, ink, only="lr")
    _scale(axes, seen)
    _finish(axes, "learning rate")


CURVES: dict[str, tuple[Callable[[Any, Runs, Ink], None], str]] = {
    "objective": (draw_objective, "Objective"),
    "losses": (draw_losses, "Losses"),
    "accuracies": (draw_accuracies, "Accuracies"),
    "rates": (draw_rates, "Learning rate"),
}
"""The curves of runs: how each is drawn, and its title."""


def _draw_fields(axes: Any, runs: Runs, names: Mapping[str, str], ink: Ink, only: str) -> list[Any]:
    """Draw fields of the records of one run, or one field of several: one that they have."""
    seen: list[Any] = []
    if len(runs) > 1 and all(getattr(r, only) is None for _, records in runs for r in records):
        only = only.replace("validation", "train")
    fields = names if len(runs) == 1 else {only: names[only]}
    number = 0
    for name, records in runs:
        for field, what in fields.items():
            found = [(r.epoch, v) for r in records if (v := getattr(r, field)) is not None]
            if found:
                epochs, values = zip(*found, strict=True)
                text = what if len(runs) == 1 else label(name)
                axes.plot(epochs, values, **_stroke(number, ink), label=text, **_dots(epochs))
                seen += values
            number += 1
    return seen


def _what(name: str, runs: Runs, field: str) -> str:
    """Return what an axis of several runs shows: of which rows."""
    if len(runs) == 1:
        return name
    held = any(getattr(r, field) is not None for _, records in runs for r in records)
    return f"{name}, {'validation' if held else 'training'} rows"


def _stroke(number: int, ink: Ink) -> dict[str, Any]:
    """Return the colour and the dashes of a series."""
    role = SERIES[number % len(SERIES)]
    return {"color": ink[role], "linestyle": STROKES[number % len(STROKES)]}


def _dots(epochs: Sequence[int]) -> dict[str, Any]:
    """Return the marker of a series: a dot where there would be no line."""
    return {"marker": "o" if len(epochs) == 1 else "", "markersize": 4}


def _scale(axes: Any, values: Sequence[float]) -> None:
    """Use logarithms where values are positive and far apart."""
    if values and min(values) > 0 and max(values) > 20 * min(values):
        axes.set_yscale("log")


def _finish(axes: Any, what: str) -> None:
    axes.set_xlabel("epoch")
    axes.set_ylabel(what)
    axes.xaxis.get_major_locator().set_params(integer=True)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(loc="best", fontsize=8)


def draw_confusion(axes: Any, report: Report, classes: Sequence[object], ink: Ink) -> None:
    """Draw the confusion matrix: a row a true class, shaded by its share of the row."""
    counts = report.confusion
    rows = np.maximum(report.support, 1)[:, np.newaxis]
    axes.imshow(counts / rows, cmap="Blues", vmin=0, vmax=1, aspect="equal")
    axes.grid(visible=False)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    if len(classes) > NUMBERED_CLASSES:
        return
    names = [label(name) for name in classes]
    turned = {"rotation": 60, "ha": "right"} if max(map(len, names)) > 3 else {}
    axes.set_xticks(range(len(names)), names, **turned)
    axes.set_yticks(range(len(names)), names)
    for (i, j), count in np.ndenumerate(counts):
        if count:
            dark = count > 0.55 * rows[i, 0]
            axes.text(
                j, i, f"{count}", ha="center", va="center", fontsize=7,
                color="#ffffff" if dark else "#1a1a1a",
            )  # fmt: skip


def draw_margins(
    axes: Any, margins: NDArray[np.float64], right: NDArray[np.bool_], delta: float, ink: Ink
) -> None:
    """Draw how many rows have which margin, those that are labelled wrong apart."""
    if not len(margins):
        return
    low, high = np.quantile(margins, [0.001, 0.999])
    low, high = min(low, 0.0), max(high, delta)
    edges = np.linspace(low, high, BINS + 1)
    shown = np.clip(margins, low, high)
    counted = [np.histogram(shown[part], edges)[0] for part in (right, ~right)]
    width = np.diff(edges)
    axes.bar(edges[:-1], counted[0], width, align="edge", color=ink["s1"], label="labelled right")
    axes.bar(
        edges[:-1], counted[1], width, bottom=counted[0], align="edge", color=ink["s2"],
        hatch="////", edgecolor=ink["ink"], linewidth=0, label="labelled wrong",
    )  # fmt: skip
    axes.set_ylim(0, 1.06 * max(1, int((counted[0] + counted[1]).max())))
    axes.axvline(delta, color=ink["ink"], linestyle=":", label=f"delta {delta:g}")
    axes.set_xlabel("margin: score of the true class less the best other")
    axes.set_ylabel("rows")
    axes.legend(loc="best", fontsize=8)


def draw_setting(points: Sequence[tuple[float, float]], key: str, axes: Any, ink: Ink) -> None:
    """Draw accuracies over the values of a setting; their best at each value is a line."""
    best: dict[float, float] = {}
    for value, accuracy in points:
        best[value] = max(accuracy, best.get(value, accuracy))
    values = sorted(best)
    axes.plot(values, [best[v] for v in values], color=ink["s1"], linewidth=1, label="best")
    axes.scatter(*zip(*points, strict=True), s=16, color=ink["s2"], label="runs", zorder=3)
    if values[0] > 0 and values[-1] > 20 * values[0]:
        axes.set_xscale("log")
    axes.set_xlabel(label(key))
    axes.set_ylabel("validation accuracy")
    axes.legend(loc="best", fontsize=8)


def draw_reliability(axes: Any, found: Reliability, ink: Ink) -> None:
    """Draw the accuracy of rows over their confidence; the larger a dot, the more rows."""
    axes.plot([0, 1], [0, 1], color=ink["quiet"], linestyle=":", label="as it should be")
    confidence, accuracy, rows = zip(*found.points, strict=True)
    sizes = [20 + 160 * count / max(rows) for count in rows]
    axes.plot(confidence, accuracy, color=ink["s1"], linewidth=1, label="these rows")
    axes.scatter(confidence, accuracy, s=sizes, color=ink["s1"], zorder=3, clip_on=False)
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), aspect="equal")
    axes.set_xlabel("confidence: probability of the label")
    axes.set_ylabel("share that is labelled right")
    axes.legend(loc="upper left", fontsize=8)


def template_pixels(weights: NDArray[np.float64], shape: Shape) -> NDArray[np.float64]:
    """Return the weights of a class (n_features,) as pixels in [0, 1]; 0.5 is a weight of 0.

    The ends of the scale are at the quantile `FULL_COLOUR` of the weights that are not 0, and
    larger ones are cut off: a pixel that hardly ever differs has so large a weight that the
    others would be all of one colour.
    """
    lengths = np.abs(weights)
    full = float(np.quantile(lengths[lengths > 0], FULL_COLOUR)) if lengths.any() else 1.0
    return np.asarray(np.clip(shape.pixels(0.5 + weights / (2 * full)), 0, 1), np.float64)


def png_of(pixels: NDArray[Any], colours: str) -> bytes:
    """Return pixels in [0, 1], (h, w) or (h, w, 3), as a PNG of just that size."""
    try:
        from matplotlib.image import imsave
    except ImportError:
        raise ConfigError("pictures need matplotlib: pip install 'svmtrain[plot]'") from None
    stream = io.BytesIO()
    nothing: Any = {"Software": None}
    shown = np.clip(pixels, 0, 1)
    imsave(stream, shown, cmap=colours, vmin=0, vmax=1, format="png", metadata=nothing)
    return stream.getvalue()


def in_page(
    name: str, title: str, description: str, draw: Callable[[Any, Ink], None],
    size: tuple[float, float] = (5.2, 3.1),
) -> str:  # fmt: skip
    """Return one picture to stand in a page, drawn by `draw(axes, ink)`."""
    with drawing(IN_PAGE, name) as figure_of:
        figure = figure_of(figsize=size, layout="constrained")
        draw(figure.add_subplot(), IN_PAGE)
        return inline_svg(figure, title, description, name)


def curves_in_page(runs: Runs, said: str) -> list[str]:
    """Return the curves of some runs to stand in a page; `said` follows each title in words.

    Dual ascent has no learning rate to draw.
    """
    return [
        in_page(f"curve-{name}", title, f"{title} {said}", partial(_curve, draw, runs))
        for name, (draw, title) in CURVES.items()
        if name != "rates" or any(record.lr for _, records in runs for record in records)
    ]


def _curve(draw: Callable[[Any, Runs, Ink], None], runs: Runs, axes: Any, ink: Ink) -> None:
    draw(axes, runs, ink)
