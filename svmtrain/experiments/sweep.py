"""Sweeps: runs for many settings in one folder, and the best of them by rows held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from svmtrain.build import best_metric, load_splits, refuse_settings, strength, why_unproven
from svmtrain.config import Config, to_yaml
from svmtrain.errors import CheckFailed, ConfigError, ModelError
from svmtrain.experiments.board import (
    GrowingBoard,
    Standing,
    ranked,
    row_of,
    standing,
    status_of,
    write_board,
)
from svmtrain.experiments.course import Course, Words
from svmtrain.experiments.folder import ExperimentFolder, request_of
from svmtrain.experiments.halving import Rung, at_most, reached, refuse_horizons, rungs_of
from svmtrain.experiments.hands import alone, hired
from svmtrain.experiments.points import Axis, Point, parse_axis, points_of
from svmtrain.experiments.tasks import Ended, Task
from svmtrain.files import read_bytes, write_atomic
from svmtrain.operations.fit import reload_config
from svmtrain.operations.job import Session
from svmtrain.operations.warm_start import start_file

STRENGTHS = ("objective.lambda", "objective.C")
"""The keys that a path goes along."""
START_LIMIT = 1 << 34


@dataclass(frozen=True)
class Plan:
    """What a sweep is asked for.

    Attributes
    ----------
    grid : tuple of str
        As `points.parse_axis` takes them.
    random : int or None
        Points drawn from the grid in place of all.
    seed : int
        Of the draws.
    halving : bool
        Whether points are dropped on the way; see `halving`.
    eta : int
        One in how many survives.
    cold : bool
        Whether no run along the strengths of the penalty starts from the one before it.
    full : bool
        Whether runs go on that are proven not to become the best of their chain.
    """

    grid: tuple[str, ...]
    random: int | None = None
    seed: int = 0
    halving: bool = False
    eta: int = 3
    cold: bool = False
    full: bool = False


@dataclass(frozen=True)
class SweepResult:
    """What came out of a sweep.

    Attributes
    ----------
    path : Path
    keys : list of str
        The settings that were swept.
    board : list of dict
        For each point, the best first: `rank`, `run`, `settings`, `status` and the figures in
        `board.FIGURES`; those that failed come last and have no figures.
    best : dict or None
        `run`, `config` (a file that reproduces it exactly), `test_accuracy`, which had no part
        in the choice, and `ties`, how many others have the same validation accuracy.
    problems : dict of str to str
    failure : CheckFailed or None
        What to end with when runs failed.
    """

    path: Path
    keys: list[str]
    board: list[dict[str, Any]]
    best: dict[str, Any] | None
    problems: dict[str, str]
    failure: CheckFailed | None

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values."""
        return {
            "experiment": str(self.path),
            "best": self.best,
            "leaderboard": self.board,
            "failed": self.problems,
        }


def sweep(
    config: Config,
    path: str | Path,
    session: Session,
    plan: Plan,
    *,
    name: str = "best",
    jobs: int | None = None,
    force: bool = False,
) -> SweepResult:
    """Train a run for each point, rank them by validation accuracy, and write the best config.

    What is finished is left alone, what was stopped is gone on with. Test rows have no part in
    the choice.

    Parameters
    ----------
    config : Config
    path : str or Path
        The folder of the experiment.
    session : Session
    plan : Plan
    name : str
        What the run of best.yaml will be called.
    jobs : int, optional
        Runs side by side; by default as many as there are cores, or threads of workers.
    force : bool
        Begin again whatever experiment is there.

    Raises
    ------
    ConfigError, ResumeError
        For points that cannot be; see also `ExperimentFolder.opened`.
    Interrupted
        When a signal came; the same call goes on.
    """
    if config.objective.is_path:
        raise ConfigError("objective.lambda and objective.C of a sweep go into --grid")
    asked, config = config, alone(config)
    folder, axes = ExperimentFolder(path), [parse_axis(text) for text in plan.grid]
    points = [
        replace(one, config=_placed(one.config, folder))
        for one in points_of(config, axes, random=plan.random, seed=plan.seed)
    ]
    _refuse(config, points, plan)
    request = request_of(config, **vars(plan))
    with (
        hired(asked, jobs, session) as hands,
        folder.opened("sweep", config, request, force=force),
        hands.over(folder.path),
    ):
        course = Course(session, hands, len(points))
        board = GrowingBoard(folder.path / "leaderboard.csv", list(points[0].settings))
        if plan.halving:
            tiers = _halve(folder, points, config.solver.epochs, plan.eta, course, board)
        else:
            course.train(_tasks(points, axes, plan), _words(folder, points, board))
            done = [one for one in points if one.name not in course.problems]
            tiers = [ranked([standing(folder.run(one.name), one) for one in done])]
        return _conclude(folder, points, tiers, course, (config, name))


