"""From MNIST's files to a model on disk by scikit-learn: LinearSVC, or SGDClassifier averaged."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.linear_model import SGDClassifier
from sklearn.svm import LinearSVC

from benchmarks.children import peak_bytes
from benchmarks.datasets import idx
from benchmarks.objectives import equivalents
from benchmarks.peers.base import Point, judge


def estimator(spec: dict[str, Any], rows: int) -> Any:
    """Return what is to be fitted."""
    same = equivalents("one_vs_rest", spec["lam"], rows)
    if spec["which"] == "LinearSVC":
        return LinearSVC(loss="hinge", C=same["C"], random_state=0)
    return SGDClassifier(
        alpha=same["alpha"], average=True, max_iter=spec["epochs"], tol=None, random_state=0
    )


if __name__ == "__main__":
    spec = json.loads(sys.argv[1])
    X = idx(Path(spec["images"]))
    X = X.reshape(len(X), -1).astype(np.float32) / np.float32(255)
    y = idx(Path(spec["labels"])).astype(np.int64)
    model = estimator(spec, len(y)).fit(X, y)
    joblib.dump(model, spec["model"])
    seconds = time.time() - spec["started"]
    peak = peak_bytes()
    point = Point(seconds, model.coef_.T, model.intercept_, "")
    print(json.dumps({**judge({**spec, "kind": "one_vs_rest"})(point), "peak": peak}))
