"""Dual ascent: no step size, and after every epoch an exact bound on the optimum."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from svmtrain.objective.compiled import CompiledRows
from svmtrain.objective.compiling import use_no_cache
from svmtrain.objective.dual import DualPoint
from svmtrain.objective.dual_form import DualRows
from svmtrain.objective.features import Features, gram, pull
from svmtrain.objective.lazy import SparseFeatures
from svmtrain.objective.linear import DataTerm, LinearObjective
from svmtrain.objective.losses import Classes, Floats
from svmtrain.objective.sparse_products import add_pulled
from svmtrain.solvers.dual_rows import RowByRow, smallest_move
from svmtrain.solvers.solver import PlainWeights

INNER_STEPS = 4
"""Moves in the Gram matrix of a block before the weights are touched."""
BLOCK = 64
"""Rows of a block."""
PASSES = 12
"""Most passes over the rows of a step that moved in the pass before, after the first; together
they take no more rows than the step has."""
LONGEST_REST = 7
"""Steps that a row is left out at most when its variables did not move."""

FLATTEST = 1e-30
"""Rows of zeros have no curvature; no variable needs a move farther than its inverse."""


class SparseBatch(Features, SparseFeatures, Protocol):
    """Sparse rows that multiply, and whose parts are known."""


Batch = NDArray[np.floating[Any]] | SparseBatch | CompiledRows
Take = Callable[[NDArray[np.intp]], tuple[Batch, Classes]]
"""From the numbers of training rows to the rows and their classes."""
Go = Callable[[NDArray[np.intp]], NDArray[np.bool_]]
"""Goes over training rows with those numbers once; returns whether each of them moved, (n,)."""


@dataclass
class DualState(PlainWeights):
    """Everything that the next step depends on, besides the data.

    Attributes
    ----------
    W, b : ndarray (n_features, n_classes), (n_classes,)
        W(a) and b(a); see `objective.dual_form`.
    a : ndarray (n_rows, n_classes)
        The dual variables of every training row.
    rest, wait : ndarray of uint8 (n_rows,)
        How many steps a row is left out when it does not move, and how many are left of them.
    bound : float
        The largest D(a) at the end of an epoch so far; 0 is that of a = 0.
    step : int
        Batches taken so far.
    """

    KIND: ClassVar[str] = "dual"
    SHAPES: ClassVar[dict[str, str]] = {
        **{"W": "W", "b": "b", "a": "rows"},
        **{"rest": "bytes", "wait": "bytes", "factors": "4"},
    }

    W: Floats
    b: Floats
    a: Floats
    rest: NDArray[np.uint8]
    wait: NDArray[np.uint8]
    bound: float = 0.0
    step: int = 0

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all of the state but `step` as arrays by name; only `factors` is a copy."""
        factors = np.array([self.bound, 0.0, 0.0, 0.0])
        resting = {"rest": self.rest, "wait": self.wait}
        return {"W": self.W, "b": self.b, "a": self.a, **resting, "factors": factors}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]], step: int) -> DualState:
        """Return the state that `arrays` was made of."""
        named = {name: arrays[name] for name in cls.SHAPES if name != "factors"}
        return cls(**named, bound=float(arrays["factors"][0]), step=step)

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
        """Take in rows X (n, n_features) and their variables (n, n_classes).

        The bound is that of the feasible variables nearest to these, all in float64, so that no
        rounding, and no variables that someone made up, can bring it above the optimum.
        """
        dual = DualRows(objective, y, a.astype(np.float64))
        if not (dual.own or dual.paired):
            dual.a[dual.rows, y] = 0
        dual.a = dual.feasible(dual.a)
        u = dual.pulls(dual.a)
        self.G += pull(X, u)
        self.g += u.sum(axis=0)
        self.worth += dual.worth()

    def point(self, objective: LinearObjective, rows: int) -> DualPoint:
        """Return the point of the dual that they are of, after so many rows: all."""
        g = self.g if objective.bias == "regularized" else np.zeros_like(self.g)
        return DualPoint(self.G / rows, g / rows, self.worth / rows)

    def close(self, state: DualState, objective: LinearObjective) -> None:
        """Give a state the weights and the bound of its variables, after all rows."""
        point = self.point(objective, len(state.a))
        state.W[:] = point.G / (-2 * objective.lam)
        state.b[:] = point.g / (-2 * objective.lam)
        state.bound = max(state.bound, point.bound(objective.lam_of_column))


