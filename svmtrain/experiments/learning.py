"""Learning curves: accuracy against the number of rows, and what it advises."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from svmtrain.build import refuse_settings
from svmtrain.config import Config
from svmtrain.config.data import MOST_REPEATS
from svmtrain.errors import CheckFailed, ConfigError
from svmtrain.experiments.advice import Advice, advise
from svmtrain.experiments.course import Course
from svmtrain.experiments.figures import figures_of
from svmtrain.experiments.folder import ExperimentFolder, request_of
from svmtrain.experiments.hands import alone, hired
from svmtrain.experiments.predictions import read_right, read_scores
from svmtrain.experiments.tasks import Task
from svmtrain.metrics.margins import doubts
from svmtrain.metrics.paired import wilson
from svmtrain.operations.job import Session

SHARES = (0.125, 0.25, 0.5, 1.0)


@dataclass(frozen=True)
class Part:
    """A run of a learning curve: the share of the rows that it is trained on, and which ones."""

    share: float
    repeat: int
    name: str


@dataclass(frozen=True)
class CurvePoint:
    """What came of a share of the rows.

    Attributes
    ----------
    share : float
    rows : int
        That were trained on.
    runs : int
        Each on other rows.
    train_accuracy, validation_accuracy : float
        Means over the runs.
    low, high : float
        A 95 % interval of the validation accuracy by the number of validation rows: Wilson's.
    sd : float or None
        Sample standard deviation of the validation accuracy over the runs; None of one.
    """

    share: float
    rows: int
    runs: int
    train_accuracy: float
    validation_accuracy: float
    low: float
    high: float
    sd: float | None


@dataclass(frozen=True)
class CurveResult:
    """What came out of a learning curve.

    Attributes
    ----------
    path : Path
    points : list of CurvePoint
        The fewest rows first.
    validation_rows : int
    advice : Advice or None
        None when runs are missing that it is about.
    problems : dict of str to str
    failure : CheckFailed or None
    """

    path: Path
    points: list[CurvePoint]
    validation_rows: int
    advice: Advice | None
    problems: dict[str, str]
    failure: CheckFailed | None

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values."""
        return {
            "experiment": str(self.path),
            "points": [asdict(point) for point in self.points],
            "validation_rows": self.validation_rows,
            "advice": self.advice and self.advice.to_dict(),
            "failed": self.problems,
        }


def learning_curve(
    config: Config,
    path: str | Path,
    session: Session,
    *,
    shares: Sequence[float] = SHARES,
    repeats: int = 1,
    jobs: int | None = None,
    force: bool = False,
) -> CurveResult:
    """Train on growing shares of the training rows, all judged by the same validation rows.

    A smaller share is part of a larger one. Every repeat draws other rows; there is one run of
    all rows, which there is nothing to draw from.

    Parameters
    ----------
    config : Config
    path : str or Path
        The folder of the experiment.
    session : Session
    shares : sequence of float
        Each above 0 and at most 1; 1 is always among them.
    repeats : int
    jobs : int, optional
        Runs side by side; by default as many as there are cores, or threads of workers.
    force : bool
        Begin again whatever experiment is there.

    Raises
    ------
    ConfigError, ResumeError
        See `ExperimentFolder.opened`.
    Interrupted
        When a signal came; the same call goes on.
    """
    shares = sorted({*shares, 1.0})
    _refuse(config, shares, repeats)
    folder, parts = ExperimentFolder(path), parts_of(shares, repeats)
    asked, config = config, alone(config)
    request = request_of(config, shares=list(shares), repeats=repeats)
    with (
        hired(asked, jobs, session) as hands,
        folder.opened("learning curve", config, request, force=force),
        hands.over(folder.path),
    ):
        course = Course(session, hands, len(parts))
        course.train([_task(folder, config, part) for part in parts], _words(folder))
        done = [part for part in parts if part.name not in course.problems]
        points = [point for share in shares if (point := _point(folder, done, share))]
        rows = len(read_right(folder.predictions_of(done[0].name))) if done else 0
        advice = _advice(folder, done, points)
        failure = course.failure()
        result = CurveResult(folder.path, points, rows, advice, course.problems, failure)
        folder.write("summary.json", result.to_dict())
    return result


