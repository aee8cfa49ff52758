"""From a config and its rows to everything that a training needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.build.rows import row_source, training_rows
from svmtrain.build.splits import Splits
from svmtrain.config import DEFAULT_LAMBDA, Config, Interval
from svmtrain.config.schema import Objective
from svmtrain.config.schema import Solver as SolverConfig
from svmtrain.data.columns import Encoder
from svmtrain.data.dataset import Column, Dataset, Label
from svmtrain.data.scaling import Scaler
from svmtrain.data.sparse import Csr
from svmtrain.errors import ConfigError, shown
from svmtrain.model import LinearClassifier
from svmtrain.objective.compiling import numba_version
from svmtrain.objective.linear import LinearObjective
from svmtrain.objective.losses import Floats
from svmtrain.solvers.dual import DualAscent
from svmtrain.solvers.lazy_sgd import LazySGD
from svmtrain.solvers.schedules import SCHEDULES, Plan
from svmtrain.solvers.sgd import SGD, initial_weights
from svmtrain.solvers.solver import Solver
from svmtrain.training import lr_search
from svmtrain.training.certificate import NO_BOUND_FREE, NO_BOUND_ZERO, why_no_bound
from svmtrain.training.loop import Cadence, Problem
from svmtrain.training.lr_search import LrSearch, SolverFor
from svmtrain.training.sources import CompiledMemoryRows, RowSource
from svmtrain.training.state import TrainingState
from svmtrain.training.stopping import METRICS, StopRules, resolve_metric

BATCH_SHARE = 500
BATCH_LIMITS = (8, 256)
DUAL_BATCH = 65_536


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


def batch_size(config: SolverConfig, rows: int) -> int:
    """Return the number of rows of a step.

    `auto` is at most `DUAL_BATCH` for the dual solver, and else a power of two, about rows / 500.
    """
    if not isinstance(config.batch_size, str):
        return min(config.batch_size, rows)
    if config.name == "dual":
        return min(DUAL_BATCH, rows)
    low, high = BATCH_LIMITS
    size = low
    while size * 2 <= min(high, rows / BATCH_SHARE):
        size *= 2
    return min(size, rows)


def build_solver(
    config: SolverConfig,
    lam: float,
    shift: Floats | None,
    sparse: bool,
    lr: float,
    total_steps: int,
    steps_per_epoch: int,
) -> Solver:
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
    rate = partial(SCHEDULES[config.schedule].rate, plan)
    if sparse and config.momentum == 0:
        return LazySGD(rate=rate, averaging=config.averaging, shift=shift)
    return SGD(
        rate=rate,
        momentum=config.momentum,
        nesterov=config.nesterov,
        averaging=config.averaging,
    )


def build_dual(objective: LinearObjective, rows: RowSource) -> DualAscent:
    """Return the dual solver for the training rows.

    Raises
    ------
    ConfigError
        When the objective has no dual that is bounded.
    """
    why = why_no_bound(objective)
    if why is not None:
        raise ConfigError(f"solver.name dual has nothing to ascend: {why}")
    compiled = isinstance(rows, CompiledMemoryRows)
    return DualAscent(len(rows), kernel=f"numba {numba_version()}" if compiled else "numpy")


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
    keep, drop : tuple of Column
    encoder : Encoder or None
    search : LrSearch or None
        What `lr: auto` tried in this session.
    lr : float
        The step size in force; 0 for a solver that has none.
    start : TrainingState
        The state before the first step.
    """

    problem: Problem
    scaler: Scaler
    classes: tuple[Label, ...]
    feature_names: tuple[str, ...] | None
    target: str | int | None
    keep: tuple[Column, ...]
    drop: tuple[Column, ...]
    encoder: Encoder | None
    search: LrSearch | None
    lr: float
    start: TrainingState

    def classifier(
        self, W: Floats, b: Floats, trained: Mapping[str, Any] | None = None
    ) -> LinearClassifier:
        """Return the classifier with some weights, of the columns that were computed with."""
        objective = self.problem.objective
        W, b = objective.widen(W, b)
        return LinearClassifier(
            W=W,
            b=b,
            classes=self.classes,
            scaler=self.scaler,
            objective=replace(objective, paired=False),
            feature_names=self.feature_names,
            target=self.target,
            keep=self.keep,
            drop=self.drop,
            encoder=self.encoder,
            trained=dict(trained or {}),
        )


