"""mlpack's linear_svm: Weston-Watkins by L-BFGS, its bias penalised; its lambda is 2 lam.

L-BFGS supposes a smooth function: it ends where its line search fails at a kink, and its random
start makes that another place in every process. Its default of 10,000 iterations takes minutes on
MNIST; 100 stand for it here.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import mlpack
import numpy as np

from benchmarks.peers.base import Point, answer, by_tolerance

ITERATIONS = (100, 10, 30, 300)


def prepare(X: Any, y: Any, spec: dict[str, Any]) -> tuple[Any, Any]:
    """Return the rows in the precision that mlpack works in."""
    return np.ascontiguousarray(X, dtype=np.float64), y


def weights(model: Any) -> tuple[Any, Any]:
    """Return W and b of a model, columns in the order of the classes 0, 1, ..."""
    found = model.get_cpp_params()["LinearSVMModel"]
    columns = np.argsort(np.ravel(found["mappings"]))
    W = np.asarray(found["svm"]["parameters"])[columns].T
    return W[:-1], W[-1]


def points(rows: tuple[Any, Any], spec: dict[str, Any]) -> Iterator[Point]:
    """Train with several limits on the iterations."""
    X, y = rows
    for iterations in ITERATIONS:
        began = time.perf_counter()
        trained = mlpack.linear_svm(
            training=X,
            labels=y,
            lambda_=2 * spec["lam"],
            max_iterations=iterations,
            num_classes=int(y.max()) + 1,
            seed=1,
        )
        seconds = time.perf_counter() - began
        yield Point(seconds, *weights(trained["output_model"]), f"{iterations} iterations")


if __name__ == "__main__":
    answer(prepare, points, by_tolerance)
