"""Train a classifier into a run directory, from the start or from where it stopped."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from svmtrain import interrupts
from svmtrain.build import (
    Built,
    Splits,
    best_metric,
    build,
    load_splits,
    stop_rules,
)
from svmtrain.checkpoint import Checkpoint
from svmtrain.config import Config, load_config, to_yaml, without_effect
from svmtrain.data.scaling import Scaler
from svmtrain.data.targets import like_numbers
from svmtrain.errors import (
    CheckFailed,
    ConfigError,
    ModelError,
    ResumeError,
)
from svmtrain.files import write_atomic
from svmtrain.objective import compiling
from svmtrain.operations.gradcheck_report import short_check
from svmtrain.operations.identity import identity, refuse_other
from svmtrain.operations.job import FitResult, Job, Session
from svmtrain.operations.place import at_place, of_as_many_shards
from svmtrain.operations.resumed import refuse_bound, refuse_state
from svmtrain.operations.train import train
from svmtrain.operations.warm_start import find_start, resumed_start
from svmtrain.runs.catalogue import read_records
from svmtrain.runs.directory import RunDirectory
from svmtrain.runs.journal import Metrics, saved_metrics
from svmtrain.training.stopping import METRICS

COMPILING = "compiling loops for this machine, which takes some seconds and is kept for later runs"


def run_directory(config: Config) -> RunDirectory:
    """Return the run directory that a config asks for; output.name must be settled."""
    if config.output.name is None:
        raise ConfigError("output.name is not set")
    return RunDirectory(Path(config.output.dir) / config.output.name)


def fit(
    config: Config,
    session: Session,
    *,
    resume: bool = False,
    force: bool = False,
    before: Job | None = None,
) -> FitResult:
    """Train from the start, or with `resume` from where an earlier session stopped.

    Everything is read, checked and built before anything is written.

    Parameters
    ----------
    config : Config
    session : Session
    resume, force : bool
        What to do about a run that exists: go on with it, or begin it again.
    before : Job, optional
        One with the same data and preprocessing, whose rows need not be read and scaled again.

    Raises
    ------
    SvmtrainError
        One of its kinds for each thing that can go wrong; see the exit codes.
    """
    run = run_directory(config)
    if run.exists() and not (resume or force):
        raise ConfigError(
            "this run exists already: --resume goes on with it, --force begins it again, "
            "--name makes another",
            path=run.path,
        )
    if run.exists() and resume:
        return resume_run(run, config, session, before)
    with at_place(config, session) as (config, session):
        splits, built = prepare(config, session, before)
        return begin(run, config, splits, built, session, force=force)


def prepare(config: Config, session: Session, before: Job | None = None) -> tuple[Splits, Built]:
    """Read and build everything that a training from the start needs; see `fit`."""
    if before is None and (idle := without_effect(config)):
        session.note(idle)
    splits = _rows(config, session, before)
    if before is None and (doubt := label_doubt(splits, config.data.target)):
        session.note(doubt)
    return splits, _build(config, splits, before)


def begin(
    run: RunDirectory,
    config: Config,
    splits: Splits,
    built: Built,
    session: Session,
    *,
    force: bool = False,
) -> FitResult:
    """Train from the start, on what `prepare` returned."""
    interrupts.check()
    run.create()
    with run.locked():
        if run.exists() and not force:
            raise ConfigError("this run was begun by another process", path=run.path)
        return _begin(run, config, splits, built, session)


def _rows(config: Config, session: Session, before: Job | None) -> Splits:
    """Return the rows of a run; raise for a metric that they do not allow."""
    compiling.when_compiling(partial(session.note, COMPILING))
    splits = load_splits(config, session.note, session.files) if before is None else before.splits
    stop_rules(config, splits.validation is not None)
    best_metric(config, splits.validation is not None)
    return splits


def label_doubt(splits: Splits, target: str | int | None) -> str | None:
    """Return a sentence where the labels look like a number to predict; else None."""
    parts = (splits.train, splits.validation, splits.test)
    rows = sum(len(part) for part in parts if part is not None)
    return like_numbers(splits.train.classes, rows, target)


def _build(config: Config, splits: Splits, before: Job | None) -> Built:
    """Return what a training from the start needs."""
    start = find_start(config, splits)
    return build(config, splits, start=start, like=before.built if before else None)


def resume_run(
    run: RunDirectory, config: Config, session: Session, before: Job | None = None
) -> FitResult:
    """Go on with a run, exactly where its newest intact checkpoint was made; see `fit`."""
    run.require()
    with at_place(of_as_many_shards(config, run.config), session) as (config, session):
        return _resume(run, config, session, before)


def _resume(run: RunDirectory, config: Config, session: Session, before: Job | None) -> FitResult:
    """Go on with a run, wherever its rows are; see `resume_run`."""
    splits = _rows(config, session, before)
    with run.locked():
        checkpoint, notes = run.latest_checkpoint()
        for note in notes:
            session.say(f"warning: {note}")
        if checkpoint is None:
            _refuse_lost_checkpoints(run)
            session.say(
                f"{run.path} {_why_none(run)} before its first checkpoint; it is begun again"
            )
            return _begin(run, config, splits, _build(config, splits, before), session)
        config = keep_best_metric(config, splits, checkpoint.identity)
        built = _build_again(run, config, splits, checkpoint, before)
        now = identity(config, splits, built, str(run.read_info().get("run")))
        notes = refuse_other(checkpoint.identity, now, str(run.path))
        if notes and session.exact:
            raise ResumeError(f"would not be resumed exactly: {'; '.join(notes)}", path=run.path)
        for note in notes:
            session.say(f"warning: {note}")
        refuse_state(checkpoint.state, built, str(run.path))
        return _continue(Job(run, config, splits, built, session, now), checkpoint)


def _why_none(run: RunDirectory) -> str:
    """Return what became of a run that has no checkpoint yet."""
    status = run.read_info().get("status") if run.info.exists() else None
    return {"diverged": "diverged", "failed": "failed"}.get(str(status), "was stopped")


def _refuse_lost_checkpoints(run: RunDirectory) -> None:
    """Raise where there were checkpoints and are none: a run is never begun again in silence."""
    status = run.read_info().get("status") if run.info.exists() else None
    if run.model.exists() or status in ("finished", "interrupted"):
        raise ModelError(
            "has no checkpoint to go on from (--force begins the run again)", path=run.path
        )


def _build_again(
    run: RunDirectory, config: Config, splits: Splits, checkpoint: Checkpoint, before: Job | None
) -> Built:
    """Return what a training needs that goes on from a checkpoint."""
    if config.solver.epochs < checkpoint.state.epoch:
        raise ResumeError(
            f"solver.epochs is {config.solver.epochs}, but {checkpoint.state.epoch} epochs are "
            f"done already (set it to {checkpoint.state.epoch} or more)",
            path=run.path,
        )
    lr = checkpoint.identity.get("lr")
    if not isinstance(lr, float):
        raise ResumeError("the checkpoint names no step size", path=run.path)
    return build(
        config,
        splits,
        lr if config.solver.lr == "auto" else None,
        start=resumed_start(run, config, splits, checkpoint.identity),
        like=before.built if before else None,
    )


def keep_best_metric(config: Config, splits: Splits, identity: Mapping[str, Any]) -> Config:
    """Return the config with the metric that the run picked its best epoch by so far.

    What `auto` means depends on stop.patience, which may change; the best epoch may not.
    """
    saved = identity.get("settings")
    name = saved.get("checkpoint.best") if isinstance(saved, dict) else None
    now = best_metric(config, splits.validation is not None)
    known = name if isinstance(name, str) and name in METRICS else now
    if config.checkpoint.best != "auto" or known == now:
        return config
    return replace(config, checkpoint=replace(config.checkpoint, best=known))


def finished(run: RunDirectory) -> bool:
    """Return whether a run came to its end."""
    return run.exists() and run.model.exists() and run.read_info().get("status") == "finished"


def epochs_finished(run: RunDirectory) -> int | None:
    """Return how many epochs a run came to its end with; None where it has not."""
    records = read_records(run) if finished(run) else []
    return records[-1].epoch if records else None


def reload_config(run: RunDirectory, overrides: Sequence[str] = ()) -> Config:
    """Return the config of a run, with changes; its run directory stays where it is now."""
    run.require()
    config = load_config(run.config, overrides)
    path = Path(os.path.abspath(run.path))
    output = replace(config.output, dir=os.path.relpath(path.parent), name=path.name)
    return replace(config, output=output)


def _begin(
    run: RunDirectory, config: Config, splits: Splits, built: Built, session: Session
) -> FitResult:
    """Begin a run afresh; what an earlier one left in its directory is deleted."""
    figures = _check_gradients(config, splits, built.scaler)
    run.create()
    run.clear()
    if session.verbose:
        for line in told(splits, built):
            session.say(line)
    job = Job(
        run,
        config,
        splits,
        built,
        session,
        identity(config, splits, built, secrets.token_hex(8)),
        figures,
    )
    write_atomic(run.config, to_yaml(config, str(run.path)).encode())
    return train(job, built.start, Metrics(run.metrics))


def _check_gradients(config: Config, splits: Splits, scaler: Scaler) -> dict[str, Any] | None:
    """Check the gradients on a few rows; return the figures for run.json.

    Raises
    ------
    CheckFailed
        When the gradients disagree: such a training would not minimise its objective.
    """
    if not config.solver.gradcheck:
        return None
    report = short_check(config, splits, scaler)
    if not report.passed:
        worst = next(finding for finding in report.findings if not finding.passed)
        raise CheckFailed(
            f"the gradient check failed ({worst.pair} of {worst.term} {worst.group}: relative "
            f"error {worst.error:.2g}); see svmtrain gradcheck, or set solver.gradcheck: false"
        )
    return report.brief()


def told(splits: Splits, built: Built) -> list[str]:
    """Return what `-v` tells before a run begins: the data files and the step sizes tried."""
    lines = [f"{file.role}: {file.name}, SHA-256 {file.sha256}" for file in splits.files]
    for lr, value in built.search.tried if built.search else ():
        result = "diverged" if value is None else f"objective {value:.6f} on the sample"
        lines.append(f"tried lr {lr:g}: {result}{' (taken)' if lr == built.lr else ''}")
    return lines


def _continue(job: Job, checkpoint: Checkpoint) -> FitResult:
    """Train on from a checkpoint."""
    known, last = saved_metrics(job.run, checkpoint)
    if last is not None:
        refuse_bound(checkpoint.state, last, job.built, str(job.run.path))
    metrics = Metrics(job.run.metrics, known)
    write_atomic(job.run.config, to_yaml(job.config, str(job.run.path)).encode())
    state = checkpoint.state
    if not job.session.quiet:
        job.session.say(f"{job.run.path} stands at step {state.solver.step}, epoch {state.epoch}")
    return train(job, state, metrics, checkpoint.best_file)
