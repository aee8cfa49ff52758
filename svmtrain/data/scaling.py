"""Scaling of features, fitted on the training rows and kept with the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.data.sparse import Csr, Matrix
from svmtrain.errors import DataError

Floats = NDArray[np.floating[Any]]
Columns = NDArray[np.float64]


def _none(X: Floats) -> tuple[Columns, Columns]:
    return np.zeros(X.shape[1]), np.ones(X.shape[1])


def _standard(X: Floats) -> tuple[Columns, Columns]:
    # Rounding gives a constant column a mean that is a little off, and so a tiny width.
    constant = X.min(axis=0) == X.max(axis=0)
    mean = np.where(constant, X[0], X.mean(axis=0, dtype=np.float64))
    return mean, np.where(constant, 0.0, X.std(axis=0, dtype=np.float64))


def _minmax(X: Floats) -> tuple[Columns, Columns]:
    low = X.min(axis=0).astype(np.float64)
    return low, X.max(axis=0) - low


def _maxabs(X: Floats) -> tuple[Columns, Columns]:
    return np.zeros(X.shape[1]), np.maximum(X.max(axis=0), -X.min(axis=0))


def _dense(X: Matrix) -> Floats:
    return X.toarray() if isinstance(X, Csr) else X


SCALINGS: dict[str, Callable[[Floats], tuple[Columns, Columns]]] = {
    "none": _none,
    "standard": _standard,
    "minmax": _minmax,
    "maxabs": _maxabs,
}
"""Each returns the offset and the width of every column, (n_features,)."""

ROW_NORMS = ("none", "l2")


@dataclass(frozen=True)
class Scaler:
    """x -> (x - offset) * factor column by column, then each row to length 1 if asked.

    Attributes
    ----------
    scale : str
        The name in `SCALINGS` that it was fitted with.
    row_norm : str
        One of `ROW_NORMS`; a row of zeros stays as it is.
    offset, factor : ndarray of float64 (n_features,)
    """

    scale: str
    row_norm: str
    offset: Columns
    factor: Columns

    @classmethod
    def fit(cls, X: Matrix, scale: str, row_norm: str) -> Scaler:
        """Fit to the rows of X (n_samples, n_features); a constant column keeps its width.

        Raises
        ------
        DataError
            When the values of a column are too large to be scaled in float64.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            offset, width = (column.astype(np.float64) for column in SCALINGS[scale](_dense(X)))
            factor = 1 / np.where(width > 0, width, 1.0)
        bad = ~(np.isfinite(offset) & np.isfinite(factor) & np.isfinite(width) & (factor > 0))
        if bad.any():
            column = int(np.flatnonzero(bad)[0]) + 1
            raise DataError(
                f"feature {column} spans too large or too small a range for "
                f"preprocess.scale {scale}"
            )
        return cls(scale, row_norm, offset, factor)

    def transform(self, X: Matrix, dtype: Any) -> Floats:
        """Return the scaled rows as a new C-contiguous array of `dtype`.

        Raises
        ------
        DataError
            When a scaled value is too large for `dtype`.
        """
        scaled = np.array(_dense(X), dtype=np.float64, order="C")
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            if self.scale != "none":
                scaled -= self.offset
                scaled *= self.factor
            if self.row_norm == "l2":
                # By a power of two, which is exact, so that no square leaves the floats.
                _, exponents = np.frexp(np.abs(scaled).max(axis=1, initial=0.0))
                np.ldexp(scaled, -exponents[:, np.newaxis], out=scaled)
                lengths = np.sqrt(np.einsum("ij,ij->i", scaled, scaled))
                scaled /= np.where(lengths > 0, lengths, 1.0)[:, np.newaxis]
            result: Floats = scaled.astype(dtype, copy=False)
        finite = np.isfinite(result).all(axis=1)
        if not finite.all():
            raise DataError(
                f"row {int(np.flatnonzero(~finite)[0]) + 1} has a value that is too large for "
                f"{result.dtype} after preprocess.scale {self.scale}"
            )
        return result
