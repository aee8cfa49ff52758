"""What rows say of a model: sums over parts of them, wherever they are, and figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain import interrupts
from svmtrain.build import HERE, Place
from svmtrain.data.dataset import Dataset
from svmtrain.errors import DataError
from svmtrain.metrics.classification import Report, confusion_matrix
from svmtrain.metrics.probabilities import Reliability
from svmtrain.model import LinearClassifier
from svmtrain.objective.features import Rows, times
from svmtrain.objective.linear import DataTerm
from svmtrain.objective.losses import Classes

CHUNK_ROWS = 4096


@dataclass(frozen=True)
class Evaluation:
    """A model's figures on some rows.

    Attributes
    ----------
    report : Report
    rows : int
    loss : float
        Mean loss, the data term of the objective.
    penalty : float
    classes : tuple of label
    left_out : int
        Rows that were not judged, since they have gaps and the model leaves such out.
    reliability : Reliability or None
        How good its probabilities are, if it has any.
    """

    report: Report
    rows: int
    loss: float
    penalty: float
    classes: tuple[int | str, ...]
    left_out: int = 0
    reliability: Reliability | None = None

    @property
    def objective(self) -> float:
        """The objective over these rows."""
        return self.loss + self.penalty

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as plain values."""
        report = self.report
        columns = zip(
            self.classes,
            report.precision,
            report.recall,
            report.f1,
            report.support,
            strict=True,
        )
        return {
            "rows": self.rows,
            "left_out": self.left_out,
            "accuracy": report.accuracy,
            "balanced_accuracy": report.balanced_accuracy,
            "macro_f1": report.macro_f1,
            "objective": self.objective,
            "loss": self.loss,
            "penalty": self.penalty,
            "brier": self.reliability and self.reliability.brier,
            "calibration_error": self.reliability and self.reliability.error,
            "classes": [
                {
                    "label": label,
                    "precision": float(precision),
                    "recall": float(recall),
                    "f1": float(f1),
                    "support": int(support),
                }
                for label, precision, recall, f1, support in columns
            ],
            "confusion": report.confusion.tolist(),
        }


@dataclass
class Judged:
    """What some rows say of a model; two of them add up to what all their rows say.

    Attributes
    ----------
    confusion : ndarray of int64 (n_classes, n_classes)
    term : DataTerm
    reliability : Reliability or None
    left_out : int
        See `Evaluation`.
    """

    confusion: NDArray[np.int64]
    term: DataTerm
    reliability: Reliability | None
    left_out: int = 0

    def __add__(self, other: Judged) -> Judged:
        """Return what both sets of rows say."""
        both = None
        if self.reliability is not None and other.reliability is not None:
            both = self.reliability + other.reliability
        return Judged(
            self.confusion + other.confusion,
            self.term + other.term,
            both,
            self.left_out + other.left_out,
        )


def evaluate_rows(classifier: LinearClassifier, rows: Dataset, place: Place = HERE) -> Evaluation:
    """Judge a classifier on a dataset that is not scaled yet, wherever its rows are."""
    return evaluation(classifier, place.over(rows, judge_rows, classifier))


def judge_rows(rows: Dataset, classifier: LinearClassifier) -> Judged:
    """Return what some rows that are not scaled yet say of a classifier."""
    starts = range(0, len(rows), CHUNK_ROWS)
    parts = (
        (classifier.transform(rows.part(s, s + CHUNK_ROWS)), rows.y[s : s + CHUNK_ROWS])
        for s in starts
    )
    return judge(classifier, parts)


def judge(classifier: LinearClassifier, parts: Iterable[tuple[Rows, Classes]]) -> Judged:
    """Return what scaled rows and their classes, part by part, say of a classifier."""
    n_classes = len(classifier.classes)
    confusion = np.zeros((n_classes, n_classes), dtype=np.int64)
    total = DataTerm(0.0, 0, 0, 0)
    calibration = classifier.calibration
    reliability = None if calibration is None else Reliability()
    for X, y in parts:
        interrupts.check()
        scores = times(X, classifier.W) + classifier.b
        labels = scores.argmax(axis=1)
        confusion += confusion_matrix(y, labels, n_classes)
        if calibration is not None and reliability is not None:
            reliability.add(calibration.probabilities(scores), y, labels)
        losses, _ = classifier.objective.losses(scores, y)
        total += DataTerm(float(losses.sum(dtype=np.float64)), len(y), 0, 0)
    return Judged(confusion, total, reliability)


def evaluation(classifier: LinearClassifier, parts: Sequence[Judged]) -> Evaluation:
    """Return the figures of a classifier from what the parts of some rows say, at least one part.

    Raises
    ------
    DataError
        When there are no rows.
    """
    found = parts[0]
    for part in parts[1:]:
        found += part
    total = found.term
    if total.count == 0:
        raise DataError("there are no rows to evaluate")
    return Evaluation(
        report=Report(found.confusion),
        rows=total.count,
        loss=total.loss / total.count,
        penalty=classifier.objective.penalty(classifier.W, classifier.b),
        classes=classifier.classes,
        left_out=found.left_out,
        reliability=found.reliability,
    )
