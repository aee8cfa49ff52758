"""The trained classifier and its file."""

from svmtrain.model.classifier import ARRAYS, VERSION, LinearClassifier
from svmtrain.model.loading import (
    CHECKPOINT_FORMAT,
    MAX_CLASSES,
    check_format,
    check_names,
    from_parts,
    load_model,
)

__all__ = [
    "ARRAYS",
    "CHECKPOINT_FORMAT",
    "MAX_CLASSES",
    "VERSION",
    "LinearClassifier",
    "check_format",
    "check_names",
    "from_parts",
    "load_model",
]
