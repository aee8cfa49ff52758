"""From rows as they were read to a source of rows as they are computed with."""

from __future__ import annotations

import numpy as np

from svmtrain.config import Config
from svmtrain.config.schema import Solver as SolverConfig
from svmtrain.data.dataset import Dataset
from svmtrain.data.density import compressed
from svmtrain.data.mapped import mapping_of
from svmtrain.data.readers import title
from svmtrain.data.scaled import SparseRows, dense
from svmtrain.data.scaling import Scaler
from svmtrain.data.sparse import Csr, Matrix
from svmtrain.errors import DataError
from svmtrain.objective.compiled import CompiledRows
from svmtrain.objective.compiling import numba_version
from svmtrain.training.sources import (
    CompiledMemoryRows,
    GatheredRows,
    MemoryRows,
    RowSource,
    SparseMemoryRows,
)

MAPPED_LIMIT = 256 << 20
"""Bytes of a file that are mapped and taken into memory all the same."""
COMPILED_CELLS = 50_000
"""Stored cells from which on compiled loops repay the import of numba."""
COMPILED_LIMIT = 2 << 30
"""Bytes of rows that are held in memory for compiled loops."""
SPARSE_SHARE = 0.6
"""Share of cells that are no zeros up to which compiled loops are faster over sparse rows."""
LARGEST_SHIFT = -0.25
"""Dense rows are not taken for sparse ones where what centring takes from a feature is more than
eps to this power: z - shift would lose digits."""

BATCH_SHARE = 500
BATCH_LIMITS = (8, 256)
DUAL_BATCH = 65_536


def batch_size(config: SolverConfig, rows: int) -> int:
    """Return the number of rows of a step.

    `auto` is at most `DUAL_BATCH` for the dual solver, and else a power of two, about rows / 500.
    """
    if not isinstance(config.batch_size, str):
        return min(config.batch_size, rows)
    if config.name == "dual":
        return min(DUAL_BATCH, rows)
    low, high = BATCH_LIMITS
    size = low
    while size * 2 <= min(high, rows / BATCH_SHARE):
        size *= 2
    return min(size, rows)


def row_source(data: Dataset, scaler: Scaler, dtype: str) -> RowSource:
    """Return a source of the scaled rows of a dataset.

    Rows of floats, dense or sparse, are scaled once; those that this would make larger, and
    those of a large file that is mapped, batch by batch.
    """
    values = data.matrix.data if isinstance(data.matrix, Csr) else data.matrix
    size = data.matrix.nbytes * len(data) // max(1, len(data.matrix))
    large = mapping_of(values) is not None and size > MAPPED_LIMIT
    if data.maker is not None or values.dtype.kind != "f" or large:
        return GatheredRows(data, scaler, dtype)
    if isinstance(data.matrix, Csr):
        return SparseMemoryRows(_sparse(data, scaler, dtype), data.y)
    return MemoryRows(_dense(data, scaler, dtype), data.y)


def _sparse(data: Dataset, scaler: Scaler, dtype: str) -> SparseRows:
    """Return all sparse rows scaled."""
    return _as_sparse(scaler.transform(data.X, dtype))


def _as_sparse(rows: object) -> SparseRows:
    if not isinstance(rows, SparseRows):
        raise TypeError("the rows are not sparse")
    return rows


def _without_zeros(data: Dataset, scaler: Scaler, dtype: str, stored: int) -> SparseRows:
    """Return all rows of a dense matrix with so many cells that are no zeros, scaled.

    They are made block by block in place, so that no second copy of them is needed.
    """
    values, columns = np.empty(stored, dtype), np.empty(stored, np.int32)
    indptr = np.zeros(len(data) + 1, np.int64)
    weights, row, filled = [], 0, 0
    for block in data.blocks():
        part = _as_sparse(scaler.transform(compressed(block), dtype))
        to = slice(filled, filled + len(part.Z.data))
        values[to], columns[to] = part.Z.data, part.Z.indices
        indptr[row + 1 : row + 1 + len(part)] = filled + part.Z.indptr[1:]
        weights.append(part.weight)
        row, filled = row + len(part), to.stop
    Z = Csr(values, columns, indptr, (len(data), data.n_features))
    found = [weight for weight in weights if weight is not None]
    shift = None if scaler.shift is None else scaler.shift.astype(dtype)
    return SparseRows.of(Z, shift, np.concatenate(found) if found else None)


def _dense(data: Dataset, scaler: Scaler, dtype: str) -> np.ndarray[tuple[int, ...], np.dtype]:
    """Return all rows scaled, (n_samples, n_features)."""
    X = np.empty((len(data), data.n_features), dtype=dtype)
    start = 0
    for block in data.blocks():
        X[start : start + len(block)] = dense(scaler.transform(block, dtype))
        start += len(block)
    return X


def _stored(block: Matrix) -> int:
    """Return how many cells are stored, or would be without zeros."""
    return len(block.data) if isinstance(block, Csr) else int(np.count_nonzero(block))


def _loses_digits(scaler: Scaler, dtype: str) -> bool:
    """Return whether centring takes much more from a feature than it leaves."""
    if scaler.shift is None:
        return False
    most = float(np.finfo(dtype).eps) ** LARGEST_SHIFT
    return bool(np.abs(scaler.shift).max() > most)


def compiled_source(
    data: Dataset, scaler: Scaler, dtype: str, *, as_sparse: bool = True, shards: int = 1
) -> RowSource | None:
    """Return a source of rows for compiled loops; None where it would not pay.

    It is there when numba is installed, there is enough to do, and the rows fit in memory.

    Parameters
    ----------
    data, scaler, dtype
    as_sparse : bool
        Whether dense rows with many zeros may be held without them.
    shards : int
        How many such parts all rows are.
    """
    stored = sum(_stored(block) for block in data.blocks())
    cells, width = len(data) * data.n_features, np.dtype(dtype).itemsize
    few = as_sparse and stored <= SPARSE_SHARE * cells and not _loses_digits(scaler, dtype)
    sparse = isinstance(data.matrix, Csr) or few
    size = stored * (width + 4) if sparse else cells * width
    if stored * shards < COMPILED_CELLS or size > COMPILED_LIMIT or numba_version() is None:
        return None
    if sparse:
        if isinstance(data.matrix, Csr):
            X = _sparse(data, scaler, dtype)
        else:
            X = _without_zeros(data, scaler, dtype, stored)
        return CompiledMemoryRows(CompiledRows.sparse(X), data.y)
    return CompiledMemoryRows(CompiledRows.dense(_dense(data, scaler, dtype)), data.y)


def training_rows(config: Config, train: Dataset, scaler: Scaler, shards: int = 1) -> RowSource:
    """Return a source of the training rows for the solver, or of those of one of some shards.

    An error names their file.
    """
    dtype, compiled = config.solver.dtype, None
    try:
        if config.solver.name == "dual":
            as_sparse = config.data.sparse is not False
            compiled = compiled_source(train, scaler, dtype, as_sparse=as_sparse, shards=shards)
        return compiled or row_source(train, scaler, dtype)
    except DataError as error:
        where = f"{error.problem} (rows counted among those trained on)"
        raise DataError(where, path=title(config.data.train)) from None