def _placed(config: Config, folder: ExperimentFolder) -> Config:
    """Return the config of a point with its run in the folder."""
    return replace(config, output=replace(config.output, dir=str(folder.runs)))


def _refuse(config: Config, points: Sequence[Point], plan: Plan) -> None:
    """Raise ConfigError for what no sweep can be made of."""
    if config.data.validation == 0:
        raise ConfigError(
            "a sweep chooses by validation accuracy, and data.validation is 0: set a fraction"
        )
    if plan.halving:
        refuse_horizons(points)
    for one in points:
        try:
            refuse_settings(one.config)
        except ConfigError as error:
            asked = " ".join(f"--grid {key}={value}" for key, value in one.settings.items())
            raise ConfigError(error.problem, path=asked) from None


def _tasks(points: Sequence[Point], axes: Sequence[Axis], plan: Plan) -> list[Task]:
    """Return the tasks: a point each, or a chain from the strongest penalty to the weakest."""
    key = next((axis.key for axis in axes if axis.key in STRENGTHS), None)
    if key is None or plan.cold or plan.random is not None or points[0].config.solver.warm_start:
        return [Task((one.config,)) for one in points]
    chains: dict[tuple[str, ...], list[Point]] = {}
    for one in points:
        others = tuple(value for name, value in one.settings.items() if name != key)
        chains.setdefault(others, []).append(one)
    return [
        Task(
            tuple(_strongest_first([one.config for one in chain])),
            chained=True,
            gives_up=not plan.full and all(_can_be_proven(one.config) for one in chain),
        )
        for chain in chains.values()
    ]


def _strongest_first(configs: Sequence[Config]) -> list[Config]:
    """Return configs that differ in the strength of the penalty in the order of a path.

    How a C compares with another does not depend on the rows; with a lambda, such as that of
    null, it does, so that they are counted then.
    """
    mixed = len({one.objective.C is None for one in configs}) > 1
    rows = len(load_splits(configs[0]).train) if mixed else 1
    return sorted(configs, key=lambda one: -strength(one.objective, rows))


def _can_be_proven(config: Config) -> bool:
    """Return whether a run can tell what validation accuracy is out of its reach."""
    by_objective = config.output.model == "best" and best_metric(config, True) == "objective"
    return by_objective and why_unproven(config) is None and config.stop.must_reach is None


def _words(
    folder: ExperimentFolder,
    points: Sequence[Point],
    board: GrowingBoard,
    stage: int = 0,
    epochs: int | None = None,
    last: bool = True,
) -> Words:
    """Return what says in a few words where a point stands, and enters it on the leaderboard."""
    known = {one.name: one for one in points}

    def words(name: str) -> str:
        found = standing(folder.run(name), known[name], epochs)
        board.add(found, stage, last)
        chosen = found.chosen
        return f"validation {chosen.validation_accuracy:.4f}, objective {chosen.objective:.4f}"

    return words


