"""From an svmlight file to a model on disk by LIBLINEAR's Python package, -s 4.

Its reader is written in Python; `return_scipy` asks it for a sparse matrix. The command `train`
that comes with LIBLINEAR reads the file in C and would be quicker at it.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np

from benchmarks.children import peak_bytes
from benchmarks.objectives import equivalents
from benchmarks.peers.base import Point, judge, rows
from benchmarks.peers.liblinear_svm import save_model, svm_read_problem, train, weights

if __name__ == "__main__":
    spec = json.loads(sys.argv[1])
    y, x = svm_read_problem(spec["file"], return_scipy=spec["scipy"])
    C = equivalents("crammer_singer", spec["lam"], len(y))["C"]
    model = train(y, x, f"-s 4 -c {C!r} -B 1 -q")
    save_model(spec["model"], model)
    seconds = time.time() - spec["started"]
    peak = peak_bytes()
    W, b = weights(model)
    features = rows(spec["folder"], "test", mapped=True)[0].shape[1]
    W = np.vstack([W, np.zeros((features - len(W), len(b)))])  # the last columns are all zeros
    judged = judge({**spec, "kind": "crammer_singer"})(Point(seconds, W, b, ""))
    print(json.dumps({**judged, "peak": peak}))
