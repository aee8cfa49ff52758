"""Run the gradient check on a config or a run, and gather what it found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.build import Splits, build_objective, load_splits
from svmtrain.config import Config, load_config
from svmtrain.data.dataset import Dataset
from svmtrain.data.scaling import Scaler
from svmtrain.data.splits import SAMPLE_STREAM, random_order
from svmtrain.errors import ConfigError
from svmtrain.gradcheck.compare import Checks, Finding
from svmtrain.objective.linear import LinearObjective
from svmtrain.objective.losses import LOSSES, Floats
from svmtrain.operations.evaluate import load_classifier
from svmtrain.operations.gradcheck import (
    ON_KINKS,
    ExactResult,
    Rows,
    SelfTest,
    check_exactly,
    check_objective,
    self_test,
)
from svmtrain.operations.sample import fit_scaler, sample
from svmtrain.runs.directory import RunDirectory

SAMPLES = 100
SHORT_SAMPLES = 50
SHORT = Checks(coordinates=6, random=2)
SHORT_POINTS = ("random", "zero", ON_KINKS)


@dataclass(frozen=True)
class Group:
    """What was found of one parameter group, over all weights.

    Attributes
    ----------
    term, group : str
    checked : int
        Comparisons made.
    errors : dict of str to float
        The largest relative error of each pair of ways.
    worst : Finding
        The one that is worst against its tolerance.
    kinks_on, kinks_near : int
    step : float or None
        The smallest.
    passed : bool
    """

    term: str
    group: str
    checked: int
    errors: dict[str, float]
    worst: Finding
    kinks_on: int
    kinks_near: int
    step: float | None
    passed: bool


@dataclass(frozen=True)
class LossReport:
    """The check of one loss."""

    loss: str
    findings: list[Finding]
    exact: ExactResult

    @property
    def passed(self) -> bool:
        """Whether everything agrees."""
        return self.exact.passed and all(finding.passed for finding in self.findings)

    def groups(self) -> list[Group]:
        """Return the findings gathered by term and parameter group."""
        keys = dict.fromkeys((finding.term, finding.group) for finding in self.findings)
        return [_gather([f for f in self.findings if (f.term, f.group) == key]) for key in keys]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "loss": self.loss,
            "passed": self.passed,
            "exact": {"checked": self.exact.checked, "unequal": self.exact.unequal},
            "findings": [finding.to_dict() for finding in self.findings],
        }

    def brief(self) -> dict[str, Any]:
        """Return the few figures that run.json keeps."""
        return {
            "passed": self.passed,
            "compared": sum(finding.checked for finding in self.findings),
            "largest_error": {
                pair: max(f.error for f in self.findings if f.pair == pair)
                for pair in dict.fromkeys(f.pair for f in self.findings)
            },
            "exact": self.exact.passed,
        }


def _gather(findings: Sequence[Finding]) -> Group:
    errors: dict[str, float] = {}
    for finding in findings:
        errors[finding.pair] = max(errors.get(finding.pair, 0.0), finding.error)
    steps = [finding.step for finding in findings if finding.step is not None]
    worst = max(findings, key=lambda f: (not f.passed, f.error / (f.tolerance + f.noise)))
    return Group(
        term=findings[0].term,
        group=findings[0].group,
        checked=sum(finding.checked for finding in findings),
        errors=errors,
        worst=worst,
        kinks_on=sum(finding.kinks_on for finding in findings),
        kinks_near=sum(finding.kinks_near for finding in findings),
        step=min(steps) if steps else None,
        passed=all(finding.passed for finding in findings),
    )


@dataclass(frozen=True)
class Subjects:
    """What a path names: its rows, its objective, and the weights of a run."""

    rows: Rows
    objective: LinearObjective
    weights: tuple[Floats, Floats] | None


def find(path: str, overrides: Sequence[str], samples: int | None, seed: int) -> Subjects:
    """Return what is to be checked for a config file or a run directory.

    Parameters
    ----------
    path : str
        A config, or a run directory, whose model's weights are then checked too.
    overrides : sequence of str
        As for `load_config`.
    samples : int or None
        How many training rows; None for all.
    seed : int
        Of the choice of rows.
    """
    run = RunDirectory(path)
    weights = None
    if path.endswith(".npz"):
        raise ConfigError("is a model or data; give a config or a run directory", path=path)
    if run.path.is_dir():
        run.require()
        if run.model.exists():
            model = load_classifier(run.path)
            weights = (model.W, model.b)
    config = load_config(run.config if run.path.is_dir() else path, overrides)
    splits = load_splits(config)
    rows, columns = sample_rows(config, splits, samples, seed)
    if weights is not None and columns is not None:
        weights = (weights[0][columns], weights[1])
    return Subjects(rows, build_objective(config.objective, splits.train), weights)


def sample_rows(
    config: Config, splits: Splits, samples: int | None, seed: int
) -> tuple[Rows, NDArray[np.intp] | None]:
    """Return some training rows, scaled as for training, in float64, and the features kept."""
    train = splits.train
    scaler = fit_scaler(train, config.preprocess)
    return _scaled(train.rows(_chosen(train, samples, seed)), scaler)


def _chosen(train: Dataset, samples: int | None, seed: int) -> NDArray[np.intp]:
    """Return the numbers of some training rows, ascending; of all for None."""
    order = random_order(seed, SAMPLE_STREAM, len(train))
    return np.sort(order if samples is None else order[:samples])


def _scaled(few: Dataset, scaler: Scaler) -> tuple[Rows, NDArray[np.intp] | None]:
    """Return a few rows scaled, and the features kept of them; see `sample`."""
    found = sample(few, np.arange(len(few)), scaler)
    return Rows(found.X, found.y, len(few.classes), found.sparse), found.columns


def check_few(few: Dataset, objective: LinearObjective, scaler: Scaler) -> list[Finding]:
    """Return what the gradient check finds on a few rows, before a training."""
    return check_objective(objective, _scaled(few, scaler)[0], SHORT, names=SHORT_POINTS)


def gradcheck(
    path: str,
    overrides: Sequence[str] = (),
    *,
    losses: Sequence[str] | None = None,
    samples: int | None = SAMPLES,
    checks: Checks | None = None,
) -> list[LossReport]:
    """Check the gradients of a config or a run; one report a loss.

    Parameters
    ----------
    path, overrides, samples
        See `find`.
    losses : sequence of str, optional
        Names in `LOSSES`; the one of the config if not given.
    checks : Checks, optional
    """
    checks = checks or Checks()
    found = find(path, overrides, samples, checks.seed)
    reports = []
    for loss in losses or (found.objective.loss,):
        if loss not in LOSSES:
            raise ConfigError(f"--loss must be all or one of {', '.join(LOSSES)}; got {loss!r}")
        objective = replace(found.objective, loss=loss)
        findings = check_objective(objective, found.rows, checks, found.weights)
        reports.append(LossReport(loss, findings, check_exactly(objective)))
    return reports


def gradcheck_self_test(
    path: str, overrides: Sequence[str], samples: int | None, checks: Checks
) -> list[SelfTest]:
    """Plant faults into the gradient of a config's objective; return what caught each."""
    found = find(path, overrides, samples, checks.seed)
    return self_test(found.objective, found.rows, checks)


def short_check(config: Config, splits: Splits, scaler: Scaler | None = None) -> LossReport:
    """Check the gradients before a training: few rows, few directions.

    The scaler, if it is fitted already, need not be fitted again.
    """
    objective, train = build_objective(config.objective, splits.train), splits.train
    scaler = scaler or fit_scaler(train, config.preprocess)
    chosen = train.rows(_chosen(train, SHORT_SAMPLES, config.solver.seed))
    findings = splits.place.of_few(chosen, check_few, objective, scaler)
    return LossReport(objective.loss, findings, check_exactly(objective))
