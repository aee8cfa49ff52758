"""Rows from which something can be learned, though not everything, for tests of experiments."""

import numpy as np
from small_runs import CLASSES, write_config


def write_learnable(folder, solver="", count=120, noise=1.2):
    """Write `c.yaml` and its data: three classes around corners of a triangle, the same always."""
    random = np.random.default_rng(7)
    y = np.arange(count) % 3
    corners = np.array([[2.0, 0, 0], [0, 2.0, 0], [0, 0, 2.0]])
    X = corners[y] + random.normal(0, noise, (count, 3))
    lines = [
        "a,b,c,kind",
        *(f"{a},{b},{c},{CLASSES[k]}" for (a, b, c), k in zip(X, y, strict=True)),
    ]
    (folder / "train.csv").write_text("\n".join(lines) + "\n")
    return write_config(folder, solver)
