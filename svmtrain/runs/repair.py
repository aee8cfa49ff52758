"""What is broken in a run directory, and mending it without losing anything.

`examine` only looks. Each finding says what is wrong, what would be done about it, and does it
when asked. Nothing is deleted but what killed processes had not finished writing: temporary files,
and the beginning of a record. What is damaged is moved to quarantine/.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import svmtrain
from svmtrain import checkpoint as checkpoints
from svmtrain.checkpoint import Checkpoint
from svmtrain.config import load_config
from svmtrain.errors import ModelError, ResumeError, StorageError, SvmtrainError, VersionError
from svmtrain.files import read_bytes
from svmtrain.model import load_model
from svmtrain.runs.directory import RunDirectory
from svmtrain.runs.journal import METRICS_LIMIT, saved_metrics
from svmtrain.training.history import EpochRecord


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong in a run directory.

    Attributes
    ----------
    path : Path
    problem : str
        What was found.
    remedy : str
        What would be done, or what a user can do.
    act : callable or None
        Does it; None where only the user can.
    """

    path: Path
    problem: str
    remedy: str
    act: Callable[[], object] | None = None


def examine(run: RunDirectory) -> list[Finding]:
    """Return what is wrong in a run directory, without changing anything.

    Raises
    ------
    ConfigError
        When it is no run directory, or a path of several.
    """
    run.require()
    usable, findings = _checkpoints(run)
    findings += _info(run, usable)
    findings += _metrics(run, usable)
    findings += [*_links(run), *_leftovers(run), *_model(run, usable), *_config(run)]
    return findings


def repair(run: RunDirectory) -> list[Finding]:
    """Do all that `examine` says can be done; return what it found.

    Raises
    ------
    InUseError
        When a process works on the run.
    StorageError
        When the system refuses.
    """
    run.require()
    with run.locked(sweep=False):
        findings = examine(run)
        for finding in findings:
            if finding.act is not None:
                try:
                    finding.act()
                except OSError as error:
                    raise StorageError.from_os_error(error, "repair", finding.path) from error
    return findings


def _checkpoints(run: RunDirectory) -> tuple[Checkpoint | None, list[Finding]]:
    """Return the newest checkpoint that a resume can go on from, and what is wrong with others.

    When none can be, all stay where they are: a run is never begun again in silence. One of
    another version of svmtrain has nothing wrong with it.
    """
    bad: list[tuple[Path, str]] = []
    for path in run.checkpoint_files():
        try:
            found = checkpoints.load(path, svmtrain.ALGORITHM)
        except (VersionError, ResumeError) as error:
            return None, [Finding(path, error.problem, "go on with the svmtrain that made it")]
        except ModelError as error:
            bad.append((path, error.problem))
            continue
        problem = _misfit(run, found)
        if problem is None:
            remedy = f"move it to {run.quarantine.name}/"
            return found, [Finding(p, what, remedy, partial(run.set_aside, p)) for p, what in bad]
        bad.append((path, problem))
    remedy = (
        "no checkpoint can be gone on from; an intact one is a model for svmtrain predict and for "
        "solver.warm_start, and svmtrain fit --force begins the run again, without it"
    )
    return None, [Finding(path, problem, remedy) for path, problem in bad]


def _misfit(run: RunDirectory, found: Checkpoint) -> str | None:
    """Return why a checkpoint that is intact does not belong to its run."""
    known = _run_id(run)
    if known is not None and found.identity.get("run") != known:
        return "is of another run"
    try:
        saved_metrics(run, found, _ended(run))
    except ResumeError as error:
        problem = error.problem.partition(" (")[0] if run.metrics.exists() else "is missing"
        return f"does not fit {run.metrics.name}, which {problem}"
    return None


def _ended(run: RunDirectory) -> bytes | None:
    """Return metrics.jsonl with the end of its last line, where that alone is missing."""
    with contextlib.suppress(ModelError, ValueError, TypeError):
        content = read_bytes(run.metrics, ModelError, METRICS_LIMIT)
        EpochRecord.from_json(content[content.rfind(b"\n") + 1 :])
        return content + b"\n"
    return None


def _end_line(run: RunDirectory) -> None:
    """Write the end of the last line of metrics.jsonl."""
    with run.metrics.open("ab") as file:
        file.write(b"\n")
        file.flush()
        os.fsync(file.fileno())


