"""Products with rows, one row after the other, compiled by numba.

`rows` are the `parts` of `objective.compiled.CompiledRows`; a single column is taken alone, and
more in groups of `LANE_BYTES`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.objective.compiling import LANE_BYTES, compiled, inlined
from svmtrain.objective.lanes import (
    outer_dense,
    outer_sparse,
    prefetch,
    times_dense,
    times_sparse,
)
from svmtrain.objective.work import Floats

Places = NDArray[np.integer[Any]]

AHEAD = 2
"""How many rows before its turn a row is sent for."""


@inlined
def send_for(values: Floats, columns: Places, indptr: Places, at: Places, i: int) -> None:
    """Have row i of those that are looked at in the cache soon, if there is one; sparse rows."""
    if i < len(at):
        begin, end = indptr[at[i]], indptr[at[i] + 1]
        prefetch(values, begin, end)
        prefetch(columns, begin, end)


@compiled
def times(S: Floats, rows: Any, W: Floats) -> None:
    """Add z_i W of each row to S (n, width), where W is (n_features, width)."""
    values, columns, indptr, at = rows
    n_features, width, group = W.shape[0], W.shape[1], LANE_BYTES // W.itemsize
    single = W.reshape(W.size)
    for i in range(len(at)):
        if len(indptr):
            send_for(values, columns, indptr, at, i + AHEAD)
            begin, end = indptr[at[i]], indptr[at[i] + 1]
            if width == 1:
                for p in range(begin, end):
                    S[i, 0] += values[p] * single[columns[p]]
            else:
                for j in range(0, width, group):
                    times_sparse(S[i], j, values, columns, begin, end, W)
        else:
            begin, end = at[i] * n_features, (at[i] + 1) * n_features
            if width == 1:
                for p in range(begin, end):
                    S[i, 0] += values[p] * single[p - begin]
            else:
                for j in range(0, width, group):
                    times_dense(S[i], j, values, begin, end, W)


@compiled
def pull(G: Floats, rows: Any, u: Floats) -> None:
    """Add z_i u_i^T of each row to G (n_features, width), where u is (n, width)."""
    values, columns, indptr, at = rows
    n_features, width, group = G.shape[0], G.shape[1], LANE_BYTES // G.itemsize
    single = G.reshape(G.size)
    for i in range(len(at)):
        some = False
        for j in range(width):
            some = some or u[i, j] != 0
        if not some:
            continue
        if len(indptr):
            begin, end = indptr[at[i]], indptr[at[i] + 1]
            if width == 1:
                for p in range(begin, end):
                    single[columns[p]] += values[p] * u[i, 0]
            else:
                for j in range(0, width, group):
                    outer_sparse(G, j, values, columns, begin, end, u[i])
        else:
            begin, end = at[i] * n_features, (at[i] + 1) * n_features
            if width == 1:
                for p in range(begin, end):
                    single[p - begin] += values[p] * u[i, 0]
            else:
                for j in range(0, width, group):
                    outer_dense(G, j, values, begin, end, u[i])
