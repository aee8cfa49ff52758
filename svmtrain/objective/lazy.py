"""Weights that a step on sparse rows changes only where the rows have features.

    W = scale V + shift r^T

V (n_features, n_classes) is changed in the rows of the features that occur; the shrinking by
the L2 penalty is the factor `scale`; and centring, which moves every feature of every row by the
same vector `shift`, is one vector r (n_classes,). So a step costs the non-zeros of its rows, and
not the number of features. What needs all of W (shift^T W, a bound on its length) is kept up to
date.

Source: Shalev-Shwartz, Singer, Srebro (2007), for the scale factor; Bottou (2012), Stochastic
gradient descent tricks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from svmtrain.objective.linear import DataTerm, LinearObjective
from svmtrain.objective.losses import Classes, Floats
from svmtrain.objective.sparse_products import add_product, add_pulled


class Compressed(Protocol):
    """A matrix of compressed sparse rows."""

    @property
    def data(self) -> NDArray[Any]:
        """The values that are stored, (n_stored,)."""

    @property
    def indices(self) -> NDArray[Any]:
        """Their columns, (n_stored,)."""

    @property
    def indptr(self) -> NDArray[Any]:
        """Where each row begins among them, (n + 1,)."""

    @property
    def shape(self) -> tuple[int, int]:
        """(n, n_features)."""


class SparseFeatures(Protocol):
    """Sparse rows x_i = z_i - w_i shift."""

    @property
    def Z(self) -> Compressed:
        """The rows z."""

    @property
    def shift(self) -> Floats | None:
        """The shift, (n_features,); None when there is none."""

    @property
    def weight(self) -> Floats | None:
        """w, (n,); None when there is no shift."""

    @property
    def along(self) -> Floats | None:
        """z_i . shift, (n,); None when there is no shift."""


@dataclass
class SparseTerm(DataTerm):
    """The data term of sparse rows: its gradient dW is X^T dscores, not written out.

    Attributes
    ----------
    rows : SparseFeatures
        X.
    dscores : ndarray (n, n_classes)
    """

    rows: SparseFeatures = field(kw_only=True)
    dscores: Floats = field(kw_only=True)


@dataclass
class LazyWeights:
    """Weights W = scale V + shift r^T and biases b, changed in place.

    Attributes
    ----------
    V : ndarray (n_features, n_classes)
    b, r : ndarray (n_classes,)
    shift : ndarray (n_features,)
        Never changed; empty when there is none.
    along : ndarray (n_classes,)
        shift^T V.
    scale : float
    bound : float
        At least ||V||.
    """

    V: Floats
    b: Floats
    r: Floats
    shift: Floats
    along: Floats
    scale: float = 1.0
    bound: float = 0.0

    @classmethod
    def of(cls, W: Floats, b: Floats, shift: Floats | None) -> LazyWeights:
        """Return W (n_features, n_classes) and b as lazy weights, copied."""
        nothing = np.zeros(0, dtype=W.dtype)
        zeros = np.zeros_like(b)
        shift = nothing if shift is None else shift.astype(W.dtype)
        weights = cls(W.copy(order="C"), b.copy(), zeros, shift, zeros.copy())
        weights.refresh()
        return weights

    def refresh(self) -> None:
        """Compute anew what is kept up to date, so that rounding does not add up."""
        self.bound = math.sqrt(float(np.vdot(self.V, self.V)))
        if self.shift.size:
            self.along[:] = self.shift @ self.V

    def dense(self) -> Floats:
        """Return W, a new array."""
        W: Floats = self.V * self.scale
        if self.shift.size:
            W += np.outer(self.shift, self.r)
        return W

    def squares_at_most(self) -> float:
        """Return a bound on ||W||^2, without looking at all of W."""
        length = abs(self.scale) * self.bound
        if self.shift.size:
            shift = float(np.vdot(self.shift, self.shift))
            length += math.sqrt(shift * float(np.vdot(self.r, self.r)))
        return length * length

    def scores(self, rows: SparseFeatures) -> Floats:
        """Return x W + b of some rows, (n, n_classes)."""
        scores = np.zeros((rows.Z.shape[0], len(self.b)), dtype=self.V.dtype)
        add_product(scores, rows.Z, self.V)
        scores *= self.scale
        if rows.weight is not None and rows.along is not None:
            scores += np.outer(rows.along, self.r)
            scores -= np.outer(rows.weight, self._along_W())
        scores += self.b
        return scores

    def _along_W(self) -> Floats:
        """Return shift^T W, (n_classes,)."""
        whole: Floats = self.scale * self.along
        whole += float(np.vdot(self.shift, self.shift)) * self.r
        return whole

    def term(self, objective: LinearObjective, rows: SparseFeatures, y: Classes) -> SparseTerm:
        """Return the data term summed over some rows; see `LinearObjective.data_term`."""
        scores = self.scores(rows)
        losses, dscores = objective.losses(scores, y)
        loss, active = float(losses.sum(dtype=np.float64)), objective.active(dscores)
        return SparseTerm(
            loss,
            len(y),
            active,
            dual=objective.tangents_at_zero(loss, active, scores, dscores),
            db=dscores.sum(axis=0) if objective.bias != "none" else np.zeros_like(self.b),
            rows=rows,
            dscores=dscores,
        )

    def add(self, rows: SparseFeatures, by: Floats) -> None:
        """Add Z^T by to V, where `by` is (n, n_classes)."""
        add_pulled(self.V, rows.Z, by)
        data = rows.Z.data
        self.bound += math.sqrt(float(np.vdot(data, data)) * float(np.vdot(by, by)))
        if rows.along is not None:
            self.along += rows.along @ by
