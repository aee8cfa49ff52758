"""Ascent of the dual by `CompiledRows`, one row after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.objective.compiled import CompiledRows
from svmtrain.objective.compiling import widened
from svmtrain.objective.linear import LinearObjective
from svmtrain.objective.losses import Classes, Floats


def smallest_move(array: Floats) -> float:
    """Return how far a variable of an array must go to have moved: well above rounding."""
    return float(np.finfo(array.dtype).eps ** 0.75)


class RowByRow:
    """The weights as the compiled loops want them, for as long as a step takes.

    W is V + shift r^T; what is changed is V, with columns of zeros up to a whole group of lanes,
    and r. See `objective.lazy` and `solvers.dual_loops`.

    Parameters
    ----------
    W, b : ndarray (n_features, n_classes), (n_classes,)
        Changed by `close`.
    objective : LinearObjective
    rows : float
        The number of training rows; see `DualAscent.pace`.
    X : CompiledRows
        Any of the rows.
    """

    def __init__(
        self, W: Floats, b: Floats, objective: LinearObjective, rows: float, X: CompiledRows
    ) -> None:
        from svmtrain.solvers import dual_loops

        self._loop = dual_loops.sweep
        self._W, self._b, self._shift = W, b, X.shift
        self._wide = widened(W, W.dtype)
        self._biases = np.zeros(self._wide.shape[1])
        self._biases[: len(b)] = b
        self._turn, shift = np.zeros_like(self._biases), X.shift.astype(np.float64)
        self._along, length = self._turn, 0.0
        if len(shift):
            self._along, length = shift @ self._wide, float(np.vdot(shift, shift))
        self._moving = (X.squares, X.weight, X.along, length, self._along, self._turn)
        rule = objective.rule
        self._rule = (rule.own_term, rule.squared, objective.worst_only)
        bias, scale = float(objective.bias == "regularized"), 2 * objective.lam * rows
        self._problem = (float(objective.delta), scale, bias, objective.paired, smallest_move(W))
        self._class_weight = objective.class_weight

    def sweep(self, a: Floats, X: Any, y: Classes, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Set the variables a (any, n_classes) of rows with those numbers, one after the other.

        Parameters
        ----------
        a : ndarray (any, n_columns)
        X : CompiledRows (n, n_features)
        y : ndarray of int64 (n,)
        rows : ndarray of intp (n,)

        Returns
        -------
        ndarray of bool (n,)
            Whether each of the rows X moved.
        """
        weight = np.ones(len(y)) if self._class_weight is None else self._class_weight[y]
        moved = np.zeros(len(y), dtype=np.bool_)
        weights = (self._wide, self._biases)
        self._loop(
            X.parts, self._moving, a, rows, y, weight, weights, self._rule, self._problem, moved
        )
        return moved

    def close(self) -> None:
        """Give the weights back."""
        columns = len(self._b)
        self._W[:], self._b[:] = self._wide[:, :columns], self._biases[:columns]
        if len(self._shift):
            self._W += np.outer(self._shift, self._turn[:columns])
