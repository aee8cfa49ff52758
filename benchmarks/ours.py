"""`svmtrain fit` in a fresh process, its times, path and memory read from what it leaves.

Everything is the product as a user has it: the command line, a config, metrics.jsonl. The time
before the first step is that until config.yaml is written, which `fit` does just before it.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.children import run

Settings = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Fit:
    """What one run of `svmtrain fit` left.

    Attributes
    ----------
    load : float
        Seconds from the start of the process to the first step.
    saved : float
        Seconds from the start of the process until the model was on disk.
    wall : float
        Seconds that the whole process took.
    peak : int
        Most resident bytes.
    epochs : list of dict
        The lines of metrics.jsonl.
    model : Path
    """

    load: float
    saved: float
    wall: float
    peak: int
    model: Path
    epochs: list[dict[str, Any]] = field(default_factory=list)


def fit(settings: Settings, folder: Path, without: str = "nothing") -> Fit:
    """Run `svmtrain fit` with a config of these settings in a folder.

    Parameters
    ----------
    settings : mapping
        The config: section, key, value.
    folder : Path
        Receives config and run; an earlier run there is deleted.
    without : str
        A package to hide from the process.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder / "runs", ignore_errors=True)
    (folder / "config.yaml").write_text(json.dumps(settings), encoding="utf-8")
    script = [sys.executable, "-m", "benchmarks.run_svmtrain", "peak", without]
    began = time.time()
    _, wall = run([*script, "fit", "config.yaml", "-q", "--name", "run"], folder)
    made = folder / "runs" / "run"
    with open(made / "metrics.jsonl", encoding="utf-8") as lines:
        epochs = [json.loads(line) for line in lines]
    return Fit(
        load=(made / "config.yaml").stat().st_mtime - began,
        saved=(made / "model.npz").stat().st_mtime - began,
        wall=wall,
        peak=int((folder / "peak").read_text(encoding="ascii")),
        model=made / "model.npz",
        epochs=epochs,
    )


def first_within(epochs: list[dict[str, Any]], gap: float) -> int | None:
    """Return the number of the first epoch, from 0, that ended with such a gap proven."""
    for number, epoch in enumerate(epochs):
        if epoch["gap"] is not None and epoch["gap"] <= gap:
            return number
    return None


def told(found: Fit, accuracies: list[float | None], chosen_gap: float | None) -> dict[str, Any]:
    """Return a run in the form in which the peers answer.

    The plain result is the last epoch, or the first one that proves `chosen_gap`; later epochs
    and what they took are then not counted in the total.
    """
    last = len(found.epochs) - 1
    first = None if chosen_gap is None else first_within(found.epochs, chosen_gap)
    chosen = last if first is None else first
    after = found.epochs[last]["seconds"] - found.epochs[chosen]["seconds"]
    path = [
        {
            "seconds": epoch["seconds"],
            "objective": epoch["objective"],
            "bound": epoch["bound"],
            "accuracy": accuracies[number] if number < len(accuracies) else None,
            "setting": f"epoch {epoch['epoch']}",
        }
        for number, epoch in enumerate(found.epochs)
    ]
    return {
        "load": found.load,
        "train": found.epochs[chosen]["seconds"],
        "total": found.wall - after,
        "peak": found.peak,
        "chosen": chosen,
        "path": path,
        "wall": found.wall,
    }
