"""Weights that a step on sparse rows changes only where the rows have features.

    W = scale V + shift r^T

V (n_features, n_classes) is changed in the rows of the features that occur; the shrinking by
the L2 penalty is the factor `scale`; and centring, which moves every feature of every row by the
same vector `shift`, is one vector r (n_classes,). So a step costs the non-zeros of its rows, and
not the number of features. What needs all of W (its length, shift^T W) is kept up to date.

Source: Shalev-Shwartz, Singer, Srebro (2007), for the scale factor; Bottou (2012), Stochastic
gradient descent tricks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from svmtrain.objective.linear import DataTerm, LinearObjective
from svmtrain.objective.losses import Classes, Floats


class Compact(Protocol):
    """Sparse rows x_i = z_i - w_i shift, with only the features that occur in them."""

    @property
    def columns(self) -> NDArray[np.intp]:
        """The features that occur, ascending, (n_occurring,)."""

    @property
    def Z(self) -> Any:
        """The rows z without the other features, a scipy csr_array (n, n_occurring)."""

    @property
    def weight(self) -> Floats | None:
        """w, (n,); None when there is no shift."""

    @property
    def along(self) -> Floats | None:
        """z_i . shift, (n,); None when there is no shift."""


@dataclass(frozen=True)
class SparseTerm(DataTerm):
    """The data term of sparse rows: its gradient is dV in the rows `columns`, less shift pulled^T.

    Attributes
    ----------
    columns : ndarray of intp (n_occurring,)
    dV : ndarray (n_occurring, n_classes)
        Sum of z_i dscores_i^T.
    pulled : ndarray (n_classes,) or None
        Sum of w_i dscores_i; None when there is no shift.
    """

    columns: NDArray[np.intp] | None = None
    dV: Floats | None = None
    pulled: Floats | None = None


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
    squares : float
        ||V||^2.
    """

    V: Floats
    b: Floats
    r: Floats
    shift: Floats
    along: Floats
    scale: float = 1.0
    squares: float = 0.0

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
        self.squares = float(np.vdot(self.V, self.V))
        if self.shift.size:
            self.along[:] = self.shift @ self.V

    def dense(self) -> Floats:
        """Return W, a new array."""
        W: Floats = self.V * self.scale
        if self.shift.size:
            W += np.outer(self.shift, self.r)
        return W

    def squares_W(self) -> float:
        """Return ||W||^2, without looking at all of it."""
        total = self.scale**2 * self.squares
        if self.shift.size:
            total += 2 * self.scale * float(np.vdot(self.r, self.along))
            total += float(np.vdot(self.shift, self.shift)) * float(np.vdot(self.r, self.r))
        return total

    def scores(self, rows: Compact) -> Floats:
        """Return x W + b of some rows, (n, n_classes)."""
        scores: Floats = rows.Z @ self.V[rows.columns]
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

    def term(self, objective: LinearObjective, rows: Compact, y: Classes) -> SparseTerm:
        """Return the data term summed over some rows; see `LinearObjective.data_term`."""
        scores = self.scores(rows)
        losses, dscores = objective.losses(scores, y)
        return SparseTerm(
            *objective.counts(losses, scores, dscores, y),
            db=dscores.sum(axis=0) if objective.bias != "none" else np.zeros_like(self.b),
            columns=rows.columns,
            dV=rows.Z.T @ dscores,
            pulled=None if rows.weight is None else rows.weight @ dscores,
        )

    def change(self, columns: NDArray[np.intp], by: Floats) -> None:
        """Add `by` (n_columns, n_classes) to some rows of V; each may come once."""
        part = self.V[columns]
        before = float(np.vdot(part, part))
        part += by
        self.squares += float(np.vdot(part, part)) - before
        self.V[columns] = part
        if self.shift.size:
            self.along += self.shift[columns] @ by
