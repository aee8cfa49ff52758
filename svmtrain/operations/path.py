"""Train along a path: a run for each lambda of a list, each started from the one before.

The runs are ordinary ones, in a folder of their own. They are trained from the strongest penalty
to the weakest: there the optimum is found in few epochs, and from one to the next it moves little.
"""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from svmtrain import interrupts
from svmtrain.config import Config, differences, load_config
from svmtrain.data.fingerprint import DataFile
from svmtrain.errors import ConfigError, Interrupted, ModelError, ResumeError, shown
from svmtrain.model import load_model
from svmtrain.operations.describe import plan
from svmtrain.operations.fit import begin, finished, fit, prepare
from svmtrain.operations.identity import PATHS, environment, other_environment, refuse_data
from svmtrain.operations.job import Job, Session
from svmtrain.operations.place import OF_THE_PLACE, at_place, of_as_many_shards
from svmtrain.runs.directory import RunDirectory
from svmtrain.runs.path import Member, PathDirectory
from svmtrain.training.history import gap_between

FIGURES = (
    "lambda",
    "epochs",
    "objective",
    "gap",
    "train_accuracy",
    "validation_accuracy",
    "test_accuracy",
    "seconds",
    "nonzero",
)
WHERE = ("output.dir", "output.name")
MAY_CHANGE = (
    *("checkpoint.every", "checkpoint.keep", "data.cache", "solver.threads", "solver.gradcheck"),
    *("data.labels", "data.validation_labels", "data.test_labels"),
)


