"""Training from arrays: the same parts as those of a run, and nothing on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.build import Built, Splits, best_metric, build, stop_rules
from svmtrain.build.rows import row_source
from svmtrain.config import Config, parse_config
from svmtrain.config.render import yaml_value
from svmtrain.data.dataset import Dataset
from svmtrain.data.density import compressed
from svmtrain.data.scaling import Scaler
from svmtrain.data.sparse import Csr, Matrix
from svmtrain.data.splits import epoch_order
from svmtrain.errors import ConfigError
from svmtrain.objective.losses import Floats
from svmtrain.solvers.dual import DualAscent
from svmtrain.training.history import EpochRecord, gap_between
from svmtrain.training.loop import Cadence, Training
from svmtrain.training.state import TrainingState
from svmtrain.training.stopping import BestEpoch, Stopping

BARE = "data: {train: X, validation: 0}\npreprocess: {scale: none}\n"
Classes = NDArray[np.int64]


class Silence:
    """A journal and a progress that keep the last record and tell nobody."""

    def __init__(self) -> None:
        self.last: EpochRecord | None = None

    def step(self, state: object) -> None:
        """Take no notice."""

    def record(self, record: EpochRecord) -> None:
        """Keep the record."""
        self.last = record

    def save(self, state: TrainingState, *, last: bool = False, asked: bool = False) -> None:
        """Save nothing."""

    def epoch(self, record: EpochRecord) -> None:
        """Take no notice."""

    def close(self) -> None:
        """Close nothing."""


@dataclass(frozen=True)
class Fitted:
    """What came out of a training.

    Attributes
    ----------
    W, b : ndarray (n_features, n_classes), (n_classes,)
    epochs : int
    bound, gap : float or None
        See `training.history.EpochRecord`; the gap is that of W and b.
    """

    W: Floats
    b: Floats
    epochs: int
    bound: float | None
    gap: float | None


def settings(given: Mapping[str, object], weights: Mapping[int, float] | str) -> Config:
    """Return the config of a training from arrays.

    Parameters
    ----------
    given : mapping
        Values by the keys of a config, checked as those of a file are; None for its default.
    weights : mapping of int to float, or str
        The weight of each class by its place, or "none" or "balanced".

    Raises
    ------
    ValueError
        For a value that a config could not have.
    """
    flags = {key: yaml_value(_plain(value)) for key, value in given.items() if value is not None}
    try:
        config = parse_config(BARE, "parameters", flags=flags)
    except ConfigError as error:
        raise ValueError(error.problem) from None
    named = weights if isinstance(weights, str) else {str(k): v for k, v in weights.items()}
    return replace(config, objective=replace(config.objective, class_weight=named))


def _plain(value: Any) -> object:
    """Return a scalar of numpy as one of Python."""
    return value.item() if isinstance(value, np.generic) else value


def train(config: Config, X: Matrix, y: Classes, n_classes: int) -> Fitted:
    """Train to the end on rows X (n, n_features) and the places y (n,) of their classes.

    Raises
    ------
    ConfigError
        For settings that do not go together.
    DivergedError
        When the steps leave the finite numbers.
    """
    built = _built(config, X, y, n_classes)
    rules, journal = stop_rules(config, False), Silence()
    best = BestEpoch(best_metric(config, False))
    state = built.start
    Training(
        built.problem,
        state,
        stopping=Stopping(rules),
        best=best,
        journal=journal,
        progress=journal,
        cadence=Cadence(unit="none"),
    ).run()
    last, chosen = journal.last, best.record
    if last is None or chosen is None:
        raise InterruptedError("the training was interrupted before its first epoch was over")
    W, b = built.problem.objective.widen(state.best_W, state.best_b)
    gap = gap_between(chosen.objective, last.bound)
    return Fitted(W, b, state.epoch, last.bound, gap)


def _built(config: Config, X: Matrix, y: Classes, n_classes: int) -> Built:
    data = Dataset(X, y, tuple(range(n_classes)))
    return build(config, Splits(data, None, None, ()))


class Steps:
    """Stochastic steps over one batch of rows after the other, each of them seen once.

    Parameters
    ----------
    config, X, y, n_classes
        Of the first batch; `lr: auto` is found on it.
    start : pair of ndarray, optional
        W (n_features, n_classes) and b (n_classes,) to start from.
    """

    def __init__(
        self,
        config: Config,
        X: Matrix,
        y: Classes,
        n_classes: int,
        start: tuple[Floats, Floats] | None = None,
    ) -> None:
        built = _built(config, X, y, n_classes)
        problem, solver = built.problem, built.problem.solver
        if isinstance(solver, DualAscent):
            raise TypeError("dual ascent goes over the same rows again, and makes no such steps")
        self.objective, self.solver = problem.objective, solver
        self.state = built.start.solver
        if start is not None:
            self.state = solver.start(*self.objective.narrow(*start))
        self.sparse = isinstance(X, Csr)
        self.batch_size, self.seed, self.calls = problem.batch_size, problem.seed, 0
        self.shuffle, self.n_classes = problem.shuffle, n_classes

    def take(self, X: Matrix, y: Classes) -> None:
        """Make the steps of some rows X (n, n_features) with the places y (n,) of their classes."""
        if self.sparse:
            X = compressed(X)
        elif isinstance(X, Csr):
            X = X.toarray()
        data = Dataset(X, y, tuple(range(self.n_classes)))
        rows = row_source(data, Scaler.fit(X, "none", "none"), "float64")
        order = epoch_order(self.shuffle, self.seed, self.calls, len(y))
        for begin in range(0, len(y), self.batch_size):
            batch = order[begin : begin + self.batch_size]
            term = rows.term(self.objective, batch, *self.state.parameters)
            self.solver.descend(self.state, self.objective, term)
        self.calls += 1

    @property
    def weights(self) -> tuple[Floats, Floats]:
        """W and b of all classes as they are now."""
        W, b = self.state.weights
        return self.objective.widen(W.copy(), b.copy())
