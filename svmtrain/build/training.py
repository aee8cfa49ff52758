"""From a config and its rows to everything that a training needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.build.place import Place
from svmtrain.build.rows import batch_size, row_source
from svmtrain.build.splits import Splits
from svmtrain.build.warm_start import WarmStart
from svmtrain.config import DEFAULT_LAMBDA, Config
from svmtrain.config.schema import Objective
from svmtrain.config.schema import Solver as SolverConfig
from svmtrain.data.columns import Encoder
from svmtrain.data.dataset import Column, Dataset, Label
from svmtrain.data.scaling import Scaler
from svmtrain.data.statistics import Gathered, gathered, settled
from svmtrain.errors import ConfigError, shown
from svmtrain.model import LinearClassifier
from svmtrain.objective.linear import LinearObjective
from svmtrain.objective.losses import Floats
from svmtrain.solvers.dual import DualAscent
from svmtrain.solvers.lazy_sgd import LazySGD
from svmtrain.solvers.schedules import SCHEDULES, Plan
from svmtrain.solvers.sgd import SGD, initial_weights
from svmtrain.solvers.solver import Solver
from svmtrain.training import lr_search
from svmtrain.training.certificate import why_no_bound
from svmtrain.training.loop import Problem
from svmtrain.training.lr_search import LrSearch, SolverFor
from svmtrain.training.sources import CompiledMemoryRows, RowSource
from svmtrain.training.state import TrainingState
from svmtrain.training.ways import Way


def build_objective(config: Objective, train: Dataset) -> LinearObjective:
    """Return the objective for some training rows.

    Raises
    ------
    ConfigError
        When lambda or C is a list, or class weights are for classes that are not there.
    """
    for key, value in (("lambda", config.lam), ("C", config.C)):
        if isinstance(value, tuple):
            raise ConfigError(
                f"objective.{key} is a list, which svmtrain fit alone takes; choose one number, "
                f"such as --set objective.{key}={value[0]:g}"
            )
    return LinearObjective(
        loss=config.loss,
        delta=config.delta,
        lam=strength(config, len(train)),
        bias=config.bias,
        class_weight=_class_weight(config.class_weight, train),
    )


def strength(config: Objective, rows: int) -> float:
    """Return the lambda that a config of one strength means for so many training rows."""
    if isinstance(config.lam, float):
        return config.lam
    if isinstance(config.C, float):
        return 1 / (2 * config.C * rows)
    return DEFAULT_LAMBDA


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


def refuse_schedule(config: SolverConfig, lam: float, lr: float) -> None:
    """Raise ConfigError when the schedule needs a positive lambda and has none."""
    if config.schedule == "pegasos" and not 2 * lam * lr > 0:
        raise ConfigError(
            f"solver.schedule pegasos needs objective.lambda > 0, and not nearly 0, got {lam:g} "
            "(try solver.schedule: inverse_scaling)"
        )


def build_solver(
    config: SolverConfig,
    lam: float,
    shift: Floats | None,
    sparse: bool,
    lr: float,
    total_steps: int,
    steps_per_epoch: int,
    numbers: Callable[[int], int] | None = None,
) -> Solver:
    """Return the solver for a resolved step size; see `refuse_schedule`.

    Where steps make several updates each, `numbers` says which is the first of a step: the rate
    of the step is that of it.
    """
    refuse_schedule(config, lam, lr)
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
    if numbers is not None:
        rate = partial(_rate_of_first, rate, numbers)
    if sparse and config.momentum == 0:
        return LazySGD(rate=rate, averaging=config.averaging, shift=shift)
    return SGD(
        rate=rate,
        momentum=config.momentum,
        nesterov=config.nesterov,
        averaging=config.averaging,
    )


def require_dual(objective: LinearObjective) -> None:
    """Raise ConfigError when an objective has no dual that is bounded."""
    refuse_no_dual(why_no_bound(objective))


def refuse_no_dual(why: str | None) -> None:
    """Raise ConfigError for a reason why there is no dual; None is none."""
    if why is not None:
        raise ConfigError(f"solver.name dual has nothing to ascend: {why}")


def build_dual(objective: LinearObjective, rows: RowSource, place: Place) -> DualAscent:
    """Return the dual solver for the training rows; see `require_dual`."""
    require_dual(objective)
    return DualAscent(len(rows), kernel=place.kernel(rows))


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
    started_from : str or None
        The digest of what `solver.warm_start` names, as `WarmStart.sha256` has it.
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
    started_from: str | None = None

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
    sample: Dataset,
    config: SolverConfig,
    scaler: Scaler,
    objective: LinearObjective,
    make: SolverFor,
    weights: tuple[Floats, Floats],
    batch: int,
) -> LrSearch:
    """Return what `lr: auto` finds on a sample of the training rows."""
    return lr_search.search(
        row_source(sample, scaler, config.dtype),
        objective,
        make,
        weights,
        batch_size=batch,
        seed=config.seed,
        momentum=config.momentum,
    )


def _problem(
    config: SolverConfig,
    objective: LinearObjective,
    method: Solver | DualAscent,
    train: RowSource,
    validation: RowSource | None,
    way: Way | None,
    step_rows: int,
) -> Problem:
    """Return the parts as the training loop takes them."""
    return Problem(
        objective=objective,
        solver=method,
        train=train,
        validation=validation,
        epochs=config.epochs,
        batch_size=step_rows,
        shuffle=config.shuffle,
        seed=config.seed,
        way=way,
    )


def build(
    config: Config,
    splits: Splits,
    lr: float | None = None,
    *,
    start: WarmStart | str | None = None,
    like: Built | None = None,
) -> Built:
    """Return everything that a training needs.

    Parameters
    ----------
    config : Config
    splits : Splits
    lr : float, optional
        The step size that an earlier session settled on; `lr: auto` is then not tried again.
    start : WarmStart or str, optional
        What `solver.warm_start` names; or its digest, when the state comes from a checkpoint.
    like : Built, optional
        Made of the same splits, with the same preprocessing: its scaled rows are used again.
    """
    solver, train, place = config.solver, splits.train, splits.place
    objective = build_objective(config.objective, train).narrowed(len(train.classes))
    scaler, rows, validation = _sources(config, splits, like)
    weights = objective.narrow(*_first_weights(config, splits, scaler, objective, start))
    make = partial(build_solver, solver, objective.lam, scaler.shift, train.sparse)
    search, dual = None, None
    if solver.name == "dual":
        lr, dual = 0.0, build_dual(objective, rows, place)
    if lr is None and solver.lr == "auto":
        search = _searched(splits, solver, scaler, objective, make, weights)
        lr = search.lr
    lr = lr if lr is not None else float(solver.lr)
    method, way, step_rows = _method(config, splits, objective, dual, scaler, lr, rows)
    certified = dual is None and why_no_bound(objective) is None
    state = method.start(*weights)
    if dual is not None and isinstance(rows, CompiledMemoryRows):
        dual.load(state, objective, rows.X)
    if isinstance(start, WarmStart) and dual is not None:
        start.settle(state, objective, rows)
    return Built(
        problem=_problem(solver, objective, method, rows, validation, way, step_rows),
        scaler=scaler,
        classes=train.classes,
        feature_names=train.feature_names,
        target=splits.target,
        keep=splits.keep,
        drop=splits.drop,
        encoder=splits.encoder,
        search=search,
        lr=lr,
        start=TrainingState.begin(state, certified=certified),
        started_from=start.sha256 if isinstance(start, WarmStart) else start,
    )


def _sources(
    config: Config, splits: Splits, like: Built | None
) -> tuple[Scaler, RowSource, RowSource | None]:
    """Return the scaler, and sources of the scaled training and validation rows."""
    if like is not None:
        return like.scaler, like.problem.train, like.problem.validation
    train, held, place = splits.train, splits.validation, splits.place
    seen = settled(place.over(train, statistics_of))
    scaler = Scaler.of(seen, config.preprocess.scale, config.preprocess.row_norm)
    rows = place.train(config, train, scaler)
    return scaler, rows, None if held is None else place.held(config, held, scaler)


def statistics_of(rows: Dataset) -> Gathered:
    """Return what is known of the columns of some rows, to be settled with that of others."""
    return gathered(rows.blocks())


def _searched(
    splits: Splits,
    config: SolverConfig,
    scaler: Scaler,
    objective: LinearObjective,
    make: SolverFor,
    weights: tuple[Floats, Floats],
) -> LrSearch:
    """Return what `lr: auto` finds on a sample of the training rows, wherever they are."""
    n = len(splits.train)
    sample = splits.train.rows(lr_search.sample(config.seed, n))
    return splits.place.of_few(
        *(sample, _search, config, scaler, objective, make, weights, batch_size(config, n))
    )


def _method(
    config: Config,
    splits: Splits,
    objective: LinearObjective,
    dual: DualAscent | None,
    scaler: Scaler,
    lr: float,
    rows: RowSource,
) -> tuple[Solver | DualAscent, Way | None, int]:
    """Return the solver, what makes its steps where that is not itself, and the rows of a step."""
    solver, place, n = config.solver, splits.place, len(splits.train)
    each = place.steps(config.solver, n)
    steps, rounds = each.of_epoch, -(-n // each.rows)
    make = partial(
        build_solver,
        solver,
        objective.lam,
        scaler.shift,
        lr=lr,
        total_steps=solver.epochs * steps,
        steps_per_epoch=steps,
    )
    if dual is not None:
        return dual, place.way(objective, dual, None, each, rows), each.rows
    numbers = partial(each.first, rounds) if each.updates > 1 else None
    method = make(sparse=place.lazy(splits.train), numbers=numbers)
    there = partial(make, sparse=splits.train.sparse)
    return method, place.way(objective, method, there, each, rows), each.rows


def _rate_of_first(rate: Callable[[int], float], numbers: Callable[[int], int], step: int) -> float:
    """Return the learning rate of the first update of a step."""
    return rate(numbers(step))


def _first_weights(
    config: Config,
    splits: Splits,
    scaler: Scaler,
    objective: LinearObjective,
    start: WarmStart | str | None,
) -> tuple[Floats, Floats]:
    """Return W (n_features, n_classes) and b (n_classes,) to start from."""
    solver, train = config.solver, splits.train
    if (solver.warm_start is None) != (start is None):
        raise ValueError("solver.warm_start and what it names come together")
    if isinstance(start, WarmStart):
        start.require(train, scaler, splits.encoder)
        if solver.name != "dual":
            return start.weights(objective, solver.dtype)
    return initial_weights(
        solver.init, train.n_features, len(train.classes), np.dtype(solver.dtype), solver.seed
    )
