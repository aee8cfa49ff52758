"""Products with rows of features, whatever holds them.

An ndarray multiplies as numpy does. Anything else, such as rows that are sparse, has the two
methods of `Features`; the formulas of the objective are the same for both.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from svmtrain.objective.losses import Floats


class Features(Protocol):
    """Rows X (n, n_features) that are not an ndarray."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, n_features)."""

    def times(self, W: Floats) -> Floats:
        """Return X W, (n, n_classes), a new array."""

    def pull(self, dscores: Floats) -> Floats:
        """Return X^T dscores, (n_features, n_classes), a new array."""

    def gram(self) -> Floats:
        """Return X X^T, (n, n), a new array."""


Rows = NDArray[np.floating[Any]] | Features


def times(X: Rows, W: Floats, out: Floats | None = None) -> Floats:
    """Return X W, (n, n_classes), in `out` when that is given and X is an ndarray."""
    return np.matmul(X, W, out=out) if isinstance(X, np.ndarray) else X.times(W)


def gram(X: Rows) -> Floats:
    """Return X X^T, (n, n), a new array: for the few rows of a batch."""
    return X @ X.T if isinstance(X, np.ndarray) else X.gram()


def pull(X: Rows, dscores: Floats, out: Floats | None = None) -> Floats:
    """Return X^T dscores, (n_features, n_classes), in `out` when that is given."""
    if isinstance(X, np.ndarray):
        return np.matmul(X.T, dscores, out=out)
    pulled = X.pull(dscores)
    if out is None:
        return pulled
    out[:] = pulled
    return out