def _halve(
    folder: ExperimentFolder,
    points: list[Point],
    epochs: int,
    eta: int,
    course: Course,
    board: GrowingBoard,
) -> list[list[Standing]]:
    """Train by successive halving; return the standings of each stage, the last stage first."""
    rungs = rungs_of(len(points), epochs, eta)
    course.total = sum(rung.points for rung in rungs)
    tiers: list[list[Standing]] = []
    for at, rung in enumerate(rungs):
        course.session.note(_told(at, rung, len(rungs)))
        words = _words(folder, points, board, at, rung.epochs, at + 1 == len(rungs))
        points = _climb(points, rung, course, words)
        best = ranked([standing(folder.run(one.name), one, rung.epochs) for one in points])
        tiers.insert(0, best)
        if at + 1 < len(rungs):
            points = [one.point for one in best[: rungs[at + 1].points]]
    kept = {one.point.name for one in tiers[0]}
    for tier in tiers[1:]:
        tier[:] = [one for one in tier if one.point.name not in kept]
        kept |= {one.point.name for one in tier}
    return tiers


def _told(at: int, rung: Rung, stages: int) -> str:
    plural = "" if rung.points == 1 else "s"
    return f"stage {at + 1} of {stages}: {rung.points} run{plural} to epoch {rung.epochs}"


def _climb(points: list[Point], rung: Rung, course: Course, words: Words) -> list[Point]:
    """Train points to the epochs of a stage; return those that came there."""
    configs = [at_most(one.config, rung.epochs) for one in points]
    for one in configs:
        if reached(one):
            course.tell(Ended(str(one.output.name), known=True), words)
    course.train([Task((one,)) for one in configs if not reached(one)], words)
    return [one for one in points if one.name not in course.problems]


def _conclude(
    folder: ExperimentFolder,
    points: Sequence[Point],
    tiers: list[list[Standing]],
    course: Course,
    origin: tuple[Config, str],
) -> SweepResult:
    """Write the leaderboard, the best config and the summary of a sweep; return its result."""
    order = [(one, tier is tiers[0]) for tier in tiers for one in tier]
    board = [row_of(rank, one, status_of(one, last)) for rank, (one, last) in enumerate(order, 1)]
    board += [
        {"rank": None, "run": one.name, "settings": one.settings, "status": "failed"}
        for one in points
        if one.name in course.problems
    ]
    keys = list(points[0].settings)
    best = _best(folder, tiers[0], *origin) if tiers[0] else None
    result = SweepResult(folder.path, keys, board, best, course.problems, course.failure())
    write_board(folder.path / "leaderboard.csv", keys, board)
    folder.write("summary.json", result.to_dict())
    return result


def _best(
    folder: ExperimentFolder, tier: Sequence[Standing], config: Config, name: str
) -> dict[str, Any]:
    """Write best.yaml; return what is to be known about the best run.

    A run that was started from another is made again from a copy of what it started from.
    """
    best, run = tier[0], folder.run(tier[0].point.name)
    own = reload_config(run)
    start = start_file(own)
    if start is not None:
        copy = folder.path / "best-start.npz"
        write_atomic(copy, read_bytes(start, ModelError, START_LIMIT))
        own = replace(own, solver=replace(own.solver, warm_start=str(copy)))
    own = replace(own, output=replace(config.output, name=name))
    accuracy = best.chosen.validation_accuracy
    ties = sum(one.chosen.validation_accuracy == accuracy for one in tier) - 1
    test = run.read_info().get("test")
    comment = f"# The best of a sweep by validation accuracy: makes {best.point.name} again.\n"
    file = folder.path / "best.yaml"
    write_atomic(file, (comment + to_yaml(own, str(folder.path))).encode())
    return {
        "run": best.point.name,
        "config": str(file),
        "validation_accuracy": accuracy,
        "test_accuracy": test.get("accuracy") if isinstance(test, dict) else None,
        "ties": ties,
    }
