"""From a job to its model: the training itself, under the eyes of run.json."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

import svmtrain
from svmtrain import interrupts
from svmtrain.build import best_metric, cadence, stop_rules
from svmtrain.errors import DivergedError, Interrupted, StorageError
from svmtrain.model import LinearClassifier
from svmtrain.operations.calibrate import calibrated
from svmtrain.operations.job import FitResult, Job
from svmtrain.operations.judged import evaluate_rows
from svmtrain.operations.run_info import RunInfo
from svmtrain.operations.tensorboard import Mirror, open_mirror
from svmtrain.runs.directory import RunDirectory, is_path
from svmtrain.runs.journal import Metrics, RunJournal
from svmtrain.runs.trace import Trace
from svmtrain.training.history import EpochRecord
from svmtrain.training.loop import Outcome, Training
from svmtrain.training.progress import make_progress
from svmtrain.training.state import TrainingState
from svmtrain.training.stopping import BestEpoch, Stopping

OF_THE_MACHINE = ("seconds", "workers")
"""Figures of a record that another machine would have others for."""


def train(
    job: Job, state: TrainingState, metrics: Metrics, best_file: str | None = None
) -> FitResult:
    """Train from a state to the end, and write the model; the journal keeps the records."""
    problem, config = job.built.problem, job.config
    stopping = Stopping(stop_rules(config, job.splits.validation is not None))
    best = BestEpoch(best_metric(config, job.splits.validation is not None))
    last = None
    for last in metrics.records():
        stopping.update(last)
        best.update(last)
    trace = Trace(job.run.trace, state.solver.step)
    mirror = open_mirror(job.session.tensorboard, job.run, metrics.records(), job.session.say)
    journal = _journal(job, metrics, trace, best, best_file, last, mirror)
    progress = make_progress(
        job.session.stream,
        epochs=problem.epochs,
        rows=len(problem.train),
        done=state.epoch,
        quiet=job.session.quiet,
    )
    training = Training(
        problem,
        state,
        stopping=stopping,
        best=best,
        journal=journal,
        progress=progress,
        cadence=cadence(config),
        seconds_before=last.seconds if last else 0.0,
    )
    try:
        return _run(job, training, journal)
    finally:
        progress.close()
        trace.close()
        metrics.close()
        if mirror is not None:
            mirror.close()


def _journal(
    job: Job,
    metrics: Metrics,
    trace: Trace,
    best: BestEpoch,
    best_file: str | None,
    last: EpochRecord | None,
    mirror: Mirror | None,
) -> RunJournal:
    """Return what keeps the records and checkpoints of a training."""
    return RunJournal(
        job.run,
        metrics,
        trace,
        best=best,
        classifier=lambda W, b: job.built.classifier(W, b, facts(job, "checkpoint")),
        identity=job.identity,
        keep=job.config.checkpoint.keep,
        say=job.session.say,
        best_file=best_file,
        last=last,
        also=None if mirror is None else mirror.add,
    )


def _run(job: Job, training: Training, journal: RunJournal) -> FitResult:
    """Run the training under the eyes of run.json, to the model or to a signal."""
    with resumable(job.run, job.config.cluster.at), RunInfo(job, journal) as info:
        try:
            outcome = training.run()
        except DivergedError as error:
            raise DivergedError(f"{error.problem}; {_kept(job.run)}", path=job.run.path) from None
        training.progress.close()
        if outcome.finished:
            with contextlib.suppress(Interrupted):
                result = _finish(job, training.state, journal, outcome)
                info.finish(result)
                return result
        raise interrupts.interruption(
            f"saved at step {training.state.solver.step}; "
            f"go on with: svmtrain resume {shlex.quote(str(job.run.path))}"
        )


@contextlib.contextmanager
def resumable(run: RunDirectory, cluster: str | None = None) -> Iterator[None]:
    """Let an error of the system in the block, such as a full disk, name what goes on later.

    Parameters
    ----------
    run : RunDirectory
    cluster : str, optional
        Where the cluster of the run is; a run that lost it goes on at another.

    Raises
    ------
    StorageError
    """
    try:
        yield
    except StorageError as error:
        if not (error.__cause__ and run.exists()):
            raise
        path = run.path.parent if is_path(run.path.parent) else run.path
        again = shlex.quote(str(path))
        goes_on = f"once that is mended, svmtrain resume {again} goes on"
        if cluster is not None and error.path == cluster:
            goes_on = f"svmtrain resume {again} --cluster WHERE goes on at another"
        raise StorageError(f"{error.problem}; {goes_on}", path=error.path) from error


def _kept(run: RunDirectory) -> str:
    """Return what is left after a training that diverged."""
    files = run.checkpoint_files()
    return f"the last good checkpoint is {files[0].name}" if files else "nothing was saved before"


def _finish(job: Job, state: TrainingState, journal: RunJournal, outcome: Outcome) -> FitResult:
    """Write the model that the run chose, and judge it on the test rows."""
    if journal.last is None:
        raise RuntimeError("a training that finished has a record")
    model, chosen = choose(job, state, journal.best, journal.last)
    start = _of_zero_weights(job)
    if chosen.objective > start:
        why = "" if job.built.lr == 0 else ": the step size is too large (try solver.lr: auto)"
        job.session.say(
            f"warning: the objective {chosen.objective:.4g} is above that of zero weights, "
            f"{start:.4g}{why}"
        )
    model.save(job.run.model)
    rows = job.splits.test
    test = None if rows is None else evaluate_rows(model, rows, job.splits.place)
    return FitResult(job, outcome, journal.last, chosen, test)


def choose(
    job: Job, state: TrainingState, best: BestEpoch, last: EpochRecord
) -> tuple[LinearClassifier, EpochRecord]:
    """Return the model of a training that has ended, and the record of its epoch."""
    wanted = job.config.output.model
    if wanted == "best" and best.record is not None:
        (W, b), chosen = (state.best_W, state.best_b), best.record
    else:
        (W, b), chosen = state.solver.weights, last
    model = job.built.classifier(W, b, facts(job, wanted, chosen))
    method, splits = job.config.output.calibration, job.splits
    return calibrated(model, splits.validation, method, splits.place), chosen


def _of_zero_weights(job: Job) -> float:
    """Return the objective of weights that are all zero."""
    counts, columns = job.splits.train.counts(), len(job.built.start.best_b)
    zero = np.zeros((len(counts), columns))
    losses, _ = job.built.problem.objective.losses(zero, np.arange(len(counts)))
    return float(counts @ losses) / int(counts.sum())


def facts(job: Job, selected: str, record: EpochRecord | None = None) -> dict[str, Any]:
    """Return how a model was trained; nothing in it depends on the time or the machine."""
    skipped = ("run", "environment")
    told = {key: value for key, value in job.identity.items() if key not in skipped}
    told["svmtrain"] = svmtrain.__version__
    told["selected"] = selected
    if record is not None:
        told["record"] = {k: v for k, v in asdict(record).items() if k not in OF_THE_MACHINE}
    return told