@dataclass(frozen=True)
class DualAscent:
    """Maximise D(a) by blocks of rows, and so minimise P(W) = (1/n) sum_i loss_i + lam ||W||^2.

    A step goes over the rows of a batch, whose variables alone change, and then a few times over
    those that still moved. A row that did not move at all rests: it is left out of the next
    steps, one, then three, then `LONGEST_REST` at a time, for most rows end at a bound and stay.

    Rows are taken in blocks. The scores of a block change with its variables by its Gram matrix,
    so several moves are made in it before W is changed: each goes from a towards the feasible
    point nearest to a + tau (slopes of D), exactly as far as D rises, and tau is the inverse of
    the curvature along the move before. Rows that are `CompiledRows` are taken one by one
    instead, each to its exact best; see `solvers.dual_loops`. D never falls by more than rounding,
    and there is no step size to choose.

    At the end of an epoch W(a) and D(a) are computed anew, so that rounding does not add up.

    Parameters
    ----------
    rows : int
        The number of training rows.
    inner_steps : int
    kernel : str
        What makes the moves, for people.
    shards : int
        How many such ascents are made at once, each of rows of its own, from the same weights.
        So that their moves can be added up, each reckons with a curvature that many times as
        large, and moves its weights that many times as far: the caller divides.

    Notes
    -----
    Source: Hsieh et al. (2008), A dual coordinate descent method for large-scale linear SVM, and
    Shalev-Shwartz and Zhang (2013), for ascent on blocks of the dual and for leaving rows out;
    Birgin, Martinez and Raydan (2000), Nonmonotone spectral projected gradient methods, for the
    moves; Ma et al. (2015), Adding vs. averaging in distributed primal-dual optimization, for
    shards.
    """

    rows: int
    inner_steps: int = INNER_STEPS
    kernel: str = "numpy"
    shards: int = 1

    @property
    def pace(self) -> float:
        """What 2 lam is multiplied by: the rows, as few as the shards make them."""
        return self.rows / self.shards

    @property
    def rate(self) -> Callable[[int], float]:
        """The learning rate of a step: there is none, and records say 0."""
        return lambda step: 0.0

    def start(self, W: Floats, b: Floats) -> DualState:
        """Return the state before the first step: a = 0, and so weights of 0 like W and b."""
        a = np.zeros((self.rows, len(b)), dtype=W.dtype)
        resting = np.zeros((2, self.rows), dtype=np.uint8)
        return DualState(np.zeros_like(W, order="C"), np.zeros_like(b), a, *resting)

    def ascend(
        self, state: Any, objective: LinearObjective, take: Take, rows: NDArray[np.intp]
    ) -> DataTerm:
        """Make one update of a `DualState` by the training rows with those numbers.

        Returns
        -------
        DataTerm
            Of so many rows; their losses are not known, for some of them rest.
        """
        count, state.step = len(rows), state.step + 1
        waiting = state.wait[rows] > 0
        state.wait[rows] -= waiting
        rows = rows[~waiting]
        X, _ = take(rows[:1])
        if isinstance(X, CompiledRows):
            loops = RowByRow(state.W, state.b, objective, self.pace, X)
            self._passes(state, rows, count, lambda some: loops.sweep(state.a, *take(some), some))
            loops.close()
        else:
            self._passes(state, rows, count, self._by_blocks(state, objective, take))
        return DataTerm(0.0, count, 0)

    def _passes(self, state: DualState, rows: NDArray[np.intp], count: int, go: Go) -> None:
        """Go over the rows that do not rest, of so many in the step, and over those that move."""
        moved = go(rows)
        longer = np.minimum(2 * state.rest[rows] + 1, LONGEST_REST)
        state.rest[rows] = state.wait[rows] = np.where(moved, 0, longer)
        more = count
        for _ in range(PASSES):
            rows = rows[moved]
            more -= len(rows)
            if more < 0 or not len(rows):
                break
            moved = go(rows)

    def load(self, state: DualState, objective: LinearObjective, X: CompiledRows) -> None:
        """Load the compiled loops, or compile them where that was never done; nothing changes.

        What is kept on disk may be damaged, or the disk full: then nothing there is used.
        """
        try:
            self._load(state, objective, X)
        except Exception:  # numba's cache raises what its files make it raise
            use_no_cache()
            self._load(state, objective, X)

    def _load(self, state: DualState, objective: LinearObjective, X: CompiledRows) -> None:
        rows = np.zeros(0, dtype=np.intp)
        none, y = X[rows], np.zeros(0, dtype=np.int64)
        RowByRow(state.W, state.b, objective, self.pace, X).sweep(state.a, none, y, rows)
        none.times(state.W)
        none.pull(np.zeros((0, len(state.b)), state.W.dtype))

    def _by_blocks(self, state: DualState, objective: LinearObjective, take: Take) -> Go:
        """Return what goes over rows block by block."""

        def go(rows: NDArray[np.intp]) -> NDArray[np.bool_]:
            moved = [np.zeros(0, dtype=np.bool_)]
            for begin in range(0, len(rows), BLOCK):
                block = rows[begin : begin + BLOCK]
                moved.append(self._block(state, objective, *take(block), block))
            return np.concatenate(moved)

        return go

    def _block(
        self,
        state: DualState,
        objective: LinearObjective,
        X: Batch,
        y: Classes,
        rows: NDArray[np.intp],
    ) -> NDArray[np.bool_]:
        """Go over the rows X (n, n_features) with those numbers together."""
        scores = objective.scores(X, state.W, state.b)
        products = gram(X)
        if objective.bias == "regularized":
            products += 1
        dual = DualRows(objective, y, state.a[rows])
        before, pulls = dual.a, dual.pulls(dual.a)
        self._climb(dual, scores, products)
        dual.a = dual.feasible(dual.a)
        by = (pulls - dual.pulls(dual.a)) / (2 * objective.lam * self.pace)
        state.a[rows] = dual.a
        add_pull(state.W, X, by)
        if objective.bias == "regularized":
            state.b += by.sum(axis=0)
        moved: NDArray[np.bool_] = np.abs(dual.a - before).max(axis=1) > smallest_move(before)
        return moved

    def _climb(self, dual: DualRows, scores: Floats, products: Floats) -> None:
        """Move a and its scores uphill, in the Gram matrix of the rows."""
        copies = dual.objective.copies
        scale = 2 * dual.objective.lam * self.pace
        steepest = copies * float(np.trace(products)) / scale + dual.objective.rule.squared / 2
        tau = 2 / max(steepest, FLATTEST)
        for _ in range(self.inner_steps):
            slopes = dual.slopes(scores)
            d = dual.feasible(dual.a + scores.dtype.type(tau) * slopes) - dual.a
            u = dual.pulls(d)
            pulled = products @ u
            rise = dual.inner(d, slopes)
            bend = copies * float(np.vdot(u, pulled)) / scale + 2 * dual.bend(d)
            if not rise > 0:
                return
            t = min(1.0, rise / bend) if bend > rise else 1.0
            dual.a = dual.a + d.dtype.type(t) * d
            scores -= scores.dtype.type(t / scale) * pulled
            if bend > 0:
                tau = dual.inner(d, d) / bend


def add_pull(W: Floats, X: Any, by: Floats) -> None:
    """Add X^T by to W, where `by` is (n, n_classes); sparse rows cost their non-zeros."""
    if isinstance(X, np.ndarray):
        W += X.T @ by
        return
    add_pulled(W, X.Z, by)
    if X.weight is not None and X.shift is not None:
        W -= np.outer(X.shift, X.weight @ by)
