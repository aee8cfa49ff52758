"""Label rows with a model, in chunks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from svmtrain import interrupts
from svmtrain.data.dataset import Label
from svmtrain.data.readers import iter_tables
from svmtrain.model import LinearClassifier, load_model
from svmtrain.objective.losses import Floats
from svmtrain.operations.evaluate import find_model, located, reading, reading_from

CHUNK_ROWS = 4096


def predict_file(
    classifier: LinearClassifier, data: str, format: str = "auto"
) -> Iterator[tuple[list[Label], Floats]]:
    """Yield the labels and the scores (n, n_classes) of a file, a chunk at a time.

    Parameters
    ----------
    classifier : LinearClassifier
    data : str
        A file with or without labels, or `-` for standard input.
    format : str
        A name in `READERS`, or "auto".
    """
    options = reading(classifier, labels_required=False)
    with reading_from(data):
        before = 0
        for table in iter_tables(data, format, options, rows=CHUNK_ROWS):
            interrupts.check()
            with located(data, before):
                scores = classifier.decision_function(table.X)
            before += len(scores)
            yield [classifier.classes[index] for index in scores.argmax(axis=1)], scores


def load_classifier(model: str | Path) -> LinearClassifier:
    """Load the classifier of a model file, a checkpoint, or a run directory."""
    return load_model(find_model(model))
