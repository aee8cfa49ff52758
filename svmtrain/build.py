"""The one place that turns a config into objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.config import DEFAULT_LAMBDA, Config, Interval
from svmtrain.config.schema import Objective, Solver
from svmtrain.data.dataset import (
    Dataset,
    Label,
    ReadOptions,
    Table,
    encode_labels,
    find_classes,
)
from svmtrain.data.fingerprint import DataFile, identify
from svmtrain.data.readers import read_table
from svmtrain.data.scaling import Scaler
from svmtrain.data.splits import TEST_STREAM, VALIDATION_STREAM, split
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


@dataclass(frozen=True)
class Splits:
    """The rows of a run, as read: not scaled.

    Attributes
    ----------
    train : Dataset
    validation, test : Dataset or None
    files : tuple of DataFile
    """

    train: Dataset
    validation: Dataset | None
    test: Dataset | None
    files: tuple[DataFile, ...]


def read_options(config: Config, **changes: Any) -> ReadOptions:
    """Return how the data files of a config are to be understood."""
    data = config.data
    options = ReadOptions(
        target=data.target,
        header=None if isinstance(data.header, str) else data.header,
        delimiter=None if data.delimiter == "auto" else data.delimiter,
    )
    return replace(options, **changes)


def data_files(config: Config) -> tuple[DataFile, ...]:
    """Return the identity of every data file that a config names."""
    data = config.data
    paths = [
        ("train", data.train),
        ("validation", data.validation),
        ("test", data.test),
    ]
    return tuple(identify(role, path) for role, path in paths if isinstance(path, str))


def load_splits(config: Config) -> Splits:
    """Read the data of a config and split them.

    The test rows are taken out first, then the validation rows, each by its own order.

    Raises
    ------
    DataError
        For a file that is missing or malformed, or a split that leaves no rows.
    """
    data = config.data
    files = data_files(config)
    table = read_table(data.train, data.format, read_options(config))
    labels = _labels(table, data.train)
    _refuse_lost_header(config, table, labels)
    classes = find_classes(labels, data.train)
    y = encode_labels(labels, classes, data.train)
    whole = Dataset(table.X, y, classes, table.feature_names)
    train, test = _part(config, whole, data.test, TEST_STREAM)
    train, validation = _part(config, train, data.validation, VALIDATION_STREAM)
    if len(np.unique(train.y)) < len(classes):
        missing = classes[int(np.flatnonzero(train.counts() == 0)[0])]
        raise DataError(
            f"no row of class {shown(missing)} is left to train on; "
            "hold out fewer rows or set data.stratified: true",
            path=data.train,
        )
    return Splits(train, validation, test, files)


def _refuse_lost_header(config: Config, table: Table, labels: Any) -> None:
    """Raise when the first line of a table without a header looks like one after all."""
    if config.data.header != "auto" or table.feature_names is not None:
        return
    if isinstance(labels, list) and len(labels) > 2 and labels.count(labels[0]) == 1:
        raise DataError(
            f"the label of the first line, {shown(labels[0])}, is that of no other: "
            "set data.header to true or false",
            path=config.data.train,
            line=1,
        )


def _labels(table: Table, path: str) -> Any:
    if table.labels is None:
        raise DataError("has no labels", path=path)
    return table.labels


def _part(
    config: Config, whole: Dataset, source: str | float | None, stream: int
) -> tuple[Dataset, Dataset | None]:
    """Return the rows that stay, and those of a held-out file or fraction."""
    if isinstance(source, str):
        return whole, load_like(config, source, whole)
    if not source:
        return whole, None
    stay, held = split(
        whole.y,
        source,
        seed=config.data.seed,
        stream=stream,
        stratified=config.data.stratified,
    )
    return whole.rows(stay), whole.rows(held) if len(held) else None


def load_like(config: Config, path: str, like: Dataset) -> Dataset:
    """Read a file that must have the features and classes of another dataset."""
    options = read_options(config, n_features=like.X.shape[1], feature_names=like.feature_names)
    table = read_table(path, config.data.format, options)
    return Dataset(
        table.X,
        encode_labels(_labels(table, path), like.classes, path),
        like.classes,
        like.feature_names,
    )


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
