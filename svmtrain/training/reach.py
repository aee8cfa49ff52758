"""What accuracy a training can still come to, proven by its bound on the optimum.

A dual point (see `objective.dual`) with the bound D is a parabola below the objective,

    P(W) >= c + <G, W> + lam ||W||^2 = D + lam ||W - C||^2        with C = -G / (2 lam),

so that every W whose objective is at most that of the best weights so far, P, is within the
distance r = sqrt((P - D) / lam) of C. The model of a run that keeps its best epoch by the objective
is such a W, whenever the run ends, and so is the optimum.

For a row x, with a 1 added where the bias is regularized, the difference of two scores under W is
that under C up to |x (dW_j - dW_k)| <= sqrt(2) r ||x||. A row whose class is behind by more under C
is labelled wrong by all such W, and what the others are leaves the most rows that can be right.

The idea of the sphere is that of screening: Fercoq, Gramfort and Salmon (2015), Mind the duality
gap: safer rules for the Lasso.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from svmtrain import interrupts
from svmtrain.data.scaled import SparseRows
from svmtrain.objective.compiled import CompiledRows
from svmtrain.objective.linear import LinearObjective
from svmtrain.objective.losses import Floats
from svmtrain.solvers.dual import DualState
from svmtrain.training.sources import RowSource
from svmtrain.training.state import TrainingState

ROUNDING = 1e3
"""How many roundings the objective, the bound and a score may be off by."""


def reachable(
    objective: LinearObjective, rows: RowSource, state: TrainingState, lowest: float, bound: float
) -> float | None:
    """Return the highest accuracy on some rows that weights as good as the best so far can have.

    Parameters
    ----------
    objective : LinearObjective
        With a lam above 0, and a bias that is not free.
    rows : RowSource
        Not those that are trained on.
    state : TrainingState
        At the end of an epoch.
    lowest : float
        The lowest objective of the epochs so far.
    bound : float
        The best bound on its optimum.

    Returns
    -------
    float or None
        None when a signal came.
    """
    (W, b), eps = _centre(objective, state), float(np.finfo(state.best_W.dtype).eps) * ROUNDING
    radius = math.sqrt(max(0.0, lowest - bound + eps * lowest) / objective.lam)
    length = math.sqrt(float(np.vdot(W, W)) + float(np.vdot(b, b)))
    reach, right = math.sqrt(2) * radius + eps * length, 0
    for part in rows.parts():
        if interrupts.pending():
            return None
        X, y = rows.batch(part)
        scores = objective.scores(X, W, b)
        if objective.paired:
            scores = np.hstack([-scores, scores])
        at = np.arange(len(y))
        own = scores[at, y].copy()
        scores[at, y] = -np.inf
        ahead = own - scores.max(axis=1)
        squares = _squares(X) + (objective.bias == "regularized")
        right += int(np.count_nonzero(ahead >= -reach * np.sqrt(squares)))
    return right / len(rows)


def _centre(objective: LinearObjective, state: TrainingState) -> tuple[Floats, Floats]:
    """Return the weights and biases that the bound is a distance from."""
    if isinstance(state.solver, DualState):
        return state.solver.weights
    found = state.certificate
    if found is None:
        raise ValueError("a training without a bound proves nothing")
    W, b = (-part / (2 * objective.lam) for part in (found.best_W, found.best_b))
    return W, b if objective.bias == "regularized" else np.zeros_like(b)


def _squares(X: Floats | SparseRows | CompiledRows) -> NDArray[np.float64]:
    """Return the squared length of each row, (n,)."""
    if isinstance(X, CompiledRows):
        return X.squares.astype(np.float64)
    if isinstance(X, SparseRows):
        return X.lengths()
    return np.asarray(np.einsum("ij,ij->i", X, X, dtype=np.float64))
