"""Single pictures of a run, for a file. To add one: a function and a line in `PLOTS`."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from svmtrain.errors import ConfigError, DataError
from svmtrain.files import write_atomic
from svmtrain.metrics.probabilities import Reliability
from svmtrain.report import figures
from svmtrain.report.ink import ON_PAPER
from svmtrain.report.judged import Judged
from svmtrain.report.story import Story, tell_story
from svmtrain.runs.directory import RunDirectory

SUFFIXES = ("png", "svg")
SHOWN_FEATURES = 10
MOST_CLASSES = 100

Plot = Callable[[Story, "str | None", Any], Any]
"""From a run, the part of its rows that is asked for, and matplotlib's Figure to a figure."""


def _curves(story: Story, split: str | None, figure_of: Any) -> Any:
    if not story.records:
        raise DataError("has no epochs to draw yet", path=story.run.path)
    figure = figure_of(figsize=(9, 6), layout="constrained")
    axes = figure.subplots(2, 2)
    for one, (draw, title) in zip(axes.ravel(), figures.CURVES.values(), strict=True):
        draw(one, [(story.name, story.records)], ON_PAPER)
        one.set_title(title)
    return figure


def _confusion(story: Story, split: str | None, figure_of: Any) -> Any:
    judged = _part(story, split)
    side = min(12.0, max(4.0, 1.6 + 0.42 * len(judged.rows.classes)))
    figure = figure_of(figsize=(side, side), layout="constrained")
    axes = figure.add_subplot()
    figures.draw_confusion(axes, judged.report, judged.rows.classes, ON_PAPER)
    axes.set_title(f"{figures.label(story.name)}: {judged.split} rows")
    return figure


def _margins(story: Story, split: str | None, figure_of: Any) -> Any:
    judged, model = _part(story, split), story.model
    assert model is not None
    figure = figure_of(figsize=(7.2, 3.6), layout="constrained")
    axes = figure.add_subplot()
    delta = model.objective.delta
    figures.draw_margins(axes, judged.margins, judged.right, delta, ON_PAPER)
    axes.set_title(f"{figures.label(story.name)}: {judged.split} rows")
    return figure


def _reliability(story: Story, split: str | None, figure_of: Any) -> Any:
    judged, model = _part(story, split), story.model
    if model is None or model.calibration is None:
        raise DataError("has a model without probabilities", path=story.run.path)
    found = Reliability()
    probabilities = model.calibration.probabilities(judged.scores)
    found.add(probabilities, judged.rows.y, judged.scores.argmax(axis=1))
    figure = figure_of(figsize=(4.6, 4.6), layout="constrained")
    axes = figure.add_subplot()
    figures.draw_reliability(axes, found, ON_PAPER)
    axes.set_title(f"{figures.label(story.name)}: {judged.split} rows")
    return figure


def _templates(story: Story, split: str | None, figure_of: Any) -> Any:
    effects, model = story.effects, story.model
    if effects is None or model is None:
        raise DataError("has no model whose weights could be drawn", path=story.run.path)
    n_classes = len(model.classes)
    if n_classes > MOST_CLASSES:
        raise DataError(
            f"has {n_classes:,} classes; a drawing takes at most {MOST_CLASSES}",
            path=story.run.path,
        )
    across = min(n_classes, 5)
    down = math.ceil(n_classes / across)
    wide, high = (1.7, 1.9) if story.shape else (3.2, 2.6)
    figure = figure_of(figsize=(wide * across, high * down), layout="constrained")
    grid = figure.subplots(down, across, squeeze=False).ravel()
    for k, axes in enumerate(grid):
        if k >= n_classes:
            axes.set_axis_off()
        elif story.shape:
            _picture(axes, figures.template_pixels(effects[:, k], story.shape))
        else:
            _bars(axes, story, k)
        if k < n_classes:
            axes.set_title(figures.label(model.classes[k]), fontsize=10)
    return figure


def _picture(axes: Any, pixels: Any) -> None:
    axes.imshow(pixels, cmap=figures.DIVERGING, vmin=0, vmax=1, interpolation="nearest")
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])


def _bars(axes: Any, story: Story, k: int) -> None:
    """Draw the strongest features of a class as bars."""
    assert story.model is not None
    column = np.asarray(story.model.W[:, k], np.float64)
    order = np.argsort(-np.abs(column), kind="stable")[:SHOWN_FEATURES][::-1]
    colours = [ON_PAPER["s1"] if column[j] > 0 else ON_PAPER["s2"] for j in order]
    axes.barh(range(len(order)), column[order], color=colours)
    axes.set_yticks(range(len(order)), [figures.label(story.feature(j)) for j in order], fontsize=7)
    axes.axvline(0, color=ON_PAPER["quiet"], linewidth=0.8)


PLOTS: dict[str, tuple[Plot, str]] = {
    "curves": (_curves, "objective with its bound, losses, accuracies, learning rate"),
    "confusion": (_confusion, "the confusion matrix"),
    "templates": (_templates, "the weights as pictures, or the strongest features"),
    "margins": (_margins, "how clear the decisions are"),
    "reliability": (_reliability, "how true the probabilities are"),
}


def _part(story: Story, split: str | None) -> Judged:
    """Return the rows that are asked for, or those that are held out."""
    judged = story.held_out if split is None else story.judged.get(split)
    if judged is None:
        why = " ".join(story.missing) or f"it has no {split} rows"
        raise DataError(f"its rows cannot be judged: {why.rstrip('.')}", path=story.run.path)
    return judged


def write_plot(
    name: str, place: str, to: str, split: str | None = None, image: str | None = None
) -> Path:
    """Draw a picture of a run into a file.

    Parameters
    ----------
    name : str
        One of `PLOTS`.
    place : str
        A run directory.
    to : str
        A file whose name ends in .png or .svg.
    split : str, optional
        Whose rows, for those that show some; the held-out ones if not given.
    image : str, optional
        The shape of rows that are pictures, or `none`; see `images.parse_shape`.

    Raises
    ------
    ConfigError
        For another ending, no such run, or without matplotlib.
    DataError
        When the run has no such thing to draw.
    """
    suffix = Path(to).suffix.lower().lstrip(".")
    if suffix not in SUFFIXES:
        raise ConfigError("the name of a picture must end in .png or .svg", path=to)
    story = tell_story(RunDirectory(place), image)
    with figures.drawing(ON_PAPER, name) as figure_of:
        content = figures.picture(PLOTS[name][0](story, split, figure_of), suffix)
    write_atomic(to, content)
    return Path(to)
