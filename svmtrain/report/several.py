"""The sections of a page about several runs; a table like that of one run."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import Any

from svmtrain.errors import ConfigError, SvmtrainError
from svmtrain.report import figures, words
from svmtrain.report.comparison import Comparison
from svmtrain.report.story import Story
from svmtrain.runs.catalogue import FIGURES

Section = Callable[[Comparison], Mapping[str, Any] | None]
DRAWN_RUNS = 6


def runs(comparison: Comparison) -> Mapping[str, Any] | None:
    """Give the figures and the differing settings of every run."""
    stories, keys = comparison.stories, comparison.keys
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
    if not comparison.duels:
        return None
    return {
        "best": comparison.duels[0].first,
        "split": comparison.split,
        "duels": comparison.duels,
        "apart": comparison.apart,
    }


def curves(comparison: Comparison) -> Mapping[str, Any] | None:
    """Give the curves of the runs, one over the other."""
    drawn = sorted((s for s in comparison.stories if s.records), key=_worse)[:DRAWN_RUNS]
    if not drawn:
        return None
    series = [(story.name, story.records) for story in drawn]
    names = ", ".join(story.name for story in drawn)
    pictures = figures.curves_in_page(series, f"by epoch of {names}.")
    left_out = len(comparison.stories) - len(drawn)
    return {"pictures": pictures, "drawn": len(drawn), "left_out": left_out}


def _worse(story: Story) -> float:
    judged = story.held_out
    return 0.0 if judged is None else -judged.report.accuracy


def differences(comparison: Comparison) -> Mapping[str, Any] | None:
    """Give the settings in which the configs differ."""
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
    paths = [(story.name, shlex.quote(str(story.run.path))) for story in comparison.stories]
    return {
        "commands": [
            (name, f"svmtrain fit {path}/config.yaml --name again") for name, path in paths
        ]
    }


SECTIONS: dict[str, tuple[Section, str]] = {
    "table": (runs, "Side by side"),
    "duels": (duels, "Better, or a tie?"),
    "curves": (curves, "How they were trained"),
    "differences": (differences, "Where the configs differ"),
    "repeat": (repeat, "How to repeat them"),
}
"""The sections, in the order of the page: function and title."""


def sections_of_several(comparison: Comparison) -> list[dict[str, Any]]:
    """Return the sections that there is something for, as the page takes them."""
    found = []
    for name, (make, title) in SECTIONS.items():
        try:
            content = make(comparison)
        except ConfigError:  # a library is missing
            raise
        except SvmtrainError as error:
            content = {"problem": str(error)}
        if content is not None:
            found.append({"name": name, "title": title, **content})
    return found
