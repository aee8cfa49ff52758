"""The sections that answer what an experiment was made for; a table like those of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from svmtrain.report import figures, words
from svmtrain.report.experiment import Experiment, number, rows_of
from svmtrain.report.figures import Ink
from svmtrain.report.gather import Section

SPREADS = ("mean", "sd", "standard_error", "min", "max")
MEASURES = ("accuracy", "balanced_accuracy", "macro_f1")
POINT = ("rows", "runs", "train_accuracy", "validation_accuracy", "low", "high", "sd")
DRAWN = ("rows", "train_accuracy", "validation_accuracy", "low", "high")
FAR_APART = 20

Points = Sequence[Mapping[str, float]]


def folds(experiment: Experiment) -> Mapping[str, Any] | None:
    """Give what cross-validation came to, by each measure, and over all rows that were judged."""
    summary = experiment.summary.get("summary")
    found = summary if isinstance(summary, dict) else {}
    known = [(name, found[name]) for name in MEASURES if isinstance(found.get(name), dict)]
    if not known:
        return None
    rows = [
        [name.replace("_", " "), *(number(spread.get(key)) for key in SPREADS)]
        for name, spread in known
    ]
    header = ["over the folds", *(name.replace("_", " ") for name in SPREADS)]
    return {"header": header, "rows": rows}


def learning(experiment: Experiment) -> Mapping[str, Any] | None:
    """Give the accuracies over the rows that were trained on."""
    known = rows_of(experiment.summary, "points")
    points = [point for row in known if (point := _point(row)) is not None]
    if not points:
        return None
    said = "; ".join(
        f"{words.figure(point['rows'])} rows: {words.percent(point['validation_accuracy'])} "
        f"({words.percent(point['low'])} to {words.percent(point['high'])}), training rows "
        f"{words.percent(point['train_accuracy'])}"
        for point in points
    )
    title = "Accuracy over the rows that were trained on"
    drawn = partial(draw_learning, points)
    return {
        "pictures": [figures.in_page("learning", title, f"{title}: {said}.", drawn)],
        "header": [name.replace("_", " ") for name in POINT],
        "rows": [[number(row.get(name)) for name in POINT] for row in known],
    }


def _point(row: Mapping[str, Any]) -> dict[str, float] | None:
    """Return what is drawn of a share of the rows; None where that are no accuracies of rows."""
    point = {name: value for name in DRAWN if (value := number(row.get(name))) is not None}
    if len(point) < len(DRAWN) or point["rows"] < 1:
        return None
    return point if all(0 <= point[name] <= 1 for name in DRAWN[1:]) else None


def draw_learning(points: Points, axes: Any, ink: Ink) -> None:
    """Draw the validation accuracy with its interval, and the training accuracy, over the rows."""
    rows, train, held, low, high = ([point[name] for point in points] for name in DRAWN)
    below = [max(0.0, middle - end) for middle, end in zip(held, low, strict=True)]
    above = [max(0.0, end - middle) for middle, end in zip(held, high, strict=True)]
    axes.plot(
        rows, train, color=ink["s2"], linestyle="--", marker="s", markersize=4,
        label="training rows",
    )  # fmt: skip
    axes.errorbar(
        rows, held, yerr=[below, above], color=ink["s1"], marker="o", markersize=4, capsize=3,
        elinewidth=1, label="validation rows, with the 95 % interval",
    )  # fmt: skip
    if max(rows) > FAR_APART * min(rows):
        axes.set_xscale("log")
    axes.set_xlabel("rows that were trained on")
    axes.set_ylabel("accuracy")
    axes.legend(loc="best", fontsize=8)


ANSWERS: dict[str, tuple[Section[Experiment], str]] = {
    "folds": (folds, "Over the folds"),
    "learning": (learning, "What more rows bring"),
}
"""The sections, in the order of the page, before those about the runs: function and title."""
