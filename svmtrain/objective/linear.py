"""The objective of a linear classifier: a data term that adds up over rows, and a penalty.

    P(W, b) = (1/n) sum_i w_{y_i} loss(x_i W + b, y_i)
              + lam (||W||^2 + [bias regularized] ||b||^2)

There is no 1/2 in front of lam. Equivalent settings elsewhere, for a margin of 1 and one against
rest: LIBLINEAR C = 1/(2 lam n), scikit-learn alpha = 2 lam; `svmtrain.translate` has all of them.

The data term returns sums and counts; the mean is taken and the penalty added once, in
`value_and_gradient`, so that chunks, stores and machines only ever add.

With two classes the gradient of one column of W is minus that of the other, so from weights of
zeros W = (-w, w) for ever. A `paired` objective computes with the column w alone: scores,
dscores, dW and b have that one column too, and squares of weights count twice. It is the same
function of W, and its steps are the same steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from svmtrain.objective.features import Rows, pull, times
from svmtrain.objective.losses import LOSSES, Classes, Floats, Loss
from svmtrain.objective.work import Work

BIASES = ("none", "regularized", "free")


@dataclass
class DataTerm:
    """Sums over some rows; two of them add up to the data term of all their rows.

    Not frozen, as that costs a step a microsecond; nobody changes one.

    Attributes
    ----------
    loss : float
        Sum of the weighted losses.
    count : int
        Number of rows.
    active : int
        Number of hinges with a positive margin.
    correct : int or None
        Number of rows whose largest score (the first at a tie) is that of their class; None
        where it was not counted.
    dW : ndarray (n_features, n_classes) or None
    db : ndarray (n_classes,) or None
    dual : float
        Sum of what the tangents at the scores are at 0; see `objective.dual`.
    """

    loss: float
    count: int
    active: int
    correct: int | None = None
    dW: Floats | None = None
    db: Floats | None = None
    dual: float = 0.0

    def __add__(self, other: DataTerm) -> DataTerm:
        """Return the data term of both sets of rows."""
        return DataTerm(
            self.loss + other.loss,
            self.count + other.count,
            self.active + other.active,
            None if self.correct is None or other.correct is None else self.correct + other.correct,
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
    paired : bool
        Whether the weights are one column that stands for both of two classes.
    """

    loss: str = "weston_watkins"
    delta: float = 1.0
    lam: float = 1e-3
    bias: str = "regularized"
    class_weight: NDArray[np.float64] | None = None
    paired: bool = False

    @property
    def rule(self) -> Loss:
        """The entry of `LOSSES` that this objective uses."""
        return LOSSES[self.loss]

    @property
    def worst_only(self) -> bool:
        """Whether only the worst class of a row counts."""
        return self.loss.startswith("crammer_singer")

    @property
    def copies(self) -> int:
        """How many columns of W each column of the weights stands for."""
        return 2 if self.paired else 1

    @property
    def lam_of_column(self) -> float:
        """What takes the place of lam in bounds that are made of the columns computed with."""
        return self.lam / self.copies

    def narrowed(self, n_classes: int) -> LinearObjective:
        """Return the objective to compute with: a paired one for two classes."""
        return replace(self, paired=n_classes == 2)

    def narrow(self, W: Floats, b: Floats) -> tuple[Floats, Floats]:
        """Return the columns to compute with for weights and biases of all classes."""
        if not self.paired:
            return W, b
        return (W[:, 1:] - W[:, :1]) / 2, (b[1:] - b[:1]) / 2

    def widen(self, W: Floats, b: Floats) -> tuple[Floats, Floats]:
        """Return the weights and biases of all classes for the columns computed with."""
        return (np.hstack([-W, W]), np.hstack([-b, b])) if self.paired else (W, b)

    def work(self, rows: int, like: Floats) -> Work:
        """Return arrays for the losses of so many rows, for weights or scores like those."""
        return Work(rows, like.shape[1] * self.copies, like.dtype)

    def losses(self, scores: Floats, y: Classes, work: Work | None = None) -> tuple[Floats, Floats]:
        """Return weighted losses (n,) and dscores (n, n_classes) for scores (n, n_classes).

        They are arrays of the `Work` where one is given, which must have two columns for a
        paired objective.
        """
        work = work or self.work(len(y), scores)
        if self.paired:
            np.negative(scores, out=work.scores[:, :1])
            work.scores[:, 1:] = scores
            scores = work.scores
        losses, dscores = self.rule.function(scores, y, self.delta, work)
        if self.class_weight is not None:
            weights = self.class_weight.astype(scores.dtype)
            weights = weights.take(y, out=work.weights, mode="clip")
            losses *= weights
            dscores *= weights[:, np.newaxis]
        if not self.paired:
            return losses, dscores
        work.slope[:] = dscores[:, 1:]
        return losses, work.slope

    def scores(self, X: Rows, W: Floats, b: Floats, work: Work | None = None) -> Floats:
        """Return X W + b, (n, n_classes), an array of the `Work` where one is given."""
        out = None
        if work is not None:
            out = work.score if self.paired else work.scores
        scores = times(X, W, out)
        scores += b
        return scores

    def data_term(
        self,
        X: Rows,
        y: Classes,
        W: Floats,
        b: Floats,
        *,
        out: Floats | None = None,
        work: Work | None = None,
    ) -> DataTerm:
        """Return loss, active hinges and gradient summed over the rows of X (n, n_features).

        Parameters
        ----------
        X, y, W, b : ndarray
            Shapes (n, n_features), (n,), (n_features, n_classes), (n_classes,).
        out : ndarray (n_features, n_classes), optional
            Receives dW, so that a step need not allocate it.
        work : Work, optional
            For n rows and all classes, likewise.
        """
        work = work or self.work(len(y), W)
        scores = self.scores(X, W, b, work)
        losses, dscores = self.losses(scores, y, work)
        db = work.column_sums(dscores) if self.bias != "none" else np.zeros_like(b)
        loss = float(np.add.reduce(losses, dtype=np.float64))
        active = self.active(dscores, work)
        dual = self.tangents_at_zero(loss, active, scores, dscores, work.products(dscores))
        return DataTerm(loss, len(y), active, dW=pull(X, dscores, out), db=db, dual=dual)

    def measure(
        self, X: Rows, y: Classes, W: Floats, b: Floats, work: Work | None = None
    ) -> DataTerm:
        """Return loss and counts summed over the rows of X, without the gradient."""
        scores = self.scores(X, W, b, work)
        losses, dscores = self.losses(scores, y, work)
        return DataTerm(*self.counts(losses, scores, dscores, y, work))

    def active(self, dscores: Floats, work: Work | None = None) -> int:
        """Count the hinges with a positive margin behind `dscores`."""
        if self.paired:  # the slopes of both classes, if both have hinges, are opposite
            return int(np.count_nonzero(dscores)) * (2 if self.rule.own_term else 1)
        return self.rule.active(dscores, work)

    def counts(
        self,
        losses: Floats,
        scores: Floats,
        dscores: Floats,
        y: Classes,
        work: Work | None = None,
    ) -> tuple[float, int, int, int]:
        """Return the first four fields of the `DataTerm` of some rows."""
        chosen = scores[:, 0] > 0 if self.paired else scores.argmax(axis=1)
        return (
            float(losses.sum(dtype=np.float64)),
            len(y),
            self.active(dscores, work),
            int(np.count_nonzero(chosen == y)),
        )

    def tangents_at_zero(
        self,
        loss: float,
        active: int,
        scores: Floats,
        dscores: Floats,
        scratch: Floats | None = None,
    ) -> float:
        """Return the sum over some rows of loss - <dscores, scores>; see `objective.dual`.

        Plain hinges have delta for each that is active, whatever the scores are.
        """
        if not self.rule.squared and self.class_weight is None:
            return self.delta * active
        products = np.multiply(dscores, scores, out=scratch)
        return loss - self.copies * float(products.sum(dtype=np.float64))

    def penalty(self, W: Floats, b: Floats) -> float:
        """Return lam (||W||^2 + ||b||^2 if the bias is regularized)."""
        return self.penalty_of(float(np.vdot(W, W)), float(np.vdot(b, b)))

    def penalty_of(self, squares_W: float, squares_b: float) -> float:
        """Return the penalty of weights and biases by the sums of the squares of their columns."""
        squares = squares_W + (squares_b if self.bias == "regularized" else 0.0)
        return self.lam * self.copies * squares

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

    def mean_gradient(
        self, term: DataTerm, W: Floats, b: Floats, scratch: Floats | None = None
    ) -> tuple[Floats, Floats]:
        """Turn summed gradients into those of P, in place: divide by n, add the penalty's.

        Scratch space like W may be given, so that a step need not allocate it.
        """
        dW, db = term.dW, term.db
        if dW is None or db is None:
            raise ValueError("the data term was measured without its gradient")
        dW /= term.count
        dW += np.multiply(W, 2 * self.lam, out=scratch)
        db /= term.count
        if self.bias == "regularized":
            db += (2 * self.lam) * b
        return dW, db

    def gradient_of_input(self, X: Rows, y: Classes, W: Floats, b: Floats) -> Floats:
        """Return the gradient of P with respect to X, (n, n_features)."""
        _, dscores = self.losses(times(X, W) + b, y)
        return (dscores @ W.T) / len(y)