@dataclass(frozen=True)
class PathResult:
    """What came out of a path.

    Attributes
    ----------
    path : Path
    runs : list of dict
        For each run what `FitResult.to_dict` has of one alone, and the figures in `FIGURES`:
        those of the epoch whose weights became the model, how far from the optimum its
        objective is at most as a share of it, and how many of its weights are not 0.
    """

    path: Path
    runs: list[dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values."""
        return {"path": str(self.path), "runs": self.runs}


def path_directory(config: Config) -> PathDirectory:
    """Return the folder of the path that a config asks for; output.name must be settled."""
    if config.output.name is None:
        raise ConfigError("output.name is not set")
    return PathDirectory(Path(config.output.dir) / config.output.name)


def members_of(config: Config) -> list[Member]:
    """Return the runs of a path, the strongest penalty first.

    Raises
    ------
    ConfigError
        When neither objective.lambda nor objective.C is a list.
    """
    lam, C = config.objective.lam, config.objective.C
    if isinstance(lam, tuple):
        return [Member("lambda", value) for value in sorted(lam, reverse=True)]
    if isinstance(C, tuple):
        return [Member("C", value) for value in sorted(C)]
    raise ConfigError("a path needs a list for objective.lambda or objective.C")


def member_configs(config: Config) -> list[Config]:
    """Return the config of each run of a path, in order."""
    folder = path_directory(config)
    start, configs = config.solver.warm_start, []
    for member in members_of(config):
        of_C = member.key == "C"
        objective = replace(
            config.objective,
            lam=None if of_C else member.value,
            C=member.value if of_C else None,
        )
        configs.append(
            replace(
                config,
                objective=objective,
                solver=replace(config.solver, warm_start=start),
                output=replace(config.output, dir=str(folder.path), name=member.name),
            )
        )
        start = str(folder.run(member).path)
    return configs


def fit_path(
    config: Config, session: Session, *, resume: bool = False, force: bool = False
) -> PathResult:
    """Train along a path from the start, or with `resume` from where it was stopped.

    Everything is read, and the first run built, before anything is written.

    Parameters
    ----------
    config : Config
        Has a list for objective.lambda or objective.C.
    session : Session
    resume, force : bool
        What to do about a path that exists: go on with it, or begin it again.
    """
    folder = path_directory(config)
    members_of(config)  # which a config without a list has none of
    if folder.exists() and resume:
        return resume_path(folder, config, session)
    if folder.exists() and not force:
        raise ConfigError(
            "this path exists already: --resume goes on with it, --force begins it again, "
            "--name makes another",
            path=folder.path,
        )
    folder.require_free()
    with at_place(config, session) as (config, session):
        return _begin(folder, config, session, force)


def _begin(folder: PathDirectory, config: Config, session: Session, force: bool) -> PathResult:
    """Train along a path from the start, wherever its rows are."""
    first, members = member_configs(config)[0], members_of(config)
    splits, built = prepare(first, session)
    interrupts.check()
    folder.create()
    with folder.locked():
        if folder.exists():
            if not force:
                raise ConfigError("this path was begun by another process", path=folder.path)
            folder.clear(members)
        folder.write(config, members)
        with _named(folder):
            tell(session, folder, members, 0)
            result = begin(folder.run(members[0]), first, splits, built, session)
            return _train(folder, config, session, result.job)


def resume_path(folder: PathDirectory, config: Config, session: Session) -> PathResult:
    """Go on with a path: what is finished stays, what was stopped is resumed, the rest trained.

    The list may have become longer by weaker penalties.

    Raises
    ------
    ResumeError
        For any other change that would make the runs of the path unequal.
    """
    config, members = of_as_many_shards(config, folder.config), members_of(config)
    _refuse_other(folder, config, members)
    with folder.locked(), at_place(config, session) as (config, session):
        done = [finished(folder.run(member)) for member in members]
        if all(done):
            session.note(f"{folder.path}: all {len(members)} runs are finished")
            return path_result(folder)
        _refuse_other_data(folder, session.files.identify(config), members)
        _compare_environments(folder, members, session)
        folder.write(config, members)
        with _named(folder):
            return _train(folder, config, session)


def reload_path(folder: PathDirectory, overrides: Sequence[str] = ()) -> Config:
    """Return the config of a path, with changes; its folder stays where it is now."""
    config = load_config(folder.config, overrides)
    path = Path(os.path.abspath(folder.path))
    output = replace(config.output, dir=os.path.relpath(path.parent), name=path.name)
    return replace(config, output=output)


def tell(session: Session, folder: PathDirectory, members: Sequence[Member], at: int) -> None:
    """Say which run of a path is next."""
    member = members[at]
    session.note(f"{folder.run(member).path}: run {at + 1} of {len(members)}")


def _train(
    folder: PathDirectory, config: Config, session: Session, job: Job | None = None
) -> PathResult:
    """Train the runs of a path that are not finished; the rows of a job serve them all."""
    members = members_of(config)
    for at, one in enumerate(member_configs(config)):
        if not finished(folder.run(members[at])):
            interrupts.check()
            tell(session, folder, members, at)
            job = fit(one, session, resume=True, before=job).job
    return path_result(folder)


@contextlib.contextmanager
def _named(folder: PathDirectory) -> Iterator[None]:
    """Let a signal that ends the block name the command that goes on with the path."""
    try:
        yield
    except Interrupted:
        path, members = shlex.quote(str(folder.path)), folder.members()
        done = sum(finished(folder.run(member)) for member in members)
        raise interrupts.interruption(
            f"saved; {done} of {len(members)} runs are done; go on with: svmtrain resume {path}"
        ) from None


def _refuse_other(folder: PathDirectory, config: Config, members: Sequence[Member]) -> None:
    """Raise unless a config is that of a path, apart from what touches no step of its runs."""
    found = folder.members()
    prolonged = members[: len(found)] == found
    changed = differences(load_config(folder.config), config)
    for key, before, now in changed:
        both_files = isinstance(before, str | list) and isinstance(now, str | list)
        if key in (*WHERE, *MAY_CHANGE, *OF_THE_PLACE) or (key in PATHS and both_files):
            continue
        if key in ("objective.lambda", "objective.C") and prolonged:
            continue
        raise ResumeError(
            f"{key} was {shown(before)} and is now {shown(now)}, which would make the runs of "
            "this path unequal; resume one of them alone with it, or begin the path again with "
            "svmtrain fit --force",
            path=folder.path,
        )
    if not prolonged:
        raise ResumeError("has other runs than its config says", path=folder.info)


def _refuse_other_data(
    folder: PathDirectory, files: Sequence[DataFile], members: Sequence[Member]
) -> None:
    """Raise unless the data are those of the runs that were begun."""
    now = {file.role: asdict(file) for file in files}
    for run in (folder.run(member) for member in members):
        saved = run.read_info().get("data") if run.info.exists() else None
        if isinstance(saved, list):
            known = {str(one.get("role")): one for one in saved if isinstance(one, dict)}
            refuse_data(known, now, str(run.path))


def _compare_environments(
    folder: PathDirectory, members: Sequence[Member], session: Session
) -> None:
    """Warn, or refuse where bits count, when the finished runs were made in another environment.

    The next run starts from what they left, so the path would not be the one that never stopped.
    """
    for run in (folder.run(member) for member in members):
        if not finished(run):
            continue
        notes = other_environment(run.read_info().get("environment"), environment())
        if notes and session.exact:
            raise ResumeError(
                f"would not be gone on from exactly: {'; '.join(notes)}", path=run.path
            )
        for note in notes:
            session.say(f"warning: {run.path}: {note}")


def path_result(folder: PathDirectory) -> PathResult:
    """Return what the runs of a path left, as it stands in their folders.

    Raises
    ------
    ModelError
        When path.json, or the run.json or the model of a run, is damaged or forged.
    """
    return PathResult(folder.path, [_left_by(folder.run(member)) for member in folder.members()])


def _left_by(run: RunDirectory) -> dict[str, Any]:
    """Return what a finished run left."""
    info, model = run.read_info(), load_model(run.model)
    try:
        chosen, last = info["chosen"], info["last"]
        objective, bound, test = chosen["objective"], last["bound"], info.get("test")
        return {
            "run": str(run.path),
            "model": str(run.model),
            "reason": info["reason"],
            "lambda": info["lambda"],
            "lr": info["lr"],
            "epochs": info["epochs"],
            "objective": objective,
            "bound": bound,
            "gap": None if bound is None or bound < 0 else gap_between(objective, bound),
            "train_accuracy": chosen["train_accuracy"],
            "validation_accuracy": chosen["validation_accuracy"],
            "test_accuracy": test and test["accuracy"],
            "seconds": last["seconds"],
            "nonzero": int(np.count_nonzero(model.W)),
            "chosen": chosen,
            "last": last,
            "test": test,
        }
    except (ArithmeticError, LookupError, TypeError):
        raise ModelError("does not describe a finished run", path=run.info) from None


def plan_path(config: Config, session: Session | None = None) -> tuple[str, dict[str, Any]]:
    """Load everything, build the first run; return what would be done, as text and values."""
    if config.cluster.at is not None:
        from svmtrain.cluster.files import refuse_unfit

        refuse_unfit(config)  # a member of the path may fit where the path does not
    members, configs = members_of(config), member_configs(config)
    text, document = plan(configs[0], session)
    rest = ", ".join(f"{member.value:g}" for member in members[1:])
    each = f"{document['steps']:,} steps each at most"
    told = (
        f"# path\nThis is the first of {len(members)} runs in {path_directory(config).path}; "
        f"then, each started from the one before: {members[0].key} {rest}; {each}"
    )
    runs = [
        {member.key: member.value, "run": one.output.name}
        for member, one in zip(members, configs, strict=True)
    ]
    return f"{text}\n\n{told}", {**document, "path": runs}
