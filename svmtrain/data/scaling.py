"""Scaling of features, fitted on the training rows and kept with the model."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.data.scaled import SparseRows
from svmtrain.data.sparse import Csr, Matrix
from svmtrain.data.statistics import ColumnStatistics, column_statistics
from svmtrain.errors import DataError

Floats = NDArray[np.floating[Any]]
Columns = NDArray[np.float64]


def _none(seen: ColumnStatistics) -> tuple[Columns, Columns]:
    return np.zeros_like(seen.mean), np.ones_like(seen.mean)


def _standard(seen: ColumnStatistics) -> tuple[Columns, Columns]:
    # Rounding gives a constant column a mean that is a little off, and so a tiny width.
    constant = seen.low == seen.high
    return np.where(constant, seen.low, seen.mean), np.where(constant, 0.0, seen.deviation)


def _minmax(seen: ColumnStatistics) -> tuple[Columns, Columns]:
    return seen.low, seen.high - seen.low


def _maxabs(seen: ColumnStatistics) -> tuple[Columns, Columns]:
    return np.zeros_like(seen.mean), np.maximum(seen.high, -seen.low)


SCALINGS: dict[str, Callable[[ColumnStatistics], tuple[Columns, Columns]]] = {
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
    def fit(cls, X: Matrix | Iterable[Matrix], scale: str, row_norm: str) -> Scaler:
        """Fit to rows X (n_samples, n_features), or to blocks of them.

        A constant column keeps its width. No copy of the rows is made.

        Raises
        ------
        DataError
            When the values of a column are too large to be scaled in float64.
        """
        blocks = [X] if isinstance(X, np.ndarray | Csr) else X
        return cls.of(column_statistics(blocks), scale, row_norm)

    @classmethod
    def of(cls, seen: ColumnStatistics, scale: str, row_norm: str) -> Scaler:
        """Return the scaler for what is known of the columns of the rows; see `fit`."""
        with np.errstate(over="ignore", invalid="ignore"):
            offset, width = SCALINGS[scale](seen)
            factor = 1 / np.where(width > 0, width, 1.0)
        bad = ~(np.isfinite(offset) & np.isfinite(factor) & np.isfinite(width) & (factor > 0))
        if bad.any():
            column = int(np.flatnonzero(bad)[0]) + 1
            raise DataError(
                f"feature {column} spans too large or too small a range for "
                f"preprocess.scale {scale}"
            )
        return cls(scale, row_norm, offset, factor)

    @property
    def shift(self) -> Columns | None:
        """What centring takes from every scaled row, (n_features,); None for nothing."""
        return self.offset * self.factor if self._moves else None

    def transform(self, X: Matrix, dtype: Any) -> Floats | SparseRows:
        """Return the scaled rows: a new C-contiguous array of `dtype`, or sparse ones.

        Raises
        ------
        DataError
            When a scaled value is too large for `dtype`.
        """
        if isinstance(X, Csr):
            return self._transform_sparse(X, np.dtype(dtype))
        return self.transform_dense(X, dtype)

    def transform_dense(self, X: NDArray[Any], dtype: Any, out: Floats | None = None) -> Floats:
        """Return the scaled rows of an ndarray, in `out` where that is given; see `transform`.

        Whole numbers of up to 16 bits are exact in float32 and are scaled in the dtype asked
        for; all others in float64.
        """
        exact = X.dtype.kind in "iu" and X.dtype.itemsize <= 2
        wide = np.dtype(dtype if exact else np.float64)
        scaled = out if out is not None and out.dtype == wide else np.empty(X.shape, wide)
        np.copyto(scaled, X)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            if self._moves:
                scaled -= self.offset.astype(wide, copy=False)
            if self.scale != "none":
                scaled *= self.factor.astype(wide, copy=False)
            if self.row_norm == "l2":
                # By a power of two, which is exact, so that no square leaves the floats.
                _, exponents = np.frexp(np.abs(scaled).max(axis=1, initial=0.0))
                np.ldexp(scaled, -exponents[:, np.newaxis], out=scaled)
                lengths = np.sqrt(np.einsum("ij,ij->i", scaled, scaled))
                scaled /= np.where(lengths > 0, lengths, 1.0)[:, np.newaxis]
            result: Floats = scaled.astype(dtype, copy=False)
        if not (exact and self._reach < np.finfo(dtype).max) and not np.isfinite(result).all():
            self._refuse_infinite(~np.isfinite(result), result.dtype)
        if out is None or result is out:
            return result
        np.copyto(out, result)
        return out

    @cached_property
    def _moves(self) -> bool:
        """Whether anything is taken from any feature."""
        return bool(self.offset.any())

    @cached_property
    def _reach(self) -> float:
        """How large a whole number of up to 16 bits can become."""
        farthest = 2.0**16 + float(np.abs(self.offset).max(initial=0.0))
        return farthest * float(self.factor.max(initial=0.0))

    def _transform_sparse(self, X: Csr, dtype: np.dtype[Any]) -> SparseRows:
        """Return sparse rows scaled; the zeros that centring fills stay unwritten."""
        shift = self.shift
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            values = X.data.astype(np.float64)
            if self.scale != "none":
                values *= self.factor[X.indices]
            weight = None if shift is None else np.ones(len(X))
            if self.row_norm == "l2":
                lengths = self._lengths(Csr(values, X.indices, X.indptr, X.shape))
                weight = 1 / np.where(lengths > 0, lengths, 1.0)
                values *= np.repeat(weight, np.diff(X.indptr))
            result: Floats = values.astype(dtype, copy=False)
        finite = np.isfinite(result)
        if not finite.all():
            bad = np.zeros(len(X), dtype=bool)
            bad[X.rows()[~finite]] = True
            self._refuse_infinite(bad, dtype)
        Z = Csr(result, X.indices, X.indptr, X.shape)
        if shift is None or weight is None:
            return SparseRows(Z)
        return SparseRows.of(Z, shift.astype(dtype), weight.astype(dtype))

    def _lengths(self, Z: Csr) -> Columns:
        """Return the length of each row once it is centred, (n,)."""
        largest = np.zeros(len(Z))
        np.maximum.at(largest, Z.rows(), np.abs(Z.data))
        _, exponents = np.frexp(largest)
        values = np.ldexp(Z.data, -np.repeat(exponents, np.diff(Z.indptr)))
        squares = np.bincount(Z.rows(), weights=np.square(values), minlength=len(Z))
        lengths = np.ldexp(np.sqrt(squares), exponents)
        if self.shift is None:
            return lengths
        crossed = np.bincount(Z.rows(), weights=Z.data * self.shift[Z.indices], minlength=len(Z))
        whole = np.square(lengths) - 2 * crossed + float(np.vdot(self.shift, self.shift))
        centred: Columns = np.sqrt(np.maximum(whole, 0.0))
        return centred

    def _refuse_infinite(self, bad: NDArray[np.bool_], dtype: np.dtype[Any]) -> None:
        """Raise for the first row, (n,) or (n, any), where something is bad."""
        raise DataError(
            f"row {int(np.argwhere(bad)[0, 0]) + 1} has a value that is too large for "
            f"{dtype} after preprocess.scale {self.scale}"
        )
