"""Train only what changed: the rule behind `svmtrain fit --if-changed`."""

from __future__ import annotations

from dataclasses import asdict

from svmtrain.build import data_files
from svmtrain.config import Config, differences, load_config
from svmtrain.errors import ConfigError, ModelError, ResumeError
from svmtrain.operations.fit import finished, fit, resume_run, run_directory
from svmtrain.operations.identity import source_digest
from svmtrain.operations.job import FitResult, Session
from svmtrain.operations.path import (
    PathResult,
    fit_path,
    member_configs,
    members_of,
    path_directory,
    resume_path,
)
from svmtrain.operations.place import OF_THE_PLACE, of_as_many_shards
from svmtrain.runs.directory import RunDirectory

WHERE = ("output.dir", "output.name")


def what_changed(run: RunDirectory, config: Config) -> list[str]:
    """Return what is not as it was when a run was begun: settings by key, data, code."""
    try:
        info, before = run.read_info(), load_config(run.config)
    except (ModelError, ConfigError):
        return ["its run.json or config.yaml"]
    config = of_as_many_shards(config, run.config)
    skipped = (*WHERE, *OF_THE_PLACE)
    changed = [key for key, _, _ in differences(before, config) if key not in skipped]
    data = [asdict(file) for file in data_files(config)]
    changed += [] if info.get("data") == data else ["the data"]
    return changed + ([] if info.get("code") == source_digest() else ["svmtrain's code"])


def fit_if_changed(config: Config, session: Session) -> FitResult | None:
    """Train unless the run is finished and nothing changed; None when there was nothing to do.

    A run that is the same but was stopped is resumed; any other is begun again.
    """
    run = run_directory(config)
    if not run.exists():
        return fit(config, session)
    changed = what_changed(run, config)
    if changed:
        session.say(f"{run.path} is begun again; changed: {', '.join(changed)}")
        return fit(config, session, force=True)
    if finished(run):
        return None
    try:
        return resume_run(run, config, session)
    except (ModelError, ResumeError) as error:
        session.say(f"cannot be resumed, beginning again: {error}")
        return fit(config, session, force=True)


def what_changed_of_path(config: Config) -> list[str]:
    """Return what is not as it was when a path, or one of its runs, was begun."""
    folder, members = path_directory(config), members_of(config)
    try:
        before, found = load_config(folder.config), folder.members()
    except (ModelError, ConfigError):
        return ["its path.json or config.yaml"]
    config = of_as_many_shards(config, folder.config)
    own = differences(before, config)
    keys = [key for key, _, _ in own if key not in (*WHERE, *OF_THE_PLACE)]
    if found == members:
        keys = [key for key in keys if key not in ("objective.lambda", "objective.C")]
        for one in member_configs(config):
            run = run_directory(one)
            keys += what_changed(run, one) if run.exists() else []
    return list(dict.fromkeys(keys))


def fit_path_if_changed(config: Config, session: Session) -> PathResult | None:
    """Train along a path unless it is finished and nothing changed; see `fit_if_changed`."""
    folder, members = path_directory(config), members_of(config)
    if not folder.exists():
        return fit_path(config, session)
    changed = what_changed_of_path(config)
    if changed:
        session.say(f"{folder.path} is begun again; changed: {', '.join(changed)}")
        return fit_path(config, session, force=True)
    if all(finished(folder.run(member)) for member in members):
        return None
    try:
        return resume_path(folder, config, session)
    except (ModelError, ResumeError) as error:
        session.say(f"cannot be resumed, beginning again: {error}")
        return fit_path(config, session, force=True)
