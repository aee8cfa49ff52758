"""Tables over many runs: list them, show one, compare some."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from svmtrain.config import load_config, to_dict
from svmtrain.errors import ConfigError, ModelError, SvmtrainError
from svmtrain.files import read_bytes
from svmtrain.runs.directory import RunDirectory, is_path
from svmtrain.runs.journal import METRICS_LIMIT
from svmtrain.runs.path import PathDirectory, runs_of
from svmtrain.training.history import EpochRecord, gap_between

FIGURES = (
    "status",
    "epochs",
    "objective",
    "proven",
    "train_accuracy",
    "validation_accuracy",
    "test_accuracy",
    "seconds",
)
NOT_COMPARED = ("output.dir", "output.name")


@dataclass(frozen=True)
class RunSummary:
    """The figures of one run.

    Attributes
    ----------
    name : str
    path : str
    figures : dict
        By the names in `FIGURES`; None where there is none. Objective and accuracies are those
        of the model's epoch, or of the last one while the run is not finished; `proven` is how
        far that objective is from its optimum at most, by the last bound.
    settings : dict
        The config, by dotted key.
    """

    name: str
    path: str
    figures: dict[str, Any]
    settings: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"run": self.name, "path": self.path, **self.figures}


def find_runs(folder: str | Path) -> list[RunDirectory]:
    """Return the run directories in a folder, by name; those of a path in its order.

    Raises
    ------
    ConfigError
        When there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ConfigError(
            "no such folder of runs (svmtrain fit makes runs, --dir names their folder)",
            path=folder,
        )
    runs = [run for path in sorted(folder.iterdir()) for run in runs_of(path)]
    return [run for run in runs if run.exists()]


def to_come(folder: str | Path) -> list[RunSummary]:
    """Return what is still to be trained of the paths in a folder: runs without a figure."""
    found = []
    for path in sorted(Path(folder).iterdir()):
        if not is_path(path):
            continue
        place = PathDirectory(path)
        with contextlib.suppress(ModelError):
            for member in place.members():
                run = place.run(member)
                if not run.exists():
                    figures = {**dict.fromkeys(FIGURES), "status": "to come"}
                    known = {f"objective.{member.key}": member.value}
                    found.append(RunSummary(_name(run), str(run.path), figures, known))
    return found


def summarize(run: RunDirectory) -> RunSummary:
    """Return the figures of a run; what cannot be read is None, and the status says so."""
    figures: dict[str, Any] = dict.fromkeys(FIGURES)
    try:
        info = run.read_info()
    except ModelError:
        info = {"status": "damaged"}
    figures["status"] = status(run, info)
    record = info.get("chosen") or info.get("last") or _last_record(run)
    if isinstance(record, dict):
        for name in ("objective", "train_accuracy", "validation_accuracy"):
            figures[name] = _number(record.get(name))
    last = info.get("last") or _last_record(run)
    if isinstance(last, dict):
        figures["epochs"] = _number(last.get("epoch"))
        figures["seconds"] = _number(last.get("seconds"))
        figures["proven"] = _proven(figures["objective"], last.get("bound"))
    if isinstance(info.get("test"), dict):
        figures["test_accuracy"] = _number(info["test"].get("accuracy"))
    known = settings(run)
    if known.get("objective.lambda", 0) is None:
        known["objective.lambda"] = info.get("lambda")
    return RunSummary(_name(run), str(run.path), figures, known)


def _number(value: Any) -> int | float | None:
    """Return a figure of a file if it is a number, such as sorts among numbers."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if number and value == value else None


def _proven(objective: Any, bound: Any) -> float | None:
    """Return the gap between an objective and a bound; None where that says nothing."""
    if not (isinstance(objective, float) and isinstance(bound, float) and objective > 0):
        return None
    return gap_between(objective, bound) if bound >= 0 else None


def _name(run: RunDirectory) -> str:
    """Return the name of a run; before that of one in a path stands the name of the path."""
    path = Path(os.path.abspath(run.path))
    return f"{path.parent.name}/{path.name}" if is_path(path.parent) else run.path.name


def status(run: RunDirectory, info: dict[str, Any]) -> str:
    """Return the status of a run; one that says `running` but holds no lock was killed."""
    found = str(info.get("status"))
    return "killed" if found == "running" and not run.is_locked() else found


def settings(run: RunDirectory) -> dict[str, Any]:
    """Return the config of a run by dotted key; empty when it cannot be read."""
    try:
        config = to_dict(load_config(run.config))
    except SvmtrainError:
        return {}
    return {f"{s}.{key}": value for s, keys in config.items() for key, value in keys.items()}


def read_records(run: RunDirectory) -> list[EpochRecord]:
    """Return the records of a run; a last line that is still being written is left out.

    There are none where metrics.jsonl is missing, cannot be read or is not a regular file.
    """
    records: list[EpochRecord] = []
    content = b""
    with contextlib.suppress(ModelError):
        content = read_bytes(run.metrics, ModelError, METRICS_LIMIT)
    for line in content.split(b"\n")[:-1]:
        try:
            records.append(EpochRecord.from_json(line))
        except (ValueError, TypeError):
            break
    return records


def _last_record(run: RunDirectory) -> dict[str, Any] | None:
    records = read_records(run)
    return dict(vars(records[-1])) if records else None


def sort_runs(runs: Sequence[RunSummary], key: str | None) -> list[RunSummary]:
    """Return runs sorted by a figure, the best first; runs without it come last.

    Accuracies and epochs sort downwards, everything else upwards.

    Raises
    ------
    ConfigError
        When there is no such figure.
    """
    if key is None:
        return list(runs)
    if key == "run":
        return sorted(runs, key=lambda run: run.name)
    if key not in FIGURES:
        raise ConfigError(f"--sort must be one of run, {', '.join(FIGURES)}; got {key!r}")
    known = [run for run in runs if run.figures[key] is not None]
    down = key.endswith("accuracy") or key == "epochs"
    known.sort(key=lambda run: run.figures[key], reverse=down)
    return known + [run for run in runs if run.figures[key] is None]


def differing_settings(runs: Sequence[RunSummary]) -> list[str]:
    """Return the settings that are not the same in all runs, by dotted key."""
    keys = dict.fromkeys(key for run in runs for key in run.settings)
    return [
        key
        for key in keys
        if key not in NOT_COMPARED
        and any(run.settings.get(key) != runs[0].settings.get(key) for run in runs)
    ]
