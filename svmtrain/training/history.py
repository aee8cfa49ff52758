"""What is recorded of each epoch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


def gap_between(objective: float, bound: float | None) -> float | None:
    """Return how far above its lower bound an objective is, as a share of it; None without one.

    Both are sums of many roundings, so that at the optimum the bound may end a little higher:
    that is 0.
    """
    return None if bound is None else max(0.0, (objective - bound) / objective)


@dataclass(frozen=True)
class EpochRecord:
    """One line of metrics.jsonl. Losses and accuracies are of the weights that are judged.

    Attributes
    ----------
    epoch : int
        Counted from 1.
    step : int
        Updates made so far.
    seconds : float
        Training time so far, over all sessions of the run.
    lr : float
        The learning rate of the last step.
    online_loss : float or None
        Mean loss of the rows just before their own step of this epoch; None for dual ascent,
        whose steps are not over single rows.
    train_loss, penalty, objective : float
        The data term over all training rows, the penalty, and their sum.
    train_accuracy : float
    validation_loss, validation_accuracy : float or None
        None without validation rows.
    weight_norm : float
        ||W||.
    active_margins : float
        Positive hinges a training row.
    bound : float or None
        The best lower bound on the optimum of the objective so far; see `objective.dual`. None
        where there is none.
    gap : float or None
        (objective - bound) / objective: how far above the optimum the objective is at most.
    workers : mapping of str to float, or None
        The rows a second of each worker of a cluster in this epoch; None, and not in the line,
        without one.
    """

    epoch: int
    step: int
    seconds: float
    lr: float
    online_loss: float | None
    train_loss: float
    penalty: float
    objective: float
    train_accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    weight_norm: float
    active_margins: float
    bound: float | None = None
    gap: float | None = None
    workers: Mapping[str, float] | None = None

    def to_json(self) -> str:
        """Return the record as one line of JSON, without its end."""
        return json.dumps(self.to_dict(), allow_nan=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain values."""
        values = asdict(self)
        if self.workers is None:
            del values["workers"]
        return values

    def figures(self) -> dict[str, Any]:
        """Return the figures of the training alone, by name: those that tables have."""
        return {name: value for name, value in asdict(self).items() if name != "workers"}

    @classmethod
    def from_json(cls, line: str | bytes) -> EpochRecord:
        """Read a line written by `to_json`; ValueError when it is not one."""
        try:
            values: Any = json.loads(line)
        except RecursionError:
            raise ValueError("nested too deeply") from None
        if not isinstance(values, dict):
            raise ValueError("not a record of an epoch")
        workers = values.pop("workers", None)
        if set(values) != set(cls.__dataclass_fields__) - {"workers"}:
            raise ValueError("not a record of an epoch")
        if not isinstance(workers, dict | None):
            raise ValueError("workers that are no object")
        figures = [*values.values(), *(workers or {}).values()]
        if any(isinstance(v, bool) or not isinstance(v, int | float | None) for v in figures):
            raise ValueError("a figure that is no number")
        return cls(**values, workers=workers)
