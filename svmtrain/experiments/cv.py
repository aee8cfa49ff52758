"""Cross-validation: every row is judged once by a model that was trained without it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from svmtrain.build import best_metric, counts_to_deal, refuse_settings
from svmtrain.config import Config
from svmtrain.config.data import MOST_REPEATS
from svmtrain.config.texts import FOLDS_LIMIT
from svmtrain.data.dataset import Label
from svmtrain.errors import CheckFailed, ConfigError, shown
from svmtrain.experiments.course import Course
from svmtrain.experiments.figures import figures_of
from svmtrain.experiments.folder import ExperimentFolder, request_of
from svmtrain.experiments.hands import alone, hired
from svmtrain.experiments.predictions import collected, read_right
from svmtrain.experiments.tasks import Task
from svmtrain.metrics.paired import wilson
from svmtrain.operations.job import Session
from svmtrain.training.stopping import resolve_metric

MEASURES = ("accuracy", "balanced_accuracy", "macro_f1")
"""What is judged on the rows of a fold."""
OUT_OF_FOLD = "out_of_fold.csv"


@dataclass(frozen=True)
class Fold:
    """A run of a cross-validation.

    Attributes
    ----------
    repeat, fold : int
        Each counted from 1.
    name : str
        That of its run.
    """

    repeat: int
    fold: int
    name: str


@dataclass(frozen=True)
class CvResult:
    """What came out of a cross-validation.

    Attributes
    ----------
    path : Path
    folds : list of dict
        For each run that is finished `repeat`, `fold`, `run` and its figures: see `figures_of`,
        with those in `MEASURES` of the rows that were held out.
    summary : dict
        By each of `MEASURES`: see `spread`. And `pooled`, of all rows that were judged.
    problems : dict of str to str
        Why runs failed, by their names.
    failure : CheckFailed or None
        What to end with when runs failed.
    """

    path: Path
    folds: list[dict[str, Any]]
    summary: dict[str, Any]
    problems: dict[str, str]
    failure: CheckFailed | None

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values."""
        return {
            "experiment": str(self.path),
            "folds": self.folds,
            "summary": self.summary,
            "failed": self.problems,
            "out_of_fold": str(self.path / OUT_OF_FOLD),
        }


def cross_validate(
    config: Config,
    path: str | Path,
    session: Session,
    *,
    folds: int = 5,
    repeats: int = 1,
    jobs: int | None = None,
    force: bool = False,
) -> CvResult:
    """Train a run for each fold of each repeat, and judge it on the rows of the fold.

    The folds are of the rows that `data.test` leaves: rows that a config sets aside stay aside.
    Of the rest, each run trains on all but its fold, less the validation rows when the config
    chooses or stops by them; columns are encoded and scaled by what those rows have. What is
    finished is left alone, what was stopped is gone on with.

    Parameters
    ----------
    config : Config
    path : str or Path
        The folder of the experiment.
    session : Session
    folds, repeats : int
        How many folds, and how often the rows are dealt out anew.
    jobs : int, optional
        Runs side by side; by default as many as there are cores, or threads of workers.
    force : bool
        Begin again whatever experiment is there.

    Raises
    ------
    DataError
        When there are fewer rows than folds.
    ConfigError, ResumeError
        For settings that do not go together; see also `ExperimentFolder.opened`.
    Interrupted
        When a signal came; the same call goes on.
    """
    if not 2 <= folds <= FOLDS_LIMIT:
        raise ConfigError(f"--folds must be from 2 to {FOLDS_LIMIT}, got {folds}")
    if not 1 <= repeats <= MOST_REPEATS:
        raise ConfigError(f"--repeats must be from 1 to {MOST_REPEATS:,}, got {repeats}")
    folder, base = ExperimentFolder(path), _base(alone(config))
    refuse_settings(base)
    _note_few(counts_to_deal(base, folds), base, folds, session)
    parts = parts_of(folds, repeats)
    request = request_of(base, folds=folds, repeats=repeats)
    with (
        hired(config, jobs, session) as hands,
        folder.opened("cross-validation", base, request, force=force),
        hands.over(folder.path),
    ):
        course = Course(session, hands, len(parts))
        course.train([_task(folder, base, part, folds) for part in parts], _words(folder))
        result = _collect(folder, [part for part in parts if part.name not in course.problems])
        done = replace(result, problems=course.problems, failure=course.failure())
        folder.write("summary.json", done.to_dict())
    return done


def parts_of(folds: int, repeats: int) -> list[Fold]:
    """Return the runs of a cross-validation, in order."""
    return [
        Fold(repeat, fold, f"fold-{fold}" if repeats == 1 else f"repeat-{repeat}-fold-{fold}")
        for repeat in range(1, repeats + 1)
        for fold in range(1, folds + 1)
    ]


