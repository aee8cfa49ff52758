"""svmtrain: linear SVM classifiers, trained with the proof beside the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from svmtrain.estimator import SVMClassifier as SVMClassifier

__version__ = "0.1.0"

ALGORITHM = 3
"""Changes when the steps of a run change, so that no checkpoint is continued differently."""


def __getattr__(name: str) -> object:
    """Return the estimator, which is imported (and numpy with it) when it is asked for."""
    if name == "SVMClassifier":
        from svmtrain.estimator import SVMClassifier

        return SVMClassifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
