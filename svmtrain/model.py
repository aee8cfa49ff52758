"""The trained classifier: scores, labels, saving and loading."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain import container
from svmtrain.container import Array
from svmtrain.data.columns import Encoder
from svmtrain.data.dataset import Column, Label, Table
from svmtrain.data.density import workable
from svmtrain.data.scaling import ROW_NORMS, SCALINGS, Scaler
from svmtrain.data.sparse import Csr, Matrix
from svmtrain.errors import DataError, ModelError, shown
from svmtrain.files import write_atomic
from svmtrain.objective.features import Rows, times
from svmtrain.objective.linear import BIASES, LinearObjective
from svmtrain.objective.losses import LOSSES, Floats
from svmtrain.strict_json import Fields

MODEL_FORMAT = "svmtrain-model"
CHECKPOINT_FORMAT = "svmtrain-checkpoint"
VERSION = 1
MAX_CLASSES = 10**6
ARRAYS = {"W", "b", "scaler_offset", "scaler_factor", "class_weight"}


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

    def arrays(self) -> dict[str, Array]:
        """Return the arrays that a file stores, by name."""
        weight = self.objective.class_weight
        return {
            "W": self.W,
            "b": self.b,
            "scaler_offset": self.scaler.offset,
            "scaler_factor": self.scaler.factor,
            "class_weight": np.zeros(0) if weight is None else weight,
        }

    def card(self) -> dict[str, Any]:
        """Return everything else that a file stores, as plain values."""
        return {
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

    def to_bytes(self) -> bytes:
        """Return the model as the content of a file; equal models give equal bytes."""
        header = {"format": MODEL_FORMAT, "version": VERSION, "model": self.card()}
        return container.pack(header, self.arrays())

    def save(self, path: str | Path) -> None:
        """Write the model to a file, atomically."""
        write_atomic(path, self.to_bytes())


def load_model(path: str | Path) -> LinearClassifier:
    """Load a classifier from a model or from a checkpoint.

    Raises
    ------
    ModelError
        When the file is missing, damaged, forged, or of a newer version.
    """
    header, arrays = container.read(path)
    kind = check_format(header, path, (MODEL_FORMAT, CHECKPOINT_FORMAT))
    if kind == MODEL_FORMAT and set(arrays) != ARRAYS:
        odd = sorted({*arrays} ^ ARRAYS)
        raise ModelError(f"unexpected or missing arrays: {shown(odd)}", path=path)
    return from_parts(Fields(header, path).section("model"), arrays)


def check_format(header: Mapping[str, Any], path: str | Path, formats: Sequence[str]) -> str:
    """Return the format named in a header if it is one of `formats` and not too new."""
    fields = Fields(header, path)
    kind = fields.text("format")
    if kind not in formats:
        raise ModelError(f"is a {shown(kind)}; expected {' or '.join(formats)}", path=path)
    if fields.count("version") != VERSION:
        raise ModelError(
            f"has format version {header['version']}; this svmtrain reads version {VERSION}",
            path=path,
        )
    return kind


def from_parts(card: Fields, arrays: Mapping[str, Array]) -> LinearClassifier:
    """Build a classifier from a card and its arrays, checking that they agree.

    Arrays that are not the classifier's are left aside: a checkpoint has more of them.
    """
    missing = ARRAYS - set(arrays)
    if missing:
        raise ModelError(f"has no array {sorted(missing)[0]}", path=card.path)
    classes = _classes(card)
    _check_shapes(arrays, len(classes), card.path)
    W, offset = arrays["W"], arrays["scaler_offset"]
    weight = arrays["class_weight"]
    objective = LinearObjective(
        loss=_choice(card, "loss", LOSSES),
        delta=_positive(card, "delta"),
        lam=_positive(card, "lambda", or_zero=True),
        bias=_choice(card, "bias", BIASES),
        class_weight=weight if weight.size else None,
    )
    scale, row_norm = (
        _choice(card, "scale", SCALINGS),
        _choice(card, "row_norm", ROW_NORMS),
    )
    names = _names(card, len(W))
    target = card.header.get("target")
    if not isinstance(target, str | int | None) or isinstance(target, bool):
        raise ModelError(f"header field target is {shown(target)}", path=card.path)
    return LinearClassifier(
        W=W,
        b=arrays["b"],
        classes=classes,
        scaler=Scaler(scale, row_norm, offset, arrays["scaler_factor"]),
        objective=objective,
        feature_names=names,
        target=target,
        keep=_columns(card, "keep"),
        drop=_columns(card, "drop"),
        encoder=_encoder(card, len(W), names),
        trained=card.section("trained").header,
    )


def _names(card: Fields, n_features: int) -> tuple[str, ...] | None:
    if card.header.get("feature_names") is None:
        return None
    names = tuple(card.items("feature_names"))
    if not all(isinstance(name, str) for name in names):
        raise ModelError("has feature names that are not text", path=card.path)
    if len(names) != n_features:
        raise ModelError(f"names {len(names)} features of {n_features}", path=card.path)
    return names


def _columns(card: Fields, key: str) -> tuple[Column, ...]:
    columns = card.items(key) if key in card.header else []  # models of before there were such
    if any(type(column) not in (int, str) for column in columns):
        raise ModelError(f"header field {key} is {shown(columns)}", path=card.path)
    return tuple(columns)


def _encoder(card: Fields, n_features: int, names: tuple[str, ...] | None) -> Encoder | None:
    if card.header.get("encoder") is None:
        return None
    try:
        encoder = Encoder.from_card(card.section("encoder").header)
    except ValueError as why:
        raise ModelError(f"damaged or forged: {why}", path=card.path) from None
    if encoder.n_features != n_features:
        raise ModelError(
            f"has an encoder of {encoder.n_features} features for {n_features}", path=card.path
        )
    if encoder.feature_names != names:
        raise ModelError("names other features than its encoder makes", path=card.path)
    return encoder


def _choice(card: Fields, key: str, names: Sequence[str] | Mapping[str, Any]) -> str:
    value = card.text(key)
    if value not in names:
        raise ModelError(f"header field {key} is {shown(value)}, which is unknown", path=card.path)
    return value


def _positive(card: Fields, key: str, *, or_zero: bool = False) -> float:
    value = card.number(key)
    if not (0 < value < math.inf or (or_zero and value == 0)):
        least = "at least 0" if or_zero else "more than 0"
        raise ModelError(f"header field {key} is {value}; expected {least}", path=card.path)
    return value


def _classes(card: Fields) -> tuple[Label, ...]:
    classes = card.items("classes")
    if not 2 <= len(classes) <= MAX_CLASSES:
        raise ModelError(f"has {len(classes)} classes; expected at least 2", path=card.path)
    same_kind = all(type(label) is type(classes[0]) for label in classes)
    if not same_kind or type(classes[0]) not in (int, str):
        raise ModelError("has classes that are neither all integers nor all text", path=card.path)
    if any(not left < right for left, right in pairwise(classes)):
        raise ModelError("has classes that are repeated or not sorted", path=card.path)
    return tuple(classes)


def _check_shapes(arrays: Mapping[str, Array], n_classes: int, path: str | Path) -> None:
    W = arrays["W"]
    if W.ndim != 2 or W.shape[1] != n_classes or W.dtype.kind != "f":
        raise ModelError(f"W has shape {W.shape} for {n_classes} classes", path=path)
    expected = {
        "b": ((n_classes,), W.dtype),
        "scaler_offset": ((len(W),), np.dtype(np.float64)),
        "scaler_factor": ((len(W),), np.dtype(np.float64)),
    }
    if arrays["class_weight"].size:
        expected["class_weight"] = ((n_classes,), np.dtype(np.float64))
    for name, (shape, dtype) in expected.items():
        array = arrays[name]
        if array.shape != shape or array.dtype != dtype:
            raise ModelError(
                f"{name} has shape {array.shape} and dtype {array.dtype}; "
                f"expected {shape} and {dtype}",
                path=path,
            )
    for name in ("W", *expected):
        if not np.isfinite(arrays[name]).all():
            raise ModelError(f"{name} contains a value that is not finite", path=path)
