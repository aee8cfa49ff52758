"""What `predict` writes: labels, scores, probabilities, the best few, or why.

Each form is a header and a function from rows to lines; to add one, enter both in `FORMS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.data.sparse import Matrix
from svmtrain.errors import ConfigError, ModelError, printable
from svmtrain.model import LinearClassifier
from svmtrain.model.explain import explain

Row = list[Any]
NO_PROBABILITIES = (
    "has no probabilities, since it is not calibrated: svmtrain calibrate makes one that is"
)


@dataclass(frozen=True)
class Wanted:
    """What is to be written of each row.

    Attributes
    ----------
    form : str
        A name in `FORMS`.
    count : int
        How many classes for "top", how many features for "explain".
    threshold : float or None
        Rows whose label is less probable than this are rejected.
    rejected : str
        What stands for their label.
    """

    form: str = "labels"
    count: int = 1
    threshold: float | None = None
    rejected: str = "rejected"

    def check(self, model: LinearClassifier, path: str) -> None:
        """Refuse what a model cannot give.

        Raises
        ------
        ConfigError, ModelError
        """
        needs = self.threshold is not None or self.form == "proba"
        if needs and model.calibration is None:
            raise ModelError(NO_PROBABILITIES, path=path)
        if self.threshold is not None and self.rejected in map(str, model.classes):
            raise ConfigError(f"--reject-as {self.rejected} is a class of the model; take another")
        if self.form == "top" and self.count > len(model.classes):
            raise ConfigError(
                f"--top-k must be at most {len(model.classes)}, the classes of the model; "
                f"got {self.count}"
            )


@dataclass(frozen=True)
class Rows:
    """Some rows that were judged.

    Attributes
    ----------
    model : LinearClassifier
    X : matrix (n, n_features)
        As it came from the file.
    first : int
        The number of the first row, from 1, over all files.
    scores : ndarray (n, n_classes)
    probabilities : ndarray of float64 (n, n_classes) or None
    """

    model: LinearClassifier
    X: Matrix
    first: int
    scores: NDArray[Any]
    probabilities: NDArray[np.float64] | None

    def labels(self, wanted: Wanted) -> tuple[Row, int]:
        """Return the label of each row, and how many were rejected."""
        best = self.scores.argmax(axis=1)
        found: Row = [self.model.classes[k] for k in best]
        if wanted.threshold is None or self.probabilities is None:
            return found, 0
        unsure = self.probabilities[np.arange(len(best)), best] < wanted.threshold
        for row in np.flatnonzero(unsure):
            found[row] = wanted.rejected
        return found, int(unsure.sum())


def _labels(rows: Rows, labels: Row, wanted: Wanted) -> Iterator[Row]:
    return ([label] for label in labels)


def _scores(rows: Rows, labels: Row, wanted: Wanted) -> Iterator[Row]:
    values = rows.scores.tolist()
    return ([label, *row] for label, row in zip(labels, values, strict=True))


def _probabilities(rows: Rows, labels: Row, wanted: Wanted) -> Iterator[Row]:
    assert rows.probabilities is not None
    values = rows.probabilities.tolist()
    return ([label, *row] for label, row in zip(labels, values, strict=True))


def _top(rows: Rows, labels: Row, wanted: Wanted) -> Iterator[Row]:
    """Yield the likeliest classes, by probability where there is one, else by score."""
    values = rows.scores if rows.probabilities is None else rows.probabilities
    order = np.lexsort((-rows.scores, -values), axis=1)[:, : wanted.count]
    for row, places in enumerate(order):
        cells: Row = []
        for place in places:
            cells += [rows.model.classes[place], values[row, place].item()]
        yield [labels[row], *cells]


def _explanations(rows: Rows, labels: Row, wanted: Wanted) -> Iterator[Row]:
    """Yield the features that decided each row, a line a feature; see `model.explain`."""
    names = rows.model.feature_names
    for row in range(len(labels)):
        why = explain(rows.model, rows.X[row : row + 1])
        for j in why.strongest(wanted.count):
            yield [
                rows.first + row,
                rows.model.classes[why.found],
                rows.model.classes[why.other],
                printable(names[j]) if names is not None else f"feature {j + 1}",
                why.values[j].item(),
                why.gradient[j].item(),
                why.parts[j].item(),
            ]


def _of_classes(kind: str) -> Callable[[LinearClassifier, Wanted], Sequence[str]]:
    return lambda model, wanted: ["label", *(f"{kind}_{name}" for name in model.classes)]


def _of_top(model: LinearClassifier, wanted: Wanted) -> Sequence[str]:
    kind = "score" if model.calibration is None else "proba"
    ranks = range(1, wanted.count + 1)
    return ["label", *(name for rank in ranks for name in (f"class_{rank}", f"{kind}_{rank}"))]


def _of_explanations(model: LinearClassifier, wanted: Wanted) -> Sequence[str]:
    return ["row", "label", "against", "feature", "value", "gradient", "part"]


Header = Callable[[LinearClassifier, Wanted], "Sequence[str] | None"]
Lines = Callable[[Rows, Row, Wanted], Iterator[Row]]

FORMS: dict[str, tuple[Header, Lines]] = {
    "labels": (lambda model, wanted: None, _labels),
    "scores": (_of_classes("score"), _scores),
    "proba": (_of_classes("proba"), _probabilities),
    "top": (_of_top, _top),
    "explain": (_of_explanations, _explanations),
}
"""By name: the header (None: plain labels, one a line), and the lines of some rows."""
