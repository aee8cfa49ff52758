"""How the rows of a step become an update, and those of an epoch its bound.

The loop asks a `Way` and knows neither the solver's kind nor where the rows are. A way of another
kind (rows on the workers of a cluster) is a class with the methods of `Way`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from svmtrain import interrupts
from svmtrain.errors import Interrupted
from svmtrain.objective.linear import DataTerm, LinearObjective
from svmtrain.solvers.dual import DualAscent, Settling
from svmtrain.solvers.solver import Solver
from svmtrain.training.sources import RowSource
from svmtrain.training.state import TrainingState


class Way(Protocol):
    """What makes the updates of a training."""

    def step(self, state: TrainingState, rows: NDArray[np.intp]) -> DataTerm | None:
        """Make one update by some rows; return their data term before it.

        None, and nothing is changed, when a signal came.
        """

    def settle(self, state: TrainingState) -> bool:
        """Compute anew what follows from all rows of an epoch; False when a signal came."""

    def settling(self, state: TrainingState) -> Settling | None:
        """Return what all dual variables come to, where there are some."""

    def collect(self, state: TrainingState) -> None:
        """Bring in what is held elsewhere of a state, so that it can be saved."""

    def rates(self) -> dict[str, float] | None:
        """Return the rows a second of each worker since this was last asked; None without any."""


@dataclass(frozen=True)
class Here:
    """What ways have in common whose rows are in this process: the state is whole, and no workers.

    Parameters
    ----------
    objective : LinearObjective
    rows : RowSource
        The training rows.
    """

    objective: LinearObjective
    rows: RowSource

    def collect(self, state: TrainingState) -> None:
        """Do nothing."""

    def rates(self) -> None:
        """Return that there are no workers."""


@dataclass(frozen=True)
class Descent(Here):
    """Steps by the gradient of a mini-batch."""

    solver: Solver

    def step(self, state: TrainingState, rows: NDArray[np.intp]) -> DataTerm | None:
        """Make one update by some rows; return their data term before it."""
        term = self.rows.term(self.objective, rows, *state.solver.parameters)
        if state.certificate is not None:
            state.certificate.add(self.objective, term)
        self.solver.descend(state.solver, self.objective, term)
        return term

    def settle(self, state: TrainingState) -> bool:
        """Return that nothing is to be computed anew."""
        return True

    def settling(self, state: TrainingState) -> None:
        """Return that there are no dual variables."""


@dataclass(frozen=True)
class Ascent(Here):
    """Steps along the dual variables of a batch."""

    solver: DualAscent

    def step(self, state: TrainingState, rows: NDArray[np.intp]) -> DataTerm | None:
        """Make one update by some rows, whose losses are not known."""
        solver: Any = state.solver
        return self.solver.ascend(solver, self.objective, self.rows.batch, rows)

    def settle(self, state: TrainingState) -> bool:
        """Compute weights and bound from all dual variables; False when a signal came."""
        try:
            total = self.settling(state)
        except Interrupted:
            return False
        solver: Any = state.solver
        total.close(solver, self.objective)
        return True

    def settling(self, state: TrainingState) -> Settling:
        """Return what all dual variables come to.

        Raises
        ------
        Interrupted
        """
        solver: Any = state.solver
        total = Settling.begin(solver)
        for rows in self.rows.parts():
            interrupts.check()
            total.add(self.objective, *self.rows.batch(rows), solver.a[rows])
        return total


def way_here(objective: LinearObjective, solver: Solver | DualAscent, rows: RowSource) -> Way:
    """Return how a solver makes its steps by rows in this process."""
    if isinstance(solver, DualAscent):
        return Ascent(objective, rows, solver)
    return Descent(objective, rows, solver)