def _search(
    config: SolverConfig,
    train: Dataset,
    scaler: Scaler,
    objective: LinearObjective,
    make: SolverFor,
    weights: tuple[Floats, Floats],
) -> LrSearch:
    """Return what `lr: auto` finds on a sample of the training rows."""
    rows = train.rows(lr_search.sample(config.seed, len(train)))
    return lr_search.search(
        row_source(rows, scaler, config.dtype),
        objective,
        make,
        weights,
        batch_size=batch_size(config, len(train)),
        seed=config.seed,
        momentum=config.momentum,
    )


def _problem(
    config: SolverConfig,
    objective: LinearObjective,
    method: Solver | DualAscent,
    train: RowSource,
    validation: RowSource | None,
) -> Problem:
    """Return the parts as the training loop takes them."""
    return Problem(
        objective=objective,
        solver=method,
        train=train,
        validation=validation,
        epochs=config.epochs,
        batch_size=batch_size(config, len(train)),
        shuffle=config.shuffle,
        seed=config.seed,
    )


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
    objective = build_objective(config.objective, train).narrowed(len(train.classes))
    scaler = Scaler.fit(train.blocks(), config.preprocess.scale, config.preprocess.row_norm)
    rows = training_rows(config, train, scaler)
    size = batch_size(solver, len(train))
    weights = objective.narrow(
        *initial_weights(
            solver.init, train.n_features, len(train.classes), np.dtype(solver.dtype), solver.seed
        )
    )
    make = partial(build_solver, solver, objective.lam, scaler.shift, isinstance(train.matrix, Csr))
    search, dual = None, None
    if solver.name == "dual":
        lr, dual = 0.0, build_dual(objective, rows)
    if lr is None and solver.lr == "auto":
        search = _search(solver, train, scaler, objective, make, weights)
        lr = search.lr
    lr = lr if lr is not None else float(solver.lr)
    steps_per_epoch = -(-len(train) // size)
    method = dual or make(lr, solver.epochs * steps_per_epoch, steps_per_epoch)
    certified = why_no_bound(objective) is None and dual is None
    start = method.start(*weights)
    if dual is not None and isinstance(rows, CompiledMemoryRows):
        dual.load(start, objective, rows.X)
    held = splits.validation
    validation = None if held is None else row_source(held, scaler, solver.dtype)
    return Built(
        problem=_problem(solver, objective, method, rows, validation),
        scaler=scaler,
        classes=train.classes,
        feature_names=train.feature_names,
        target=splits.target,
        keep=splits.keep,
        drop=splits.drop,
        encoder=splits.encoder,
        search=search,
        lr=lr,
        start=TrainingState.begin(start, certified=certified),
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
    """Return the rules of the `stop` section.

    Raises
    ------
    ConfigError
        For a metric that cannot be had, or a gap that cannot be proven.
    """
    stop = config.stop
    if stop.gap is not None:
        free, zero = config.objective.bias == "free", config.objective.lam == 0
        if free or zero:
            why = NO_BOUND_FREE if free else NO_BOUND_ZERO
            raise ConfigError(f"stop.gap cannot be proven: {why}")
    return StopRules(
        metric=metric(stop.metric, has_validation, "stop.metric"),
        patience=stop.patience,
        min_delta=stop.min_delta,
        max_seconds=stop.max_seconds,
        target=stop.target,
        gap=stop.gap,
    )


def cadence(config: Config) -> Cadence:
    """Return how often to save."""
    every = config.checkpoint.every
    if isinstance(every, Interval):
        return Cadence(every.count, every.unit)
    return Cadence(1, "none")
