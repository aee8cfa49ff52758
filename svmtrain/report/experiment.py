"""What an experiment came to: its runs in order, and the answer in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from svmtrain.errors import ConfigError, ModelError
from svmtrain.experiments.folder import ExperimentFolder
from svmtrain.files import read_bytes
from svmtrain.report import words
from svmtrain.report.story import Story
from svmtrain.runs.directory import RunDirectory
from svmtrain.strict_json import LARGEST, parse

SUMMARY_LIMIT = 64 << 20
ADVICE = ("more_rows", "fit", "labels")


@dataclass(frozen=True)
class Experiment:
    """Many runs that were made for one question.

    Attributes
    ----------
    kind : str
        Such as "sweep".
    runs : list of RunDirectory
        Those that exist, the best of a sweep first.
    best : str or None
        The name of the run that a sweep chose.
    said : list of str
        The answer, a sentence each.
    swept : list of str
        The settings that a sweep tried, by dotted key.
    summary : mapping
        What was written at its end, which is not to be trusted; empty before that.
    """

    kind: str
    runs: list[RunDirectory]
    best: str | None
    said: list[str]
    swept: list[str] = field(default_factory=list)
    summary: Mapping[str, Any] = field(default_factory=dict)

    def with_statuses(self, stories: Sequence[Story]) -> list[Story]:
        """Return the stories of its runs with the status that a leaderboard gives each.

        A run that was dropped on the way is finished by itself, and did not come to the end.
        """
        board = rows_of(self.summary, "leaderboard")
        known = {str(row.get("run")): row.get("status") for row in board}
        return [
            story
            if not isinstance(status := known.get(story.name), str)
            else replace(
                story,
                summary=replace(story.summary, figures={**story.summary.figures, "status": status}),
            )
            for story in stories
        ]


def read_experiment(place: str | Path) -> Experiment | None:
    """Return the experiment in a folder; None when there is none.

    Raises
    ------
    ConfigError
        When it has no runs yet.
    """
    folder = ExperimentFolder(place)
    if not folder.exists():
        return None
    info = folder.read_info()
    kind = str(info.get("kind"))
    summary = _summary(folder.path / "summary.json")
    ranked = [str(row.get("run")) for row in rows_of(summary, "leaderboard")]
    names = [path.name for path in sorted(folder.runs.iterdir())] if folder.runs.is_dir() else []
    names.sort(key=lambda name: ranked.index(name) if name in ranked else len(ranked))
    runs = [run for name in names if (run := folder.run(name)).exists()]
    if not runs:
        raise ConfigError("is an experiment without runs yet: call it again to go on", path=place)
    best = summary.get("best")
    chosen = best if isinstance(best, dict) else {}
    said = _of_sweep(chosen, len(runs)) + _of_folds(summary) + _of_curve(summary)
    said = said or ["It is not finished: call it again to go on."]
    name = chosen.get("run")
    chosen_name = name if isinstance(name, str) else None
    return Experiment(kind, runs, chosen_name, said, _swept(info["request"]), summary)


def _swept(request: Mapping[str, Any]) -> list[str]:
    """Return the settings that a sweep was asked to try."""
    grid = request.get("grid")
    axes = grid if isinstance(grid, list) else []
    return [axis.partition("=")[0].strip() for axis in axes if isinstance(axis, str)]


def _summary(path: Path) -> Mapping[str, Any]:
    """Return what an experiment wrote when it was finished; empty before that, or when damaged."""
    try:
        return parse(read_bytes(path, ModelError, SUMMARY_LIMIT), SUMMARY_LIMIT)
    except (ModelError, ValueError):
        return {}


def rows_of(summary: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Return the rows of a table in what an experiment wrote."""
    rows = summary.get(key)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _of_sweep(best: Mapping[str, Any], runs: int) -> list[str]:
    """Return what a sweep chose, and how."""
    validation, test = best.get("validation_accuracy"), best.get("test_accuracy")
    if not isinstance(validation, float):
        return []
    ties = best.get("ties")
    tied = f", tied with {ties} more" if isinstance(ties, int) and ties > 0 else ""
    said = [
        f"Of {runs} runs “{best.get('run')}” has the highest validation accuracy, "
        f"{words.percent(validation)}{tied}; {best.get('config')} makes it again, byte for byte."
    ]
    if isinstance(test, float):
        said.append(
            f"On the test rows, which chose nothing, it labels {words.percent(test)} right: that "
            "is the figure to expect on new rows, and not the one it was chosen by."
        )
    return said


def _of_folds(summary: Mapping[str, Any]) -> list[str]:
    """Return what cross-validation found, how far its runs are apart, and how sure that is."""
    folds = [row for row in rows_of(summary, "folds") if number(row.get("accuracy")) is not None]
    if not folds:
        return []
    accuracies = [float(row["accuracy"]) for row in folds]
    repeats = len({str(row.get("repeat")) for row in folds})
    count = len({str(row.get("fold")) for row in folds})
    dealt = "" if repeats == 1 else f" dealt out {repeats} times, {len(folds)} runs"
    said = [
        f"Over {count} folds{dealt}, each judged by a model that never saw its rows, the mean "
        f"accuracy is {words.percent(sum(accuracies) / len(accuracies))}, from "
        f"{words.percent(min(accuracies))} to {words.percent(max(accuracies))}."
    ]
    found = summary.get("summary")
    found = found if isinstance(found, dict) else {}
    return said + _of_spread(found.get("accuracy")) + _of_pooled(found.get("pooled"))


def _of_spread(spread: object) -> list[str]:
    """Return how far the accuracies of the folds are apart."""
    known = spread if isinstance(spread, dict) else {}
    sd, error = number(known.get("sd")), number(known.get("standard_error"))
    if sd is None or error is None:
        return []
    return [
        f"The accuracies have the sample standard deviation {words.percent(sd)}, and their mean "
        f"the standard error {words.percent(error)}, corrected for the training rows that folds "
        "share."
    ]


def _of_pooled(pooled: object) -> list[str]:
    """Return how many of all judged rows are right, with an interval where each is judged once."""
    known = pooled if isinstance(pooled, dict) else {}
    right, judged = number(known.get("right")), number(known.get("judged"))
    accuracy, interval = number(known.get("accuracy")), known.get("interval")
    if right is None or judged is None or accuracy is None:
        return []
    ends = [number(end) for end in interval] if isinstance(interval, list) else []
    sure = ""
    if len(ends) == 2 and ends[0] is not None and ends[1] is not None:
        sure = f" (95 % interval {words.percent(ends[0])} to {words.percent(ends[1])})"
    of_all = words.percent(accuracy)
    return [f"Of {judged:,.0f} judged rows {right:,.0f} are right, {of_all}{sure}."]


def _of_curve(summary: Mapping[str, Any]) -> list[str]:
    """Return what a learning curve advises."""
    advice = summary.get("advice")
    found = [advice.get(key) for key in ADVICE] if isinstance(advice, dict) else []
    return [f"{one[:1].upper()}{one[1:]}." for one in found if isinstance(one, str)]


def number(value: object) -> float | None:
    """Return a value of a file if it is a number of a size that figures have."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) <= LARGEST else None
