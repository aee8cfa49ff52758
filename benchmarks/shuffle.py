"""What the order of the rows does to the objective: `solver.shuffle` full, blocks, once, none.

    python benchmarks/shuffle.py DATA [--epochs 10] [--seeds 3]

DATA is anything that `data.train` may name. Every order is tried on the rows as they are and on
the rows sorted by class, which is the worst that a file can do to an order that looks at a part
of it at a time. The objective is that of the averaged weights over all training rows.
"""

from __future__ import annotations

import argparse
import os
import statistics

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

from dataclasses import replace

import numpy as np

from svmtrain.build import load_splits
from svmtrain.build.training import build
from svmtrain.config import parse_config
from svmtrain.data.splits import epoch_order

CONFIG = """
data: {{train: "{path}", validation: 0}}
solver: {{epochs: {epochs}, shuffle: {shuffle}, seed: {seed}, dtype: float32, gradcheck: false}}
"""
SHUFFLES = ("full", "blocks", "once", "none")


def objectives(path, shuffle, seed, epochs, by_class):
    """Return the objective after each epoch."""
    config = parse_config(
        CONFIG.format(path=os.path.abspath(path), epochs=epochs, shuffle=shuffle, seed=seed)
    )
    splits = load_splits(config)
    if by_class:
        train = splits.train
        order = np.argsort(train.y, kind="stable")
        splits = replace(splits, train=replace(train, matrix=train.matrix[order], y=train.y[order]))
    built = build(config, splits)
    problem, state = built.problem, built.start.solver
    found = []
    for epoch in range(epochs):
        order = epoch_order(shuffle, seed, epoch, len(problem.train))
        for start in range(0, len(order), problem.batch_size):
            rows = order[start : start + problem.batch_size]
            term = problem.train.term(problem.objective, rows, *state.parameters)
            problem.solver.descend(state, problem.objective, term)
        W, b = state.weights
        seen = problem.train.measure(problem.objective, W, b)
        found.append(seen.loss / seen.count + problem.objective.penalty(W, b))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    print(f"objective after 1 and {given.epochs} epochs, median (range) of {given.seeds} seeds\n")
    print("| rows | shuffle | after 1 | after all |\n|---|---|---|---|")
    for by_class in (False, True):
        for shuffle in SHUFFLES:
            runs = [
                objectives(given.data, shuffle, seed, given.epochs, by_class)
                for seed in range(given.seeds)
            ]
            cells = []
            for epoch in (0, -1):
                values = [run[epoch] for run in runs]
                spread = f"{min(values):.5f}-{max(values):.5f}"
                cells.append(f"{statistics.median(values):.5f} ({spread})")
            rows = "sorted by class" if by_class else "as they are"
            print(f"| {rows} | {shuffle} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
