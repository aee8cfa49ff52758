"""How soon a validation accuracy is reached on large sparse data, against SGDClassifier.

    python benchmarks/sparse.py news20.svm [--repeats 5] [--epochs 20]

Both train on the same 80 % of the rows, each row divided by its length, on one thread, with the
repeats of one and the other in turn. Time is that of preparing the rows and making the steps;
looking at the validation rows after each epoch is not counted, for either. The peer's best
accuracy over its settings and epochs is what has to be reached.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np

from svmtrain.build import load_splits
from svmtrain.build.training import build
from svmtrain.config import parse_config
from svmtrain.data.splits import epoch_order

OURS = {
    "svmtrain one_vs_rest_squared": "{loss: one_vs_rest_squared, lambda: 5e-5}",
    "svmtrain crammer_singer": "{loss: crammer_singer, lambda: 3e-5}",
}
RATES = {"one_vs_rest_squared": 4, "crammer_singer": 16}
ALPHAS = (3e-4, 1e-4, 3e-5, 1e-5)

CONFIG = """
data: {{train: "{path}", format: svmlight, sparse: true, validation: 0.2}}
preprocess: {{scale: none, row_norm: l2}}
objective: {objective}
solver: {{epochs: 20, batch_size: 32, lr: {lr}, dtype: float32, gradcheck: false}}
"""


def ours(splits, config, epochs):
    """Return (seconds of training so far, validation accuracy) after each epoch."""
    began = time.perf_counter()
    built = build(config, splits)
    problem, state = built.problem, built.start.solver
    spent, curve = time.perf_counter() - began, []
    for epoch in range(epochs):
        began = time.perf_counter()
        order = epoch_order("full", 0, epoch, len(problem.train))
        for start in range(0, len(order), problem.batch_size):
            rows = order[start : start + problem.batch_size]
            term = problem.train.term(problem.objective, rows, *state.parameters)
            problem.solver.descend(state, problem.objective, term)
        spent += time.perf_counter() - began
        seen = problem.validation.measure(problem.objective, *state.weights)
        curve.append((spent, seen.correct / seen.count))
    return curve


def narrow(X):
    """Return sparse rows with 32-bit indices, which the peer asks for."""
    from scipy.sparse import csr_matrix

    parts = (X.data, X.indices.astype(np.int32), X.indptr.astype(np.int32))
    return csr_matrix(parts, shape=X.shape)


def theirs(splits, alpha, epochs):
    """Return the same for scikit-learn's SGDClassifier(hinge)."""
    from sklearn.linear_model import SGDClassifier
    from sklearn.preprocessing import normalize

    X, held = narrow(splits.train.X), normalize(narrow(splits.validation.X))
    began = time.perf_counter()
    X = normalize(X)
    model = SGDClassifier(loss="hinge", alpha=alpha, random_state=0, n_jobs=1)
    classes = np.arange(len(splits.train.classes))
    spent, curve = time.perf_counter() - began, []
    for _ in range(epochs):
        began = time.perf_counter()
        model.partial_fit(X, splits.train.y, classes=classes)
        spent += time.perf_counter() - began
        curve.append((spent, model.score(held, splits.validation.y)))
    return curve


def reached(curve, accuracy):
    """Return the seconds after which a curve first has an accuracy, or None."""
    return next((seconds for seconds, found in curve if found >= accuracy), None)


def told(times):
    """Return the median and the range of some seconds."""
    if None in times:
        return "not reached"
    return f"{statistics.median(times):.3f} s ({min(times):.3f}-{max(times):.3f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=20)
    given = parser.parse_args()
    runners = {}
    for name, objective in OURS.items():
        lr = RATES[name.split()[1]]
        config = parse_config(CONFIG.format(path=given.path, objective=objective, lr=lr))
        splits = load_splits(config)
        runners[name] = lambda c=config, s=splits: ours(s, c, given.epochs)
    for alpha in ALPHAS:
        runners[f"SGDClassifier alpha {alpha:g}"] = lambda a=alpha, s=splits: theirs(
            s, a, given.epochs
        )
    curves = {name: [] for name in runners}
    for _ in range(given.repeats):
        for name, run in runners.items():
            curves[name].append(run())
    peers = [name for name in curves if name.startswith("SGD")]
    best = max(accuracy for name in peers for _, accuracy in curves[name][0])
    rows = splits.train.matrix.shape
    print(
        f"{rows[0]:,} rows x {rows[1]:,} features, {len(splits.train.classes)} classes; "
        f"{given.repeats} repeats, one thread, Python {sys.version.split()[0]}"
    )
    print(
        f"\n| | best accuracy of {given.epochs} epochs | an epoch | to {best - 0.005:.4f} "
        f"| to {best:.4f} (best of the peer) |\n|---|---|---|---|---|"
    )
    for name, runs in curves.items():
        top = max(accuracy for _, accuracy in runs[0])
        epoch = [(run[-1][0] - run[0][0]) / (given.epochs - 1) for run in runs]
        print(
            f"| {name} | {top:.4f} | {told(epoch)} "
            f"| {told([reached(run, best - 0.005) for run in runs])} "
            f"| {told([reached(run, best) for run in runs])} |"
        )


if __name__ == "__main__":
    main()
