"""The rows of a run as its model sees them: scores, margins, and the rows worth a look."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from svmtrain import interrupts
from svmtrain.data.dataset import Dataset, Label
from svmtrain.data.sparse import Csr
from svmtrain.metrics.classification import Report, confusion_matrix
from svmtrain.metrics.margins import doubts, margins
from svmtrain.metrics.paired import wilson
from svmtrain.model import LinearClassifier

BLOCK_ROWS = 4096
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Judged:
    """The rows of a split, judged by a model.

    Attributes
    ----------
    split : str
        One of `SPLITS`.
    rows : Dataset
        Not scaled.
    scores : ndarray of float64 (n, n_classes)
    losses : ndarray of float64 (n,)
        Of each row, as the objective counts them.
    """

    split: str
    rows: Dataset
    scores: NDArray[np.float64]
    losses: NDArray[np.float64]

    @property
    def report(self) -> Report:
        """The figures of the labels."""
        found = self.scores.argmax(axis=1)
        return Report(confusion_matrix(self.rows.y, found, self.scores.shape[1]))

    @property
    def right(self) -> NDArray[np.bool_]:
        """Which rows are labelled right, (n,)."""
        return np.asarray(self.scores.argmax(axis=1) == self.rows.y)

    @property
    def interval(self) -> tuple[float, float]:
        """A 95 % interval of the accuracy, from the number of rows."""
        return wilson(int(self.right.sum()), len(self.rows))

    @property
    def margins(self) -> NDArray[np.float64]:
        """How far each row's class is above the best other one, (n,)."""
        return margins(self.scores, self.rows.y)

    def doubted(self) -> NDArray[np.intp]:
        """Return the rows whose label is probably wrong; see `metrics.margins.doubts`."""
        return doubts(self.scores, self.rows.y)

    def hardest(self) -> NDArray[np.intp]:
        """Return the rows with a loss, the largest first."""
        order = np.argsort(-self.losses, kind="stable")
        return order[self.losses[order] > 0]


@dataclass(frozen=True)
class Seen:
    """One row worth a look.

    Attributes
    ----------
    split : str
    place : int
        Its number in the file, from 1, without a header.
    label, found : label
        The class it is labelled with, and the one that the model gives it.
    margin, loss : float
    features : ndarray of float64 (n_features,)
        Not scaled.
    """

    split: str
    place: int
    label: Label
    found: Label
    margin: float
    loss: float
    features: NDArray[np.float64]


def judge(model: LinearClassifier, rows: Dataset, split: str) -> Judged:
    """Return the rows of a split with their scores, made a block at a time."""
    scores = np.empty((len(rows), len(model.classes)))
    losses = np.empty(len(rows))
    for start in range(0, len(rows), BLOCK_ROWS):
        interrupts.check()
        part = slice(start, start + BLOCK_ROWS)
        scores[part] = model.decision_function(rows.part(start, start + BLOCK_ROWS))
        losses[part] = model.objective.losses(scores[part], rows.y[part])[0]
    return Judged(split, rows, scores, losses)


def look(judged: Judged, at: NDArray[np.intp]) -> list[Seen]:
    """Return some rows of a split, to be shown."""
    reach, found, rows = judged.margins, judged.scores.argmax(axis=1), judged.rows
    return [
        Seen(
            split=judged.split,
            place=int(rows.places[row]) + 1,
            label=rows.classes[rows.y[row]],
            found=rows.classes[found[row]],
            margin=float(reach[row]),
            loss=float(judged.losses[row]),
            features=_dense(rows, row),
        )
        for row in at
    ]


def _dense(rows: Dataset, row: int) -> NDArray[np.float64]:
    one = rows.take(np.array([row]))
    return np.asarray(one.toarray() if isinstance(one, Csr) else one, np.float64).ravel()
