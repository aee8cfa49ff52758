"""Why a row got its label: the gradient of a difference of scores with respect to the row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from svmtrain.data.scaled import dense
from svmtrain.data.sparse import Csr, Matrix
from svmtrain.model.classifier import LinearClassifier

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Explanation:
    """What decided between the label of a row and the runner-up.

    Attributes
    ----------
    found, other : int
        Places in `classes` of the label and of the class with the next best score.
    difference : float
        The score of the label less that of the other: the parts and the biases together.
    values : ndarray of float64 (n_features,)
        The row, not scaled.
    gradient : ndarray of float64 (n_features,)
        Of the difference with respect to `values`.
    parts : ndarray of float64 (n_features,)
        What each feature adds to the difference: its scaled value times the gradient with
        respect to that.
    """

    found: int
    other: int
    difference: float
    values: Array
    gradient: Array
    parts: Array

    def strongest(self, count: int) -> NDArray[np.intp]:
        """Return the features with the largest parts of either sign, largest first."""
        order = np.argsort(-np.abs(self.parts), kind="stable")[:count]
        return np.asarray(order[self.parts[order] != 0])


def explain(model: LinearClassifier, row: Matrix) -> Explanation:
    """Explain the label of one row (1, n_features), as it comes from a file.

    With z the scaled row and d the weights of the label less those of the other class, the
    difference of the scores is d . z and the biases, and its gradient with respect to z is d. The
    chain rule takes it through the scaling to the row itself: times the factor of each column
    and, where rows are brought to length 1, z = v / ||v||, through (I - z z^T) / ||v||.
    """
    z = dense(model.scaler.transform(row, np.float64))[0]
    W, b = np.asarray(model.W, np.float64), np.asarray(model.b, np.float64)
    scores = z @ W + b
    order = np.argsort(-scores, kind="stable")
    found, other = int(order[0]), int(order[1])
    values = np.asarray(row.toarray() if isinstance(row, Csr) else row, np.float64)[0]
    weights = W[:, found] - W[:, other]
    gradient = weights
    if model.scaler.row_norm == "l2":
        length = float(np.linalg.norm((values - model.scaler.offset) * model.scaler.factor))
        gradient = (weights - z * (z @ weights)) / length if length > 0 else weights
    return Explanation(
        found=found,
        other=other,
        difference=float(scores[found] - scores[other]),
        values=values,
        gradient=gradient * model.scaler.factor,
        parts=z * weights,
    )
