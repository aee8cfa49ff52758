"""SGD on sparse rows, at the cost of their non-zeros."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from svmtrain.objective.lazy import LazyWeights, SparseFeatures, SparseTerm
from svmtrain.objective.linear import DataTerm, LinearObjective
from svmtrain.objective.losses import Floats
from svmtrain.objective.sparse_products import add_pulled
from svmtrain.solvers.averaging import AVERAGING

SMALLEST = 1e-3
"""A factor below this is multiplied out: digits are lost by cancellation as it falls."""
REFRESH = 1024


@dataclass
class LazyState:
    """Everything that the next step depends on, besides the data.

    Attributes
    ----------
    now : LazyWeights
        The current weights.
    U : ndarray (n_features, n_classes)
        The averaged weights are `of_U` U + `of_V` V + shift mean_r^T; empty without averaging.
    mean_b, mean_r : ndarray (n_classes,)
        Averages of b and r; empty without averaging.
    of_U, of_V : float
    step : int
        Updates made so far.
    """

    KIND: ClassVar[str] = "lazy_sgd"
    SHAPES: ClassVar[dict[str, str]] = {
        **{"V": "W", "b": "b", "r": "b", "shift": "features?", "along": "b"},
        **{"U": "W?", "mean_b": "b?", "mean_r": "b?", "factors": "4"},
    }

    now: LazyWeights
    U: Floats
    mean_b: Floats
    mean_r: Floats
    of_U: float = 1.0
    of_V: float = 0.0
    step: int = 0

    def arrays(self) -> dict[str, Floats]:
        """Return all of the state but `step` as arrays by name; only `factors` is a copy."""
        now = self.now
        return {
            **{"V": now.V, "b": now.b, "r": now.r, "shift": now.shift, "along": now.along},
            **{"U": self.U, "mean_b": self.mean_b, "mean_r": self.mean_r},
            "factors": np.array([now.scale, now.bound, self.of_U, self.of_V]),
        }

    @classmethod
    def restore(cls, arrays: Mapping[str, Floats], step: int) -> LazyState:
        """Return the state that `arrays` was made of."""
        scale, bound, of_U, of_V = arrays["factors"].tolist()
        V, b, r, shift, along = (arrays[name] for name in ("V", "b", "r", "shift", "along"))
        now = LazyWeights(V, b, r, shift, along, scale, bound)
        means = (arrays["U"], arrays["mean_b"], arrays["mean_r"])
        return cls(now, *means, of_U, of_V, step)

    @property
    def parameters(self) -> tuple[LazyWeights]:
        """What a data term is a function of."""
        return (self.now,)

    @property
    def weights(self) -> tuple[Floats, Floats]:
        """The weights to judge and to predict with, made dense: the average where there is one."""
        now = self.now
        if not self.U.size:
            return now.dense(), now.b
        W: Floats = self.of_U * self.U
        W += self.of_V * now.V
        if now.shift.size:
            W += np.outer(now.shift, self.mean_r)
        return W, self.mean_b

    def finite(self) -> bool:
        """Return whether all weights are finite, as a bound on their squares tells."""
        return bool(np.isfinite(self.squares_at_most()).all())

    def squares_at_most(self) -> tuple[float, float]:
        """Return bounds on ||W||^2 and ||b||^2 of the current weights, without looking at W."""
        return self.now.squares_at_most(), float(np.vdot(self.now.b, self.now.b))

    def squares(self) -> tuple[float, float]:
        """Return ||W||^2 and ||b||^2 of the current weights."""
        W = self.now.dense()
        return float(np.vdot(W, W)), float(np.vdot(self.now.b, self.now.b))


@dataclass
class LazySGD:
    """Minimise P(W) as `solvers.sgd.SGD` does, on rows that are sparse; no momentum.

    The iterates are those of `SGD`, up to rounding. A step changes the rows of V whose features
    occur in the batch, a few vectors of length n_classes, and factors: the penalty's share of
    the gradient shrinks `scale`, and the average is kept as a combination of V and of a U that
    changes where V does. When a factor has become too small, it is multiplied out.

    Parameters
    ----------
    rate : callable
        The learning rate of a step, counted from 0.
    averaging : str
        "none" or a name in `AVERAGING`.
    shift : ndarray (n_features,) or None
        What every row is moved by; see `objective.lazy`.

    Notes
    -----
    Source: Xu (2011), Towards optimal one pass large scale learning with averaged SGD, for the
    average of sparse updates.
    """

    rate: Callable[[int], float]
    averaging: str = "none"
    shift: Floats | None = field(default=None, repr=False)

    def start(self, W: Floats, b: Floats) -> LazyState:
        """Return the state before the first step, with its own copies of W and b."""
        nothing = np.zeros(0, dtype=W.dtype)
        now = LazyWeights.of(W, b, self.shift)
        if self.averaging == "none":
            return LazyState(now, nothing, nothing.copy(), nothing.copy())
        return LazyState(now, W.copy(order="C"), b.copy(), now.r.copy())

    def descend(self, state: LazyState, objective: LinearObjective, term: DataTerm) -> None:
        """Make one update by the data term of a mini-batch.

        The penalty's gradient, 2 lam W, is the shrinking; it is added nowhere else.
        """
        if not isinstance(term, SparseTerm):
            raise ValueError("the data term is not one of sparse rows")
        lr, now = self.rate(state.step), state.now
        shrink = 1 - 2 * objective.lam * lr
        pace = -lr / term.count
        state.step += 1
        now.scale *= shrink
        if abs(now.scale) < SMALLEST:
            self._multiply_out(state)
        self._move_vectors(now, objective, term, shrink, pace)
        by = term.dscores * (pace / now.scale)
        now.add(term.rows, by)
        if self.averaging != "none":
            self._average(state, term.rows, by)
        if state.step % REFRESH == 0:
            now.refresh()

    def _move_vectors(
        self,
        now: LazyWeights,
        objective: LinearObjective,
        term: SparseTerm,
        shrink: float,
        pace: float,
    ) -> None:
        """Update b, and the share of W that lies along the shift."""
        if objective.bias == "regularized":
            now.b *= shrink
        if term.db is not None:
            now.b += pace * term.db
        if term.rows.weight is not None:
            now.r *= shrink
            now.r -= pace * (term.rows.weight @ term.dscores)

    def _average(self, state: LazyState, rows: SparseFeatures, by: Floats) -> None:
        """Give the newest weights their share in the average; V changed by Z^T by just now."""
        share = AVERAGING[self.averaging](state.step)
        now = state.now
        if share == 1:
            state.U[:] = 0
            state.of_U, state.of_V = 1.0, now.scale
        else:
            add_pulled(state.U, rows.Z, by * (-state.of_V / state.of_U))
            state.of_U *= 1 - share
            state.of_V = (1 - share) * state.of_V + share * now.scale
        for mean, newest in ((state.mean_b, now.b), (state.mean_r, now.r)):
            mean += share * (newest - mean)
        if state.of_U < SMALLEST:
            state.U *= state.of_U
            state.of_U = 1.0

    def _multiply_out(self, state: LazyState) -> None:
        """Make the scale 1, without a change of any weight."""
        now = state.now
        if state.U.size:
            state.U += (state.of_V / state.of_U) * now.V
            state.of_V = 0.0
        now.V *= now.scale
        now.scale = 1.0
        now.refresh()
