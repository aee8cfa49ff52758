"""The proven distance from the optimum: a bound that each epoch improves, for one sum a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from svmtrain.objective.dual import DualPoint, between
from svmtrain.objective.lazy import SparseTerm
from svmtrain.objective.linear import DataTerm, LinearObjective
from svmtrain.objective.losses import Floats
from svmtrain.objective.sparse_products import add_pulled

NO_BOUND_FREE = (
    "objective.bias is free, and a bound needs subgradients that add up to 0 exactly "
    "(regularized or none have one)"
)
NO_BOUND_ZERO = "objective.lambda is 0, and without a penalty no tangent bounds the objective"

MOST_POINTS = 2**53
"""Up to here a float64 holds every number of epochs."""


def why_no_bound(objective: LinearObjective) -> str | None:
    """Return why there is no bound for an objective, in words; None when there is one."""
    if objective.bias == "free":
        return NO_BOUND_FREE
    return None if objective.lam > 0 else NO_BOUND_ZERO


@dataclass
class Certificate:
    """What the bound depends on: the sums of the epoch under way, and the best point so far.

    Attributes
    ----------
    sum_W, sum_b : ndarray (n_features, n_classes), (n_classes,)
        Sums of dW and db over the rows of this epoch, in float64 for dense rows.
    sum_r : ndarray (n_classes,)
        What the shift of sparse rows takes from sum_W; see `objective.lazy`.
    best_W, best_b : ndarray
        G and g of the best point; zeros before the first epoch.
    constant, best_constant : float
        The sum of this epoch's c_i, and the best point's mean.
    points : int
        Epochs that are in the best point.
    """

    sum_W: Floats
    sum_b: Floats
    sum_r: Floats
    best_W: Floats
    best_b: Floats
    constant: float = 0.0
    best_constant: float = 0.0
    points: int = 0

    SHAPES: ClassVar[dict[str, str]] = {
        **{"sum_W": "W", "sum_b": "b", "sum_r": "b"},
        **{"best_W": "W", "best_b": "b", "factors": "4"},
    }

    @classmethod
    def begin(cls, W: Floats, b: Floats, *, sparse: bool) -> Certificate:
        """Return the certificate before the first step, for weights like W and b."""
        dtype = W.dtype if sparse else np.dtype(np.float64)
        zeros, small = np.zeros(W.shape, dtype), np.zeros(b.shape, dtype)
        return cls(zeros, small, small.copy(), zeros.copy(), small.copy())

    def arrays(self) -> dict[str, Floats]:
        """Return everything as arrays by name; only `factors` is a copy."""
        arrays = {name: getattr(self, name) for name in self.SHAPES if name != "factors"}
        arrays["factors"] = np.array([self.constant, self.best_constant, self.points, 0.0])
        return arrays

    @classmethod
    def restore(cls, arrays: Mapping[str, Floats]) -> Certificate:
        """Return the certificate that `arrays()` was made of.

        Raises
        ------
        ValueError
            When its epochs are not a number of such.
        """
        constant, best_constant, points, _ = arrays["factors"].tolist()
        if not (points.is_integer() and 0 <= points <= MOST_POINTS):
            raise ValueError(f"a certificate of {points:g} epochs")
        sums = (arrays["sum_W"], arrays["sum_b"], arrays["sum_r"])
        best = (arrays["best_W"], arrays["best_b"])
        return cls(*sums, *best, constant, best_constant, int(points))

    def add(self, objective: LinearObjective, term: DataTerm) -> None:
        """Take in the data term of a step, whose rows no other step of this epoch has."""
        self.constant += term.dual
        if objective.bias == "regularized" and term.db is not None:
            self.sum_b += term.db
        if isinstance(term, SparseTerm):
            add_pulled(self.sum_W, term.rows.Z, term.dscores)
            if term.rows.weight is not None:
                self.sum_r += term.rows.weight @ term.dscores
        elif term.dW is not None:
            self.sum_W += term.dW

    def proven(self, lam: float) -> float:
        """Return the best bound of the epochs before the one under way."""
        return DualPoint(self.best_W, self.best_b, self.best_constant).bound(lam)

    def close(self, rows: int, lam: float, shift: Floats | None) -> float:
        """End an epoch over so many rows; return the best bound so far."""
        G: Floats = self.sum_W / rows
        if shift is not None and shift.size:
            G -= np.outer(shift, self.sum_r / rows)
        point = DualPoint(G, self.sum_b / rows, self.constant / rows)
        if self.points:
            best = DualPoint(self.best_W, self.best_b, self.best_constant)
            point = between(best, point, lam)
        self.best_W[:], self.best_b[:] = point.G, point.g
        self.best_constant = point.constant
        self.points += 1
        for total in (self.sum_W, self.sum_b, self.sum_r):
            total[:] = 0
        self.constant = 0.0
        return point.bound(lam)
