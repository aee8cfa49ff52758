"""The plain loop that anyone would write in numpy: Weston-Watkins, float32, batches of 256.

Index the rows, two products, a step; the rate falls linearly from 10 over the mean of ||x||^2.
Without an average and without a proof of how far the optimum is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.peers.base import Point, along_epochs, answer

BATCH = 256


def prepare(X: Any, y: Any, spec: dict[str, Any]) -> tuple[Any, Any]:
    """Return the rows in float32."""
    return X.astype(np.float32, copy=False), y


def first_rate(X: Any) -> float:
    """Return the first step size, by the mean length of some rows and their constant 1."""
    some = X[:2000]
    return 10 / (1 + float((some.astype(np.float64) ** 2).sum()) / len(some))


def epoch(X: Any, y: Any, W: Any, b: Any, order: Any, rates: Any, lam: float) -> None:
    """Make the steps of one epoch, W and b in place."""
    for start, rate in zip(range(0, len(y), BATCH), rates, strict=True):
        rows = order[start : start + BATCH]
        batch, classes = X[rows], y[rows]
        at = np.arange(len(rows))
        scores = batch @ W + b
        margins = scores - scores[at, classes][:, None] + np.float32(1)
        active = (margins > 0).astype(np.float32)
        active[at, classes] = 0
        active[at, classes] = -active.sum(axis=1)
        active /= len(rows)
        W -= rate * (batch.T @ active + np.float32(2 * lam) * W)
        b -= rate * (active.sum(axis=0) + np.float32(2 * lam) * b)


def schedule(X: Any, rows: int, epochs: int) -> Any:
    """Return the step sizes, (epochs, steps an epoch)."""
    steps = -(-rows // BATCH)
    falling = 1 - np.arange(epochs * steps) / (epochs * steps)
    return (first_rate(X) * falling).astype(np.float32).reshape(epochs, steps)


def points(rows: tuple[Any, Any], spec: dict[str, Any]) -> Iterator[Point]:
    """Train epoch by epoch."""
    X, y = rows
    W = np.zeros((X.shape[1], int(y.max()) + 1), np.float32)
    b = np.zeros(W.shape[1], np.float32)
    rates = schedule(X, len(y), spec["epochs"])
    generator, spent = np.random.default_rng(0), 0.0
    for number in range(spec["epochs"]):
        began = time.perf_counter()
        epoch(X, y, W, b, generator.permutation(len(y)), rates[number], spec["lam"])
        spent += time.perf_counter() - began
        yield Point(spent, W.copy(), b.copy(), f"epoch {number + 1}")


if __name__ == "__main__":
    answer(prepare, points, along_epochs)
