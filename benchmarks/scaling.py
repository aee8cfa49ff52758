"""How the time of an epoch grows with rows, features and classes: exponents on a log-log scale.

One of the three is doubled several times while the others stay; made rows, `svmtrain fit`, both
solvers. An exponent of 1 is a time that doubles with the size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import ours
from benchmarks.children import in_turn
from benchmarks.datasets import made
from benchmarks.gaps import spread

FULL = {
    "rows": (7_500, 15_000, 30_000, 60_000),
    "features": (98, 196, 392, 784),
    "classes": (5, 10, 20, 40),
}
QUICK = {"rows": (4_000, 16_000), "features": (98, 392), "classes": (5, 20)}
BASE = {"rows": 15_000, "features": 196, "classes": 10}
QUICK_BASE = {"rows": 4_000, "features": 98, "classes": 10}
EPOCHS = 5
SOLVERS: dict[str, dict[str, Any]] = {
    "sgd": {"name": "sgd", "lr": 0.1, "batch_size": 256},
    "dual": {"name": "dual"},
}


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Return the slope of the line through log seconds over log sizes, by least squares."""
    x = [math.log(size) for size in sizes]
    y = [math.log(value) for value in seconds]
    x_mean, y_mean = sum(x) / len(x), sum(y) / len(y)
    over = sum((a - x_mean) * (b - y_mean) for a, b in zip(x, y, strict=True))
    return over / sum((a - x_mean) ** 2 for a in x)


def an_epoch(work: Path, solver: str, shape: dict[str, int]) -> float:
    """Return the mean seconds of an epoch after the first, the objective over all rows included."""
    folder = work / "scaling" / "-".join(str(shape[name]) for name in BASE)
    if not folder.exists():
        folder.mkdir(parents=True)
        X, y = made(shape["rows"], shape["features"], shape["classes"])
        np.save(folder / "X.npy", X)
        np.save(folder / "y.npy", y)
    settings = {
        "data": {"train": str(folder / "X.npy"), "validation": 0},
        "preprocess": {"scale": "none"},
        "objective": {"lambda": 1e-3},
        "solver": {**SOLVERS[solver], "epochs": EPOCHS, "dtype": "float32", "gradcheck": False},
        "checkpoint": {"every": "none"},
    }
    epochs = ours.fit(settings, folder / solver).epochs
    return (epochs[-1]["seconds"] - epochs[0]["seconds"]) / (EPOCHS - 1)


def measure(
    work: Path, repeats: int, quick: bool, say: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Return sizes, spreads of seconds and the exponent for each solver and each of the three."""
    base, sizes = (QUICK_BASE, QUICK) if quick else (BASE, FULL)
    say(f"scaling: {sum(map(len, sizes.values()))} sizes x {len(SOLVERS)} solvers")
    runners = {
        f"{solver} {grows} {size}": partial(an_epoch, work, solver, {**base, grows: size})
        for solver in SOLVERS
        for grows in sizes
        for size in sizes[grows]
    }
    found = in_turn(runners, repeats, say)
    lines = []
    for solver in SOLVERS:
        for grows in sizes:
            times = [spread(found[f"{solver} {grows} {size}"]) for size in sizes[grows]]
            medians = [one["median"] for one in times if one is not None]
            lines.append(
                {
                    "solver": solver,
                    "grows": grows,
                    "base": base,
                    "sizes": list(sizes[grows]),
                    "seconds": times,
                    "exponent": exponent(sizes[grows], medians),
                }
            )
    return lines
