"""Write a store from tables as they come, in memory of a fixed size."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain import interrupts
from svmtrain.data.dataset import CodedLabels, Label, Labels, Table, in_order
from svmtrain.data.mapped import forget
from svmtrain.data.moments import Moments
from svmtrain.data.sparse import Csr
from svmtrain.data.store.arrays import GrowingArray, mapped
from svmtrain.data.store.description import (
    DATA,
    DESCRIPTION,
    DTYPES,
    INDEX_DTYPES,
    INDICES,
    INDPTR,
    LABEL_DTYPE,
    POINTER_DTYPE,
    STATISTIC_DTYPE,
    STATISTICS,
    Description,
    X,
    Y,
)
from svmtrain.data.store.folder import LABELS, placed
from svmtrain.errors import DataError
from svmtrain.files import write_atomic

MOST_CLASSES = 100_000
CODE_ROWS = 1 << 20


def write_store(
    tables: Iterable[Table],
    place: str | Path,
    *,
    dtype: str | None = None,
    replace: bool = False,
    source: str = "",
    target: str | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Description:
    """Write tables, in order, as one store; it is there whole or not at all.

    Parameters
    ----------
    tables : iterable of Table
        Taken one at a time; together of one kind, and of the columns of the first.
    place : str or Path
        The folder to make.
    dtype : str, optional
        float32 or float64; without it the values keep the dtype of the first table, which has
        to hold those of the others.
    replace : bool
        Whether a store that is there gives way.
    source : str
        What the description calls the source.
    target : str, optional
        The name of the column that the labels were in.
    say : callable
        Takes a sentence for the user.

    Raises
    ------
    ConfigError, InUseError, StorageError
        See `folder.placed`.
    DataError
        When there are no rows, or the tables do not fit together.
    """
    with placed(Path(place), replace=replace, say=say) as folder:
        writer = StoreWriter(folder, dtype)
        try:
            for table in tables:
                interrupts.check()
                writer.append(table)
                forget(table.X)
            return writer.finish(source, target)
        finally:
            writer.close()


class StoreWriter:
    """The arrays of a store while they grow.

    Parameters
    ----------
    folder : Path
        Empty.
    dtype : str or None
        See `write_store`.
    """

    def __init__(self, folder: Path, dtype: str | None) -> None:
        self.folder = folder
        self.rows = 0
        self._dtype = None if dtype is None else np.dtype(dtype).newbyteorder("<")
        self._arrays: dict[str, GrowingArray] = {}
        self._first: Table | None = None
        self._last: Table | None = None
        self._features = 0
        self._moments = Moments()
        self._names: dict[Label, int] = {}

    def append(self, table: Table) -> None:
        """Append the rows of a table.

        Raises
        ------
        DataError
            When they do not fit those before.
        """
        if not len(table.X):
            return
        if self._first is None:
            self._begin(table)
        self._refuse_misfit(table)
        if isinstance(table.X, Csr):
            self._append_sparse(table.X)
        else:
            self._arrays[X].append(self._values(table.X))
        self._moments.add(table.X)
        if table.labels is not None:
            self._arrays[LABELS].append(self._codes(table.labels))
            if len(self._names) > MOST_CLASSES:
                problem = f"more than {MOST_CLASSES:,} different labels"
                raise DataError(f"{problem}; is it the right column that is the target?")
        self.rows += len(table.X)
        self._features = max(self._features, table.X.shape[1])
        self._last = table

    def _begin(self, table: Table) -> None:
        """Make the files for rows like those of the first table."""
        own = np.dtype(np.uint8) if table.X.dtype.kind == "b" else table.X.dtype
        self._dtype = self._dtype or own.newbyteorder("<")
        if self._dtype.str not in DTYPES:
            raise DataError(f"values of {self._dtype} cannot be stored; expected real numbers")
        dtypes = {X: self._dtype.str}
        if isinstance(table.X, Csr):
            index = table.X.indices.dtype.newbyteorder("<").str
            index = index if index in INDEX_DTYPES else INDEX_DTYPES[-1]
            dtypes = {DATA: self._dtype.str, INDICES: index, INDPTR: POINTER_DTYPE}
        if table.labels is not None:
            dtypes[LABELS] = LABEL_DTYPE
        for name, dtype in dtypes.items():
            self._arrays[name] = GrowingArray(self.folder / name, dtype)
        if isinstance(table.X, Csr):
            self._arrays[INDPTR].append(np.zeros(1, dtype=np.int64))
        self._first = table

    def _refuse_misfit(self, table: Table) -> None:
        first = self._first or table
        place = f"the rows from {self.rows + 1} on"
        if isinstance(first.X, Csr) != isinstance(table.X, Csr):
            raise DataError(f"{place} are of another kind: sparse and dense rows do not mix")
        if not isinstance(table.X, Csr) and table.X.shape[1] != first.X.shape[1]:
            problem = f"{place} have {table.X.shape[1]} features"
            raise DataError(f"{problem}; expected {first.X.shape[1]}, as before")
        kinds = _kind_of_labels(first.labels), _kind_of_labels(table.labels)
        if kinds[0] != kinds[1]:
            raise DataError(f"{place} have {kinds[1]} as labels; expected {kinds[0]}, as before")
        if first.feature_names != table.feature_names:
            raise DataError(f"{place} have other names of columns than those before")

    def _values(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return values in the dtype of the store, which has to hold them."""
        dtype = self._dtype
        if dtype is None or values.dtype == dtype or values.dtype.kind == "b":
            return values
        if np.can_cast(values.dtype, dtype, "safe"):
            return values
        if dtype.kind != "f":
            problem = f"values of {values.dtype} after values of {dtype}"
            raise DataError(f"{problem}; give one dtype for all (--dtype float64)")
        with np.errstate(over="ignore"):
            cast = values.astype(dtype)
        if not np.array_equal(np.isfinite(cast), np.isfinite(values)):
            raise DataError(f"a value is too large for {dtype} (--dtype float64 holds it)")
        return cast

    def _append_sparse(self, rows: Csr) -> None:
        before = self._arrays[DATA].values
        indices = self._arrays[INDICES]
        largest = int(rows.indices.max(initial=0))
        if largest > np.iinfo(indices.dtype).max:
            raise DataError(f"column {largest + 1:,} is too many for the columns before it")
        self._arrays[DATA].append(self._values(rows.data))
        indices.append(rows.indices)
        self._arrays[INDPTR].append(np.asarray(rows.indptr[1:]) + before)

    def _codes(self, labels: Labels) -> NDArray[np.int32]:
        """Return the number of each label by first appearance."""
        known = self._names
        if isinstance(labels, np.ndarray):
            distinct, at = np.unique(labels, return_inverse=True)
            labels = CodedLabels(at.astype(np.int32), tuple(distinct.tolist()))
        if not isinstance(labels, CodedLabels):
            return np.array([known.setdefault(name, len(known)) for name in labels], np.int32)
        numbers = np.full(len(labels.names), -1, dtype=np.int32)
        for code in np.flatnonzero(labels.counts()):
            numbers[code] = known.setdefault(labels.names[code], len(known))
        return numbers[labels.codes]

    def finish(self, source: str, target: str | None = None) -> Description:
        """Complete the files, write the description, and return it.

        Raises
        ------
        DataError
            When there are no rows, or values that no store keeps.
        StorageError
            When the system reads other bytes than were written.
        """
        sparse, statistics = DATA in self._arrays, self._statistics()
        self._arrays[STATISTICS] = GrowingArray(self.folder / STATISTICS, STATISTIC_DTYPE)
        self._arrays[STATISTICS].append(statistics)
        first, last = self._seen()
        classes, counts = self._sort_labels()
        found = Description(
            rows=self.rows,
            features=self._features,
            dtype=self._arrays[DATA if sparse else X].dtype,
            stored=self._arrays[DATA].values if sparse else None,
            index_dtype=self._arrays[INDICES].dtype if sparse else None,
            classes=classes,
            counts=counts,
            feature_names=first.feature_names,
            categories=last.categories,
            gaps=0 if sparse else int(self.rows * self._features - self._moments.count.sum()),
            source=source,
            target=target,
        )
        shapes = {name: shape for name, (_, shape) in found.arrays().items()}
        digests = {name: self._arrays[name].finish(shape) for name, shape in shapes.items()}
        found = dataclasses.replace(found, digests=digests)
        write_atomic(self.folder / DESCRIPTION, found.to_bytes())
        return found

    def _seen(self) -> tuple[Table, Table]:
        """Return the first and the last table with rows."""
        if self._first is None or self._last is None:
            raise DataError("holds no rows")
        return self._first, self._last

    def _statistics(self) -> NDArray[np.float64]:
        """Return the statistics of the columns, (4, n_features)."""
        first, _ = self._seen()
        sparse = isinstance(first.X, Csr)
        found = self._moments.result(self.rows - self._moments.count if sparse else None)
        if np.isinf(found[2:]).any() or (sparse and np.isnan(found[2]).any()):
            raise DataError("holds a value that is not finite")
        return found

    def _sort_labels(self) -> tuple[tuple[Label, ...] | None, tuple[int, ...]]:
        """Write the labels as numbers by their order; return them in it, and their counts."""
        if LABELS not in self._arrays:
            return None, ()
        codes = self._arrays.pop(LABELS)
        codes.finish((codes.values,))
        classes = in_order(self._names)
        place = {name: code for code, name in enumerate(classes)}
        moved = np.array([place[name] for name in self._names], dtype=np.int32)
        counts = np.zeros(len(classes), dtype=np.int64)
        self._arrays[Y] = GrowingArray(self.folder / Y, LABEL_DTYPE)
        unsorted = mapped(codes.path, LABEL_DTYPE, (codes.values,))
        for start in range(0, codes.values, CODE_ROWS):
            block = moved[unsorted[start : start + CODE_ROWS]]
            counts += np.bincount(block, minlength=len(classes))
            self._arrays[Y].append(block)
        codes.path.unlink()
        return tuple(classes), tuple(counts.tolist())

    def close(self) -> None:
        """Close every file."""
        for array in self._arrays.values():
            array.close()


def _kind_of_labels(labels: Labels | None) -> str:
    """Return in a word what labels are."""
    if labels is None or isinstance(labels, np.ndarray):
        return "nothing" if labels is None else "numbers"
    coded = isinstance(labels, CodedLabels) and isinstance(labels.names[0], int)
    return "numbers" if coded else "text"
