"""What is in some data, in one pass and bounded memory: `svmtrain data info`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import isfinite
from typing import Any

import numpy as np

from svmtrain import interrupts
from svmtrain.data.dataset import ReadOptions, Table
from svmtrain.data.density import DENSE_LIMIT, SPARSE_BELOW, WIDE
from svmtrain.data.duplicates import ColumnDigests, row_digests
from svmtrain.data.moments import Moments
from svmtrain.data.readers import STDIN, data_paths, format_of, iter_each
from svmtrain.data.sparse import Csr, Matrix
from svmtrain.data.store import Description
from svmtrain.errors import DataError, NoLabelsError
from svmtrain.operations.data.facts import ColumnInfo, DataInfo, label_counts
from svmtrain.operations.data.warnings import warnings_about
from svmtrain.operations.evaluate import reading_from

MOST_ROWS_COMPARED = 2_000_000
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
        self.columns = ColumnDigests()
        self.sparse = False
        self.last: Table | None = None
        self.unlabelled: str | None = None

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
        else:
            zeros = (X == 0).sum(axis=0)
            self.zeros += zeros
            self.stored += X.size
            self.nonzero += X.size - int(zeros.sum())
            for at in table.categories:
                values = X[:, at][~np.isnan(X[:, at])].astype(int)
                self.texts.setdefault(at, Counter()).update(values.tolist())
        self.labels.update(label_counts(table.labels))
        self.columns.add(X)
        self._compare(X)

    def _compare(self, X: Matrix) -> None:
        if self.rows > MOST_ROWS_COMPARED:
            return
        for digest in row_digests([X]):
            self.repeated += digest in self.digests
            self.digests.add(digest)

    def same_columns(self, texts: Mapping[int, tuple[str, ...]]) -> list[tuple[int, int]]:
        """Return pairs of columns that are the same, each with the first that it is like.

        Of a column of text the rows hold numbers only, which mean the same with the same texts.
        """
        first: dict[tuple[bytes, tuple[str, ...] | None], int] = {}
        pairs = []
        for at, digest in enumerate(self.columns.result()):
            like = first.setdefault((digest, texts.get(at)), at)
            if like != at:
                pairs.append((like, at))
        return pairs


def data_info(source: str, format: str = "auto", options: ReadOptions | None = None) -> DataInfo:
    """Look through data and return what they are.

    Columns of text and gaps are taken as they come; labels need not be there, except on standard
    input, which cannot be read twice.

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
        For the first thing that is wrong with the data; see `operations.data.check`.
    """
    options = replace(options or ReadOptions(), text=True, gaps=True)
    files = data_paths(source, options.labels)
    found = format_of(files[0].path, format) if files[0].path != STDIN else format
    gathered = _Gathered()
    with reading_from(source):
        for table in _lenient(source, found, options, gathered):
            interrupts.check()
            gathered.add(table)
    return _info(source, found, len(files), gathered)


def _lenient(
    source: str, format: str, options: ReadOptions, gathered: _Gathered
) -> Iterator[Table]:
    """Yield the chunks of data, without labels when there are none."""
    try:
        yield from iter_each(source, format, options, options.labels)
    except NoLabelsError as error:
        if gathered.rows or source == STDIN:
            raise
        gathered.unlabelled = error.problem
        yield from iter_each(source, format, replace(options, labels_required=False))
    except DataError as error:
        if not error.problem.startswith("index 0;"):
            raise
        problem = f"{error.problem}; if so, {FROM_ZERO}"
        raise DataError(problem, path=error.path, line=error.line, column=error.column) from None


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
        store=_stored(seen, table, width),
        smallest_index=int(np.argmax(seen.moments.count > 0)) + 1 if format == "svmlight" else None,
        classes=dict(sorted(seen.labels.items(), key=_by_label)) if seen.labels else None,
        unlabelled=seen.unlabelled,
        columns=columns,
        duplicate_rows=seen.repeated if seen.rows <= MOST_ROWS_COMPARED else None,
        duplicate_columns=[
            (names[a], names[b])
            for a, b in seen.same_columns(table.categories)
            if not columns[a].constant and columns[a].gaps < seen.rows
        ],
    )
    return replace(info, warnings=warnings_about(info))


def _stored(seen: _Gathered, table: Table, width: int) -> int:
    """Return how many bytes the arrays of a store of these rows take."""
    X, labels = table.X, None if table.labels is None else ()
    dtype, sparse = X.dtype.newbyteorder("<").str, isinstance(X, Csr)
    store = Description(
        *(seen.rows, width, dtype),
        stored=seen.stored if sparse else None,
        index_dtype=X.indices.dtype.str if isinstance(X, Csr) else None,
        classes=labels,
    )
    return sum(store.sizes().values())


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
                mean=_finite(mean[at]),
                deviation=_finite(deviation[at]),
                low=float(low[at]),
                high=float(high[at]),
            )
        )
    return found


def _finite(value: float) -> float | None:
    """Return a value as JSON can hold it; None for one that is beyond float64."""
    return float(value) if isfinite(value) else None
