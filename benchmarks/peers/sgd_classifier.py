"""scikit-learn's SGDClassifier(hinge), averaged, one against rest.

A column of ones takes the place of its bias, which it would leave out of the penalty.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.linear_model import SGDClassifier

from benchmarks.objectives import equivalents
from benchmarks.peers.base import Point, along_epochs, answer


def with_ones(X: Any) -> Any:
    """Return rows with a column of ones after the others."""
    ones = np.ones((X.shape[0], 1), dtype=X.dtype)
    if isinstance(X, np.ndarray):
        return np.hstack([X, ones])
    from scipy.sparse import csr_matrix, hstack

    return hstack([X, csr_matrix(ones)], format="csr")


def prepare(X: Any, y: Any, spec: dict[str, Any]) -> tuple[Any, Any]:
    """Return rows and classes."""
    return with_ones(X), y


def points(rows: tuple[Any, Any], spec: dict[str, Any]) -> Iterator[Point]:
    """Train epoch by epoch."""
    X, y = rows
    alpha = equivalents(spec["kind"], spec["lam"], len(y))["alpha"]
    model = SGDClassifier(alpha=alpha, fit_intercept=False, average=True, random_state=0, n_jobs=1)
    classes, spent = np.unique(y), 0.0
    for epoch in range(spec["epochs"]):
        began = time.perf_counter()
        model.partial_fit(X, y, classes=classes)
        spent += time.perf_counter() - began
        W = model.coef_.T.copy()
        yield Point(spent, W[:-1], W[-1], f"epoch {epoch + 1}")


if __name__ == "__main__":
    answer(prepare, points, along_epochs)
