"""Trainings over shards that are in the process of the test, beside the same on one machine."""

import json
from dataclasses import replace

from svmtrain.build import best_metric, build, load_splits, stop_rules
from svmtrain.cluster.engine import InProcess
from svmtrain.cluster.files import ClusterFiles
from svmtrain.config import load_config
from svmtrain.training.loop import Cadence, Training
from svmtrain.training.stopping import BestEpoch, Stopping


class Records:
    """A journal and a progress that keep the records."""

    def __init__(self):
        self.records = []

    def step(self, state):
        """Take no notice."""

    def record(self, record):
        """Keep the record."""
        self.records.append(record)

    def save(self, state, **how):
        """Save nothing."""

    def epoch(self, record):
        """Take no notice."""

    def close(self):
        """Close nothing."""


class Trained:
    """What a training in this process came to."""

    def __init__(self, config, files=None):
        splits = load_splits(config) if files is None else load_splits(config, read=files)
        self.splits, self.built = splits, build(config, splits)
        self.state, journal = self.built.start, Records()
        held = splits.validation is not None
        self.outcome = Training(
            self.built.problem,
            self.state,
            stopping=Stopping(stop_rules(config, held)),
            best=BestEpoch(best_metric(config, held)),
            journal=journal,
            progress=journal,
            cadence=Cadence(unit="none"),
        ).run()
        self.records = journal.records

    @property
    def figures(self):
        """The objective, bound and accuracies of every epoch."""
        names = ("objective", "bound", "train_accuracy", "validation_accuracy", "validation_loss")
        return [[getattr(record, name) for name in names] for record in self.records]

    @property
    def told(self):
        """All records as text, but for the times."""
        return [json.dumps({**one.figures(), "seconds": 0}) for one in self.records]


def alone(config, *overrides):
    """Train on one machine."""
    return Trained(load_config(config, overrides))


def in_shards(config, shards, *overrides, scratch=".", engine=None, say=None):
    """Train over so many shards in this process."""
    settings = load_config(config, overrides)
    settings = replace(settings, cluster=replace(settings.cluster, at="local:1", shards=shards))
    engine = engine or InProcess(str(scratch))
    found = Trained(settings, ClusterFiles(engine, shards, say or (lambda text: None)))
    found.engine = engine
    return found
