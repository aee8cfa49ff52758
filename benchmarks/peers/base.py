"""What the peers' scripts share: the rows, the clocks, and the line of JSON at the end.

Load is reading the prepared rows and turning them into what the peer takes; train is the peer's
own training and nothing else. The peak of memory is taken before anything is evaluated, and the
rows for evaluating are mapped anew, so that neither is charged to the peer.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.children import peak_bytes
from benchmarks.objectives import accuracy, objective

SETTLED = 1e-5
"""A tolerance that lowers the objective by no more than this share is the last one tried."""
LEAST_TRIED = 4
"""So many tolerances are tried in any case: the first ones may all end after the same passes."""


@dataclass
class Point:
    """A model on the way, after so many seconds of training."""

    seconds: float
    W: Any
    b: Any
    setting: str


@dataclass
class Answer:
    """What one process found out: its path, and which point is its plain result."""

    startup: float
    load: float
    peak: int
    path: list[dict[str, Any]]
    chosen: int

    def to_json(self) -> str:
        """Return the answer as one line."""
        chosen = self.path[self.chosen]
        told = {
            "load": self.startup + self.load,
            "train": chosen["seconds"],
            "total": self.startup + self.load + chosen["seconds"],
            "peak": self.peak,
            "chosen": self.chosen,
            "path": self.path,
        }
        return json.dumps(told)


def rows(folder: str, part: str, mapped: bool = False) -> tuple[Any, Any]:
    """Return the prepared rows X and classes y of `train` or `test`."""
    y = np.load(Path(folder) / f"y_{part}.npy")
    dense = Path(folder) / f"X_{part}.npy"
    if dense.exists():
        return np.load(dense, mmap_mode="r" if mapped else None), y
    from scipy.sparse import load_npz

    return load_npz(Path(folder) / f"X_{part}.npz"), y


def judge(spec: dict[str, Any]) -> Callable[[Point], dict[str, Any]]:
    """Return a function that evaluates points on the training and the test rows."""
    train, test = (rows(spec["folder"], part, mapped=True) for part in ("train", "test"))

    def evaluate(point: Point) -> dict[str, Any]:
        return {
            "seconds": point.seconds,
            "objective": objective(spec["kind"], *train, point.W, point.b, spec["lam"]),
            "accuracy": accuracy(*test, point.W, point.b),
            "setting": point.setting,
        }

    return evaluate


def along_epochs(points: Iterator[Point], spec: dict[str, Any]) -> tuple[list[Any], int, int]:
    """Evaluate points of one training once it is over; the last is its result."""
    kept = list(points)
    peak = peak_bytes()
    evaluate = judge(spec)
    return [evaluate(point) for point in kept], len(kept) - 1, peak


def by_tolerance(points: Iterator[Point], spec: dict[str, Any]) -> tuple[list[Any], int, int]:
    """Evaluate one training a tolerance until time is up or nothing is gained.

    The first is the peer's default and its plain result; its time is not taken from the budget,
    so that the loose tolerances after it are tried whatever it took.
    """
    path: list[dict[str, Any]] = []
    spent, peak, evaluate = 0.0, 0, None
    for point in points:
        peak = peak or peak_bytes()
        evaluate = evaluate or judge(spec)
        spent += point.seconds if path else 0.0
        path.append(evaluate(point))
        if spent > spec["budget"] or (len(path) > LEAST_TRIED and settled(*path[-2:])):
            break
    return path, 0, peak


def settled(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Return whether the last tolerance changed next to nothing."""
    change = abs(before["objective"] - after["objective"])
    return bool(change <= SETTLED * abs(after["objective"]))


def answer(
    prepare: Callable[[Any, Any, dict[str, Any]], Any],
    points: Callable[[Any, dict[str, Any]], Iterator[Point]],
    follow: Callable[[Iterator[Point], dict[str, Any]], tuple[list[Any], int, int]],
) -> None:
    """Do what the command line specifies and print the answer.

    Parameters
    ----------
    prepare : callable
        Makes of X, y and the specification what `points` trains on.
    points : callable
        Yields models.
    follow : callable
        `along_epochs` or `by_tolerance`.
    """
    spec = json.loads(sys.argv[1])
    startup = time.time() - spec["started"]
    began = time.perf_counter()
    job = prepare(*rows(spec["folder"], "train"), spec)
    load = time.perf_counter() - began
    path, chosen, peak = follow(points(job, spec), spec)
    print(Answer(startup, load, peak, path, chosen).to_json())
