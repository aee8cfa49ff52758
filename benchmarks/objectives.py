"""The objectives of all contestants by one function, in float64 over all training rows.

    P(W, b) = (1/n) sum_i loss_i + share * lam (||W||^2 + ||b||^2)

`share` is 1 where each class has a column of weights, and 1/2 for `hinge`, where two classes share
one: with w = w_1 - w_0, the least of ||w_1||^2 + ||w_0||^2 is ||w||^2 / 2, so that both forms have
the same optimum. What this makes of lam elsewhere is in `equivalents`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
CHUNK = 2048


def weston_watkins(scores: Floats, y: NDArray[np.int64]) -> Floats:
    """Return sum_{j != y} max(0, 1 + S_j - S_y) of each row."""
    margins = np.maximum(0, 1 + scores - scores[np.arange(len(y)), y][:, None])
    margins[np.arange(len(y)), y] = 0
    return margins.sum(axis=1)


def crammer_singer(scores: Floats, y: NDArray[np.int64]) -> Floats:
    """Return max(0, 1 + max_{j != y} S_j - S_y) of each row."""
    rows = np.arange(len(y))
    others = scores.copy()
    others[rows, y] = -np.inf
    return np.maximum(0, 1 + others.max(axis=1) - scores[rows, y])


def one_vs_rest(scores: Floats, y: NDArray[np.int64]) -> Floats:
    """Return max(0, 1 - S_y) + sum_{j != y} max(0, 1 + S_j) of each row."""
    signs = np.ones(scores.shape)
    signs[np.arange(len(y)), y] = -1
    return np.maximum(0, 1 + signs * scores).sum(axis=1)


def hinge(scores: Floats, y: NDArray[np.int64]) -> Floats:
    """Return max(0, 1 - s) of each row, s the one score, with its sign turned for class 0."""
    return np.maximum(0, 1 - np.where(y == 1, 1, -1) * scores[:, 0])


LOSSES: dict[str, Callable[[Floats, NDArray[np.int64]], Floats]] = {
    "weston_watkins": weston_watkins,
    "crammer_singer": crammer_singer,
    "one_vs_rest": one_vs_rest,
    "hinge": hinge,
}


def scored(X: Any, W: Floats, b: Floats) -> Floats:
    """Return the scores of rows, dense or scipy's sparse, in float64."""
    return np.asarray(X.astype(np.float64) @ W) + b


def objective(kind: str, X: Any, y: NDArray[np.int64], W: Any, b: Any, lam: float) -> float:
    """Return P(W, b) over the rows X (n, n_features), a chunk at a time."""
    W, b = np.asarray(W, np.float64), np.asarray(b, np.float64)
    total = 0.0
    for start in range(0, len(y), CHUNK):
        part = slice(start, start + CHUNK)
        total += float(LOSSES[kind](scored(X[part], W, b), y[part]).sum())
    share = 0.5 if kind == "hinge" else 1.0
    return total / len(y) + share * lam * float((W * W).sum() + (b * b).sum())


def accuracy(X: Any, y: NDArray[np.int64], W: Any, b: Any) -> float:
    """Return the share of rows whose largest score, or the sign of the one, is their class's."""
    W, b = np.asarray(W, np.float64), np.asarray(b, np.float64)
    right = 0
    for start in range(0, len(y), CHUNK):
        part = slice(start, start + CHUNK)
        scores = scored(X[part], W, b)
        found = scores[:, 0] > 0 if scores.shape[1] == 1 else scores.argmax(axis=1)
        right += int((found == y[part]).sum())
    return right / len(y)


def equivalents(kind: str, lam: float, rows: int) -> dict[str, float]:
    """Return lam as LIBLINEAR's C and scikit-learn's alpha, for the same optimum."""
    if kind == "hinge":
        return {"C": 1 / (lam * rows), "alpha": lam}
    return {"C": 1 / (2 * lam * rows), "alpha": 2 * lam}
