"""torch: MultiMarginLoss (Weston-Watkins divided by the classes) and SGD, batches of 256.

The same steps as the plain loop in numpy; the weight decay is 2 lam, on the bias too.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from benchmarks.peers.base import Point, along_epochs, answer
from benchmarks.peers.numpy_loop import BATCH, schedule


def prepare(X: Any, y: Any, spec: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Return the rows as tensors, and the step sizes."""
    torch.set_num_threads(1)
    X = X.astype(np.float32, copy=False)
    return torch.from_numpy(X), torch.from_numpy(y), schedule(X, len(y), spec["epochs"])


class Trainer:
    """A linear model with its optimizer."""

    def __init__(self, features: int, classes: int, lam: float) -> None:
        self.model = torch.nn.Linear(features, classes)
        torch.nn.init.zeros_(self.model.weight)
        torch.nn.init.zeros_(self.model.bias)
        self.loss = torch.nn.MultiMarginLoss()
        self.steps = torch.optim.SGD(self.model.parameters(), lr=1.0, weight_decay=2 * lam)
        self.classes = classes

    def epoch(self, X: Any, y: Any, rates: Any) -> None:
        """Make the steps of one epoch."""
        order = torch.randperm(len(y))
        for start, rate in zip(range(0, len(y), BATCH), rates, strict=True):
            rows = order[start : start + BATCH]
            self.steps.param_groups[0]["lr"] = float(rate)
            self.steps.zero_grad()
            (self.loss(self.model(X[rows]), y[rows]) * self.classes).backward()
            self.steps.step()


def points(rows: tuple[Any, Any, Any], spec: dict[str, Any]) -> Iterator[Point]:
    """Train epoch by epoch."""
    X, y, rates = rows
    torch.manual_seed(0)
    trainer = Trainer(X.shape[1], int(y.max()) + 1, spec["lam"])
    spent = 0.0
    for number in range(spec["epochs"]):
        began = time.perf_counter()
        trainer.epoch(X, y, rates[number])
        spent += time.perf_counter() - began
        W = trainer.model.weight.detach().numpy().T.copy()
        yield Point(spent, W, trainer.model.bias.detach().numpy().copy(), f"epoch {number + 1}")


if __name__ == "__main__":
    answer(prepare, points, along_epochs)
