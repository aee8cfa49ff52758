"""Models from files: nothing in them is believed before it is checked."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from svmtrain import container
from svmtrain.container import Array
from svmtrain.data.columns import Encoder
from svmtrain.data.dataset import Column, Label
from svmtrain.data.scaling import ROW_NORMS, SCALINGS, Scaler
from svmtrain.errors import ModelError, VersionError, shown
from svmtrain.model.calibrated import read_calibration
from svmtrain.model.classifier import (
    ARRAYS,
    CALIBRATION_ARRAYS,
    MODEL_FORMAT,
    VERSION,
    LinearClassifier,
)
from svmtrain.objective.linear import BIASES, LinearObjective
from svmtrain.objective.losses import LOSSES
from svmtrain.strict_json import Fields

CHECKPOINT_FORMAT = "svmtrain-checkpoint"
MAX_CLASSES = 10**6


def load_model(path: str | Path) -> LinearClassifier:
    """Load a classifier from a model or from a checkpoint.

    Raises
    ------
    ModelError
        When the file is missing, damaged, forged, or of a newer version.
    """
    header, arrays = container.read(path)
    kind = check_format(header, path, (MODEL_FORMAT, CHECKPOINT_FORMAT))
    if kind == MODEL_FORMAT:
        check_names(arrays, ARRAYS | _calibration_names(header), path)
    return from_parts(Fields(header, path).section("model"), arrays)


def _calibration_names(header: Mapping[str, Any]) -> set[str]:
    """Return the arrays of a calibration that a header speaks of."""
    card = header.get("model")
    known = isinstance(card, dict) and card.get("calibration") is not None
    return CALIBRATION_ARRAYS if known else set()


def check_names(arrays: Collection[str], expected: Collection[str], path: str | Path) -> None:
    """Raise ModelError unless a file has just the arrays that it should have."""
    differing = sorted({*arrays} ^ {*expected})
    if differing:
        raise ModelError(f"unexpected or missing arrays: {shown(differing)}", path=path)


def check_format(header: Mapping[str, Any], path: str | Path, formats: Sequence[str]) -> str:
    """Return the format named in a header if it is one of `formats` and not too new."""
    fields = Fields(header, path)
    kind = fields.text("format")
    if kind not in formats:
        raise ModelError(f"is a {shown(kind)}; expected {' or '.join(formats)}", path=path)
    if fields.count("version") != VERSION:
        raise VersionError(
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
        calibration=read_calibration(card, arrays),
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
        many = f"{len(classes)} class{'' if len(classes) == 1 else 'es'}"
        bound = "at least 2" if len(classes) < 2 else f"at most {MAX_CLASSES}"
        raise ModelError(f"has {many}; expected {bound}", path=card.path)
    same_kind = all(type(label) is type(classes[0]) for label in classes)
    if not same_kind or type(classes[0]) not in (int, str):
        raise ModelError("has classes that are neither all integers nor all text", path=card.path)
    if any(isinstance(label, str) and not label.isprintable() for label in classes):
        raise ModelError("has a class with a control character in it", path=card.path)
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
