"""The checklist that a practitioner runs before a long training.

To add a check, write a function of `Patient` and enter it in `EXAMINATIONS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from svmtrain import interrupts
from svmtrain.build import (
    Splits,
    batch_size,
    best_metric,
    build_objective,
    build_solver,
    load_splits,
    require_dual,
    stop_rules,
)
from svmtrain.config import Config, load_config
from svmtrain.data.duplicates import row_digests
from svmtrain.data.sparse import Csr
from svmtrain.data.splits import SAMPLE_STREAM, random_order
from svmtrain.data.statistics import column_statistics, rows_of_cells
from svmtrain.errors import DivergedError
from svmtrain.objective.features import times
from svmtrain.objective.linear import LinearObjective
from svmtrain.objective.losses import Classes, Floats
from svmtrain.operations.fit import label_doubt
from svmtrain.operations.gradcheck_report import short_check
from svmtrain.operations.sample import Sample, fit_scaler, sample
from svmtrain.training import lr_search
from svmtrain.training.sources import MemoryRows

OK, WARN, FAIL = "OK", "WARN", "FAIL"
SAMPLE = 2_000
SAMPLE_STORED = 20_000
FEW_ROWS = 20
WIDE_SCALES = 1e3
RARE = 0.2
CHANCE_SIGMAS = 4.0
SHUFFLES = 5


@dataclass(frozen=True)
class Line:
    """A line of the report: OK, WARN or FAIL, what was looked at, and the figure."""

    status: str
    what: str
    figure: str


@dataclass(frozen=True)
class Patient:
    """What is examined: a config, its rows, and a sample of them, scaled."""

    config: Config
    splits: Splits
    objective: LinearObjective
    sample: Sample

    @property
    def X(self) -> Floats:
        """The rows of the sample, (n, n_features)."""
        return self.sample.X

    @property
    def y(self) -> Classes:
        """Their classes, (n,)."""
        return self.sample.y

    def train(
        self,
        objective: LinearObjective,
        X: Floats,
        y: Classes,
        lr: float | None = None,
        **more: int,
    ) -> tuple[Floats, Floats]:
        """Return weights after a short training with the config's solver."""
        size = batch_size(self.config.solver, len(y))
        start = (
            np.zeros((X.shape[1], len(self.splits.train.classes))),
            np.zeros(len(self.splits.train.classes)),
        )
        solver = self.config.solver
        if not objective.lam > 0:
            solver = replace(solver, schedule="constant", averaging="none")
        make = partial(build_solver, solver, objective.lam, None, False)
        rows = MemoryRows(X, y)
        if lr is None:
            lr = lr_search.search(
                rows, objective, make, start, batch_size=size, seed=0, momentum=solver.momentum
            ).lr
        return lr_search.train_briefly(rows, objective, make, lr, start, size, 0, **more)


def _gradients(patient: Patient) -> Line:
    """Gradients."""
    report = short_check(patient.config, patient.splits)
    largest = max(report.brief()["largest_error"].values())
    status = OK if report.passed else FAIL
    return Line(status, "analytic, gate and numeric gradients agree", f"error {largest:.1e}")


def _start(patient: Patient) -> Line:
    """Objective at W = 0."""
    objective, K = patient.objective, len(patient.splits.train.classes)
    delta = objective.delta
    expected = {
        "weston_watkins": delta * (K - 1),
        "weston_watkins_squared": delta**2 * (K - 1),
        "crammer_singer": delta,
        "crammer_singer_squared": delta**2,
        "one_vs_rest": delta * K,
        "one_vs_rest_squared": delta**2 * K,
    }[objective.loss]
    bare = replace(objective, class_weight=None)
    found = bare.value(patient.X, patient.y, np.zeros((patient.X.shape[1], K)), np.zeros(K))
    status = OK if math.isclose(found, expected, rel_tol=1e-9) else FAIL
    return Line(status, "objective at W = 0", f"{found:.6g}, expected {expected:.6g}")


