"""Who leads: the finished runs of a sweep in order, by rows that no model was trained on."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from svmtrain.build import best_metric
from svmtrain.errors import ModelError
from svmtrain.experiments.points import Point
from svmtrain.files import write_atomic
from svmtrain.operations.fit import reload_config
from svmtrain.runs.catalogue import read_records
from svmtrain.runs.directory import RunDirectory
from svmtrain.training.history import EpochRecord, gap_between
from svmtrain.training.stopping import OUT_OF_REACH, BestEpoch

FIGURES = (
    *("validation_accuracy", "validation_loss", "objective", "gap", "train_accuracy"),
    *("epochs", "seconds"),
)


SHORT = 100
"""Rows of a leaderboard that take no time to write."""


@dataclass(frozen=True)
class Standing:
    """Where a point stands after so many epochs.

    Attributes
    ----------
    point : Point
    chosen : EpochRecord
        That of the epoch whose weights are the model, were it to end here.
    last : EpochRecord
    lam : float
    given_up : bool
        Whether it ended because it was proven not to become the best.
    """

    point: Point
    chosen: EpochRecord
    last: EpochRecord
    lam: float
    given_up: bool = False

    @property
    def order(self) -> tuple[float, float, float]:
        """What standings are sorted by, the best first.

        The validation accuracy; where it is the same, the smaller validation loss, and then the
        stronger penalty.
        """
        accuracy, loss = self.chosen.validation_accuracy, self.chosen.validation_loss
        if accuracy is None or loss is None:
            raise ModelError(f"{self.point.name} has no validation rows")
        return -accuracy, loss, -self.lam

    def figures(self) -> dict[str, Any]:
        """Return the figures in `FIGURES`."""
        bound, objective = self.last.bound, self.chosen.objective
        return {
            "validation_accuracy": self.chosen.validation_accuracy,
            "validation_loss": self.chosen.validation_loss,
            "objective": objective,
            "gap": None if bound is None or bound < 0 else gap_between(objective, bound),
            "train_accuracy": self.chosen.train_accuracy,
            "epochs": self.last.epoch,
            "seconds": self.last.seconds,
        }


def standing(run: RunDirectory, point: Point, epochs: int | None = None) -> Standing:
    """Return where a run stands after so many epochs, however many it has made since.

    Raises
    ------
    ModelError
        When it has no records.
    """
    config, records = reload_config(run), read_records(run)[:epochs]
    info = run.read_info()
    lam, given_up = info.get("lambda"), OUT_OF_REACH in str(info.get("reason"))
    best = BestEpoch(best_metric(config, True))
    best.replay(records)
    chosen = best.record if config.output.model == "best" else records[-1] if records else None
    if chosen is None or not isinstance(lam, float):
        raise ModelError("has no records of its epochs", path=run.metrics)
    return Standing(point, chosen, records[-1], lam, given_up)


def ranked(standings: Sequence[Standing]) -> list[Standing]:
    """Return standings, the best first; equal ones in the order of their points."""
    return sorted(standings, key=lambda one: one.order)


def row_of(rank: int, one: Standing, status: str) -> dict[str, Any]:
    """Return the row of a leaderboard for a point: see `SweepResult`."""
    marks = {"rank": rank, "run": one.point.name, "settings": one.point.settings}
    return {**marks, "status": status, **one.figures()}


def status_of(one: Standing, last: bool) -> str:
    """Return how the run of a point ended: in the last stage, or in an earlier one."""
    if not last:
        return f"dropped at {_epochs(one)}"
    return f"given up at {_epochs(one)}" if one.given_up else "finished"


def _epochs(one: Standing) -> str:
    return f"{one.last.epoch} epoch{'' if one.last.epoch == 1 else 's'}"


@dataclass
class GrowingBoard:
    """The leaderboard of the runs that have ended so far, for as long as a sweep takes.

    Attributes
    ----------
    file : Path
    keys : list of str
        The settings that are swept.
    """

    file: Path
    keys: Sequence[str]
    _ended: dict[str, tuple[int, bool, Standing]] = field(default_factory=dict)
    _next: float = 0.0

    def add(self, one: Standing, stage: int, last: bool) -> None:
        """Take in where a run stands at the end of a stage, counted from 0.

        The file is written at once, but for one of so many rows that it would take more than a
        tenth of the time: it waits for a later run.
        """
        self._ended[one.point.name] = (stage, last, one)
        began = time.monotonic()
        if began < self._next:
            return
        order = sorted(self._ended.values(), key=lambda entry: (-entry[0], entry[2].order))
        rows = [
            row_of(rank, found, status_of(found, True) if final else f"at {_epochs(found)}")
            for rank, (_, final, found) in enumerate(order, 1)
        ]
        write_board(self.file, self.keys, rows)
        now = time.monotonic()
        self._next = now + 9 * (now - began) if len(rows) > SHORT else now


def write_board(file: Path, keys: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    """Write a leaderboard as CSV: rank, run, the settings by their keys, status and figures."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["rank", "run", *keys, "status", *FIGURES])
    for row in rows:
        figures = [row.get(name) for name in FIGURES]
        settings = [row["settings"][key] for key in keys]
        writer.writerow([row["rank"], row["run"], *settings, row["status"], *figures])
    write_atomic(file, stream.getvalue().encode())