def _run_id(run: RunDirectory) -> object:
    with contextlib.suppress(ModelError):
        return run.read_info().get("run")
    return None


def _info(run: RunDirectory, usable: Checkpoint | None) -> Iterator[Finding]:
    """Look at run.json: whether it can be read, and says what is true."""
    try:
        info = run.read_info()
    except ModelError as error:
        if usable is None:
            yield Finding(run.info, error.problem, "nothing to make it anew from")
            return
        identity = usable.identity
        keys = ("run", "environment", "shape", "batch_size", "lr")
        made = {**{key: identity.get(key) for key in keys}, "status": "killed"}
        made["reason"] = "run.json was lost and made anew by svmtrain runs repair"
        yield Finding(
            run.info,
            error.problem.partition(" (")[0],
            f"make it anew from step {usable.state.solver.step}",
            lambda: _replace_info(run, made),
        )
        return
    if info.get("status") == "running":
        killed = {**info, "status": "killed", "reason": "the process was killed"}
        yield Finding(
            run.info,
            "says that the run is being trained, but no process holds its lock",
            "write that it was killed",
            lambda: run.write_info(killed),
        )


def _replace_info(run: RunDirectory, info: dict[str, object]) -> None:
    """Keep what is left of run.json, and write another."""
    if os.path.lexists(run.info):
        run.set_aside(run.info)
    run.write_info(info)


def _metrics(run: RunDirectory, usable: Checkpoint | None) -> Iterator[Finding]:
    """Look for a last line that was cut off; a resume would cut it off as well."""
    if not run.metrics.is_file() or run.metrics.is_symlink():
        return
    if _ended(run) is not None:
        problem = "ends in a record without the end of its line"
        yield Finding(run.metrics, problem, "end the line", partial(_end_line, run))
        return
    content = read_bytes(run.metrics, ModelError, METRICS_LIMIT)
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        yield Finding(
            run.metrics,
            f"ends in a line of {len(content) - whole} bytes that was cut off",
            "cut off the rest of it",
            lambda: os.truncate(run.metrics, whole),
        )


def _links(run: RunDirectory) -> Iterator[Finding]:
    """Look for links where a run would write through them, which it refuses to."""
    for path in run.links():
        remedy = "put what it points to in its place; nothing is done through it"
        yield Finding(path, "is a link, and a run writes through none", remedy)


def _leftovers(run: RunDirectory) -> Iterator[Finding]:
    """Look for temporary files of processes that were killed."""
    for path in run.leftovers():
        yield Finding(
            path,
            "is what a killed process had not finished writing",
            "delete it",
            partial(path.unlink, missing_ok=True),
        )


def _model(run: RunDirectory, usable: Checkpoint | None) -> Iterator[Finding]:
    """Look at the model; a resume from the newest checkpoint makes one again."""
    again = f"svmtrain resume {run.path} writes it again"
    if not usable:
        again = "there is no checkpoint that it could be made again from"
    if os.path.lexists(run.model):
        try:
            load_model(run.model)
        except VersionError as error:
            yield Finding(run.model, error.problem, "use the svmtrain that made it")
        except ModelError as error:
            remedy = f"move it to {run.quarantine.name}/; {again}"
            yield Finding(run.model, error.problem, remedy, partial(_without_model, run))
    elif _says_finished(run):
        act = partial(_without_model, run) if usable else None
        problem = "is missing, though the run is finished"
        remedy = f"write that it is not; {again}" if act else again
        yield Finding(run.model, problem, remedy, act)


def _says_finished(run: RunDirectory) -> bool:
    with contextlib.suppress(ModelError):
        return run.read_info().get("status") == "finished"
    return False


def _without_model(run: RunDirectory) -> None:
    """Set a model aside, and no longer call its run finished."""
    if os.path.lexists(run.model):
        run.set_aside(run.model)
    if _says_finished(run):
        run.write_info({**run.read_info(), "status": "interrupted", "reason": "the model was lost"})


def _config(run: RunDirectory) -> Iterator[Finding]:
    """Look at the config, which only its writer can mend."""
    try:
        load_config(run.config)
    except SvmtrainError as error:
        line = "" if error.line is None else f"line {error.line}: "
        yield Finding(
            run.config, f"{line}{error.problem}", "write it anew; the run cannot be resumed without"
        )
