"""A model as JSON: every number and every fact of it, for programs that read nothing else."""

from __future__ import annotations

import json

from svmtrain.exchange.parts import Exported, parts_of
from svmtrain.model import LinearClassifier

FORMAT = "svmtrain-json"
VERSION = 1

SCORES = "z = (x - offset) * factor"
UNIT = "; z = z / |z| unless |z| is 0"
REST = "; scores = z W + b; the label is that of the largest score, the first at a tie"


CURVES = {
    "sigmoid": "p(m) = 1 / (1 + exp(-(x m + y)))",
    "isotonic": "p(m) goes straight from corner (x, y) to corner, and is constant beyond",
}
MARGINS = (
    "; m of a class is its score less the best of the others; its probability is p(m) over the sum "
    "of all, of two classes p(m) for the second and the rest for the first"
)


def export(classifier: LinearClassifier) -> Exported:
    """Return a model as one JSON document; nothing of it is left out.

    Keys: `format`, `version`, `scores` (the rule in words), `W` (n_features lists of n_classes
    numbers), `b`, `offset`, `factor`, `class_weight` (or null), `calibration` (or null), which has
    the `x` and `y` of its curve and says how they make `probabilities`, and `model`, the card of
    the model: classes, feature names, encoder, objective and how it was trained.
    """
    parts = parts_of(classifier)
    weight = classifier.objective.class_weight
    document = {
        "format": FORMAT,
        "version": VERSION,
        "scores": f"{SCORES}{UNIT if parts.unit else ''}{REST}",
        "W": parts.W.tolist(),
        "b": parts.b.tolist(),
        "offset": parts.offset.tolist(),
        "factor": parts.factor.tolist(),
        "class_weight": None if weight is None else weight.tolist(),
        "calibration": _calibration(classifier),
        "model": classifier.card(),
    }
    return Exported((json.dumps(document, allow_nan=False) + "\n").encode("ascii"))


def _calibration(classifier: LinearClassifier) -> dict[str, object] | None:
    """Return the calibration of a model as plain values."""
    calibration = classifier.calibration
    if calibration is None:
        return None
    x, y = calibration.curve.x.tolist(), calibration.curve.y.tolist()
    rule = probability_rule(calibration.method)
    return {"method": calibration.method, "x": x, "y": y, "probabilities": rule}


def probability_rule(method: str) -> str:
    """Return in words how a calibration makes probabilities of scores."""
    return CURVES[method] + MARGINS
