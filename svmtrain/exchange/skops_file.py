"""A model as a file of skops: a pipeline of scikit-learn that is loaded without trusting anybody.

skops writes types by name and arrays as they are, and loads only types that it knows; those
here are all among them, so that `skops.io.load(FILE)` needs no list of trusted ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from svmtrain.errors import ConfigError
from svmtrain.exchange.parts import Exported, left_behind, parts_of
from svmtrain.exchange.python_source import one_score
from svmtrain.model import LinearClassifier


def export(classifier: LinearClassifier) -> Exported:
    """Return a model as skops writes a pipeline.

    Raises
    ------
    ConfigError
        When skops is not installed, or tables have text or gaps, which need a function.
    """
    if classifier.encoder is not None:
        raise ConfigError(
            "the model takes a table with text or gaps, which a file of skops cannot carry; "
            "name the output FILE.py"
        )
    try:
        import skops.io
    except ImportError:
        raise ConfigError(
            "a file of skops needs the extra exchange: pip install 'svmtrain[exchange]' "
            "(or name the output FILE.py)"
        ) from None
    return Exported(skops.io.dumps(pipeline(classifier)), tuple(left_behind(classifier)))


def pipeline(classifier: LinearClassifier) -> Any:
    """Return the pipeline of scikit-learn that gives the scores of a model without an encoder."""
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import Normalizer, StandardScaler
    from sklearn.svm import LinearSVC

    parts, n_features = parts_of(classifier), classifier.n_features
    steps: list[tuple[str, Any]] = []
    if parts.scaled:
        scaler = StandardScaler(with_mean=bool(parts.offset.any()))
        scaler.mean_, scaler.scale_ = parts.offset.copy(), 1 / parts.factor
        scaler.var_ = np.square(scaler.scale_)
        scaler.n_features_in_, scaler.n_samples_seen_ = n_features, 1
        steps.append(("scale", scaler))
    if parts.unit:
        norm = Normalizer()
        norm.n_features_in_ = n_features
        steps.append(("norm", norm))
    svm = LinearSVC()
    svm.coef_, svm.intercept_ = one_score(parts.W, parts.b)
    svm.classes_, svm.n_features_in_, svm.n_iter_ = np.array(classifier.classes), n_features, 1
    return Pipeline([*steps, ("svm", svm)])
