"""The calibration of a model from its file."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from svmtrain.calibration import CALIBRATIONS, Calibration, Curve
from svmtrain.container import Array
from svmtrain.errors import ModelError, shown
from svmtrain.strict_json import Fields


def read_calibration(card: Fields, arrays: Mapping[str, Array]) -> Calibration | None:
    """Return the calibration that a card and its arrays hold; None when there is none.

    Raises
    ------
    ModelError
        When they do not agree, or hold what no calibration holds.
    """
    if card.header.get("calibration") is None:
        return None
    fields = card.section("calibration")
    method, rows = fields.text("method"), fields.count("rows")
    if method not in CALIBRATIONS:
        raise ModelError(f"has a calibration {shown(method)}, which is unknown", path=card.path)
    curve = Curve(*(_numbers(card, arrays, name) for name in ("calibration_x", "calibration_y")))
    if len(curve.x) != len(curve.y) or (method == "sigmoid" and len(curve.x) != 1):
        raise ModelError("has a calibration of too many or too few numbers", path=card.path)
    if method == "isotonic" and not _rises(curve):
        raise ModelError("has an isotonic calibration that falls or leaves [0, 1]", path=card.path)
    return Calibration(method, curve, rows)


def _numbers(card: Fields, arrays: Mapping[str, Array], name: str) -> Array:
    array = arrays.get(name)
    if array is None or array.ndim != 1 or array.size == 0 or array.dtype != np.float64:
        raise ModelError(f"{name} is not a row of numbers of float64", path=card.path)
    if not np.isfinite(array).all():
        raise ModelError(f"{name} contains a value that is not finite", path=card.path)
    return array


def _rises(curve: Curve) -> bool:
    """Return whether corners go to the right, upwards, inside [0, 1]."""
    return bool(
        (np.diff(curve.x) > 0).all()
        and (np.diff(curve.y) >= 0).all()
        and curve.y[0] >= 0
        and curve.y[-1] <= 1
    )
