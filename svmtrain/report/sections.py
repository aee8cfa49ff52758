"""The sections of a page about one run. To add one: a function, a template, a line in `SECTIONS`.

A section's function returns what its template is given, or None where a run has nothing of it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.data.scaled import dense
from svmtrain.metrics.probabilities import Reliability, coverage
from svmtrain.report import figures, words
from svmtrain.report.gather import Section, gather
from svmtrain.report.images import Shape
from svmtrain.report.judged import Judged, Seen, look
from svmtrain.report.repeat import commands
from svmtrain.report.story import Story

SHOWN_ROWS = 12
SHOWN_EPOCHS = 30
SHOWN_FEATURES = 8
MOST_CLASSES = 120
THRESHOLDS = (0.5, 0.8, 0.9, 0.95, 0.99)
PIXELS_AT_MOST = 1 << 16


def curves(story: Story) -> Mapping[str, Any] | None:
    """Give the curves over the epochs, and the same as a table."""
    if not story.records:
        return None
    runs = [(story.name, story.records)]
    last = story.records[-1]
    drawn = figures.curves_in_page(runs, "by epoch; the table below has the figures.")
    stride = -(-len(story.records) // SHOWN_EPOCHS)
    records = [record.figures() for record in story.records[::-1][::stride][::-1]]
    names = [name for name in last.figures() if any(one[name] is not None for one in records)]
    return {"pictures": drawn, "names": names, "records": records}


def confusion(story: Story) -> Mapping[str, Any] | None:
    """Give the confusion matrix of the held-out rows."""
    judged = story.held_out
    if judged is None:
        return None
    n_classes, said = len(judged.rows.classes), words.about_confusion(judged)
    if n_classes > MOST_CLASSES:
        return {"picture": None, "said": said, "split": judged.split, "classes": n_classes}
    side = min(7.5, max(3.2, 1.6 + 0.36 * n_classes))
    drawn = figures.in_page(
        "confusion", "Confusion matrix", said,
        lambda axes, ink: figures.draw_confusion(axes, judged.report, judged.rows.classes, ink),
        (side, side),
    )  # fmt: skip
    return {"picture": drawn, "said": said, "split": judged.split, "classes": n_classes}


def classes(story: Story) -> Mapping[str, Any] | None:
    """Give the figures of each class."""
    judged, model = story.held_out, story.model
    if judged is None or model is None:
        return None
    report = judged.report
    lengths = np.sqrt(np.square(model.W.astype(np.float64)).sum(axis=0))
    columns = (report.precision, report.recall, report.f1, report.support, lengths, model.b)
    rows = [
        {"class": name, "cells": [column[place].item() for column in columns]}
        for place, name in enumerate(model.classes)
    ]
    return {"rows": rows, "split": judged.split, "report": report}


def weights(story: Story) -> Mapping[str, Any] | None:
    """Give the weights of each class: as pictures, or the strongest by name."""
    effects, model = story.effects, story.model
    if effects is None or model is None:
        return None
    if len(model.classes) > MOST_CLASSES:
        return {"templates": [], "strongest": [], "classes": len(model.classes)}
    if story.shape is not None and story.shape.channels * effects.shape[0] <= PIXELS_AT_MOST:
        shape = story.shape
        shown = [
            {"name": name, "picture": _png(figures.template_pixels(effects[:, k], shape))}
            for k, name in enumerate(model.classes)
        ]
        return {"templates": shown, "strongest": [], "colour": shape.channels > 1, "shape": shape}
    scaled = np.asarray(model.W, np.float64)
    return {
        "templates": [],
        "strongest": [_strongest(scaled[:, k], story, k) for k in range(scaled.shape[1])],
    }


def _strongest(column: NDArray[np.float64], story: Story, k: int) -> dict[str, Any]:
    """Return the features that speak most for and against a class."""
    assert story.model is not None
    most = float(np.abs(column).max()) or 1.0
    order = np.argsort(-np.abs(column), kind="stable")[:SHOWN_FEATURES]
    features = [
        {"name": story.feature(j), "weight": float(column[j]), "share": abs(column[j]) / most}
        for j in order
        if column[j]
    ]
    return {"name": story.model.classes[k], "features": features}


def _png(pixels: NDArray[Any], colours: str = figures.DIVERGING) -> str:
    """Return pixels as an address that holds its picture."""
    content = figures.png_of(pixels, colours)
    return "data:image/png;base64," + base64.b64encode(content).decode("ascii")


def rows(story: Story) -> Mapping[str, Any] | None:
    """Give the rows that cost most, and those whose label is probably wrong."""
    train = story.judged.get("train")
    if train is None:
        return None
    hardest = [_shown(story, train, seen) for seen in look(train, train.hardest()[:SHOWN_ROWS])]
    doubted, all_doubted = [], 0
    for judged in story.judged.values():
        found = judged.doubted()
        all_doubted += len(found)
        doubted += [_shown(story, judged, seen) for seen in look(judged, found[:SHOWN_ROWS])]
    doubted.sort(key=lambda one: one["margin"])
    return {"hardest": hardest, "doubted": doubted[:SHOWN_ROWS], "all_doubted": all_doubted}


def _shown(story: Story, judged: Judged, seen: Seen) -> dict[str, Any]:
    """Return a row as a table shows it, with its picture or what is most unusual in it."""
    return {
        **{"split": seen.split, "place": seen.place, "label": seen.label, "found": seen.found},
        **{"margin": seen.margin, "loss": seen.loss},
        "picture": _as_picture(seen.features, story.shape),
        "features": [] if story.shape else _telling(story, seen),
    }


def _as_picture(features: NDArray[np.float64], shape: Shape | None) -> str | None:
    if shape is None or len(features) > PIXELS_AT_MOST:
        return None
    low, high = float(features.min()), float(features.max())
    return _png((shape.pixels(features) - low) / ((high - low) or 1.0), "gray")


def _telling(story: Story, seen: Seen) -> list[str]:
    """Return the features that speak most for the label found, and against the row's own."""
    model = story.model
    assert model is not None
    found, own = model.classes.index(seen.found), model.classes.index(seen.label)
    if found == own:
        return []
    scaled = dense(model.scaler.transform(seen.features[np.newaxis], np.float64))[0]
    parts = scaled * (model.W[:, found] - model.W[:, own])
    order = np.argsort(-parts, kind="stable")[:3]
    return [f"{story.feature(j)} = {seen.features[j]:.6g}" for j in order if parts[j] > 0]


