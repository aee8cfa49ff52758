"""What one process does at a time: train runs one after the other, and judge them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from svmtrain import interrupts
from svmtrain.config import Config
from svmtrain.errors import Interrupted, InUseError, SvmtrainError
from svmtrain.experiments.figures import figures_of
from svmtrain.experiments.predictions import predict_held
from svmtrain.operations.fit import finished, fit, reload_config, run_directory
from svmtrain.operations.job import Job, Session

UNEXPECTED = 1
PATIENCE, PAUSE = 10.0, 0.1
"""Seconds for which a run is waited for that another process has in hand, and between tries."""


@dataclass(frozen=True)
class Task:
    """Runs to be trained by one process, in order.

    Attributes
    ----------
    configs : tuple of Config
        Each with its folder and name.
    chained : bool
        Whether each starts from the one before it that was finished. They must have the same
        rows and preprocessing.
    gives_up : bool
        Whether, in a chain, a run ends once it is proven that it has fewer validation rows right
        than one before it: see `stop.must_reach`.
    predictions : tuple of str or None
        For each run the file for what its model says of the rows of `split`.
    split : str
        "test" or "validation".
    command : tuple of str
        The command line that the runs are to name as theirs.
    """

    configs: tuple[Config, ...]
    chained: bool = False
    gives_up: bool = False
    predictions: tuple[str, ...] | None = None
    split: str = "test"
    command: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ended:
    """How a run of a task ended.

    Attributes
    ----------
    name : str
    problem : str or None
        None for a run that is finished.
    code : int
        The exit code that stands for the problem.
    seconds : float
        How long it took this time.
    known : bool
        Whether there was nothing left to do.
    notes : tuple of str
        What was said on the way.
    """

    name: str
    problem: str | None = None
    code: int = 0
    seconds: float = 0.0
    known: bool = False
    notes: tuple[str, ...] = ()


def carry_out(task: Task, tell: Callable[[Ended], None], job: Job | None = None) -> Job | None:
    """Train the runs of a task that are not finished; a failure ends no other run.

    Parameters
    ----------
    task : Task
    tell : callable
        Is told of every run when it ends.
    job : Job, optional
        The last of earlier tasks, whose rows are used again where a run has the same.

    Returns
    -------
    Job or None
        The last one now.

    Raises
    ------
    Interrupted
        When a signal came; what was trained is saved.
    """
    for at, config in enumerate(task.configs):
        interrupts.check()
        notes: list[str] = []
        began, name = time.monotonic(), str(config.output.name)
        problem, code, known = None, 0, False
        try:
            if task.chained:
                config = _linked(config, task.configs[:at], task.gives_up)
            if job is not None and not _same_rows(job.config, config):
                job = None  # before other rows are read, these make room for them
            session = Session(say=notes.append, quiet=True, command=task.command)
            file = None if task.predictions is None else Path(task.predictions[at])
            known, job = _train(config, job, file, task.split, session)
        except Interrupted:
            raise
        except SvmtrainError as error:
            problem, code = str(error), error.exit_code
        except Exception as error:  # whatever it is, the other runs go on
            problem, code = f"{type(error).__name__}: {error}", UNEXPECTED
        tell(Ended(name, problem, code, time.monotonic() - began, known, tuple(notes)))
    return job


def _same_rows(one: Config, other: Config) -> bool:
    """Return whether two runs are trained and judged on the same rows in the same form."""
    forms = [(c.data, c.preprocess, c.solver.name, c.solver.dtype) for c in (one, other)]
    return forms[0] == forms[1]


def is_done(config: Config) -> bool:
    """Return whether a run is finished, and not asked for more epochs than it was."""
    run = run_directory(config)
    return finished(run) and reload_config(run).solver.epochs >= config.solver.epochs


def _train(
    config: Config, before: Job | None, file: Path | None, split: str, session: Session
) -> tuple[bool, Job | None]:
    """Train a run as far as its config says; return whether it was, and what has its rows."""
    known, job = is_done(config), before
    if not known:
        job = _fit(config, session, before)
    if file is not None and not (known and file.exists()):
        predict_held(run_directory(config), file, split, None if known or job is None else job)
    return known, job


def _fit(config: Config, session: Session, before: Job | None) -> Job:
    """Train a run; one that another process has in hand is waited for a while.

    After a kill, what was at work for it ends by itself, but not in the same moment.
    """
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return fit(config, session, resume=True, before=before).job
        except InUseError:
            if time.monotonic() > until:
                raise
        interrupts.check()
        time.sleep(PAUSE)


def _linked(config: Config, before: Sequence[Config], gives_up: bool) -> Config:
    """Return the config of a run that starts from the last finished one of those before it.

    With `gives_up` it must come to the best validation accuracy of them. One that was begun
    already keeps what it was begun with.
    """
    run = run_directory(config)
    if run.exists():
        known = reload_config(run)
        start, floor = known.solver.warm_start, known.stop.must_reach
    else:
        done = [run_directory(one) for one in before if is_done(one)]
        start = str(done[-1].path) if done else config.solver.warm_start
        reached = [figures_of(one)["validation_accuracy"] for one in done if gives_up]
        floor = max(reached, default=0.0) or config.stop.must_reach
    return replace(
        config,
        solver=replace(config.solver, warm_start=start),
        stop=replace(config.stop, must_reach=floor),
    )
