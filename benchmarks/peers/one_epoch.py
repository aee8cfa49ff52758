"""One epoch of one contestant, in a fresh process: seconds, the median over some epochs.

The first epoch does not count. svmtrain's are told apart: `steps` are its training steps, with the
sums for its proof; `epoch` is all of an epoch, with the objective over all rows at its end.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.peers.base import rows

BATCH = 256
LAM = 1e-3


def timed(epoch: Callable[[int], object], epochs: int) -> float:
    """Return the median seconds of some epochs after the first."""
    times = []
    for number in range(epochs):
        began = time.perf_counter()
        epoch(number)
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


def svmtrain(spec: dict[str, Any]) -> dict[str, float]:
    """Time `fit` with sgd on the prepared rows: its steps, and its epochs with all else."""
    from benchmarks.steps import timed_fit

    batch = spec.get("batch", BATCH)
    settings = {
        "data": {"train": f"{spec['folder']}/{spec['file']}", "validation": 0, "cache": "off"},
        "preprocess": {"scale": "minmax" if spec["file"].endswith("ubyte.gz") else "none"},
        "objective": {"lambda": LAM},
        "solver": {"epochs": spec["epochs"], "batch_size": batch, "lr": 0.1, "dtype": "float32"},
        "checkpoint": {"every": "none"},
    }
    a_step, whole = timed_fit(settings)
    steps = -(-spec["rows"] // batch)
    step = statistics.median(a_step[1:])
    return {"steps": step * steps, "epoch": statistics.median(whole[1:]), "a_step": step}


def numpy_loop(spec: dict[str, Any]) -> dict[str, float]:
    """Time the plain loop."""
    from benchmarks.peers.numpy_loop import epoch, schedule

    X, y = rows(spec["folder"], "train")
    W = np.zeros((X.shape[1], int(y.max()) + 1), np.float32)
    b = np.zeros(W.shape[1], np.float32)
    rates = schedule(X, len(y), spec["epochs"])
    order = np.random.default_rng(0).permutation(len(y))
    return {"epoch": timed(lambda n: epoch(X, y, W, b, order, rates[n], LAM), spec["epochs"])}


def torch_loop(spec: dict[str, Any]) -> dict[str, float]:
    """Time torch."""
    from benchmarks.peers.torch_margin import Trainer, prepare

    X, y, rates = prepare(*rows(spec["folder"], "train"), spec)
    trainer = Trainer(X.shape[1], int(y.max()) + 1, LAM)
    return {"epoch": timed(lambda n: trainer.epoch(X, y, rates[n]), spec["epochs"])}


def sgd_classifier(spec: dict[str, Any]) -> dict[str, float]:
    """Time SGDClassifier(hinge), without averaging."""
    from sklearn.linear_model import SGDClassifier

    X, y = rows(spec["folder"], "train")
    model = SGDClassifier(alpha=2 * LAM, random_state=0, n_jobs=1)
    classes = np.unique(y)
    return {"epoch": timed(lambda n: model.partial_fit(X, y, classes=classes), 2)}


def bare_products(spec: dict[str, Any]) -> dict[str, float]:
    """Time what a step cannot do without: rows gathered, and two products, into fixed arrays."""
    X, y = rows(spec["folder"], "train")
    size, classes = spec["batch"], int(y.max()) + 1
    batch, W = np.empty((size, X.shape[1]), X.dtype), np.zeros((X.shape[1], classes), X.dtype)
    scores, dW = np.empty((size, classes), X.dtype), np.empty_like(W)
    order = np.random.default_rng(0).permutation(len(y))

    def epoch(number: int) -> None:
        for start in range(0, len(y), size):
            np.take(X, order[start : start + size], axis=0, out=batch, mode="clip")
            np.matmul(batch, W, out=scores)
            np.matmul(batch.T, scores, out=dW)

    seconds = timed(epoch, spec["epochs"])
    return {"epoch": seconds, "a_step": seconds / (len(y) // size)}


def limits(spec: dict[str, Any]) -> dict[str, Any]:
    """Measure what the machine can do."""
    from benchmarks.limits import measure

    return measure()


CONTESTANTS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "svmtrain": svmtrain,
    "numpy": numpy_loop,
    "torch": torch_loop,
    "sgd_classifier": sgd_classifier,
    "bare": bare_products,
    "limits": limits,
}


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    print(json.dumps(CONTESTANTS[given["contestant"]](given)))
