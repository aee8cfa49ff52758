"""Rows that come in parts: appended to one array, or cut into tables of the same length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from svmtrain.data.dataset import Labels, Table, joined

GROWTH = 8  # an array that is full grows by one part in so many


class Growing:
    """An array that parts are appended to, without a second one of its size beside it.

    Parameters
    ----------
    dtype : numpy dtype
    width : int, optional
        Columns; without it the array has one dimension.
    """

    def __init__(self, dtype: DTypeLike, width: int | None = None) -> None:
        self._row: tuple[int, ...] = () if width is None else (width,)
        self._array: NDArray[Any] = np.empty((0, *self._row), dtype=dtype)
        self._used = 0

    def append(self, part: NDArray[Any]) -> None:
        """Append a part of the same width, which is copied."""
        need = self._used + len(part)
        if need > len(self._array):
            self._resize(need + len(self._array) // GROWTH)
        self._array[self._used : need] = part
        self._used = need

    def whole(self) -> NDArray[Any]:
        """Return all that was appended; nothing may be appended afterwards."""
        self._resize(self._used)
        return self._array

    def _resize(self, length: int) -> None:
        # No view of the array is ever handed out before it is whole.
        self._array.resize((length, *self._row), refcheck=False)


def gathered(tables: Iterator[Table]) -> Table:
    """Return the rows of dense tables of one file, of which there are any, as one table."""
    last = next(tables)
    X, numbers, texts = Growing(last.X.dtype, last.X.shape[1]), Growing(np.int64), list[str]()
    for table in chain([last], tables):
        X.append(np.asarray(table.X))
        if isinstance(table.labels, np.ndarray):
            numbers.append(table.labels)
        else:
            texts.extend(map(str, table.labels or ()))
        last = table
    labels: Labels | None = texts
    if not isinstance(last.labels, list):
        labels = None if last.labels is None else numbers.whole()
    return replace(last, X=X.whole(), labels=labels)


def in_rows(tables: Iterator[Table], rows: int) -> Iterator[Table]:
    """Yield the rows of tables of one file again, in tables of `rows` rows, the last of fewer."""
    held: list[Table] = []
    count = 0
    for table in tables:
        held.append(table)
        count += len(table.X)
        if count < rows:
            continue
        whole, full = joined(held), count - count % rows
        for start in range(0, full, rows):
            yield _between(whole, start, start + rows)
        held = [_between(whole, full, count)] if full < count else []
        count -= full
    if held:
        yield joined(held)


def _between(table: Table, start: int, stop: int) -> Table:
    """Return consecutive rows of a table, not copied."""
    labels = None if table.labels is None else table.labels[start:stop]
    return replace(table, X=table.X[start:stop], labels=labels)
