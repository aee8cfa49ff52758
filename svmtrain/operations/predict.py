"""Label rows with a model, in chunks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from svmtrain.model import LinearClassifier
from svmtrain.operations.evaluate import load_classifier, located, reading, tables_of
from svmtrain.operations.predictions import FORMS, Rows, Wanted

__all__ = ["Predictions", "load_classifier"]


class Predictions:
    """The lines about some rows, made a chunk at a time.

    Parameters
    ----------
    classifier : LinearClassifier
    data : str
        A file or folder with or without labels, a pattern, or `-` for standard input.
    format : str
        A name in `READERS`, or "auto".
    wanted : Wanted, optional
        Labels if not given.
    source : str
        What errors call the model.

    Attributes
    ----------
    header : sequence of str or None
        None for plain labels.
    rows, rejected : int
        How many rows there were so far, and how many of them were rejected.
    """

    def __init__(
        self,
        classifier: LinearClassifier,
        data: str,
        format: str = "auto",
        wanted: Wanted | None = None,
        source: str = "the model",
    ) -> None:
        self.classifier, self.data, self.format = classifier, data, format
        self.wanted = wanted or Wanted()
        self.wanted.check(classifier, source)
        self.header: Sequence[str] | None = FORMS[self.wanted.form][0](classifier, self.wanted)
        self.rows = self.rejected = 0

    def __iter__(self) -> Iterator[list[list[Any]]]:
        """Yield the lines of each chunk; each line is its cells."""
        model, lines = self.classifier, FORMS[self.wanted.form][1]
        options = reading(model, labels_required=False)
        for path, before, table in tables_of(self.data, self.format, options):
            with located(path, before):
                X = model.features(table, path, before)
                scores = model.decision_function(X)
            known = model.calibration
            found = Rows(
                model=model,
                X=X,
                first=self.rows + 1,
                scores=scores,
                probabilities=None if known is None else known.probabilities(scores),
            )
            labels, rejected = found.labels(self.wanted)
            self.rows += len(labels)
            self.rejected += rejected
            yield list(lines(found, labels, self.wanted))
