"""The objective of a linear classifier: a data term that adds up over rows, and a penalty.

    P(W, b) = (1/n) sum_i w_{y_i} loss(x_i W + b, y_i)
              + lam (||W||^2 + [bias regularized] ||b||^2)

There is no 1/2 in front of lam. Equivalent settings elsewhere: LIBLINEAR C = 1/(2 lam n),
scikit-learn alpha = 2 lam.

The data term returns sums and counts; the mean is taken and the penalty added once, in
`value_and_gradient`, so that chunks, stores and machines only ever add.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from svmtrain.objective.features import Rows, pull, times
from svmtrain.objective.losses import LOSSES, Classes, Floats, Loss

BIASES = ("none", "regularized", "free")


@dataclass(frozen=True)
class DataTerm:
    """Sums over some rows; two of them add up to the data term of all their rows.

    Attributes
    ----------
    loss : float
        Sum of the weighted losses.
    count : int
        Number of rows.
    active : int
        Number of hinges with a positive margin.
    correct : int
        Number of rows whose largest score (the first at a tie) is that of their class.
    dW : ndarray (n_features, n_classes) or None
    db : ndarray (n_classes,) or None
    dual : float
        Sum of what the tangents at the scores are at 0; see `objective.dual`.
    """

    loss: float
    count: int
    active: int
    correct: int
    dW: Floats | None = None
    db: Floats | None = None
    dual: float = 0.0

    def __add__(self, other: DataTerm) -> DataTerm:
        """Return the data term of both sets of rows."""
        return DataTerm(
            self.loss + other.loss,
            self.count + other.count,
            self.active + other.active,
            self.correct + other.correct,
            None if self.dW is None or other.dW is None else self.dW + other.dW,
            None if self.db is None or other.db is None else self.db + other.db,
            self.dual + other.dual,
        )


@dataclass(frozen=True)
class LinearObjective:
    """A loss, a penalty and the linear algebra between them. Holds no data and no weights.

    Parameters
    ----------
    loss : str
        A name in `LOSSES`.
    delta : float
        The margin.
    lam : float
        The L2 strength, at least 0.
    bias : str
        One of `BIASES`: no bias, one that is penalised like W, or one that is not.
    class_weight : ndarray of float64 (n_classes,), optional
        Factor on the loss of the rows of each class. The mean still divides by the plain count.
    """

    loss: str = "weston_watkins"
    delta: float = 1.0
    lam: float = 1e-3
    bias: str = "regularized"
    class_weight: NDArray[np.float64] | None = None

    @property
    def rule(self) -> Loss:
        """The entry of `LOSSES` that this objective uses."""
        return LOSSES[self.loss]

    def losses(self, scores: Floats, y: Classes) -> tuple[Floats, Floats]:
        """Return weighted losses (n,) and dscores (n, n_classes) for scores (n, n_classes)."""
        losses, dscores = self.rule.function(scores, y, self.delta)
        if self.class_weight is not None:
            weights = self.class_weight.astype(scores.dtype)[y]
            losses = losses * weights
            dscores *= weights[:, np.newaxis]
        return losses, dscores

    def data_term(
        self, X: Rows, y: Classes, W: Floats, b: Floats, *, out: Floats | None = None
    ) -> DataTerm:
        """Return loss, counts and gradient summed over the rows of X (n, n_features).

        Parameters
        ----------
        X, y, W, b : ndarray
            Shapes (n, n_features), (n,), (n_features, n_classes), (n_classes,).
        out : ndarray (n_features, n_classes), optional
            Receives dW, so that a step need not allocate it.
        """
        scores = times(X, W)
        scores += b
        losses, dscores = self.losses(scores, y)
        db = dscores.sum(axis=0) if self.bias != "none" else np.zeros_like(b)
        counts = self.counts(losses, scores, dscores, y)
        dual = self.tangents_at_zero(counts, scores, dscores)
        return DataTerm(*counts, dW=pull(X, dscores, out), db=db, dual=dual)

    def measure(self, X: Rows, y: Classes, W: Floats, b: Floats) -> DataTerm:
        """Return loss and counts summed over the rows of X, without the gradient."""
        scores = times(X, W)
        scores += b
        losses, dscores = self.losses(scores, y)
        return DataTerm(*self.counts(losses, scores, dscores, y))

    def counts(
        self, losses: Floats, scores: Floats, dscores: Floats, y: Classes
    ) -> tuple[float, int, int, int]:
        """Return the first four fields of the `DataTerm` of some rows."""
        correct = int(np.count_nonzero(scores.argmax(axis=1) == y))
        return (
            float(losses.sum(dtype=np.float64)),
            len(y),
            self.rule.active(dscores),
            correct,
        )

    def tangents_at_zero(
        self, counts: tuple[float, int, int, int], scores: Floats, dscores: Floats
    ) -> float:
        """Return the sum over some rows of loss - <dscores, scores>; see `objective.dual`.

        Plain hinges have delta for each that is active, whatever the scores are.
        """
        loss, _, active, _ = counts
        if not self.rule.squared and self.class_weight is None:
            return self.delta * active
        return loss - float(np.einsum("ij,ij->", dscores, scores, dtype=np.float64))

    def penalty(self, W: Floats, b: Floats) -> float:
        """Return lam (||W||^2 + ||b||^2 if the bias is regularized)."""
        return self.penalty_of(float(np.vdot(W, W)), float(np.vdot(b, b)))

    def penalty_of(self, squares_W: float, squares_b: float) -> float:
        """Return the penalty of weights and biases by the sums of their squares."""
        return self.lam * (squares_W + (squares_b if self.bias == "regularized" else 0.0))

    def value(self, X: Rows, y: Classes, W: Floats, b: Floats) -> float:
        """Return P(W, b) over the rows of X."""
        return self.measure(X, y, W, b).loss / len(y) + self.penalty(W, b)

    def value_and_gradient(
        self, X: Rows, y: Classes, W: Floats, b: Floats
    ) -> tuple[float, Floats, Floats]:
        """Return P(W, b) over the rows of X, and its gradients with respect to W and b."""
        term = self.data_term(X, y, W, b)
        dW, db = self.mean_gradient(term, W, b)
        return term.loss / term.count + self.penalty(W, b), dW, db

    def mean_gradient(self, term: DataTerm, W: Floats, b: Floats) -> tuple[Floats, Floats]:
        """Turn summed gradients into those of P, in place: divide by n, add the penalty's."""
        dW, db = term.dW, term.db
        if dW is None or db is None:
            raise ValueError("the data term was measured without its gradient")
        dW /= term.count
        dW += (2 * self.lam) * W
        db /= term.count
        if self.bias == "regularized":
            db += (2 * self.lam) * b
        return dW, db

    def gradient_of_input(self, X: Rows, y: Classes, W: Floats, b: Floats) -> Floats:
        """Return the gradient of P with respect to X, (n, n_features)."""
        _, dscores = self.losses(times(X, W) + b, y)
        return (dscores @ W.T) / len(y)
