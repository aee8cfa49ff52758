"""Find what `solver.warm_start` names, and read it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from svmtrain import checkpoint as checkpoints
from svmtrain.build import Splits, WarmStart
from svmtrain.config import Config
from svmtrain.errors import ConfigError, ModelError, printable, shown
from svmtrain.model import load_model
from svmtrain.operations.identity import settings
from svmtrain.runs.directory import RunDirectory
from svmtrain.solvers.dual import DualState

OF_THE_ROWS = ("data.", "preprocess.")
NOT_OF_THE_ROWS = ("data.sparse",)


def find_start(config: Config, splits: Splits) -> WarmStart | None:
    """Return what a config says that its training starts from; None for nothing.

    Raises
    ------
    ConfigError
        When there is no such file, or it cannot be of use here.
    ModelError
        When it is damaged.
    """
    name, dual = config.solver.warm_start, config.solver.name == "dual"
    if name is None:
        return None
    file = _file(Path(name), dual)
    start = WarmStart(str(file), load_model(file))
    if not dual:
        return start
    _refuse_other_rows(start, config, splits)
    try:
        state = checkpoints.load(file).state.solver
    except ModelError as error:
        raise start.refuse(f"holds no dual variables: {error.problem}") from None
    if not isinstance(state, DualState):
        raise start.refuse(
            f"holds no dual variables: it is of the solver {state.KIND}, and solver.name is dual"
        )
    return WarmStart(start.name, start.classifier, state.a)


def resumed_start(
    run: RunDirectory, config: Config, splits: Splits, saved: Mapping[str, Any]
) -> WarmStart | str | None:
    """Return what a run was started from: its digest where that is known.

    While the config names the same file it need not be there any more: all that came of it is in
    the checkpoint. Another file is read, and may hold the same.

    Parameters
    ----------
    run : RunDirectory
    config : Config
    splits : Splits
    saved : mapping
        The identity in the checkpoint.
    """
    name, digest = config.solver.warm_start, saved.get("start")
    if name is None:
        return None
    known = run.read_info().get("warm_start")
    if isinstance(digest, str) and known == where(run, name):
        return digest
    return find_start(config, splits)


def where(run: RunDirectory, name: str | None) -> str | None:
    """Return the place of a file as seen from a run, so that both may move together."""
    return None if name is None else os.path.relpath(name, run.path)


def start_file(config: Config) -> Path | None:
    """Return the file that a training of a config starts from now; None for none.

    Raises
    ------
    ConfigError
        When there is no such file.
    """
    name = config.solver.warm_start
    return None if name is None else _file(Path(name), config.solver.name == "dual")


def _file(path: Path, dual: bool) -> Path:
    """Return the file that a path means: itself, or the model or checkpoint of a run."""
    if not path.exists():
        raise ConfigError("there is no such file or folder for solver.warm_start", path=path)
    if not path.is_dir():
        return path
    run = RunDirectory(path)
    run.require()
    files = run.checkpoint_files()
    if not dual and run.model.exists():
        return run.model
    if not files:
        raise ConfigError(
            "is a run without a checkpoint, and solver.warm_start needs one"
            + (" with solver.name dual" if dual else ""),
            path=path,
        )
    return files[0]


def _refuse_other_rows(start: WarmStart, config: Config, splits: Splits) -> None:
    """Raise unless a training had the same rows, in the same order."""
    trained = start.classifier.trained
    before, data = trained.get("settings"), trained.get("data")
    if not isinstance(before, dict) or not isinstance(data, dict):
        raise start.refuse("does not say which rows it was trained on")
    now = settings(config, 0.0, "")
    for key in dict.fromkeys((*now, *before)):
        if not key.startswith(OF_THE_ROWS) or key in NOT_OF_THE_ROWS:
            continue
        if before.get(key) != now.get(key):
            raise start.refuse(
                "holds the dual variables of other rows: "
                f"{printable(key)} was {shown(before.get(key))} and is now {shown(now.get(key))}"
            )
    for file in splits.files:
        known = data.get(file.role)
        known = known.get("sha256") if isinstance(known, dict) else "none"
        if file.role.startswith("train") and asdict(file)["sha256"] != known:
            raise start.refuse(
                f"holds the dual variables of other rows: SHA-256 of the {file.role} data was "
                f"{known} and is now {file.sha256}"
            )
