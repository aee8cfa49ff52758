"""The trained classifier: scores, labels, saving and loading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain import container
from svmtrain.calibration import Calibration
from svmtrain.container import Array
from svmtrain.data.columns import Encoder
from svmtrain.data.dataset import Column, Label, Table
from svmtrain.data.density import workable
from svmtrain.data.scaling import Scaler
from svmtrain.data.sparse import Csr, Matrix
from svmtrain.errors import DataError, ModelError
from svmtrain.files import write_atomic
from svmtrain.objective.features import Rows, times
from svmtrain.objective.linear import LinearObjective
from svmtrain.objective.losses import Floats

MODEL_FORMAT = "svmtrain-model"
VERSION = 1
ARRAYS = {"W", "b", "scaler_offset", "scaler_factor", "class_weight"}
CALIBRATION_ARRAYS = {"calibration_x", "calibration_y"}
"""The arrays that a model has besides when it is calibrated."""


@dataclass(frozen=True)
class LinearClassifier:
    """Scores S = scaler(X) W + b; the label is that of the largest score, the first at a tie.

    Attributes
    ----------
    W : ndarray (n_features, n_classes), float64 or float32
    b : ndarray (n_classes,)
    classes : tuple of int or of str, sorted
        The label of each column of W.
    scaler : Scaler
        Applied to the features first.
    objective : LinearObjective
        What the weights were trained to minimise.
    feature_names : tuple of str or None
    target : str, int or None
        The label column of the table it was trained on.
    keep, drop : tuple of str or int
        Its columns that were features, and those that were not; see `ReadOptions`.
    encoder : Encoder or None
        What turns the columns of a table into features; None when they are features as they are.
    calibration : Calibration or None
        What turns its scores into probabilities.
    trained : mapping
        How it was trained: plain, JSON-able facts.
    """

    W: Floats
    b: Floats
    classes: tuple[Label, ...]
    scaler: Scaler
    objective: LinearObjective
    feature_names: tuple[str, ...] | None = None
    target: str | int | None = None
    keep: tuple[Column, ...] = ()
    drop: tuple[Column, ...] = ()
    encoder: Encoder | None = None
    calibration: Calibration | None = None
    trained: Mapping[str, Any] = field(default_factory=dict)

    @property
    def n_features(self) -> int:
        """The number of features that a row must have."""
        return int(self.W.shape[0])

    def features(self, table: Table, path: str, at: int | NDArray[np.intp] = 0) -> Matrix:
        """Return the features (n, n_features) of rows as a reader delivers them.

        Parameters
        ----------
        table : Table
        path : str
            What errors call the file.
        at : int or ndarray of intp (n,)
            Where in the file the first row stands, or each of them, from 0; for errors.

        Raises
        ------
        DataError
            For a gap or a text that the model cannot take.
        """
        if self.encoder is None:
            return table.X
        return self.encoder.encode(table.X, table.categories, path, at)

    def transform(self, X: Matrix) -> Rows:
        """Return rows X (n, n_features) as the weights expect them, in the dtype of W.

        Raises
        ------
        DataError
            When the number of features is another, or a value is not finite.
        """
        if len(X.shape) != 2 or X.shape[1] != self.n_features:
            raise DataError(
                f"the data have shape {X.shape}; the model expects {self.n_features} features"
            )
        if not np.isfinite(X.data if isinstance(X, Csr) else X).all():
            raise DataError("the data contain a value that is not finite")
        return self.scaler.transform(workable(X), self.W.dtype)

    def decision_function(self, X: Matrix) -> Floats:
        """Return the scores (n, n_classes) of rows X (n, n_features), as they come from a file."""
        return times(self.transform(X), self.W) + self.b

    def predict_index(self, X: Matrix) -> NDArray[np.intp]:
        """Return the index in `classes` of each row's label, (n,)."""
        return np.asarray(self.decision_function(X).argmax(axis=1))

    def predict(self, X: Matrix) -> list[Label]:
        """Return the label of each row of X (n, n_features)."""
        return [self.classes[index] for index in self.predict_index(X)]

    def predict_proba(self, X: Matrix) -> NDArray[np.float64]:
        """Return the probability of each class for rows X, (n, n_classes).

        Raises
        ------
        ModelError
            When the model is not calibrated.
        """
        if self.calibration is None:
            raise ModelError("the model is not calibrated, so it has no probabilities")
        return self.calibration.probabilities(self.decision_function(X))

    def arrays(self) -> dict[str, Array]:
        """Return the arrays that a file stores, by name."""
        weight = self.objective.class_weight
        found = {
            "W": self.W,
            "b": self.b,
            "scaler_offset": self.scaler.offset,
            "scaler_factor": self.scaler.factor,
            "class_weight": np.zeros(0) if weight is None else weight,
        }
        if self.calibration is not None:
            found["calibration_x"] = self.calibration.curve.x
            found["calibration_y"] = self.calibration.curve.y
        return found

    def card(self) -> dict[str, Any]:
        """Return everything else that a file stores, as plain values."""
        found = {
            "classes": list(self.classes),
            "feature_names": None if self.feature_names is None else list(self.feature_names),
            "target": self.target,
            "keep": list(self.keep),
            "drop": list(self.drop),
            "encoder": None if self.encoder is None else self.encoder.card(),
            "scale": self.scaler.scale,
            "row_norm": self.scaler.row_norm,
            "loss": self.objective.loss,
            "delta": self.objective.delta,
            "lambda": self.objective.lam,
            "bias": self.objective.bias,
            "trained": dict(self.trained),
        }
        if self.calibration is not None:
            found["calibration"] = {
                "method": self.calibration.method,
                "rows": self.calibration.rows,
            }
        return found

    def to_bytes(self) -> bytes:
        """Return the model as the content of a file; equal models give equal bytes."""
        header = {"format": MODEL_FORMAT, "version": VERSION, "model": self.card()}
        return container.pack(header, self.arrays())

    def save(self, path: str | Path) -> None:
        """Write the model to a file, atomically."""
        write_atomic(path, self.to_bytes())