def _base(config: Config) -> Config:
    """Return the config that the runs share: without rows that they would hold out for nothing."""
    data = config.data
    if config.objective.is_path:
        raise ConfigError("cross-validation takes one number for objective.lambda or objective.C")
    if data.fold is not None:
        raise ConfigError("data.fold is given, and cross-validation makes folds of its own")
    if isinstance(data.test, str | tuple):
        data = replace(data, test=None, test_labels=None)
    if not _needs_validation(config):
        data = replace(data, validation=0.0, validation_labels=None)
    return replace(config, data=data)


def _note_few(counts: Mapping[Label, int], base: Config, folds: int, session: Session) -> None:
    """Note the smallest class that is not in every fold, though the folds share each class out."""
    label, rows = min(counts.items(), key=lambda item: item[1])
    if base.data.stratified and rows < folds:
        session.note(
            f"class {shown(label)} has {rows} row{'' if rows == 1 else 's'}, so that not all of "
            f"{folds} folds judge one of it"
        )


def _needs_validation(config: Config) -> bool:
    """Return whether validation rows have a part in which model a run ends with."""
    stop = config.stop
    if stop.must_reach is not None:  # it is about the validation accuracy, whatever is watched
        return True
    watched = stop.patience is not None or stop.target is not None
    watched = watched or stop.metric.startswith("validation")  # it must be there to be named
    metrics = [best_metric(config, True)] + [resolve_metric(stop.metric, True)] * watched
    return any(metric.startswith("validation") for metric in metrics)


def _task(folder: ExperimentFolder, base: Config, part: Fold, folds: int) -> Task:
    """Return the task of one run."""
    data = replace(base.data, fold=f"{part.fold}/{folds}", repeat=part.repeat - 1)
    output = replace(base.output, dir=str(folder.runs), name=part.name)
    config = replace(base, data=data, output=output)
    return Task((config,), predictions=(str(folder.predictions_of(part.name)),))


def _words(folder: ExperimentFolder) -> Any:
    """Return what says the result of a finished run in a few words."""

    def words(name: str) -> str:
        found = figures_of(folder.run(name))
        return f"accuracy {found['test']['accuracy']:.4f} on {found['test']['rows']:,} rows"

    return words


def _collect(folder: ExperimentFolder, parts: Sequence[Fold]) -> CvResult:
    """Return what the finished runs left, and write what they say of their folds as one file."""
    folds = []
    for part in parts:
        found = figures_of(folder.run(part.name))
        test = found.pop("test")
        del found["validation_accuracy"], found["validation_loss"]
        marks = {"repeat": part.repeat, "fold": part.fold, "run": part.name}
        folds.append({**marks, **{name: test[name] for name in (*MEASURES, "rows")}, **found})
    files: list[tuple[Path, list[object]]] = [
        (folder.predictions_of(part.name), [part.repeat, part.fold]) for part in parts
    ]
    summary: dict[str, Any] = {}
    if files:
        collected(files, ["repeat", "fold"], folder.path / OUT_OF_FOLD)
        summary = {name: spread(folds, name) for name in MEASURES}
        right = sum(int(read_right(file).sum()) for file, _ in files)
        rows = sum(fold["rows"] for fold in folds)
        summary["pooled"] = {"right": right, "judged": rows, "accuracy": right / rows}
        if len({part.repeat for part in parts}) == 1:
            summary["pooled"]["interval"] = list(wilson(right, rows))
    return CvResult(folder.path, folds, summary, {}, None)


def spread(folds: Sequence[dict[str, Any]], name: str) -> dict[str, float | None]:
    """Return the mean of a figure over folds, and how far they are apart.

    Returns
    -------
    dict
        `mean`; `sd`, the sample standard deviation, with n - 1 below; and `standard_error`, of the
        mean, by Nadeau and Bengio's correction: sd sqrt(1/n + held out / trained on). Without the
        second term, as for folds that shared no rows, it would be too small. `min` and `max`.

    Source: Nadeau and Bengio (2003), Inference for the generalization error. There is no unbiased
    estimate of this variance: Bengio and Grandvalet (2004).
    """
    values = [float(fold[name]) for fold in folds]
    sd = statistics.stdev(values) if len(values) > 1 else None
    held = sum(fold["rows"] for fold in folds) / sum(fold["train_rows"] for fold in folds)
    return {
        "mean": statistics.fmean(values),
        "sd": sd,
        "standard_error": None if sd is None else sd * math.sqrt(1 / len(values) + held),
        "min": min(values),
        "max": max(values),
    }
