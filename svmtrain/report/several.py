"""The sections of a page about several runs; a table like that of one run."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from svmtrain.report import figures, words
from svmtrain.report.answers import ANSWERS
from svmtrain.report.comparison import Comparison
from svmtrain.report.experiment import Experiment
from svmtrain.report.gather import Section, gather
from svmtrain.report.repeat import fit_again
from svmtrain.report.story import Story
from svmtrain.runs.catalogue import FIGURES

DRAWN_RUNS = 6
FEWEST_VALUES = 3
NOT_IN_THE_TABLE = ("solver.warm_start", "stop.must_reach")
"""What a run along a chain got from the one before it: long, and no choice of anyone."""


def runs(comparison: Comparison) -> Mapping[str, Any] | None:
    """Give the figures and the differing settings of every run."""
    stories = comparison.stories
    keys = [key for key in comparison.keys if key not in NOT_IN_THE_TABLE]
    known = [name for name in FIGURES if any(s.summary.figures[name] is not None for s in stories)]
    rows = [
        [story.name]
        + [story.summary.settings.get(key) for key in keys]
        + [story.summary.figures[name] for name in known]
        for story in stories
    ]
    note = ""
    if any(key.startswith("objective.") for key in keys):
        note = (
            "The objectives are of different problems and do not compare; accuracies on the same "
            "rows do."
        )
    header = ["run", *keys, *(name.replace("_", " ") for name in known)]
    return {"header": header, "rows": rows, "note": note}


def duels(comparison: Comparison) -> Mapping[str, Any] | None:
    """Give the paired comparisons with the best run."""
    if not comparison.duels and not comparison.apart:
        return None
    return {
        "best": comparison.duels[0].first if comparison.duels else "",
        "runs": len(comparison.duels) + 1,
        "split": comparison.split,
        "duels": comparison.duels,
        "apart": comparison.apart,
    }


def curves(comparison: Comparison) -> Mapping[str, Any] | None:
    """Give the curves of the runs, one over the other."""
    told = (story for story in comparison.stories if story.records)
    drawn = sorted(told, key=partial(_worse, comparison.split))[:DRAWN_RUNS]
    if not drawn:
        return None
    series = [(story.name, story.records) for story in drawn]
    names = ", ".join(story.name for story in drawn)
    pictures = figures.curves_in_page(series, f"by epoch of {names}.")
    left_out = len(comparison.stories) - len(drawn)
    return {"pictures": pictures, "drawn": len(drawn), "left_out": left_out}


def _worse(split: str | None, story: Story) -> float:
    judged = story.held_out if split is None else story.judged.get(split)
    return 0.0 if judged is None else -judged.report.accuracy


def settings(comparison: Comparison) -> Mapping[str, Any] | None:
    """Give the accuracy over each setting that takes several numbers."""
    drawn, swept = [], comparison.swept
    for key in (key for key in comparison.keys if swept is None or key in swept):
        points = [
            (float(value), accuracy)
            for story in comparison.stories
            if (value := _number(story.summary.settings.get(key))) is not None
            and (accuracy := story.summary.figures["validation_accuracy"]) is not None
        ]
        if len({value for value, _ in points}) >= FEWEST_VALUES:
            drawn.append(
                figures.in_page(
                    f"setting-{key}", key, f"Validation accuracy over {key}.",
                    partial(figures.draw_setting, points, key),
                )
            )  # fmt: skip
    return {"pictures": drawn} if drawn else None


def _number(value: object) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and isinstance(value, int | float) else None


def differences(comparison: Comparison) -> Mapping[str, Any] | None:
    """Give the settings in which the configs differ; of many runs the first table has them."""
    if len(comparison.stories) > DRAWN_RUNS:
        return None
    rows = [
        {
            "key": key,
            "cells": [
                story.summary.settings.get(key, words.NOTHING) for story in comparison.stories
            ],
        }
        for key in comparison.keys
    ]
    return {"rows": rows, "names": [story.name for story in comparison.stories]}


def repeat(comparison: Comparison) -> Mapping[str, Any] | None:
    """Give the command that repeats each run."""
    if len(comparison.stories) > 2 * DRAWN_RUNS:
        return None
    return {"commands": [(story.name, fit_again(story)) for story in comparison.stories]}


SECTIONS: dict[str, tuple[Section[Comparison], str]] = {
    "table": (runs, "Side by side"),
    "duels": (duels, "Better, or a tie?"),
    "curves": (curves, "How they were trained"),
    "settings": (settings, "What the settings do"),
    "differences": (differences, "Where the configs differ"),
    "repeat": (repeat, "How to repeat them"),
}
"""The sections, in the order of the page: function and title."""


def sections_of_several(
    comparison: Comparison, experiment: Experiment | None = None
) -> list[dict[str, Any]]:
    """Return the sections that there is something for, as the page takes them."""
    answers = [] if experiment is None else gather(ANSWERS, experiment)
    return answers + gather(SECTIONS, comparison)
