"""Label rows with a model, in chunks."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from svmtrain.data.dataset import Table
from svmtrain.model import LinearClassifier
from svmtrain.operations.evaluate import load_classifier, located, reading, tables_of
from svmtrain.operations.predictions import FORMS, Row, Rows, Wanted

__all__ = ["Labelled", "Predictions", "head_of", "labelled", "load_classifier", "written"]


@dataclass(frozen=True)
class Labelled:
    """What is written of some rows.

    Attributes
    ----------
    lines : list of list
        Each line is its cells.
    rows, rejected : int
        How many rows there were, and how many of them were rejected.
    """

    lines: list[Row]
    rows: int
    rejected: int


def labelled(
    model: LinearClassifier, wanted: Wanted, tables: Iterable[tuple[str, int, Table]]
) -> Iterator[Labelled]:
    """Yield what is written of some rows, chunk by chunk; see `evaluate.tables_of`."""
    lines, seen = FORMS[wanted.form][1], 0
    for path, before, table in tables:
        with located(path, before):
            X = model.features(table, path, before)
            scores = model.decision_function(X)
        known = model.calibration
        found = Rows(
            model=model,
            X=X,
            first=seen + 1,
            scores=scores,
            probabilities=None if known is None else known.probabilities(scores),
        )
        labels, rejected = found.labels(wanted)
        seen += len(labels)
        yield Labelled(list(lines(found, labels, wanted)), len(labels), rejected)


def written(lines: Iterable[Sequence[object]], form: str) -> str:
    """Return lines of a form as they are written: CSV, or plain labels, one a line."""
    if form == "labels":
        return "".join(f"{line[0]}\n" for line in lines)
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows(lines)
    return stream.getvalue()


def head_of(model: LinearClassifier, wanted: Wanted) -> str:
    """Return the header of what is written, empty for plain labels."""
    header = FORMS[wanted.form][0](model, wanted)
    return "" if header is None else written([header], wanted.form)


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

    def __iter__(self) -> Iterator[list[Row]]:
        """Yield the lines of each chunk; each line is its cells."""
        options = reading(self.classifier, labels_required=False)
        tables = tables_of(self.data, self.format, options)
        for chunk in labelled(self.classifier, self.wanted, tables):
            self.rows += chunk.rows
            self.rejected += chunk.rejected
            yield chunk.lines

    def texts(self) -> Iterator[str]:
        """Yield what is written, piece by piece, the header first."""
        yield head_of(self.classifier, self.wanted)
        for lines in self:
            yield written(lines, self.wanted.form)
