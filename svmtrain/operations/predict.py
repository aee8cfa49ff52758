"""Label rows with a model, in chunks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from svmtrain.data.dataset import Label
from svmtrain.model import LinearClassifier, load_model
from svmtrain.objective.losses import Floats
from svmtrain.operations.evaluate import find_model, located, reading, tables_of


def predict_file(
    classifier: LinearClassifier, data: str, format: str = "auto"
) -> Iterator[tuple[list[Label], Floats]]:
    """Yield the labels and the scores (n, n_classes) of some rows, a chunk at a time.

    Parameters
    ----------
    classifier : LinearClassifier
    data : str
        A file or folder with or without labels, a pattern, or `-` for standard input.
    format : str
        A name in `READERS`, or "auto".
    """
    options = reading(classifier, labels_required=False)
    for path, before, table in tables_of(data, format, options):
        with located(path, before):
            scores = classifier.decision_function(classifier.features(table, path, before))
        yield [classifier.classes[index] for index in scores.argmax(axis=1)], scores


def load_classifier(model: str | Path) -> LinearClassifier:
    """Load the classifier of a model file, a checkpoint, or a run directory."""
    return load_model(find_model(model))
