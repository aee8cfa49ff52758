"""scikit-learn's LinearSVC with the hinge loss, one against rest.

What `fit` takes without a single pass over the rows, to check and convert them, is not counted.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC

from benchmarks.objectives import equivalents
from benchmarks.peers.base import Point, answer, by_tolerance

TOLERANCES = (1e-4, 1.0, 3e-1, 1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 1e-5, 1e-6)
PASSES = 1000


def prepare(X: Any, y: Any, spec: dict[str, Any]) -> tuple[Any, Any]:
    """Return the rows in the precision that LinearSVC works in."""
    return X.astype(np.float64), y


def fitted(rows: tuple[Any, Any], C: float, tolerance: float, passes: int) -> tuple[Any, float]:
    """Return a model and the seconds that its fit took."""
    model = LinearSVC(
        loss="hinge", C=C, tol=tolerance, max_iter=passes, random_state=0, intercept_scaling=1
    )
    began = time.perf_counter()
    model.fit(*rows)
    return model, time.perf_counter() - began


def points(rows: tuple[Any, Any], spec: dict[str, Any]) -> Iterator[Point]:
    """Train once a tolerance, scikit-learn's default first and then from the loosest."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    C = equivalents(spec["kind"], spec["lam"], len(rows[1]))["C"]
    converting = min(fitted(rows, C, 1.0, 0)[1] for _ in range(3))
    for tolerance in TOLERANCES:
        model, seconds = fitted(rows, C, tolerance, PASSES)
        trained = max(seconds - converting, 0.0)
        yield Point(trained, model.coef_.T, model.intercept_, f"tol {tolerance:g}")


if __name__ == "__main__":
    answer(prepare, points, by_tolerance)
