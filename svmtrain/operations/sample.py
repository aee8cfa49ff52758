"""A few rows, scaled and written out, for what looks closely at them.

Of sparse rows only the features that occur in the sample are kept: the others have no part in
any of its scores, but for what centring makes of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from svmtrain.config.schema import Preprocess
from svmtrain.data.dataset import Dataset
from svmtrain.data.scaled import SparseRows, dense
from svmtrain.data.scaling import Scaler
from svmtrain.data.sparse import Csr, Matrix
from svmtrain.objective.losses import Classes


@dataclass(frozen=True)
class Sample:
    """Some rows of a dataset.

    Attributes
    ----------
    X : ndarray of float64 (n, n_kept)
        The rows scaled, written out.
    y : ndarray of int64 (n,)
    sparse : SparseRows or None
        The same rows as they are trained on, when those are sparse.
    scaler : Scaler
        Of the features that are kept.
    columns : ndarray of intp (n_kept,) or None
        The features that are kept; None for all.
    """

    X: NDArray[np.float64]
    y: Classes
    sparse: SparseRows | None
    scaler: Scaler
    columns: NDArray[np.intp] | None

    def kept(self, X: Matrix) -> Matrix:
        """Return other rows with the features of this sample, not scaled."""
        return X.only(self.columns) if isinstance(X, Csr) and self.columns is not None else X


def fit_scaler(train: Dataset, config: Preprocess) -> Scaler:
    """Return the scaler of some training rows."""
    return Scaler.fit(train.blocks(), config.scale, config.row_norm)


def sample(train: Dataset, rows: NDArray[np.intp], scaler: Scaler) -> Sample:
    """Return the rows at some places, (n,), scaled by a scaler that was fitted to all."""
    X, columns = train.take(rows), None
    if isinstance(X, Csr):
        columns = np.unique(X.indices).astype(np.intp)
        X = X.only(columns)
        offset, factor = scaler.offset[columns], scaler.factor[columns]
        scaler = replace(scaler, offset=offset, factor=factor)
    scaled = scaler.transform(X, np.float64)
    written = np.asarray(dense(scaled), dtype=np.float64)
    sparse = scaled if isinstance(scaled, SparseRows) else None
    return Sample(written, train.y[rows], sparse, scaler, columns)
