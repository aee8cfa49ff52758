"""Checkpoints: everything that an exact resume needs, in one verified file.

A checkpoint is a model too: `svmtrain.model.load_model` opens it, with the weights that the run
would be judged by at that step.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from svmtrain import container
from svmtrain.container import Array
from svmtrain.errors import ModelError, ResumeError, shown
from svmtrain.model import (
    ARRAYS,
    CHECKPOINT_FORMAT,
    VERSION,
    LinearClassifier,
    check_format,
    check_names,
    from_parts,
)
from svmtrain.solvers.dual import DualState
from svmtrain.solvers.lazy_sgd import LazyState
from svmtrain.solvers.sgd import SGDState
from svmtrain.solvers.solver import SolverState
from svmtrain.strict_json import Fields
from svmtrain.training.certificate import Certificate
from svmtrain.training.state import TrainingState

FILE_NAME = re.compile(r"step-([0-9]{8,18})\.npz", re.ASCII)
STATES: dict[str, type[SolverState]] = {
    state.KIND: state for state in (SGDState, LazyState, DualState)
}
PREFIX = "solver_"
PROOF = "certificate_"
DTYPES_OF = {"4": np.float64, "bytes": np.uint8}
"""Of the kinds of arrays that are not of the dtype of the weights; see `SolverState.SHAPES`."""


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
    arrays |= {PREFIX + name: array for name, array in solver.arrays().items()}
    if state.certificate is not None:
        arrays |= {PROOF + name: array for name, array in state.certificate.arrays().items()}
    arrays["best_W"], arrays["best_b"] = state.best_W, state.best_b
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise ValueError("the state contains a value that is not finite")
    header = {
        "format": CHECKPOINT_FORMAT,
        "version": VERSION,
        "model": classifier.card(),
        "state": {
            "solver": solver.KIND,
            "certified": state.certificate is not None,
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


def load(path: str | Path, algorithm: int | None = None) -> Checkpoint:
    """Load and verify a checkpoint.

    Parameters
    ----------
    path : str or Path
    algorithm : int, optional
        The one that the run would go on with. A checkpoint of another may have other arrays, so
        that is told before they are judged.

    Raises
    ------
    VersionError
        When the file is of a format version that is not read here.
    ResumeError
        When it was made by another algorithm.
    ModelError
        When the file is not a regular file, is damaged or forged, or contradicts itself.
    """
    path = Path(path)
    if os.path.lexists(path) and not stat.S_ISREG(path.lstat().st_mode):
        raise ModelError("is not a regular file", path=path)
    header, arrays = container.read(path)
    check_format(header, path, (CHECKPOINT_FORMAT,))
    fields = Fields(header, path)
    identity = fields.section("identity").header
    if algorithm is not None and identity.get("algorithm") != algorithm:
        raise ResumeError(
            f"was made by algorithm {shown(identity.get('algorithm'))}; "
            f"this svmtrain has {algorithm}",
            path=path,
        )
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
        identity=identity,
        metrics_length=metrics.count("length"),
        metrics_sha256=metrics.text("sha256"),
        best_file=best_file,
    )


def state_arrays(kind: str, *, certified: bool = True) -> dict[str, str]:
    """Return the arrays that a checkpoint of a solver has besides the model's, with shapes.

    Parameters
    ----------
    kind : str
        A name in `STATES`. See `SHAPES` of its states for the shapes.
    certified : bool
        Whether it has a certificate, which may be of float64 whatever the weights are.
    """
    of_solver = {PREFIX + name: shape for name, shape in STATES[kind].SHAPES.items()}
    proof = {PROOF + name: shape for name, shape in Certificate.SHAPES.items()}
    return {**of_solver, "best_W": "W", "best_b": "b", **(proof if certified else {})}


def _state(fields: Fields, arrays: Mapping[str, Array]) -> TrainingState:
    """Build the state, checking that the arrays agree with each other and are finite."""
    kind = fields.text("solver")
    if kind not in STATES:
        raise ModelError(f"is of the solver {shown(kind)}, which is unknown", path=fields.path)
    certified = fields.flag("certified")
    expected = state_arrays(kind, certified=certified)
    check_names(arrays, {*ARRAYS, *expected}, fields.path)
    for name, shape in expected.items():
        _check_array(name, shape, arrays, fields.path)
    of_solver = {name: arrays[PREFIX + name] for name in STATES[kind].SHAPES}
    proof = {name: arrays[PROOF + name] for name in Certificate.SHAPES} if certified else None
    try:
        solver = STATES[kind].restore(of_solver, fields.count("step"))
        certificate = None if proof is None else Certificate.restore(proof)
    except ValueError as why:
        raise ModelError(f"damaged or forged: {why}", path=fields.path) from None
    return TrainingState(
        solver=solver,
        best_W=arrays["best_W"],
        best_b=arrays["best_b"],
        epoch=fields.count("epoch"),
        position=fields.count("position"),
        online_loss=fields.number("online_loss"),
        certificate=certificate,
    )


def _check_array(name: str, kind: str, arrays: Mapping[str, Array], path: str | Path) -> None:
    """Raise unless an array has its shape, the dtype of the weights, and finite values only."""
    array, W = arrays[name], arrays["W"]
    best = arrays["best_b"]
    columns = best.shape if best.shape == (1,) and W.shape[1:] == (2,) else arrays["b"].shape
    features = W.shape[:1]
    shapes = {"W": (*features, *columns), "b": columns, "features": features, "4": (4,)}
    shapes["rows"], shapes["bytes"] = (*array.shape[:1], *columns), array.shape[:1]
    empty = kind.endswith("?") and array.shape == (0,)
    dtypes = [np.dtype(DTYPES_OF.get(kind, W.dtype))]
    if name.startswith(PROOF):
        dtypes.append(np.dtype(np.float64))
    if array.dtype not in dtypes or not (empty or array.shape == shapes[kind.removesuffix("?")]):
        raise ModelError(f"{name} has shape {array.shape}", path=path)
    if not np.isfinite(array).all():
        raise ModelError(f"{name} contains a value that is not finite", path=path)
