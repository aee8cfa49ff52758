"""The page about one run or several: one file of HTML that loads nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from svmtrain import __version__
from svmtrain.errors import ConfigError, printable
from svmtrain.report import words
from svmtrain.report.comparison import compare_stories
from svmtrain.report.experiment import Experiment
from svmtrain.report.sections import sections_of
from svmtrain.report.several import sections_of_several
from svmtrain.report.story import Story

LONGEST_NAME = 40
GENERATOR = "svmtrain report"
"""What a page says made it, by which it is known again."""


def page(stories: Sequence[Story], experiment: Experiment | None = None, name: str = "") -> bytes:
    """Return the page about one run, or about several side by side.

    Parameters
    ----------
    stories : sequence of Story
        At least one.
    experiment : Experiment, optional
        What they were made for.
    name : str
        What that is called.

    Raises
    ------
    ConfigError
        Without Jinja2 or matplotlib, which the extra `plot` brings.
    """
    alone = len(stories) == 1 and experiment is None
    return (_one(stories[0]) if alone else _several(stories, experiment, name)).encode()


def _one(story: Story) -> str:
    return _render(
        folder="run",
        kind="A training run of svmtrain",
        heading=_name(story.name, 80),
        title=f"{_name(story.name, 80)} - svmtrain",
        summary=words.summary(story),
        missing=story.missing,
        tiles=_tiles(story),
        sections=sections_of(story),
    )


def _tiles(story: Story) -> list[tuple[str, str, str]]:
    """Return the figures at the top: name, value, remark."""
    figures, judged = story.summary.figures, story.held_out
    found = []
    if judged is not None:
        low, high = judged.interval
        between = f"{words.percent(low, 1)} to {words.percent(high, 1)}"
        accuracy = words.percent(judged.report.accuracy)
        sure = "not held out" if judged.split == "train" else f"95 %: {between}"
        found.append((f"accuracy, {judged.split} rows", accuracy, sure))
    if figures["proven"] is not None:
        found.append(("proven gap", words.percent(figures["proven"]), "of the objective, at most"))
    for name in ("objective", "epochs", "seconds"):
        if figures[name] is not None:
            found.append((name, words.figure(figures[name]), ""))
    return found


def _several(stories: Sequence[Story], experiment: Experiment | None, name: str) -> str:
    split = "validation" if experiment is not None and experiment.best else None
    if experiment is not None:
        stories = experiment.with_statuses(stories)
    comparison = compare_stories(stories, split, None if experiment is None else experiment.best)
    said = words.comparison_summary(comparison)
    if experiment is not None:
        comparison = replace(comparison, swept=experiment.swept)
        said = experiment.said + (said if experiment.kind == "sweep" else [])
        if experiment.kind != "sweep":  # its runs have other rows each, which is no surprise
            comparison = replace(comparison, duels=[], apart=[])
    heading = f"{len(stories)} runs" if experiment is None else _name(name, 80)
    missing = [f"{story.name}: {text}" for story in stories for text in story.missing]
    return _render(
        folder="runs",
        kind="Training runs of svmtrain, compared"
        if experiment is None
        else f"A {experiment.kind} by svmtrain, {len(stories)} runs",
        heading=heading,
        title=f"{heading} - svmtrain",
        summary=said,
        missing=list(dict.fromkeys(missing)),
        tiles=[],
        sections=sections_of_several(comparison, experiment),
    )


def _render(**content: Any) -> str:
    environment, source = _environment()
    script = source("sort.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    safe = environment.filters["drawn"]
    return str(
        environment.get_template("page.html").render(
            **content,
            version=__version__,
            generator=GENERATOR,
            script_digest=digest,
            script=safe(script),
            style=safe(source("style.css")),
        )
    )


def _environment() -> tuple[Any, Any]:
    """Return Jinja2's environment, which escapes all that is not our own, and the templates."""
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
        from markupsafe import Markup
    except ImportError:
        raise ConfigError("a report needs Jinja2: pip install 'svmtrain[plot]'") from None
    loader = PackageLoader("svmtrain.report", "templates")
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        drawn=Markup,
        figure=words.figure,
        name=_name,
        percent=words.percent,
        rows_of=words.rows_of,
        signed=lambda value: f"{value:+,.4f}",
        verdict=words.verdict,
    )
    return environment, lambda name: loader.get_source(environment, name)[0]


def _name(text: object, longest: int = LONGEST_NAME) -> str:
    """Return a text from a file as a page shows it: printable, and not endless."""
    shown = printable(str(text))
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"