def _overfit(patient: Patient) -> Line:
    """Overfitting."""
    rows = _few_of_each(patient.y, FEW_ROWS)
    X, y = patient.X[rows], patient.y[rows]
    bias = patient.objective.bias if patient.objective.bias == "none" else "free"
    bare = replace(patient.objective, lam=0.0, class_weight=None, bias=bias)
    guess = lr_search.first_guess(MemoryRows(X, y), 0.0)
    tried = [
        patient.train(bare, X, y, lr=factor * guess, steps=3_000) for factor in (16, 1, 1 / 16)
    ]
    W, b = min(tried, key=lambda weights: _finite(bare.value(X, y, *weights)))
    loss = _finite(bare.value(X, y, W, b))
    fits = loss <= 1e-3 * bare.value(X, y, np.zeros_like(W), np.zeros_like(b))
    design = X if bias == "none" else np.column_stack([X, np.ones(len(X))])
    independent = np.linalg.matrix_rank(design) == len(X)
    status = OK if fits else FAIL if independent else WARN
    note = "" if fits or independent else "; these rows are not linearly independent"
    return Line(status, f"{len(X)} rows can be overfitted with lambda 0", f"loss {loss:.3g}{note}")


def _finite(value: float) -> float:
    return value if math.isfinite(value) else math.inf


def _few_of_each(y: Classes, count: int) -> Sequence[int]:
    """Return about `count` rows, taking the classes by turns."""
    seen: dict[int, int] = {}
    turn = []
    for label in y.tolist():
        seen[label] = seen.get(label, -1) + 1
        turn.append(seen[label])
    return [int(row) for row in np.argsort(turn, kind="stable")[:count]]


def _lambda(patient: Patient) -> Line:
    """Larger lambda."""
    values = []
    lam = patient.objective.lam or 1e-3
    for factor in (1.0, 10.0):
        objective = replace(patient.objective, lam=lam * factor)
        W, b = patient.train(objective, patient.X, patient.y)
        values.append(objective.value(patient.X, patient.y, W, b))
    same = math.isclose(*values, rel_tol=1e-2)
    status = OK if values[1] > values[0] and not same else WARN if same else FAIL
    figure = f"{values[0]:.4g} at {lam:g}, {values[1]:.4g} at {10 * lam:g}"
    return Line(status, "a larger lambda raises the objective", figure)


def _scales(patient: Patient) -> Line:
    """Feature scales."""
    seen = column_statistics(patient.splits.train.blocks())
    varies = seen.high > seen.low
    constant = int((~varies).sum())
    moving = seen.deviation[varies]
    ratio = float(moving.max() / moving.min()) if moving.size else 1.0
    unscaled = patient.config.preprocess.scale == "none" and ratio > WIDE_SCALES
    figure = f"largest over smallest deviation {ratio:.3g}"
    if unscaled:
        figure += "; try preprocess.scale: standard"
    elif patient.config.preprocess.scale != "none":
        figure += f", scaled by {patient.config.preprocess.scale}"
    figure += f"; {constant} constant column{'s' * (constant != 1)}"
    return Line(WARN if unscaled or not moving.size else OK, "feature scales", figure)


def _duplicates(patient: Patient) -> Line:
    """Duplicates."""
    held = patient.splits.validation
    if held is None:
        return Line(WARN, "duplicates of training rows in validation", "no validation rows")
    known = set(row_digests(patient.splits.train.blocks()))
    twice = sum(row in known for row in row_digests(held.blocks()))
    status = WARN if twice else OK
    return Line(status, "duplicates of training rows in validation", f"{twice} of {len(held)}")


def _balance(patient: Patient) -> Line:
    """Class balance."""
    doubt = label_doubt(patient.splits, patient.config.data.target)
    if doubt is not None:
        return Line(WARN, "class balance", doubt)
    counts = patient.splits.train.counts()
    classes = patient.splits.train.classes
    rare, common = int(counts.argmin()), int(counts.argmax())
    low = counts[rare] < RARE * counts[common]
    if counts[rare] == counts[common]:
        return Line(OK, "class balance", f"{counts[rare]:,} rows of each class")
    figure = f"{classes[rare]}: {counts[rare]:,} rows, {classes[common]}: {counts[common]:,}"
    if low and patient.config.objective.class_weight == "none":
        figure += "; consider objective.class_weight: balanced"
    return Line(WARN if low else OK, "class balance", figure)


