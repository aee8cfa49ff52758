"""Rows of shards as a source of sums."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from svmtrain.cluster.engine import Engine
from svmtrain.cluster.parts import dealt, even
from svmtrain.errors import Interrupted
from svmtrain.objective.linear import DataTerm, LinearObjective
from svmtrain.objective.losses import Floats


class ShardRows:
    """Rows to train on or to validate on, in shards that were told which.

    Parameters
    ----------
    engine : Engine
    which : str
        train or validation.
    counts : sequence of int
        How many rows each shard has.
    kernel : str
        What makes the moves of dual ascent over them.
    """

    def __init__(
        self, engine: Engine, which: str, counts: Sequence[int], kernel: str = "numpy"
    ) -> None:
        self.engine, self.which, self.kernel = engine, which, kernel
        self.counts = list(counts)
        self.bounds = np.concatenate([[0], np.cumsum(self.counts)]).astype(np.intp)

    @classmethod
    def to_train(cls, engine: Engine, rows: int, shards: int, kernel: str) -> ShardRows:
        """Return the source of training rows, which are in even shards."""
        return cls(engine, "train", np.diff(even(rows, shards)).tolist(), kernel)

    def __len__(self) -> int:
        return int(self.bounds[-1])

    def dealt(self, rows: NDArray[np.intp]) -> list[NDArray[np.intp]]:
        """Return some rows by shard, by their numbers there."""
        return dealt(rows, self.bounds)

    def term(
        self, objective: LinearObjective, rows: NDArray[np.intp], *parameters: Any
    ) -> DataTerm:
        """Return the data term with its gradient, summed over some rows."""
        parts = self.dealt(rows)
        each = [(part,) if len(part) else None for part in parts]
        return summed(self.engine.each("term", each, parameters, [len(part) for part in parts]))

    def measure(self, objective: LinearObjective, W: Floats, b: Floats) -> DataTerm | None:
        """Return the data term without gradient over all rows; None when a signal came."""
        each = [(self.which,) if count else None for count in self.counts]
        try:
            return summed(self.engine.each("measure", each, (W, b), self.counts))
        except Interrupted:
            return None

    def mean_square(self) -> float:
        """Return the mean squared length of a row."""
        total = sum(self.engine.each("squares", [()] * len(self.counts)))
        return float(total) / len(self)

    def batch(self, rows: NDArray[np.intp]) -> NoReturn:
        """Refuse: rows stay where they are."""
        raise RuntimeError("rows of a cluster are not brought here")

    def parts(self) -> Iterator[NDArray[np.intp]]:
        """Refuse likewise."""
        raise RuntimeError("rows of a cluster are not brought here")


def summed(terms: Sequence[DataTerm | None]) -> DataTerm:
    """Return the data term of the rows of all shards, added up in their order."""
    found = [term for term in terms if term is not None]
    total = found[0]
    for term in found[1:]:
        total = total + term
    return total
