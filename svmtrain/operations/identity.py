"""What a run is: everything that must be the same for a resume to be exact."""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

import svmtrain
from svmtrain import threads
from svmtrain.build import Built, Splits, best_metric
from svmtrain.config import OF_SCHEDULES, Config, to_dict
from svmtrain.data.sparse import Csr
from svmtrain.data.splits import SCHEME
from svmtrain.errors import ResumeError, printable, shown
from svmtrain.files import sha256_bytes
from svmtrain.solvers.dual import DualAscent
from svmtrain.solvers.schedules import SCHEDULES

PATHS = ("data.train", "data.validation", "data.test", "solver.warm_start")
UNUSED: dict[str, Callable[[Config], bool]] = {
    "data.fold": lambda config: config.data.fold is None,
    "data.train_share": lambda config: config.data.train_share == 1,
    "data.repeat": lambda config: config.data.fold is None and config.data.train_share == 1,
}
"""Settings that are no part of what a run is while they do nothing, and when that is."""
NOT_IN_THE_STEPS = (
    *("data.cache", "data.labels", "data.validation_labels", "data.test_labels"),
    *("solver.threads", "solver.gradcheck", "solver.batch_size", "objective.C"),
)
SECTIONS = ("data", "preprocess", "objective", "solver")


def settings(config: Config, lam: float, best: str) -> dict[str, Any]:
    """Return the settings that the steps of a run depend on, by dotted key.

    Paths are left to the fingerprints of the files, and lambda stands for C.
    """
    values = {
        f"{section}.{key}": value
        for section, keys in to_dict(config).items()
        for key, value in keys.items()
        if section in SECTIONS
    }
    for key in PATHS:
        if isinstance(values[key], (str, list)):
            values[key] = "a file"
    for key in NOT_IN_THE_STEPS:
        values.pop(key)
    for key, schedules in OF_SCHEDULES.items():
        if values["solver.schedule"] not in schedules:
            values.pop(key)
    for key, when in UNUSED.items():
        if when(config):
            values.pop(key)
    values["objective.lambda"] = lam
    values["checkpoint.best"] = best
    return values


def identity(config: Config, splits: Splits, built: Built, run_id: str) -> dict[str, Any]:
    """Return the identity of a run, as plain values for its checkpoints."""
    rows = {
        "train": len(splits.train),
        "validation": len(splits.validation) if splits.validation else 0,
        "features": splits.train.n_features,
        "sparse": isinstance(splits.train.matrix, Csr),
    }
    return {
        "run": run_id,
        "algorithm": svmtrain.ALGORITHM,
        "scheme": SCHEME,
        "settings": settings(
            config,
            built.problem.objective.lam,
            best_metric(config, splits.validation is not None),
        ),
        "data": {file.role: asdict(file) for file in splits.files},
        "shape": rows,
        "batch_size": built.problem.batch_size,
        "lr": built.lr,
        "start": built.started_from,
        "environment": environment() | _of_the_steps(splits, built),
        **_of_the_place(splits),
    }


def _of_the_place(splits: Splits) -> dict[str, Any]:
    """Return what the steps of a cluster depend on besides the config; nothing for one machine."""
    found = splits.place.identity()
    return {} if found is None else {"cluster": found}


def environment() -> dict[str, Any]:
    """Return what the bits of a result may depend on, besides the run itself."""
    blas: Mapping[str, Any] = {}
    simd: list[str] = []
    config = np.show_config(mode="dicts")
    if isinstance(config, dict):
        blas = config.get("Build Dependencies", {}).get("blas", {})
        extensions = config.get("SIMD Extensions", {})
        simd = [*extensions.get("baseline", []), *extensions.get("found", [])]
    return {
        "svmtrain": svmtrain.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip(),
        "threads": threads.in_force(),
        "machine": platform.machine(),
        "simd": simd[-1] if simd else "unknown",
    }


def _of_the_steps(splits: Splits, built: Built) -> dict[str, str]:
    """Return what else the bits of these steps depend on: the code that makes them."""
    solver, found = built.problem.solver, {}
    if isinstance(solver, DualAscent):
        found["kernel"] = solver.kernel
    if isinstance(splits.train.matrix, Csr):
        with contextlib.suppress(PackageNotFoundError):
            found["scipy"] = version("scipy")
    return found


DIGITS = 64  # of a digest
LISTED = 60  # settings that differ: a config of ours has fewer
MOSTLY = "the last bits may differ"
EFFECTS = {"kernel": "other steps to the same optimum are made from here on"}
"""What comes of a part of the environment that is another now, where that is more than bits."""


@cache
def source_digest() -> str:
    """Return a digest of svmtrain's own code: the version, to the letter."""
    root = Path(svmtrain.__file__).parent
    files = sorted(root.rglob("*.py"))
    return sha256_bytes(b"".join(file.read_bytes() for file in files))