def parts_of(shares: Sequence[float], repeats: int) -> list[Part]:
    """Return the runs of a learning curve, the quickest first."""
    return [
        Part(share, repeat, _name(share) + (f"-repeat-{repeat + 1}" if several else ""))
        for share in shares
        for several in [repeats > 1 and share < 1]
        for repeat in range(repeats if several else 1)
    ]


def _name(share: float) -> str:
    """Return what the runs of a share are called."""
    return f"share-{share:g}"


def _refuse(config: Config, shares: Sequence[float], repeats: int) -> None:
    """Raise ConfigError for what no learning curve can be made of."""
    if not (shares[0] > 0 and shares[-1] == 1) or len(shares) < 2:
        raise ConfigError("--shares must be numbers above 0 and below 1, besides all rows")
    for one, other in itertools.pairwise(shares):
        if _name(one) == _name(other):
            raise ConfigError(
                f"--shares must differ within six digits, by which their runs are named; {one!r} "
                f"and {other!r} are both {_name(one)}"
            )
    if not 1 <= repeats <= MOST_REPEATS:
        raise ConfigError(f"--repeats must be from 1 to {MOST_REPEATS:,}, got {repeats}")
    if config.objective.is_path:
        raise ConfigError("a learning curve takes one number for objective.lambda or objective.C")
    if config.data.train_share != 1 or config.data.fold is not None:
        raise ConfigError("a learning curve takes its own shares: leave out data.train_share, fold")
    if config.data.validation == 0:
        raise ConfigError(
            "a learning curve is of the validation accuracy, and data.validation is 0: set a "
            "fraction"
        )
    refuse_settings(config)


def _task(folder: ExperimentFolder, config: Config, part: Part) -> Task:
    """Return the task of one run."""
    repeat = part.repeat if part.share < 1 else 0
    data = replace(config.data, train_share=part.share, repeat=repeat)
    output = replace(config.output, dir=str(folder.runs), name=part.name)
    one = replace(config, data=data, output=output)
    return Task((one,), predictions=(str(folder.predictions_of(part.name)),), split="validation")


def _words(folder: ExperimentFolder) -> Any:
    """Return what says the result of a finished run in a few words."""

    def words(name: str) -> str:
        found = figures_of(folder.run(name))
        return f"{found['train_rows']:,} rows, validation {found['validation_accuracy']:.4f}"

    return words


def _point(folder: ExperimentFolder, parts: Sequence[Part], share: float) -> CurvePoint | None:
    """Return what the finished runs of a share came to; None without one."""
    own = [part for part in parts if part.share == share]
    if not own:
        return None
    figures = [figures_of(folder.run(part.name)) for part in own]
    right = [read_right(folder.predictions_of(part.name)) for part in own]
    shares = np.array([one.mean() for one in right])
    middle = float(shares.mean())
    low, high = wilson(round(middle * len(right[0])), len(right[0]))
    return CurvePoint(
        share,
        figures[0]["train_rows"],
        len(own),
        math.fsum(one["train_accuracy"] for one in figures) / len(own),
        middle,
        low,
        high,
        float(shares.std(ddof=1)) if len(own) > 1 else None,
    )


def _advice(
    folder: ExperimentFolder, parts: Sequence[Part], points: Sequence[CurvePoint]
) -> Advice | None:
    """Return what the curve advises; None without a run of all rows and one of fewer."""
    if len(points) < 2 or points[-1].share != 1:
        return None
    before = [part for part in parts if part.share == points[-2].share]
    whole = next(part for part in parts if part.share == 1)
    file = folder.predictions_of(whole.name)
    scores, y = read_scores(file)
    return advise(
        rows=(points[-2].rows, points[-1].rows),
        before=np.array([read_right(folder.predictions_of(part.name)) for part in before]),
        after=read_right(file),
        train_accuracy=points[-1].train_accuracy,
        doubted=len(doubts(scores, y)),
    )
