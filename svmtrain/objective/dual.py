"""Lower bounds on the optimum of the objective, from the subgradients that a solver computes.

    P(W) = (1/n) sum_i loss_i(x_i W) + lam ||W||^2

Let u_i be a subgradient of loss_i at any scores s_i. A convex function lies above its tangents,
so loss_i(s) >= <u_i, s> + c_i for all s, with c_i = loss_i(s_i) - <u_i, s_i>, which is minus the
conjugate of the loss at u_i. Hence, with c the mean of the c_i and G = (1/n) sum_i x_i u_i^T,

    P(W) >= c + <G, W> + lam ||W||^2 >= c - ||G||^2 / (4 lam) = D        for every W.

The u_i may come from different weights, row by row: one epoch of any solver gives one bound. No
step size and no convergence is assumed. Every row must have its u_i, once.

For the losses here, with the margins m_j that the gradient is taken at and delta the margin:

    weston_watkins, crammer_singer,     c_i = delta (number of u_ij that are active)
    one_vs_rest
    weston_watkins_squared              c_i = sum_j (delta u_ij - u_ij^2 / 4), u_ij = 2 m_j
    crammer_singer_squared              the same, of the worst class alone
    one_vs_rest_squared                 the same, with |u_iy| for the true class

A class weight multiplies loss, u_i and c_i alike. A regularized bias is the weight of a feature
that is always 1, and its gradient a row of G. With a free bias the bound would hold only for u
whose columns add up to 0 exactly, which no run of steps gives: there is none.

Between two such points the dual is concave: see `between`.

Source: Shalev-Shwartz and Zhang (2013), Stochastic dual coordinate ascent methods, for the dual;
Crammer and Singer (2001) and Weston and Watkins (1999) for the losses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from svmtrain.objective.losses import Floats


@dataclass(frozen=True)
class DualPoint:
    """A feasible point of the dual: what its bound depends on.

    Attributes
    ----------
    G : ndarray (n_features, n_classes)
        Mean over the rows of x_i u_i^T.
    g : ndarray (n_classes,)
        Mean of u_i, the gradient of a regularized bias; empty without one.
    constant : float
        Mean of c_i.
    """

    G: Floats
    g: Floats
    constant: float

    def bound(self, lam: float) -> float:
        """Return D, at most the optimum of the objective; lam > 0."""
        squares = float(np.vdot(self.G, self.G)) + float(np.vdot(self.g, self.g))
        return self.constant - squares / (4 * lam)


def between(one: DualPoint, other: DualPoint, lam: float) -> DualPoint:
    """Return the point on the line from one to the other that has the best bound.

    D along it is at least the parabola (1 - t) c_0 + t c_1 - ||(1 - t) G_0 + t G_1||^2/(4 lam),
    0 <= t <= 1, whose top is known; the bound of the result is that of neither end or better.
    """
    step, turn = other.G - one.G, other.g - one.g
    length = float(np.vdot(step, step)) + float(np.vdot(turn, turn))
    slope = 2 * lam * (other.constant - one.constant)
    slope -= float(np.vdot(one.G, step)) + float(np.vdot(one.g, turn))
    if length == 0:
        return other if other.constant > one.constant else one
    t = min(1.0, max(0.0, slope / length))
    constant = (1 - t) * one.constant + t * other.constant
    return DualPoint(one.G + t * step, one.g + t * turn, constant)
