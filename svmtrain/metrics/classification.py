"""What a classifier gets right: accuracy, per-class figures, the confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


def confusion_matrix(
    true: NDArray[np.int64], predicted: NDArray[np.intp], n_classes: int
) -> NDArray[np.int64]:
    """Return counts (n_classes, n_classes): a row a true class, a column a predicted one."""
    pairs = true * n_classes + predicted
    return np.bincount(pairs, minlength=n_classes**2).reshape(n_classes, n_classes)


@dataclass(frozen=True)
class Report:
    """Figures from a confusion matrix of counts (n_classes, n_classes).

    A ratio whose denominator is 0 (a class never predicted, or without rows) is 0. The balanced
    accuracy and the macro F1 are means over the classes that have rows, or, for F1, rows or
    predictions.
    """

    confusion: NDArray[np.int64]

    @property
    def support(self) -> NDArray[np.int64]:
        """Rows of each class."""
        return np.asarray(self.confusion.sum(axis=1))

    @property
    def accuracy(self) -> float:
        """Share of the rows that are labelled right."""
        return float(np.trace(self.confusion) / self.confusion.sum())

    @property
    def precision(self) -> NDArray[np.float64]:
        """Share of the rows labelled with a class that are of it, (n_classes,)."""
        return self._share_of(self.confusion.sum(axis=0))

    @property
    def recall(self) -> NDArray[np.float64]:
        """Share of the rows of a class that are labelled with it, (n_classes,)."""
        return self._share_of(self.support)

    @property
    def f1(self) -> NDArray[np.float64]:
        """Harmonic mean of precision and recall, (n_classes,)."""
        return 2 * self._share_of(self.support + self.confusion.sum(axis=0))

    @property
    def balanced_accuracy(self) -> float:
        """Mean recall over the classes that have rows."""
        return float(self.recall[self.support > 0].mean())

    @property
    def macro_f1(self) -> float:
        """Mean F1 over the classes that have rows or predictions."""
        seen = (self.support + self.confusion.sum(axis=0)) > 0
        return float(self.f1[seen].mean())

    def _share_of(self, whole: NDArray[np.int64]) -> NDArray[np.float64]:
        right = np.diag(self.confusion).astype(np.float64)
        return np.divide(right, whole, out=np.zeros(len(whole)), where=whole > 0)
