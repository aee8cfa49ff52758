"""Train only what changed: the rule behind `svmtrain fit --if-changed`."""

from __future__ import annotations

from dataclasses import asdict

from svmtrain.build import data_files
from svmtrain.config import Config, differences, load_config
from svmtrain.errors import ConfigError, ModelError, ResumeError
from svmtrain.operations.fit import fit, resume_run, run_directory
from svmtrain.operations.identity import source_digest
from svmtrain.operations.job import FitResult, Session
from svmtrain.runs.directory import RunDirectory

WHERE = ("output.dir", "output.name")


def is_same(run: RunDirectory, config: Config) -> bool:
    """Return whether a run was begun with this config, these data and this code."""
    try:
        info, before = run.read_info(), load_config(run.config)
    except (ModelError, ConfigError):
        return False
    changed = [key for key, _, _ in differences(before, config) if key not in WHERE]
    data = [asdict(file) for file in data_files(config)]
    return not changed and info.get("data") == data and info.get("code") == source_digest()


def fit_if_changed(config: Config, session: Session) -> FitResult | None:
    """Train unless the run is finished and nothing changed; None when there was nothing to do.

    A run that is the same but was stopped is resumed; any other is begun again.
    """
    run = run_directory(config)
    if not (run.exists() and is_same(run, config)):
        return fit(config, session, force=True)
    if run.read_info().get("status") == "finished" and run.model.exists():
        return None
    try:
        return resume_run(run, config, session)
    except (ModelError, ResumeError) as error:
        session.say(f"cannot be resumed, beginning again: {error}")
        return fit(config, session, force=True)
