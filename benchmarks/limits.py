"""What the machine can do on one thread: memory read, products of matrices, rows gathered.

    python -m benchmarks.limits

prints one line of JSON. Rates are medians over several tries in one process.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

BATCH, FEATURES, CLASSES = 256, 784, 10
BIG = 64 << 20
"""Numbers in the array that is read: 256 MB of float32, more than any cache holds."""


def seconds(action: Callable[[], object], tries: int, inner: int = 1) -> float:
    """Return the median time of an action, after one that does not count."""
    action()
    times = []
    for _ in range(tries):
        began = time.perf_counter()
        for _ in range(inner):
            action()
        times.append((time.perf_counter() - began) / inner)
    return statistics.median(times)


def bandwidth() -> float:
    """Return bytes read a second from 256 MB: the better of two ways of reading them once."""
    matrix = np.ones((BIG // 4096, 4096), np.float32)
    vector, flat = np.ones(4096, np.float32), matrix.ravel()
    out = np.empty(len(matrix), np.float32)
    ways = (lambda: np.dot(matrix, vector, out=out), lambda: np.dot(flat, flat))
    return matrix.nbytes / min(seconds(way, 7) for way in ways)


def large_products() -> float:
    """Return operations a second of 1,536 x 1,536 float32 products."""
    size = 1536
    a, b = np.ones((size, size), np.float32), np.ones((size, size), np.float32)
    out = np.empty_like(a)
    return 2 * size**3 / seconds(lambda: np.matmul(a, b, out=out), 7)


def skinny_products() -> float:
    """Return operations a second of the two products of a step, 256 x 784 x 10, in float32."""
    X = np.ones((BATCH, FEATURES), np.float32)
    W = np.ones((FEATURES, CLASSES), np.float32)
    scores, dW = np.empty((BATCH, CLASSES), np.float32), np.empty_like(W)

    def step() -> None:
        np.matmul(X, W, out=scores)
        np.matmul(X.T, scores, out=dW)
        scores.fill(1)

    return 4 * BATCH * FEATURES * CLASSES / seconds(step, 15, 40)


def gathered() -> float:
    """Return bytes a second of random rows of 784 float32 copied into a batch."""
    X = np.ones((60_000, FEATURES), np.float32)
    order = np.random.default_rng(0).permutation(len(X))[: 200 * BATCH].reshape(-1, BATCH)
    batch = np.empty((BATCH, FEATURES), np.float32)

    def epoch() -> None:
        for rows in order:
            np.take(X, rows, axis=0, out=batch, mode="clip")

    return 200 * batch.nbytes / seconds(epoch, 5)


def kernels() -> list[str]:
    """Return which libraries of linear algebra are used, with the kernels that they chose."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return ["not known: threadpoolctl is not installed"]
    return [
        f"{pool.get('internal_api')} {pool.get('version')} {pool.get('architecture', '')} "
        f"{pool.get('num_threads')} thread".replace("  ", " ")
        for pool in threadpool_info()
    ]


def epoch_limits(
    rates: dict[str, float], rows: int, features: int, classes: int
) -> dict[str, float]:
    """Return the least seconds of an epoch: its 4 n d k operations, and one read of float32 rows.

    With the rate of such skinny products, and with that of large square ones.
    """
    operations, read = 4.0 * rows * features * classes, 4.0 * rows * features
    return {
        "skinny": operations / rates["skinny"] + read / rates["bandwidth"],
        "large": operations / rates["large"] + read / rates["bandwidth"],
    }


def measure() -> dict[str, Any]:
    """Return all rates."""
    return {
        "skinny": skinny_products(),
        "large": large_products(),
        "bandwidth": bandwidth(),
        "gather": gathered(),
        "kernels": kernels(),
    }


if __name__ == "__main__":
    print(json.dumps(measure()))
