"""When to stop, and which epoch was the best: both follow from the records alone."""

from dataclasses import replace

import pytest

from svmtrain.training.history import EpochRecord
from svmtrain.training.stopping import METRICS, BestEpoch, Stopping, StopRules, resolve_metric


def record(epoch, value, metric="objective", seconds=0.0):
    """Return a record with one metric of interest."""
    figures = dict.fromkeys(EpochRecord.__dataclass_fields__, 0.0)
    return EpochRecord(**{**figures, "epoch": epoch, "seconds": seconds, metric: value})


def stops(rules, values, seconds=0.0):
    """Return the epoch and the reason of the first stop."""
    stopping = Stopping(rules)
    for epoch, value in enumerate(values, start=1):
        reason = stopping.update(record(epoch, value, rules.metric, seconds * epoch))
        if reason:
            return epoch, reason
    return None


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_best_epoch_is_the_first_of_the_best(metric):
    """Less loss, more accuracy; an equal value later is not better."""
    best = BestEpoch(metric)
    values = [0.5, 0.9, 0.9, 0.1, 0.1, 0.3]
    found = [best.update(record(e, v, metric)) for e, v in enumerate(values, start=1)]
    if METRICS[metric]:
        assert found == [True, True, False, False, False, False]
        assert (best.epoch, best.value) == (2, 0.9)
    else:
        assert found == [True, False, False, True, False, False]
        assert (best.epoch, best.value) == (4, 0.1)


def test_improvement_must_exceed_min_delta():
    """An epoch better by min_delta or less does not count; small ones add up against the best."""
    best = BestEpoch("objective", min_delta=0.25)
    found = [best.update(record(e, v)) for e, v in enumerate([1, 0.75, 0.8, 0.5], start=1)]
    assert found == [True, False, False, True]


def test_epoch_without_the_metric_is_never_the_best():
    """Without validation rows, a validation metric judges nothing."""
    best = BestEpoch("validation_loss")
    assert not best.update(record(1, None, "validation_loss"))
    assert (best.epoch, best.value) == (0, None)


def test_auto_is_the_validation_loss_where_there_is_one():
    """auto looks at held-out rows when there are some, else at what is minimised."""
    assert resolve_metric("auto", True) == "validation_loss"
    assert resolve_metric("auto", False) == "objective"
    assert resolve_metric("train_loss", True) == "train_loss"


def test_without_rules_nothing_stops():
    """All rules are off by default."""
    assert stops(StopRules("objective"), [1.0] * 100, seconds=1e6) is None


@pytest.mark.parametrize(
    ("values", "epoch"),
    [
        ([5, 4, 3, 2, 1], None),
        ([5, 5, 5, 5], 4),
        ([5, 4, 4, 4, 3, 3, 3, 3], 8),
        ([5, 6, 4, 6, 6, 6], 6),
    ],
)
def test_patience_counts_epochs_since_the_best(values, epoch):
    """With patience 3, the third epoch in a row that is not better stops the run."""
    found = stops(StopRules("objective", patience=3), values)
    want = (epoch, "objective has not improved for 3 epochs") if epoch else None
    assert found == want


def test_patience_ignores_gains_within_min_delta():
    """A slow crawl is no improvement."""
    rules = StopRules("objective", patience=2, min_delta=0.5)
    assert stops(rules, [5, 4.9, 4.8, 4.7])[0] == 3
    assert stops(rules, [5, 4.7, 4.4, 4.1, 3.8]) is None


@pytest.mark.parametrize(
    ("metric", "values", "epoch"),
    [
        ("objective", [0.4, 0.3, 0.25, 0.1], 3),
        ("validation_accuracy", [0.1, 0.24, 0.25, 0.9], 3),
    ],
)
def test_target_stops_once_the_metric_is_as_good(metric, values, epoch):
    """At most the target for a loss, at least for an accuracy; equal is enough."""
    found = stops(StopRules(metric, target=0.25), values)
    assert found == (epoch, f"{metric} reached its target 0.25")


def test_time_is_looked_at_after_each_epoch():
    """The first epoch that ends at or after the limit is the last."""
    found = stops(StopRules("objective", max_seconds=10), [3, 2, 1, 0], seconds=5)
    assert found == (2, "10 seconds are over")


@pytest.mark.parametrize("cut", range(7))
def test_replayed_records_lead_to_the_same_stop(cut):
    """A resumed run, wherever it was cut, stops where an uninterrupted one does."""
    values = [5, 4, 4.5, 4.2, 3.9, 4, 4, 4]
    records = [record(e, v) for e, v in enumerate(values, start=1)]
    rules = StopRules("objective", patience=3)
    resumed = Stopping(rules)
    assert resumed.replay(records[:cut]) is None
    reasons = [resumed.update(later) for later in records[cut:]]
    assert reasons == [*[None] * (7 - cut), "objective has not improved for 3 epochs"]
    assert resumed.reason == reasons[-1]
    assert resumed.best.epoch == 5


def test_replay_tells_when_the_run_is_over_already():
    """After the records of a stopped run, the reason is there again."""
    done = Stopping(StopRules("objective", target=1.0))
    assert done.replay([record(1, 2.0), record(2, 0.5)]) == "objective reached its target 1"
    assert done.reason == "objective reached its target 1"


def test_best_epoch_is_replayed():
    """The best of earlier sessions stands until it is beaten."""
    best = BestEpoch("objective")
    best.replay([record(1, 3.0), record(2, 1.0), record(3, 2.0)])
    assert (best.epoch, best.value) == (2, 1.0)
    assert not best.update(record(4, 1.5))


def test_a_gap_is_asked_of_the_epoch_that_becomes_the_model():
    """The best so far where that is the model; the last one otherwise."""
    values = [(1.0, 0.5), (0.8, 0.6), (0.9, 0.75)]
    records = [
        replace(record(epoch, value), bound=bound, gap=(value - bound) / value)
        for epoch, (value, bound) in enumerate(values, start=1)
    ]
    for of_best, reason in ((True, "within 6.25% of"), (False, None)):
        found = Stopping(StopRules("objective", gap=0.1, gap_of_best=of_best)).replay(records)
        assert found is None if reason is None else reason in found
