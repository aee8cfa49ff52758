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


def export(classifier: LinearClassifier) -> Exported:
    """Return a model as one JSON document; nothing of it is left out.

    Keys: `format`, `version`, `scores` (the rule in words), `W` (n_features lists of n_classes
    numbers), `b`, `offset`, `factor`, `class_weight` (or null), and `model`, the card of the model:
    classes, feature names, encoder, objective and how it was trained.
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
        "model": classifier.card(),
    }
    return Exported((json.dumps(document, allow_nan=False) + "\n").encode("ascii"))
