"""What is in some data, in one pass and bounded memory: `svmtrain data info`."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from svmtrain import interrupts
from svmtrain.data.dataset import ReadOptions, Table
from svmtrain.data.density import DENSE_LIMIT, SPARSE_BELOW, WIDE
from svmtrain.data.duplicates import row_digests
from svmtrain.data.moments import Moments
from svmtrain.data.readers import AUTO, STDIN, data_paths, format_of, iter_each
from svmtrain.data.sparse import Csr, Matrix
from svmtrain.errors import DataError
from svmtrain.operations.data_facts import TABLES, ColumnInfo, DataInfo
from svmtrain.operations.data_warnings import warnings_about

MOST_ROWS_COMPARED = 2_000_000
MOST_COLUMNS_COMPARED = 10_000
FROM_ZERO = (
    "add 1 to every index: "
    "perl -pe 's/(\\d+):/($1+1).\":\"/ge' FILE > NEW, which is how LIBLINEAR counts, too"
)


class _Gathered:
    """What a pass over the rows gathers."""

    def __init__(self) -> None:
        self.rows = self.stored = self.nonzero = 0
        self.moments = Moments()
        self.zeros = np.zeros(0)
        self.labels: Counter[str] = Counter()
        self.texts: dict[int, Counter[int]] = {}
        self.digests: set[bytes] = set()
        self.repeated = 0
        self.hashes: list[Any] = []
        self.sparse = False
        self.last: Table | None = None

    def add(self, table: Table) -> None:
        """Take in a chunk."""
        X = table.X
        self.rows += len(X)
        self.last, self.sparse = table, isinstance(X, Csr)
        self.moments.add(X)
        width = max(X.shape[1], len(self.zeros))  # files of sparse rows differ in theirs
        self.zeros = np.concatenate([self.zeros, np.zeros(width - len(self.zeros))])
        if isinstance(X, Csr):
            self.stored += len(X.data)
            self.nonzero += int(np.count_nonzero(X.data))
            self.zeros += np.bincount(X.indices[X.data == 0], minlength=width)
            self._hash_sparse_columns(X)
        else:
            zeros = (X == 0).sum(axis=0)
            self.zeros += zeros
            self.stored += X.size
            self.nonzero += X.size - int(zeros.sum())
            self._hash_columns(X)
            for at in table.categories:
                values = X[:, at][~np.isnan(X[:, at])].astype(int)
                self.texts.setdefault(at, Counter()).update(values.tolist())
        if table.labels is not None:
            self.labels.update(map(str, table.labels))
        self._compare(X)

    def _compare(self, X: Matrix) -> None:
        if self.rows > MOST_ROWS_COMPARED:
            return
        for digest in row_digests([X]):
            self.repeated += digest in self.digests
            self.digests.add(digest)

    def _hash_columns(self, X: Any) -> None:
        if X.shape[1] > MOST_COLUMNS_COMPARED:
            return
        while len(self.hashes) < X.shape[1]:
            self.hashes.append(hashlib.blake2b(digest_size=16))
        for column, digest in zip(np.ascontiguousarray(X.T), self.hashes, strict=True):
            digest.update(column.tobytes())

    def _hash_sparse_columns(self, X: Csr) -> None:
        """Hash where a column is not 0, and the values there."""
        if len(self.zeros) > MOST_COLUMNS_COMPARED:
            self.hashes.clear()
            return
        while len(self.hashes) < len(self.zeros):
            self.hashes.append(hashlib.blake2b(digest_size=16))
        kept = np.flatnonzero(X.data)
        kept = kept[np.argsort(X.indices[kept], kind="stable")]
        at, values = X.indices[kept], X.data[kept]
        rows = X.rows()[kept] + (self.rows - len(X))
        starts = np.flatnonzero(np.diff(at, prepend=-1))
        for start, stop in pairwise([*starts.tolist(), len(at)]):
            digest = self.hashes[int(at[start])]
            digest.update(rows[start:stop].tobytes() + values[start:stop].tobytes())

    def same_columns(self) -> list[tuple[int, int]]:
        """Return pairs of columns that are the same, each with the first that it is like."""
        first: dict[bytes, int] = {}
        pairs = []
        for at, digest in enumerate(self.hashes):
            like = first.setdefault(digest.digest(), at)
            if like != at:
                pairs.append((like, at))
        return pairs


def data_info(source: str, format: str = "auto", options: ReadOptions | None = None) -> DataInfo:
    """Look through data and return what they are.

    Columns of text and gaps are taken as they come; a label column need not be there.

    Parameters
    ----------
    source : str
        A file or folder, a pattern of files, or `-` for standard input.
    format : str
        A name in `READERS`, or "auto".
    options : ReadOptions, optional

    Raises
    ------
    DataError
        For the first thing that is wrong with the data; see `operations.data_check`.
    """
    options = options or ReadOptions()
    files = data_paths(source, options.labels)
    found = format_of(files[0].path, format) if files[0].path != STDIN else format
    if found in (*TABLES, AUTO):
        options = replace(options, text=True, gaps=True)
    gathered = _Gathered()
    for table in _lenient(source, found, options):
        interrupts.check()
        gathered.add(table)
    return _info(source, found, len(files), gathered)


def _lenient(source: str, format: str, options: ReadOptions) -> Iterator[Table]:
    """Yield the chunks of data, without labels when no label column is found."""
    try:
        first = True
        for table in iter_each(source, format, options, options.labels):
            first = False
            yield table
    except DataError as error:
        if "index 0" in error.problem and format == "svmlight":
            problem = f"{error.problem}; if so, {FROM_ZERO}"
            raise DataError(
                problem, path=error.path, line=error.line, column=error.column
            ) from None
        unlabelled = first and "label" in error.problem and options.target is None
        if not unlabelled or source == STDIN:  # which cannot be read again
            raise
        yield from iter_each(source, format, replace(options, labels_required=False))


def _info(source: str, format: str, files: int, seen: _Gathered) -> DataInfo:
    table = seen.last
    if table is None:
        raise DataError("holds no rows", path=source)
    width = len(seen.moments.count)
    names = table.feature_names or [str(at + 1) for at in range(width)]
    cells = max(1, seen.rows * width)
    columns = _columns(seen, names, table)
    density = seen.nonzero / cells
    size = cells * table.X.dtype.itemsize
    narrow = width < WIDE or density >= SPARSE_BELOW
    sparse = seen.sparse and not (narrow and cells * 8 <= DENSE_LIMIT)
    info = DataInfo(
        source=source,
        format=format,
        files=files,
        rows=seen.rows,
        features=width,
        dtype=str(table.X.dtype),
        density=density,
        memory=seen.stored * (table.X.dtype.itemsize + 4) + 8 * seen.rows if sparse else size,
        held="sparse" if sparse else "dense",
        smallest_index=int(np.argmax(seen.moments.count > 0)) + 1 if format == "svmlight" else None,
        classes=dict(sorted(seen.labels.items(), key=_by_label)) if seen.labels else None,
        columns=columns,
        duplicate_rows=seen.repeated if seen.rows <= MOST_ROWS_COMPARED else None,
        duplicate_columns=[
            (names[a], names[b])
            for a, b in seen.same_columns()
            if columns[a].low != columns[a].high or columns[a].kind == "text"
        ],
    )
    return replace(info, warnings=warnings_about(info))


def _by_label(pair: tuple[str, int]) -> tuple[bool, float, str]:
    """Sort labels that are whole numbers by value, and before others."""
    label = pair[0]
    whole = label.lstrip("-").isdigit()
    return (not whole, float(label) if whole else 0.0, label)


def _columns(seen: _Gathered, names: Any, table: Table) -> list[ColumnInfo]:
    between = seen.rows - seen.moments.count if seen.sparse else None
    mean, deviation, low, high = seen.moments.result(between)
    found = []
    for at, name in enumerate(names):
        values = seen.rows if seen.sparse else int(seen.moments.count[at])
        gaps = seen.rows - values
        if at in table.categories:
            counts = seen.texts.get(at, Counter())
            common = counts.most_common(1)
            texts = table.categories[at]
            commonest = texts[common[0][0]] if common else None
            found.append(ColumnInfo(name, "text", gaps, texts=len(counts), commonest=commonest))
            continue
        if not values:
            found.append(ColumnInfo(name, "number", gaps))
            continue
        zeros = float(seen.zeros[at]) + (0.0 if between is None else float(between[at]))
        found.append(
            ColumnInfo(
                *(name, "number", gaps),
                zeros=zeros / values,
                mean=float(mean[at]),
                deviation=float(deviation[at]),
                low=float(low[at]),
                high=float(high[at]),
            )
        )
    return found