def margins(story: Story) -> Mapping[str, Any] | None:
    """Give the histogram of the margins of the held-out rows."""
    judged, model = story.held_out, story.model
    if judged is None or model is None:
        return None
    reach, delta = judged.margins, model.objective.delta
    said = (
        f"{words.percent(float((reach < 0).mean()))} of the rows are labelled wrong (margin below "
        f"0), {words.percent(float(((reach >= 0) & (reach < delta)).mean()))} right but closer "
        f"than delta = {delta:g}, {words.percent(float((reach >= delta).mean()))} clear of it."
    )
    drawn = figures.in_page(
        "margins", "Histogram of margins", said,
        lambda axes, ink: figures.draw_margins(axes, reach, judged.right, delta, ink), (7.2, 3.1),
    )  # fmt: skip
    return {"picture": drawn, "said": said, "split": judged.split}


def calibration(story: Story) -> Mapping[str, Any] | None:
    """Give the reliability of the probabilities, and what a threshold would leave."""
    judged, model = story.held_out, story.model
    if judged is None or model is None or model.calibration is None:
        return None
    probabilities, y = model.calibration.probabilities(judged.scores), judged.rows.y
    labels, found = judged.scores.argmax(axis=1), Reliability()
    found.add(probabilities, y, labels)
    said = (
        f"Brier score {found.brier:.4f} (0 is perfect), calibration error "
        f"{words.percent(found.error)}: the mean distance of confidence and accuracy."
    )
    drawn = figures.in_page(
        "reliability", "Reliability of the probabilities", said,
        lambda axes, ink: figures.draw_reliability(axes, found, ink), (4.4, 4.0),
    )  # fmt: skip
    return {
        "picture": drawn,
        "said": said,
        "split": judged.split,
        "method": model.calibration.method,
        "fitted_on": model.calibration.rows,
        "coverage": coverage(probabilities, y, labels, THRESHOLDS),
    }


def gradient(story: Story) -> Mapping[str, Any] | None:
    """Give the figures of the gradient check, and the loss of the hardest row as a circuit."""
    check = story.info.get("gradcheck")
    check = check if isinstance(check, dict) else {}
    errors = check.get("largest_error")
    pairs = {
        str(name).replace("-", " against "): value
        for name, value in (errors.items() if isinstance(errors, dict) else ())
        if isinstance(value, float)
    }
    circuit = story.circuit()
    return {"check": check, "pairs": pairs, "circuit": circuit} if check or circuit else None


def setting(story: Story) -> Mapping[str, Any] | None:
    """Give the config, the environment and the data of a run."""
    environment = story.info.get("environment")
    files = story.info.get("data")
    return {
        "yaml": story.yaml,
        "environment": environment if isinstance(environment, dict) else {},
        "files": [
            {name: one.get(name, "") for name in ("role", "name", "size", "sha256")}
            for one in (files if isinstance(files, list) else [])
            if isinstance(one, dict)
        ],
        "info": {
            name: story.info[name]
            for name in ("status", "reason", "started", "ended", "host", "code")
            if isinstance(story.info.get(name), str)
        },
    }


def repeat(story: Story) -> Mapping[str, Any] | None:
    """Give the commands that make the run again, check it and use it."""
    return {"commands": commands(story)}


SECTIONS: dict[str, tuple[Section[Story], str]] = {
    "curves": (curves, "How it was trained"),
    "confusion": (confusion, "What is taken for what"),
    "classes": (classes, "Class by class"),
    "weights": (weights, "What it has learned"),
    "rows": (rows, "Rows worth a look"),
    "margins": (margins, "How clear the decisions are"),
    "calibration": (calibration, "How true its probabilities are"),
    "gradient": (gradient, "The gradient, checked"),
    "setting": (setting, "Config and environment"),
    "repeat": (repeat, "How to repeat it"),
}
"""Every section after the summary, in the order of the page: its function and its title."""


def sections_of(story: Story) -> list[dict[str, Any]]:
    """Return the sections that a run has something for, as the page takes them."""
    return gather(SECTIONS, story)
