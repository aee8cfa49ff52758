"""Checkpoints: everything that an exact resume needs, in one verified file.

A checkpoint is a model too: `svmtrain.model.load_model` opens it, with the weights that the run
would be judged by at that step.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from svmtrain import container
from svmtrain.container import Array, Fields
from svmtrain.errors import ModelError, shown
from svmtrain.model import (
    ARRAYS,
    CHECKPOINT_FORMAT,
    VERSION,
    LinearClassifier,
    check_format,
    from_parts,
)
from svmtrain.solvers.sgd import SGDState
from svmtrain.training.state import TrainingState

FILE_NAME = re.compile(r"step-([0-9]{8,18})\.npz", re.ASCII)
STATE_ARRAYS = (
    "current_W",
    "current_b",
    "velocity_W",
    "velocity_b",
    "mean_W",
    "mean_b",
    "best_W",
    "best_b",
)


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint file holds.

    Attributes
    ----------
    state : TrainingState
    identity : mapping
        What the run is: see `svmtrain.build.Identity`; plain values.
    metrics_length : int
        Bytes of metrics.jsonl at the time.
    metrics_sha256 : str
        Their digest.
    best_file : str or None
        Name of the checkpoint of the best epoch that was saved so far.
    """

    state: TrainingState
    identity: Mapping[str, Any]
    metrics_length: int
    metrics_sha256: str
    best_file: str | None


def file_name(step: int) -> str:
    """Return the name of the checkpoint of a step."""
    return f"step-{step:08d}.npz"


def to_bytes(checkpoint: Checkpoint, classifier: LinearClassifier) -> bytes:
    """Return the content of a checkpoint file.

    Parameters
    ----------
    checkpoint : Checkpoint
    classifier : LinearClassifier
        What the run would predict with now; its weights must be those of `state.solver.weights`.

    Raises
    ------
    ValueError
        When the state is not finite; such a state is never saved.
    """
    state, solver = checkpoint.state, checkpoint.state.solver
    arrays: dict[str, Array] = classifier.arrays()
    arrays["current_W"], arrays["current_b"] = solver.W, solver.b
    arrays["velocity_W"], arrays["velocity_b"] = solver.velocity_W, solver.velocity_b
    arrays["mean_W"], arrays["mean_b"] = solver.mean_W, solver.mean_b
    arrays["best_W"], arrays["best_b"] = state.best_W, state.best_b
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise ValueError("the state contains a value that is not finite")
    header = {
        "format": CHECKPOINT_FORMAT,
        "version": VERSION,
        "model": classifier.card(),
        "state": {
            "step": solver.step,
            "epoch": state.epoch,
            "position": state.position,
            "online_loss": state.online_loss,
        },
        "identity": dict(checkpoint.identity),
        "metrics": {
            "length": checkpoint.metrics_length,
            "sha256": checkpoint.metrics_sha256,
        },
        "best_file": checkpoint.best_file,
    }
    return container.pack(header, arrays)


def load(path: str | Path) -> Checkpoint:
    """Load and verify a checkpoint.

    Raises
    ------
    ModelError
        When the file is not a regular file, is damaged or forged, or contradicts itself.
    """
    path = Path(path)
    if path.exists() and not stat.S_ISREG(path.lstat().st_mode):
        raise ModelError("is not a regular file", path=path)
    header, arrays = container.read(path)
    check_format(header, path, (CHECKPOINT_FORMAT,))
    fields = Fields(header, path)
    state = _state(fields.section("state"), arrays)
    match = FILE_NAME.fullmatch(path.name)
    if match and int(match[1]) != state.solver.step:
        raise ModelError(f"holds step {state.solver.step}, not the one it is named for", path=path)
    from_parts(fields.section("model"), arrays)
    best_file = fields.optional_text("best_file")
    if best_file is not None and not FILE_NAME.fullmatch(best_file):
        raise ModelError(f"names {shown(best_file)} as the best checkpoint", path=path)
    metrics = fields.section("metrics")
    return Checkpoint(
        state=state,
        identity=fields.section("identity").header,
        metrics_length=metrics.count("length"),
        metrics_sha256=metrics.text("sha256"),
        best_file=best_file,
    )


def _state(fields: Fields, arrays: Mapping[str, Array]) -> TrainingState:
    """Build the state, checking that the arrays agree with each other and are finite."""
    if set(arrays) != ARRAYS | set(STATE_ARRAYS):
        raise ModelError(f"unexpected or missing arrays: {sorted(arrays)}", path=fields.path)
    for name in STATE_ARRAYS:
        array, like = arrays[name], arrays["W" if name.endswith("W") else "b"]
        optional = name.startswith(("velocity", "mean")) and array.shape == (0,)
        if array.dtype != like.dtype or not (optional or array.shape == like.shape):
            raise ModelError(f"{name} has shape {array.shape}", path=fields.path)
        if not np.isfinite(array).all():
            raise ModelError(f"{name} contains a value that is not finite", path=fields.path)
    solver = SGDState(
        W=arrays["current_W"],
        b=arrays["current_b"],
        velocity_W=arrays["velocity_W"],
        velocity_b=arrays["velocity_b"],
        mean_W=arrays["mean_W"],
        mean_b=arrays["mean_b"],
        step=fields.count("step"),
    )
    return TrainingState(
        solver=solver,
        best_W=arrays["best_W"],
        best_b=arrays["best_b"],
        epoch=fields.count("epoch"),
        position=fields.count("position"),
        online_loss=fields.number("online_loss"),
    )