def _step_size(patient: Patient) -> Line:
    """Step size."""
    solver = patient.config.solver
    if solver.name == "dual":
        return Line(OK, "step size", "dual ascent has none")
    size = batch_size(solver, len(patient.y))
    make = partial(build_solver, solver, patient.objective.lam, None, False)
    K = len(patient.splits.train.classes)
    start = (np.zeros((patient.X.shape[1], K)), np.zeros(K))
    try:
        found = lr_search.search(
            MemoryRows(patient.X, patient.y),
            patient.objective,
            make,
            start,
            batch_size=size,
            seed=solver.seed,
            momentum=solver.momentum,
        )
    except DivergedError as error:
        return Line(FAIL, "step size", error.problem)
    if isinstance(solver.lr, str):
        return Line(OK, "step size", f"auto takes {found.lr:g}")
    W, b = patient.train(patient.objective, patient.X, patient.y, lr=solver.lr)
    value = patient.objective.value(patient.X, patient.y, W, b)
    best = min(value for _, value in found.tried if value is not None)
    status = FAIL if not math.isfinite(value) else WARN if value > 2 * best else OK
    figure = f"{solver.lr:g} reaches {value:.4g}; the best tried, {found.lr:g}, {best:.4g}"
    return Line(status, "step size", figure)


def _chance(patient: Patient) -> Line:
    """Shuffled labels."""
    held = patient.splits.validation
    if held is None:
        return Line(WARN, "shuffled labels give chance accuracy", "no validation rows")
    X = patient.sample.scaler.transform(patient.sample.kept(held.X), np.float64)
    right = 0
    for shuffle in range(SHUFFLES):
        order = random_order(shuffle, SAMPLE_STREAM + 1, len(patient.y))
        W, b = patient.train(patient.objective, patient.X, patient.y[order])
        right += int(((times(X, W) + b).argmax(axis=1) == held.y).sum())
    accuracy = right / (SHUFFLES * len(held))
    chance = float(held.counts().max() / len(held))
    limit = chance + CHANCE_SIGMAS * math.sqrt(chance * (1 - chance) / len(held))
    status = OK if accuracy <= limit else FAIL
    figure = f"{accuracy:.3f} over {SHUFFLES} shuffles; always the commonest: {chance:.3f}"
    return Line(status, "shuffled labels give chance accuracy", figure)


EXAMINATIONS: tuple[Callable[[Patient], Line], ...] = (
    _gradients,
    _start,
    _overfit,
    _lambda,
    _scales,
    _duplicates,
    _balance,
    _step_size,
    _chance,
)


def _refuse_what_fit_refuses(config: Config, splits: Splits) -> None:
    """Raise ConfigError for settings that no training can have."""
    stop_rules(config, splits.validation is not None)
    best_metric(config, splits.validation is not None)
    if config.solver.name == "dual":
        require_dual(build_objective(config.objective, splits.train))


def examine(path: str, overrides: Sequence[str] = ()) -> list[Line]:
    """Go through the checklist for a config; one line an examination.

    Parameters
    ----------
    path : str
        A config file.
    overrides : sequence of str
        As for `load_config`.

    Raises
    ------
    ConfigError
        For settings that `fit` would refuse.
    """
    config = load_config(path, overrides)
    splits = load_splits(config)
    train = splits.train
    _refuse_what_fit_refuses(config, splits)
    most = SAMPLE
    if isinstance(train.matrix, Csr):
        most = min(
            SAMPLE, rows_of_cells(SAMPLE_STORED, len(train.matrix.data) // len(train.matrix))
        )
    rows = np.sort(random_order(config.solver.seed, SAMPLE_STREAM, len(train))[:most])
    patient = Patient(
        config,
        splits,
        build_objective(config.objective, train),
        sample(train, rows, fit_scaler(train, config.preprocess)),
    )
    lines = []
    with np.errstate(over="ignore", invalid="ignore"):
        for examination in EXAMINATIONS:
            interrupts.check()
            try:
                lines.append(examination(patient))
            except DivergedError as error:
                name = (examination.__doc__ or examination.__name__).rstrip(".")
                lines.append(Line(FAIL, name, error.problem))
    return lines
