"""When to stop, and which epoch was the best: both follow from the records alone.

Nothing of this is stored in a checkpoint. A resumed run replays its records, so the settings may
be changed in between.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from svmtrain.training.history import EpochRecord

METRICS: dict[str, bool] = {
    "objective": False,
    "train_loss": False,
    "train_accuracy": True,
    "validation_loss": False,
    "validation_accuracy": True,
}
"""The metrics that an epoch can be judged by, and whether more is better."""


def resolve_metric(name: str, has_validation: bool) -> str:
    """Return the metric that `auto` stands for; any other name stands for itself."""
    if name == "auto":
        return "validation_loss" if has_validation else "objective"
    return name


OUT_OF_REACH = "is proven to be out of reach"
"""What a reason to stop says by `StopRules.must_reach`."""


class BestEpoch:
    """Follows one metric over the epochs.

    Parameters
    ----------
    metric : str
        A name in `METRICS`.
    min_delta : float
        How much better than the best an epoch must be to count as better.
    """

    def __init__(self, metric: str, min_delta: float = 0.0) -> None:
        self.metric = metric
        self.min_delta = min_delta
        self.epoch = 0
        self.value: float | None = None
        self.record: EpochRecord | None = None

    def update(self, record: EpochRecord) -> bool:
        """Take in the next record; return whether it is the best so far."""
        value = getattr(record, self.metric)
        if value is None:
            return False
        if self.value is not None:
            gain = value - self.value if METRICS[self.metric] else self.value - value
            if not gain > self.min_delta:
                return False
        self.epoch, self.value, self.record = record.epoch, float(value), record
        return True

    def replay(self, records: Iterable[EpochRecord]) -> None:
        """Take in earlier records."""
        for record in records:
            self.update(record)


@dataclass(frozen=True)
class StopRules:
    """The settings of the `stop` section; None switches a rule off.

    Attributes
    ----------
    metric : str
        What patience and target look at.
    patience : int
        Epochs without an improvement by more than `min_delta`.
    max_seconds : float
        Training time; looked at after each epoch.
    target : float
        Stop once the metric is at least this good.
    gap : float
        Stop once the objective is proven to be this near to its optimum.
    gap_of_best : bool
        Whether that is asked of the best epoch so far, which becomes the model, and not of the
        last one.
    must_reach : float
        Stop once it is proven that no later epoch makes a model with this validation accuracy;
        see `training.reach`. The loop asks, as it takes the weights to tell.
    """

    metric: str
    patience: int | None = None
    min_delta: float = 0.0
    max_seconds: float | None = None
    target: float | None = None
    gap: float | None = None
    gap_of_best: bool = False
    must_reach: float | None = None


class Stopping:
    """Applies `StopRules` to the records, one after the other."""

    def __init__(self, rules: StopRules) -> None:
        self.rules = rules
        self.best = BestEpoch(rules.metric, rules.min_delta)
        self.lowest = math.inf
        self.bound: float | None = None
        self.reason: str | None = None

    def update(self, record: EpochRecord) -> str | None:
        """Take in the next record; return (and keep) the reason to stop, if there is one."""
        self.best.update(record)
        self.lowest = min(self.lowest, record.objective)
        self.bound = record.bound
        self.reason = self._judge(record)
        return self.reason

    def give_up(self, most: float) -> None:
        """Take in what validation accuracy can be reached at most, and stop when it is too low."""
        wanted = self.rules.must_reach
        if wanted is not None and most < wanted:
            self.reason = (
                f"a validation accuracy above {most:.4f} {OUT_OF_REACH}, and {wanted:.4f} was to "
                "be reached"
            )

    def _judge(self, record: EpochRecord) -> str | None:
        rules, waited = self.rules, record.epoch - self.best.epoch
        value = getattr(record, rules.metric)
        if rules.target is not None and value is not None:
            good = value >= rules.target if METRICS[rules.metric] else value <= rules.target
            if good:
                return f"{rules.metric} reached its target {rules.target:g}"
        gap = self._gap(record)
        if rules.gap is not None and gap is not None and gap <= rules.gap:
            return f"the objective is proven to be within {gap:.2%} of the optimum"
        if rules.patience is not None and waited >= rules.patience:
            return f"{rules.metric} has not improved for {waited} epochs"
        if rules.max_seconds is not None and record.seconds >= rules.max_seconds:
            return f"{rules.max_seconds:g} seconds are over"
        return None

    def _gap(self, record: EpochRecord) -> float | None:
        """Return the gap that is proven of the model that would come of a stop now."""
        if not self.rules.gap_of_best or record.bound is None:
            return record.gap
        return (self.lowest - record.bound) / self.lowest

    def replay(self, records: Iterable[EpochRecord]) -> str | None:
        """Take in earlier records; return the reason to stop after the last of them."""
        for record in records:
            self.update(record)
        return self.reason
