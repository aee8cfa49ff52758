"""What the training loop asks of a solver and of its state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol

import numpy as np

from svmtrain.objective.linear import DataTerm, LinearObjective
from svmtrain.objective.losses import Floats


class SolverState(Protocol):
    """All that the next step depends on, besides the data."""

    KIND: ClassVar[str]
    SHAPES: ClassVar[dict[str, str]]
    """The shape of each of `arrays()`: that of W or b, (features,), one like b for each of
    the training rows, a byte for each, or (4,) for float64 factors; a question mark says that it
    may be empty."""

    step: int

    def arrays(self) -> dict[str, Floats]:
        """Return all of the state but `step`, by name."""

    @classmethod
    def restore(cls, arrays: Mapping[str, Floats], step: int) -> SolverState:
        """Return the state that `arrays()` was made of; ValueError when it can be none."""

    @property
    def parameters(self) -> tuple[Any, ...]:
        """What a data term is a function of: see `training.sources.RowSource.term`."""

    @property
    def weights(self) -> tuple[Floats, Floats]:
        """The W and b to judge and to predict with."""

    def finite(self) -> bool:
        """Return whether all weights are finite."""

    def squares_at_most(self) -> tuple[float, float]:
        """Return bounds on ||W||^2 and ||b||^2, cheap enough for every step."""

    def squares(self) -> tuple[float, float]:
        """Return ||W||^2 and ||b||^2 of the current weights."""


class PlainWeights:
    """What states have in common whose current weights are the arrays W and b."""

    W: Floats
    b: Floats

    @property
    def parameters(self) -> tuple[Floats, Floats]:
        """What a data term is a function of: the current weights and biases."""
        return self.W, self.b

    def finite(self) -> bool:
        """Return whether all weights are finite."""
        return bool(np.isfinite(self.W).all() and np.isfinite(self.b).all())

    def squares_at_most(self) -> tuple[float, float]:
        """Return ||W||^2 and ||b||^2 of the current weights."""
        return self.squares()

    def squares(self) -> tuple[float, float]:
        """Return ||W||^2 and ||b||^2 of the current weights."""
        return float(np.vdot(self.W, self.W)), float(np.vdot(self.b, self.b))


class Solver(Protocol):
    """An update and nothing else: no loop, no files, no clock."""

    @property
    def rate(self) -> Callable[[int], float]:
        """The learning rate of a step, counted from 0."""

    def start(self, W: Floats, b: Floats) -> Any:
        """Return the state before the first step."""

    def descend(self, state: Any, objective: LinearObjective, term: DataTerm) -> None:
        """Make one update by the data term of a mini-batch."""
