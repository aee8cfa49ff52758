"""LIBLINEAR through liblinear-official: -s 3 (one against rest) or -s 4 (Crammer and Singer).

The package would compile its conversion by numba in every process, which takes longer than the
conversion without: numba is hidden from it, which spares it time and memory.
"""

from __future__ import annotations

import sys

sys.modules["numba"] = None

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from liblinear.liblinearutil import parameter, problem, save_model, svm_read_problem, train
from scipy.sparse import csr_matrix

from benchmarks.objectives import equivalents
from benchmarks.peers.base import Point, answer, by_tolerance

__all__ = ["save_model", "svm_read_problem", "train", "weights"]
TOLERANCES = (1e-1, 1.0, 3e-1, 3e-2, 1e-2, 3e-3, 1e-3, 1e-4, 1e-5, 1e-6)


def prepare(X: Any, y: Any, spec: dict[str, Any]) -> problem:
    """Return LIBLINEAR's own form of the rows; zeros are not stored."""
    return problem(y, csr_matrix(X, dtype=np.float64))


def weights(model: Any) -> tuple[Any, Any]:
    """Return W and b of a model, columns in the order of the classes 0, 1, ..."""
    labels = model.get_labels()
    columns = 1 if len(labels) == 2 and model.param.solver_type != 4 else len(labels)
    flat = np.ctypeslib.as_array(model.w, shape=((model.nr_feature + 1) * columns,))
    W = flat.reshape(model.nr_feature + 1, columns).copy()
    if columns == 1:
        W *= 1 if labels[0] == 1 else -1
    else:
        W = W[:, np.argsort(labels)]
    return W[:-1], W[-1]


def points(rows: problem, spec: dict[str, Any]) -> Iterator[Point]:
    """Train once a tolerance, LIBLINEAR's default first."""
    solver = spec["settings"]["solver"]
    C = equivalents(spec["kind"], spec["lam"], rows.l)["C"]
    for tolerance in TOLERANCES:
        options = parameter(f"-s {solver} -c {C!r} -e {tolerance} -B 1 -q")
        began = time.perf_counter()
        model = train(rows, options)
        seconds = time.perf_counter() - began
        yield Point(seconds, *weights(model), f"eps {tolerance:g}")


if __name__ == "__main__":
    answer(prepare, points, by_tolerance)
