"""An epoch of stochastic steps beside the machine's limits and the peers, and a step's overhead.

Rows of MNIST's shape, batches of 256, float32, one thread. The limit is measured in the same run,
in turn with the contestants: the arithmetic of an epoch at the rate of such products, and one
read of its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.children import ask, in_turn, installed
from benchmarks.datasets import made, write_idx
from benchmarks.gaps import spread
from benchmarks.limits import epoch_limits

MODULE = "benchmarks.peers.one_epoch"
SMALL = {"batch": 64, "features": 64, "classes": 10, "batches": 300}


def write_rows(folder: Path, rows: int, features: int = 784, classes: int = 10) -> None:
    """Write made rows, as float32 in npy and, where they are pictures, as bytes in IDX."""
    folder.mkdir(parents=True, exist_ok=True)
    X, y = made(rows, features, classes)
    np.save(folder / "X_train.npy", X)
    np.save(folder / "y_train.npy", y)
    if features == 784:
        pictures = np.round(X * 255).reshape(-1, 28, 28)
        write_idx(pictures, folder / "train-images-idx3-ubyte.gz")
        write_idx(y, folder / "train-labels-idx1-ubyte.gz")


def contestants() -> dict[str, dict[str, str]]:
    """Return who is timed, by name, with what each needs to be told."""
    found = {
        "limits": {"contestant": "limits"},
        "svmtrain": {"contestant": "svmtrain", "file": "X_train.npy"},
        "svmtrain, from bytes": {"contestant": "svmtrain", "file": "train-images-idx3-ubyte.gz"},
        "plain numpy loop": {"contestant": "numpy"},
    }
    if installed("torch"):
        found["torch"] = {"contestant": "torch"}
    if installed("sklearn"):
        found["SGDClassifier"] = {"contestant": "sgd_classifier"}
    return found


def measure(
    work: Path, rows: int, repeats: int, epochs: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Time an epoch of each contestant; return their spreads and the limits."""
    folder = work / "epoch"
    write_rows(folder, rows)
    say(f"an epoch of {rows:,} x 784, {repeats} repeats")
    common = {"folder": str(folder), "rows": rows, "epochs": epochs}
    runners = {name: partial(ask, MODULE, {**common, **own}) for name, own in contestants().items()}
    answers = in_turn(runners, repeats, say)
    rates = answers.pop("limits")
    limit = [epoch_limits(one, rows, 784, 10) for one in rates]
    return {
        "rows": rows,
        "rates": {
            name: spread([one[name] for one in rates])
            for name in ("skinny", "large", "bandwidth", "gather")
        },
        "kernels": rates[0]["kernels"],
        "limits": {name: spread([one[name] for one in limit]) for name in ("skinny", "large")},
        "seconds": seconds_of(answers),
    }


def seconds_of(answers: Mapping[str, list[dict[str, float]]]) -> dict[str, Any]:
    """Return the spread of each contestant's epoch; svmtrain's steps stand apart."""
    found = {}
    for name, own in answers.items():
        if own and "steps" in own[0]:
            found[f"{name}, steps alone"] = spread([one["steps"] for one in own])
        found[name] = spread([one["epoch"] for one in own])
    return found


def overhead(work: Path, repeats: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Time a small step beside its bare products: what is left is the loop's own."""
    folder, rows = work / "step", SMALL["batch"] * SMALL["batches"]
    write_rows(folder, rows, SMALL["features"], SMALL["classes"])
    say(f"a step of {SMALL['batch']} x {SMALL['features']} x {SMALL['classes']}")
    common = {"folder": str(folder), "rows": rows, "epochs": 6, "batch": SMALL["batch"]}
    runners = {
        "svmtrain": partial(
            ask, MODULE, {**common, "contestant": "svmtrain", "file": "X_train.npy"}
        ),
        "bare products": partial(ask, MODULE, {**common, "contestant": "bare"}),
    }
    answers = in_turn(runners, repeats, say)
    steps = {name: [one["a_step"] for one in own] for name, own in answers.items()}
    both = zip(steps["svmtrain"], steps["bare products"], strict=True)
    return {
        **SMALL,
        **{name: spread(own) for name, own in steps.items()},
        "overhead": spread([whole - bare for whole, bare in both]),
    }
