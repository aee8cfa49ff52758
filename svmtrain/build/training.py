"""From a config and its rows to everything that a training needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.config import DEFAULT_LAMBDA, Config, Interval
from svmtrain.config.schema import Objective, Solver
from svmtrain.build.splits import Splits
from svmtrain.data.dataset import Dataset, Label
from svmtrain.data.scaling import Scaler
from svmtrain.errors import ConfigError, DataError, shown
from svmtrain.model import LinearClassifier
from svmtrain.objective.linear import LinearObjective
from svmtrain.objective.losses import Floats
from svmtrain.solvers.schedules import SCHEDULES, Plan
from svmtrain.solvers.sgd import SGD, initial_weights
from svmtrain.training import lr_search
from svmtrain.training.loop import Cadence, Problem
from svmtrain.training.lr_search import LrSearch
from svmtrain.training.sources import MemoryRows
from svmtrain.training.state import TrainingState
from svmtrain.training.stopping import METRICS, StopRules, resolve_metric

BATCH_SHARE = 500
BATCH_LIMITS = (8, 256)


def build_objective(config: Objective, train: Dataset) -> LinearObjective:
    """Return the objective for some training rows."""
    if config.lam is not None:
        lam = config.lam
    elif config.C is not None:
        lam = 1 / (2 * config.C * len(train))
    else:
        lam = DEFAULT_LAMBDA
    return LinearObjective(
        loss=config.loss,
        delta=config.delta,
        lam=lam,
        bias=config.bias,
        class_weight=_class_weight(config.class_weight, train),
    )


def _class_weight(setting: str | Mapping[str, float], train: Dataset) -> NDArray[np.float64] | None:
    if setting == "none":
        return None
    if isinstance(setting, str):
        return len(train) / (len(train.classes) * train.counts().astype(np.float64))
    names = [str(label) for label in train.classes]
    unknown = sorted(set(setting) - set(names))
    if unknown:
        raise ConfigError(
            f"objective.class_weight names the class {shown(unknown[0])}; the data have "
            f"{', '.join(map(shown, names[:10]))}"
        )
    return np.array([setting.get(name, 1.0) for name in names])


def batch_size(config: Solver, rows: int) -> int:
    """Return the number of rows of a step; `auto` is a power of two, about rows / 500."""
    if not isinstance(config.batch_size, str):
        return min(config.batch_size, rows)
    low, high = BATCH_LIMITS
    size = low
    while size * 2 <= min(high, rows / BATCH_SHARE):
        size *= 2
    return min(size, rows)


def build_solver(
    config: Solver, lam: float, lr: float, total_steps: int, steps_per_epoch: int
) -> SGD:
    """Return the solver for a resolved step size.

    Raises
    ------
    ConfigError
        When the schedule needs a positive lambda and has none.
    """
    if config.schedule == "pegasos" and not lam > 0:
        raise ConfigError(
            "solver.schedule pegasos needs objective.lambda > 0, got 0 "
            "(try solver.schedule: inverse_scaling)"
        )
    plan = Plan(
        lr=lr,
        total_steps=total_steps,
        steps_per_epoch=steps_per_epoch,
        lam=lam,
        decay=config.decay,
        decay_epochs=config.decay_epochs,
        power=config.power,
        t0=None if isinstance(config.t0, str) else config.t0,
    )
    return SGD(
        rate=partial(SCHEDULES[config.schedule].rate, plan),
        momentum=config.momentum,
        nesterov=config.nesterov,
        averaging=config.averaging,
    )


@dataclass(frozen=True)
class Built:
    """Everything that a training needs, made from a config and its data.

    Attributes
    ----------
    problem : Problem
    scaler : Scaler
    classes : tuple of label
    feature_names : tuple of str or None
    target : str, int or None
    search : LrSearch or None
        What `lr: auto` tried in this session.
    lr : float
        The step size in force.
    start : TrainingState
        The state before the first step.
    """

    problem: Problem
    scaler: Scaler
    classes: tuple[Label, ...]
    feature_names: tuple[str, ...] | None
    target: str | int | None
    search: LrSearch | None
    lr: float
    start: TrainingState

    def classifier(
        self, W: Floats, b: Floats, trained: Mapping[str, Any] | None = None
    ) -> LinearClassifier:
        """Return the classifier with some weights."""
        return LinearClassifier(
            W=W,
            b=b,
            classes=self.classes,
            scaler=self.scaler,
            objective=self.problem.objective,
            feature_names=self.feature_names,
            target=self.target,
            trained=dict(trained or {}),
        )


def _scaled(scaler: Scaler, train: Dataset, config: Config) -> Floats:
    """Return the training rows scaled; an error names their file."""
    try:
        return scaler.transform(train.X, config.solver.dtype)
    except DataError as error:
        where = f"{error.problem} (rows counted among those trained on)"
        raise DataError(where, path=config.data.train) from None


def build(config: Config, splits: Splits, lr: float | None = None) -> Built:
    """Return everything that a training needs.

    Parameters
    ----------
    config : Config
    splits : Splits
    lr : float, optional
        The step size that an earlier session settled on; `lr: auto` is then not tried again.
    """
    solver, train = config.solver, splits.train
    objective = build_objective(config.objective, train)
    scaler = Scaler.fit(train.X, config.preprocess.scale, config.preprocess.row_norm)
    X = _scaled(scaler, train, config)
    size = batch_size(solver, len(train))
    weights = initial_weights(
        solver.init, X.shape[1], len(train.classes), np.dtype(solver.dtype), solver.seed
    )
    make = partial(build_solver, solver, objective.lam)
    search = None
    if lr is None and solver.lr == "auto":
        sizes = {"batch_size": size, "seed": solver.seed}
        search = lr_search.search(
            X, train.y, objective, make, weights, **sizes, momentum=solver.momentum
        )
        lr = search.lr
    lr = lr if lr is not None else float(solver.lr)
    steps_per_epoch = -(-len(train) // size)
    sgd = make(lr, solver.epochs * steps_per_epoch, steps_per_epoch)
    held = splits.validation
    problem = Problem(
        objective=objective,
        solver=sgd,
        train=MemoryRows(X, train.y),
        validation=None
        if held is None
        else MemoryRows(scaler.transform(held.X, solver.dtype), held.y),
        epochs=solver.epochs,
        batch_size=size,
        shuffle=solver.shuffle,
        seed=solver.seed,
    )
    return Built(
        problem=problem,
        scaler=scaler,
        classes=train.classes,
        feature_names=train.feature_names,
        target=config.data.target,
        search=search,
        lr=lr,
        start=TrainingState.begin(sgd.start(*weights)),
    )


def metric(name: str, has_validation: bool, key: str) -> str:
    """Return the metric that a setting means.

    Raises
    ------
    ConfigError
        When it needs validation rows and there are none.
    """
    resolved = resolve_metric(name, has_validation)
    if resolved.startswith("validation") and not has_validation:
        usable = ", ".join(m for m in METRICS if not m.startswith("validation"))
        raise ConfigError(
            f"{key} is {resolved}, but there are no validation rows "
            f"(set data.validation, or choose one of {usable})"
        )
    return resolved


def best_metric(config: Config, has_validation: bool) -> str:
    """Return the metric that says which epoch is the best.

    `auto` is the metric that is waited for when stop.patience is set, and else the objective,
    which is what a run was asked to minimise.
    """
    name = config.checkpoint.best
    if name == "auto":
        name = "objective" if config.stop.patience is None else config.stop.metric
    return metric(name, has_validation, "checkpoint.best")


def stop_rules(config: Config, has_validation: bool) -> StopRules:
    """Return the rules of the `stop` section."""
    stop = config.stop
    return StopRules(
        metric=metric(stop.metric, has_validation, "stop.metric"),
        patience=stop.patience,
        min_delta=stop.min_delta,
        max_seconds=stop.max_seconds,
        target=stop.target,
    )


def cadence(config: Config) -> Cadence:
    """Return how often to save."""
    every = config.checkpoint.every
    if isinstance(every, Interval):
        return Cadence(every.count, every.unit)
    return Cadence(1, "none")
