"""What an experiment came to: its runs in order, and the answer in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from svmtrain.errors import ConfigError, ModelError
from svmtrain.experiments.folder import ExperimentFolder
from svmtrain.files import read_bytes
from svmtrain.report import words
from svmtrain.runs.directory import RunDirectory
from svmtrain.strict_json import parse

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
    """

    kind: str
    runs: list[RunDirectory]
    best: str | None
    said: list[str]


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
    kind = str(folder.read_info().get("kind"))
    summary = _summary(folder.path / "summary.json")
    ranked = [str(row.get("run")) for row in _rows(summary, "leaderboard")]
    names = [path.name for path in sorted(folder.runs.iterdir())] if folder.runs.is_dir() else []
    names.sort(key=lambda name: ranked.index(name) if name in ranked else len(ranked))
    runs = [run for name in names if (run := folder.run(name)).exists()]
    if not runs:
        raise ConfigError("is an experiment without runs yet", path=place)
    best = summary.get("best")
    chosen = best if isinstance(best, dict) else {}
    said = _of_sweep(chosen, len(runs)) + _of_folds(summary) + _of_curve(summary)
    said = said or ["It is not finished: call it again to go on."]
    name = chosen.get("run")
    return Experiment(kind, runs, name if isinstance(name, str) else None, said)


def _summary(path: Path) -> Mapping[str, Any]:
    """Return what an experiment wrote when it was finished; empty before that, or when damaged."""
    try:
        return parse(read_bytes(path, ModelError, SUMMARY_LIMIT), SUMMARY_LIMIT)
    except (ModelError, ValueError):
        return {}


def _rows(summary: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
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
    """Return what cross-validation found."""
    accuracies = [
        row["accuracy"] for row in _rows(summary, "folds") if isinstance(row.get("accuracy"), float)
    ]
    if not accuracies:
        return []
    return [
        f"Over {len(accuracies)} folds, each judged by a model that never saw its rows, the mean "
        f"accuracy is {words.percent(sum(accuracies) / len(accuracies))}, from "
        f"{words.percent(min(accuracies))} to {words.percent(max(accuracies))}."
    ]


def _of_curve(summary: Mapping[str, Any]) -> list[str]:
    """Return what a learning curve advises."""
    advice = summary.get("advice")
    found = [advice.get(key) for key in ADVICE] if isinstance(advice, dict) else []
    return [f"{one[:1].upper()}{one[1:]}." for one in found if isinstance(one, str)]
