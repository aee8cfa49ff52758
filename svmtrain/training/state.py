"""The state of a training run: all that the next step, and the final model, depend on."""

from __future__ import annotations

from dataclasses import dataclass

from svmtrain.objective.losses import Floats
from svmtrain.solvers.lazy_sgd import LazyState
from svmtrain.solvers.solver import SolverState
from svmtrain.training.certificate import Certificate


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
    certificate : Certificate or None
        What the bound on the optimum is made of; None where there is none.
    """

    solver: SolverState
    best_W: Floats
    best_b: Floats
    epoch: int = 0
    position: int = 0
    online_loss: float = 0.0
    certificate: Certificate | None = None

    @classmethod
    def begin(cls, solver: SolverState, *, certified: bool = False) -> TrainingState:
        """Return the state before the first step, with a certificate where asked for."""
        W, b = solver.weights
        sparse = isinstance(solver, LazyState)
        certificate = Certificate.begin(W, b, sparse=sparse) if certified else None
        return cls(solver, W.copy(), b.copy(), certificate=certificate)

    def keep_best(self) -> None:
        """Remember the present weights as the best ones."""
        W, b = self.solver.weights
        self.best_W[:] = W
        self.best_b[:] = b