def refuse_other(saved: Mapping[str, Any], now: Mapping[str, Any], name: str) -> list[str]:
    """Raise unless a checkpoint belongs to this run; return what may change the last bits.

    See `other_environment`.

    Raises
    ------
    ResumeError
        Naming the first kind of difference: run, scheme of the orders, every setting that would
        have changed the steps already made, with its old and new value, then data. The algorithm
        is told from the file before its arrays are; see `svmtrain.checkpoint.load`.
    """
    if saved.get("run") != now["run"]:
        raise ResumeError("the checkpoint is of another run", path=name)
    if saved.get("scheme") != now["scheme"]:
        raise ResumeError(
            f"the checkpoint was made by scheme {shown(saved.get('scheme'))}; "
            f"this svmtrain has {shown(now['scheme'])}",
            path=name,
        )
    _refuse_place(saved.get("cluster"), now.get("cluster"), name)
    _refuse_settings(saved.get("settings"), now["settings"], name)
    refuse_data(saved.get("data"), now["data"], name)
    for key in ("shape", "batch_size", "lr"):
        if saved.get(key) != now[key]:
            raise ResumeError(
                f"{key} was {shown(saved.get(key))} and is now {shown(now[key])}",
                path=name,
            )
    if saved.get("start") != now["start"]:
        raise ResumeError(
            f"what solver.warm_start names is not what the run was started from: SHA-256 was "
            f"{_plain(saved.get('start'))} and is now {now['start']}",
            path=name,
        )
    return other_environment(saved.get("environment"), now["environment"])


def _refuse_place(saved: Any, now: Any, name: str) -> None:
    """Raise ResumeError unless a run goes on in the mode and shards that it was begun with."""
    if saved == now:
        return

    def told(one: Any) -> str:
        if not isinstance(one, dict):
            return "on one machine"
        parts = (f"{_plain(key)} {_plain(value)}" for key, value in sorted(one.items())[:LISTED])
        return f"on a cluster ({', '.join(parts)})"

    raise ResumeError(f"the run was trained {told(saved)}, and is now {told(now)}", path=name)


def other_environment(before: Any, after: Mapping[str, Any]) -> list[str]:
    """Return what is another in an environment now, and what may come of it."""
    if not isinstance(before, dict):
        return [f"{MOSTLY}: the versions and threads of the steps so far are not known"]
    return [
        f"{EFFECTS.get(key, MOSTLY)}: {key} was {shown(before.get(key))} and is now {shown(value)}"
        for key, value in after.items()
        if before.get(key) != value
    ]


def refuse_data(saved: Any, now: Mapping[str, Any], name: str) -> None:
    """Raise ResumeError unless the data files of every role, as plain values, are the same."""
    saved = saved if isinstance(saved, dict) else {}
    for role in sorted({*saved, *now}):
        before, after = saved.get(role), now.get(role)
        hashes = [
            file.get("sha256") if isinstance(file, dict) else "none" for file in (before, after)
        ]
        if hashes[0] != hashes[1]:
            raise ResumeError(
                f"the {_plain(role)} data changed: SHA-256 was {_plain(hashes[0])} and is now "
                f"{_plain(hashes[1])} (put the old file back, or begin another run)",
                path=name,
            )


def _plain(value: object) -> str:
    """Return a value of a file as a message shows it: no longer than a digest, and harmless."""
    return printable(str(value)[:DIGITS])


def _refuse_settings(saved: Any, now: Mapping[str, Any], name: str) -> None:
    saved = saved if isinstance(saved, dict) else {}
    changed = [key for key in sorted({*saved, *now}) if saved.get(key) != now.get(key)]
    if "solver.epochs" in changed and not SCHEDULES[now["solver.schedule"]].needs_horizon:
        changed.remove("solver.epochs")
    if not changed:
        return
    differences = [
        f"{_plain(key)} was {shown(saved.get(key))} and is now {shown(now.get(key))}"
        for key in changed[:LISTED]
    ]
    if more := changed[LISTED:]:
        differences.append(f"{len(more)} more")
    listed = "; ".join(differences)
    if changed == ["checkpoint.best"]:
        raise ResumeError(
            f"checkpoint.best was {_plain(saved.get('checkpoint.best'))} and is now "
            f"{now['checkpoint.best']}: the best epoch so far was picked by the former",
            path=name,
        )
    hint = ""
    if changed == ["solver.epochs"]:
        hint = f" (the schedule {now['solver.schedule']} plans every step by the number of epochs)"
    raise ResumeError(
        f"these settings would have changed the steps already made: {listed}{hint}; "
        "start another run for them",
        path=name,
    )


def host() -> str:
    """Return the name of this machine."""
    return os.uname().nodename
