"""The dual of each loss: what a row's variables may be, what they are worth, how they pull.

Row i has variables a_i (n_classes,), one for each hinge, and c_i is its class weight. With
u_i = c_i (signs of the hinges) a_i, the row of dscores that the subgradients a_i would give,

    W(a) = -(1/(2 lam n)) sum_i x_i u_i^T
    D(a) = (1/n) sum_i c_i (delta sum_j a_ij - q(a_i)) - lam ||W(a)||^2  <=  P(W)  for all W

    weston_watkins              0 <= a_ij <= 1                        q = 0
    one_vs_rest                 0 <= a_ij <= 1, the true class too    q = 0
    crammer_singer              0 <= a_ij, sum_j a_ij <= 1            q = 0
    weston_watkins_squared      0 <= a_ij                             q = sum_j a_ij^2 / 4
    one_vs_rest_squared         0 <= a_ij, the true class too         q = sum_j a_ij^2 / 4
    crammer_singer_squared      0 <= a_ij                             q = (sum_j a_ij)^2 / 4

The derivative of n D / c_i with respect to a_ij is the margin m_ij at W(a), less that of q.
Losses without `own_term` have a_iy = 0.

With two classes and one column w (see `objective.linear`), a row has the one variable of its one
hinge, or of its two that are equal. With t_i = 1 for the second class and -1 for the first,
u_i = -t_i c_i a_i and w = -(1/(2 lam n)) sum_i x_i u_i; what a row is worth counts k times, for k
hinges, and ||w||^2 twice.

To add a loss, enter what its variables may be in `FEASIBLE`.

Source: as for `objective.dual`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from svmtrain.objective.linear import LinearObjective
from svmtrain.objective.losses import Classes, Floats


def box(a: Floats) -> Floats:
    """Return the nearest a with 0 <= a_ij <= 1."""
    clipped: Floats = np.clip(a, 0, 1)
    return clipped


def positive(a: Floats) -> Floats:
    """Return the nearest a with 0 <= a_ij."""
    clipped: Floats = np.maximum(a, 0)
    return clipped


def simplex(a: Floats) -> Floats:
    """Return the nearest a with 0 <= a_ij and sum_j a_ij <= 1.

    Where the sum would be more than 1, the same number is taken from all of a row, found from
    the row in descending order. It is sought below the largest, so that no digits are lost in
    rows of large numbers.

    Source: Held, Wolfe and Crowder (1974), Validation of subgradient optimization.
    """
    near: Floats = np.maximum(a, 0)
    over = np.flatnonzero(near.sum(axis=1) > 1)
    if not len(over):
        return near
    below = a[over] - a[over].max(axis=1, keepdims=True)
    falling = -np.sort(-below, axis=1)
    excess = (falling.cumsum(axis=1) - 1) / np.arange(1, a.shape[1] + 1, dtype=a.dtype)
    kept = np.count_nonzero(falling > excess, axis=1)
    level = excess[np.arange(len(over)), kept - 1]
    near[over] = np.maximum(below - level[:, np.newaxis], 0)
    return near


FEASIBLE: dict[str, Callable[[Floats], Floats]] = {
    "weston_watkins": box,
    "weston_watkins_squared": positive,
    "crammer_singer": simplex,
    "crammer_singer_squared": positive,
    "one_vs_rest": box,
    "one_vs_rest_squared": positive,
}
"""From any a (n, n_classes) to the nearest one that is feasible, a new array, by loss."""


@dataclass
class DualRows:
    """The dual of some rows: their variables, and the formulas that depend on the loss.

    Parameters
    ----------
    objective : LinearObjective
    y : ndarray of int64 (n,)
    a : ndarray (n, n_classes)
        Feasible; `D` and its slope are those at a. One column for a paired objective.
    """

    objective: LinearObjective
    y: Classes
    a: Floats

    def __post_init__(self) -> None:
        weight = self.objective.class_weight
        self.rows = np.arange(len(self.y))
        self.weight: Floats | None = None
        if weight is not None:
            self.weight = weight[self.y].astype(self.a.dtype)[:, np.newaxis]
        self.own = self.objective.rule.own_term
        self.shared = self.objective.worst_only
        self.paired, self.hinges = self.objective.paired, 1
        if self.paired:
            self.hinges = 2 if self.own else 1
            self.sides = (2 * self.y - 1).astype(self.a.dtype)[:, np.newaxis]

    def pulls(self, a: Floats) -> Floats:
        """Return u (n, n_classes), linear in a."""
        u = self._weighted(a)
        if self.paired:
            u *= -self.sides
        elif self.own:
            u[self.rows, self.y] *= -1
        else:
            u[self.rows, self.y] = -u.sum(axis=1)
        return u

    def slopes(self, scores: Floats) -> Floats:
        """Return the derivatives of n D / c_i with respect to a, where X W(a) + b are scores."""
        delta = scores.dtype.type(self.objective.delta)
        if self.paired:
            m = self.hinges * delta - 2 * self.sides * scores
            if self.objective.rule.squared:
                m -= self.hinges * self._tied(self.a) / 2
            return m
        true = scores[self.rows, self.y]
        if self.own:
            m = scores + delta
            m[self.rows, self.y] = delta - true
        else:
            m = scores + (delta - true)[:, np.newaxis]
        if self.objective.rule.squared:
            m -= self._tied(self.a) / 2
        if not self.own:
            m[self.rows, self.y] = 0
        return m

    def bend(self, d: Floats) -> float:
        """Return sum_i c_i q(d_i), as often as a variable has hinges."""
        if not self.objective.rule.squared:
            return 0.0
        return self.hinges * self.inner(d, self._tied(d)) / 4

    def worth(self) -> float:
        """Return sum_i c_i (delta sum_j a_ij - q(a_i)) likewise, in float64."""
        weighted = self._weighted(self.a)
        whole = self.objective.delta * float(weighted.sum(dtype=np.float64))
        if self.objective.rule.squared:
            tied = self._tied(self.a)
            whole -= float(np.einsum("ij,ij->", weighted, tied, dtype=np.float64)) / 4
        return self.hinges * whole

    def inner(self, d: Floats, m: Floats) -> float:
        """Return sum_i c_i <d_i, m_i>."""
        return float(np.vdot(self._weighted(d), m))

    def feasible(self, a: Floats) -> Floats:
        """Return the feasible variables that are nearest to a."""
        return FEASIBLE[self.objective.loss](a)

    def _weighted(self, a: Floats) -> Floats:
        """Return c_i a_i, (n, n_classes), a new array."""
        return a.copy() if self.weight is None else self.weight * a

    def _tied(self, a: Floats) -> Floats:
        """Return twice the derivative of q at a."""
        if not self.shared:
            return a
        return np.repeat(a.sum(axis=1, keepdims=True), a.shape[1], axis=1)
