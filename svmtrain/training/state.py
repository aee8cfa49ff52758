"""The state of a training run: all that the next step, and the final model, depend on."""

from __future__ import annotations

from dataclasses import dataclass

from svmtrain.objective.losses import Floats
from svmtrain.solvers.solver import SolverState


@dataclass
class TrainingState:
    """Where a run stands, at the boundary between two steps.

    Attributes
    ----------
    solver : SolverState
    best_W, best_b : ndarray
        The weights of the best epoch so far; those of the start before the first.
    epoch : int
        Epochs completed and recorded.
    position : int
        Rows of the current epoch that were used; when all are, the epoch awaits its record.
    online_loss : float
        Sum, over those rows, of the loss that each had just before its own step.
    """

    solver: SolverState
    best_W: Floats
    best_b: Floats
    epoch: int = 0
    position: int = 0
    online_loss: float = 0.0

    @classmethod
    def begin(cls, solver: SolverState) -> TrainingState:
        """Return the state before the first step."""
        W, b = solver.weights
        return cls(solver, W.copy(), b.copy())

    def keep_best(self) -> None:
        """Remember the present weights as the best ones."""
        W, b = self.solver.weights
        self.best_W[:] = W
        self.best_b[:] = b
