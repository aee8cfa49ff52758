"""Dual ascent: no step size, and after every epoch an exact bound on the optimum."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from svmtrain.objective.dual import DualPoint
from svmtrain.objective.dual_form import DualRows
from svmtrain.objective.features import Features, gram, pull, times
from svmtrain.objective.lazy import SparseFeatures
from svmtrain.objective.linear import DataTerm, LinearObjective
from svmtrain.objective.losses import Classes, Floats
from svmtrain.objective.sparse_products import add_pulled
from svmtrain.solvers.dual_fast import Sweep
from svmtrain.solvers.solver import PlainWeights

INNER_STEPS = 4
"""Steps in the Gram matrix of a batch before the weights are touched."""

FLATTEST = 1e-30
"""Rows of zeros have no curvature; no variable needs a move farther than its inverse."""


class SparseBatch(Features, SparseFeatures, Protocol):
    """Sparse rows that multiply, and whose parts are known."""


Batch = NDArray[np.floating[Any]] | SparseBatch


@dataclass
class DualState(PlainWeights):
    """Everything that the next step depends on, besides the data.

    Attributes
    ----------
    W, b : ndarray (n_features, n_classes), (n_classes,)
        W(a) and b(a); see `objective.dual_form`.
    a : ndarray (n_rows, n_classes)
        The dual variables of every training row.
    bound : float
        The largest D(a) at the end of an epoch so far; 0 is that of a = 0.
    step : int
        Batches taken so far.
    """

    KIND: ClassVar[str] = "dual"
    SHAPES: ClassVar[dict[str, str]] = {"W": "W", "b": "b", "a": "rows", "factors": "4"}

    W: Floats
    b: Floats
    a: Floats
    bound: float = 0.0
    step: int = 0

    def arrays(self) -> dict[str, Floats]:
        """Return all of the state but `step` as arrays by name; only `factors` is a copy."""
        factors = np.array([self.bound, 0.0, 0.0, 0.0])
        return {"W": self.W, "b": self.b, "a": self.a, "factors": factors}

    @classmethod
    def restore(cls, arrays: Mapping[str, Floats], step: int) -> DualState:
        """Return the state that `arrays` was made of."""
        bound = float(arrays["factors"][0])
        return cls(arrays["W"], arrays["b"], arrays["a"], bound, step)

    @property
    def weights(self) -> tuple[Floats, Floats]:
        """The weights to judge and to predict with."""
        return self.W, self.b


@dataclass
class Settling:
    """Sums over the rows, in float64, that W(a), b(a) and D(a) are made of.

    Attributes
    ----------
    G : ndarray (n_features, n_classes)
        Sum of x_i u_i^T.
    g : ndarray (n_classes,)
        Sum of u_i.
    worth : float
        Sum of what the rows add to n D(a), besides the penalty.
    """

    G: Floats
    g: Floats
    worth: float = 0.0

    @classmethod
    def begin(cls, state: DualState) -> Settling:
        """Return the sums over no rows."""
        return cls(np.zeros(state.W.shape), np.zeros(state.b.shape))

    def add(self, objective: LinearObjective, X: Batch, y: Classes, a: Floats) -> None:
        """Take in rows X (n, n_features) and their variables (n, n_classes)."""
        dual = DualRows(objective, y, a)
        u = dual.pulls(a)
        self.G += pull(X, u)
        self.g += u.sum(axis=0, dtype=np.float64)
        self.worth += dual.worth()

    def close(self, state: DualState, objective: LinearObjective) -> None:
        """Give a state the weights and the bound of its variables, after all rows."""
        rows = len(state.a)
        g = self.g if objective.bias == "regularized" else np.zeros_like(self.g)
        point = DualPoint(self.G / rows, g / rows, self.worth / rows)
        state.W[:] = point.G / (-2 * objective.lam)
        state.b[:] = point.g / (-2 * objective.lam)
        state.bound = max(state.bound, point.bound(objective.lam))


@dataclass(frozen=True)
class DualAscent:
    """Maximise D(a) by blocks of rows, and so minimise P(W) = (1/n) sum_i loss_i + lam ||W||^2.

    A step takes the rows of a batch, whose variables alone change. Their scores change with
    their variables by the Gram matrix of the batch, so several moves are made in it: each goes
    from a towards the feasible point nearest to a + tau (slopes of D), exactly as far as D
    rises. W is changed once a step. D never falls, and there is no step size to choose:
    tau is the inverse of the curvature along the move before.

    At the end of an epoch W(a) and D(a) are computed anew, so that rounding does not add up.

    Parameters
    ----------
    rows : int
        The number of training rows.
    inner_steps : int
    sweep : callable, optional
        `dual_fast.sweep`, compiled: exact steps along one variable after the other take the
        place of the moves, where the variables of a row do not bound one another.
    kernel : str
        What makes the steps within a batch, for people.

    Notes
    -----
    Source: Hsieh et al. (2008), A dual coordinate descent method for large-scale linear SVM, and
    Shalev-Shwartz and Zhang (2013), for ascent on blocks of the dual; Birgin, Martinez and
    Raydan (2000), Nonmonotone spectral projected gradient methods, for the moves.
    """

    rows: int
    inner_steps: int = INNER_STEPS
    sweep: Sweep | None = None
    kernel: str = "numpy"

    @property
    def rate(self) -> Callable[[int], float]:
        """The learning rate of a step: there is none, and records say 0."""
        return lambda step: 0.0

    def start(self, W: Floats, b: Floats) -> DualState:
        """Return the state before the first step: a = 0, and so weights of 0 like W and b."""
        a = np.zeros((self.rows, len(b)), dtype=W.dtype)
        return DualState(np.zeros_like(W, order="C"), np.zeros_like(b), a)

    def ascend(
        self,
        state: Any,
        objective: LinearObjective,
        X: Batch,
        y: Classes,
        rows: NDArray[np.intp],
    ) -> DataTerm:
        """Make one update of a `DualState` by the rows X (n, n_features) with those numbers.

        Returns
        -------
        DataTerm
            That of the rows at the weights before the update, without its gradient.
        """
        scores = times(X, state.W)
        scores += state.b
        losses, dscores = objective.losses(scores, y)
        term = DataTerm(*objective.counts(losses, scores, dscores, y))
        products = gram(X)
        if objective.bias == "regularized":
            products += 1
        dual = DualRows(objective, y, state.a[rows])
        before = dual.pulls(dual.a)
        if self.sweep is None or dual.shared:
            self._climb(dual, scores, products)
        else:
            self._sweep(self.sweep, dual, scores, products)
        dual.a = dual.feasible(dual.a)
        by = (before - dual.pulls(dual.a)) / (2 * objective.lam * self.rows)
        state.a[rows] = dual.a
        add_pull(state.W, X, by)
        if objective.bias == "regularized":
            state.b += by.sum(axis=0)
        state.step += 1
        return term

    def _climb(self, dual: DualRows, scores: Floats, products: Floats) -> None:
        """Move a and its scores uphill, in the Gram matrix of the rows."""
        scale = 2 * dual.objective.lam * self.rows
        steepest = float(np.trace(products)) / scale + dual.objective.rule.squared / 2
        tau = 2 / max(steepest, FLATTEST)
        for _ in range(self.inner_steps):
            slopes = dual.slopes(scores)
            d = dual.feasible(dual.a + scores.dtype.type(tau) * slopes) - dual.a
            u = dual.pulls(d)
            pulled = products @ u
            rise = dual.inner(d, slopes)
            bend = float(np.vdot(u, pulled)) / scale + 2 * dual.bend(d)
            if not rise > 0:
                return
            t = min(1.0, rise / bend) if bend > rise else 1.0
            dual.a += d.dtype.type(t) * d
            scores -= scores.dtype.type(t / scale) * pulled
            if bend > 0:
                tau = dual.inner(d, d) / bend

    def _sweep(self, sweep: Sweep, dual: DualRows, scores: Floats, products: Floats) -> None:
        """Move a and its scores uphill, one variable after the other."""
        objective, n = dual.objective, len(dual.y)
        weight = np.ones(n, dual.a.dtype) if dual.weight is None else dual.weight[:, 0].copy()
        kind = (objective.rule.own_term, objective.rule.squared)
        factors = (objective.delta, 2 * objective.lam * self.rows)
        a, products = np.ascontiguousarray(dual.a), np.ascontiguousarray(products)
        sweep(a, np.ascontiguousarray(scores), products, dual.y, weight, *factors, *kind)
        dual.a = a


def add_pull(W: Floats, X: Batch, by: Floats) -> None:
    """Add X^T by to W, where `by` is (n, n_classes); sparse rows cost their non-zeros."""
    if isinstance(X, np.ndarray):
        W += X.T @ by
        return
    add_pulled(W, X.Z, by)
    if X.weight is not None and X.shift is not None:
        W -= np.outer(X.shift, X.weight @ by)
