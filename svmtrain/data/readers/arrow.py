"""Read tables of Apache Arrow: Parquet files, and Arrow files (Feather), through pyarrow.

Columns are understood as those of a CSV file with a header. Those of numbers and booleans are
features as they are; X has the dtype that holds all of them. Columns of text are numbered, when
options allow them. Rows and columns in errors count from 1.

Source: the Apache Parquet and Apache Arrow format specifications.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from svmtrain import interrupts
from svmtrain.data.dataset import Labels, ReadOptions, Table
from svmtrain.data.readers.arrays import labels_of
from svmtrain.data.readers.compressed import check_expansion
from svmtrain.data.readers.csv_block import CELL_LIMIT
from svmtrain.data.readers.csv_columns import Layout, find_layout
from svmtrain.data.readers.features import Columns, expected_width
from svmtrain.data.readers.growing import gathered
from svmtrain.data.readers.vocabulary import Vocabulary
from svmtrain.errors import DataError, shown

PARQUET_MARK, ARROW_MARK = b"PAR1", b"ARROW1\0"
BLOCK_ROWS = 4096
BUFFER = 1 << 20
THRIFT_LIMIT = 64 << 20


def looks_like_parquet(head: bytes) -> bool:
    """Return whether a file begins as Parquet files do."""
    return head.startswith(PARQUET_MARK)


def looks_like_arrow(head: bytes) -> bool:
    """Return whether a file begins as Arrow files do."""
    return head.startswith(ARROW_MARK)


def read_parquet(stream: BinaryIO, name: str, options: ReadOptions) -> Table:
    """Read a whole Parquet file.

    Parameters
    ----------
    stream : binary file that can seek
    name : str
        What errors call the file.
    options : ReadOptions

    Returns
    -------
    Table
        X of the dtype that holds all columns (n_samples, n_features), float where there are
        texts or may be gaps; labels int64 (n_samples,) for integers, a list of str for text and
        booleans, or None when `labels_required` is False.

    Raises
    ------
    DataError
        With row and column, for what is no such table; when pyarrow is not installed.
    """
    return gathered(parquet_chunks(stream, name, options, BLOCK_ROWS))


def parquet_chunks(stream: BinaryIO, name: str, options: ReadOptions, rows: int) -> Iterator[Table]:
    """Yield tables of at most `rows` rows, as `read_parquet` returns them.

    Raises
    ------
    DataError
        As `read_parquet`, when the bad place is reached.
    """
    arrow, size = _pyarrow(), _size(stream, PARQUET_MARK, "a Parquet file", name)
    with _reported(arrow, name):
        file = _parquet_file(stream)
        table = _Table(arrow, file.schema_arrow, size, options, name)
        table.check_size(file.metadata.num_rows)
        batches = file.iter_batches(max(1, min(rows, BLOCK_ROWS)), use_threads=False)
    yield from table.tables(batches, rows)


def _parquet_file(stream: BinaryIO) -> Any:
    """Return pyarrow's view of a Parquet file, with limits; each text of a column is held once."""
    import pyarrow.parquet
    import pyarrow.types

    limits = {"thrift_string_size_limit": THRIFT_LIMIT, "thrift_container_size_limit": 1 << 22}
    reading = {"page_checksum_verification": True, "buffer_size": BUFFER, "pre_buffer": False}
    file = pyarrow.parquet.ParquetFile(stream, **reading, **limits)
    kinds = (pyarrow.types.is_string, pyarrow.types.is_large_string)
    texts = [one.name for one in file.schema_arrow if any(test(one.type) for test in kinds)]
    if not texts:
        return file
    return pyarrow.parquet.ParquetFile(stream, read_dictionary=texts, **reading, **limits)


def parquet_columns(stream: BinaryIO, name: str, options: ReadOptions) -> Columns:
    """Return the columns of a Parquet file."""
    arrow = _pyarrow()
    _size(stream, PARQUET_MARK, "a Parquet file", name)
    with _reported(arrow, name):
        names = tuple(_parquet_file(stream).schema_arrow.names)
    return names, len(names)


def read_arrow(stream: BinaryIO, name: str, options: ReadOptions) -> Table:
    """Read a whole Arrow file; see `read_parquet`."""
    return gathered(arrow_chunks(stream, name, options, BLOCK_ROWS))


def arrow_chunks(stream: BinaryIO, name: str, options: ReadOptions, rows: int) -> Iterator[Table]:
    """Yield tables of at most `rows` rows; see `parquet_chunks`."""
    arrow, size = _pyarrow(), _size(stream, ARROW_MARK, "an Arrow file", name)
    with _reported(arrow, name):
        import pyarrow.ipc

        file = pyarrow.ipc.open_file(stream)
        table = _Table(arrow, file.schema, size, options, name)
        batches = map(file.get_batch, range(file.num_record_batches))
    yield from table.tables(batches, rows)


def arrow_columns(stream: BinaryIO, name: str, options: ReadOptions) -> Columns:
    """Return the columns of an Arrow file."""
    arrow = _pyarrow()
    _size(stream, ARROW_MARK, "an Arrow file", name)
    with _reported(arrow, name):
        import pyarrow.ipc

        names = tuple(pyarrow.ipc.open_file(stream).schema.names)
    return names, len(names)


def _size(stream: BinaryIO, mark: bytes, what: str, path: str) -> int:
    """Return the bytes that a file has, which has to begin with a mark."""
    head = stream.read(len(mark))
    if head != mark:
        raise DataError(f"is not {what}: it begins with {shown(head)}", path=path)
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    return size


@dataclass(frozen=True)
class _Column:
    """A column of features: where it stands in the file, its name, and whether it is text."""

    at: int
    name: str
    text: bool

    def place(self, row: int) -> str:
        """Return what errors call a cell; rows count from 1."""
        return f"row {row}, column {self.at + 1} ({shown(self.name)})"


class _Table:
    """Turns the record batches of one file into tables.

    Parameters
    ----------
    arrow : module pyarrow
    schema : pyarrow.Schema
    size : int
        Bytes that the file has.
    options : ReadOptions
    path : str
    """

    def __init__(self, arrow: Any, schema: Any, size: int, options: ReadOptions, path: str) -> None:
        self._arrow, self._options, self._path = arrow, options, path
        self._size = size
        if not schema.names:
            raise DataError("has no columns", path=path)
        self._layout: Layout = find_layout((1, list(schema.names)), True, options, path)
        self._vocabulary = Vocabulary(options.vocabulary)
        self._free = expected_width(options) is None
        self._open = options.text and self._free
        self._columns = [
            self._column(schema, at, place in self._layout.texts)
            for place, at in enumerate(self._layout.columns)
        ]
        self._dtype = self._common_dtype(schema)

    def check_size(self, rows: int) -> None:
        """Refuse rows that take far more memory than the file has bytes."""
        row_bytes = len(self._columns) * self._dtype.itemsize
        check_expansion(self._size, rows * row_bytes, self._path)

    def tables(self, batches: Iterator[Any], rows: int) -> Iterator[Table]:
        """Yield tables of at most `rows` rows from record batches, which are checked in full."""
        start, size = 0, max(1, rows)
        while True:
            interrupts.check()
            with _reported(self._arrow, self._path):
                batch = next(batches, None)
                if batch is not None:
                    batch.validate(full=True)
            if batch is None:
                break
            for first in range(0, batch.num_rows, size):
                with _reported(self._arrow, self._path):
                    table = self._table(batch.slice(first, size), start)
                start += len(table.X)
                self.check_size(start)
                yield table
        if not start:
            raise DataError("holds no rows", path=self._path)

    def _column(self, schema: Any, at: int, asked: bool) -> _Column:
        """Return what a column of features is; it has to hold numbers, or text that is allowed.

        As in CSV, text that was not asked for is not allowed in data which are held to the
        features of a model, or of an earlier file.
        """
        name, kind = schema.names[at], schema.field(at).type
        text = asked or self._is_text(kind)
        if text and not (asked or self._open):
            problem = f"column {at + 1} ({shown(name)}) holds text; expected numbers"
            advice = " (data.text: onehot takes such columns)" if self._free else ""
            raise DataError(problem + advice, path=self._path)
        if not text and not self._is_number(kind):
            problem = f"column {at + 1} ({shown(name)}) holds {shown(str(kind))}"
            raise DataError(f"{problem}; expected numbers or text", path=self._path)
        return _Column(at, name, text)

    def _is_text(self, kind: Any) -> bool:
        types = self._arrow.types
        if types.is_dictionary(kind):
            return self._is_text(kind.value_type)
        return bool(types.is_string(kind) or types.is_large_string(kind))

    def _is_number(self, kind: Any) -> bool:
        types = self._arrow.types
        if types.is_dictionary(kind):
            return self._is_number(kind.value_type)
        tests = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal)
        return any(test(kind) for test in (*tests, types.is_null))

    def _common_dtype(self, schema: Any) -> np.dtype[Any]:
        """Return the dtype of X: that which holds all columns, a float when there may be gaps."""
        found: set[np.dtype[Any]] = {np.dtype(np.float32)} if self._options.gaps else set()
        for column in self._columns:
            kind = schema.field(column.at).type
            if column.text or self._arrow.types.is_null(kind):
                found.add(np.dtype(np.float64))
                continue
            empty = self._numbers(self._arrow.array([], type=kind))
            found.add(empty.dtype)
        return np.result_type(*found)

    def _numbers(self, values: Any) -> NDArray[Any]:
        """Return a column of numbers as numpy holds them; nulls are NaN."""
        arrow, types = self._arrow, self._arrow.types
        if types.is_dictionary(values.type):
            values = values.dictionary_decode()
        for test, target in (
            (types.is_boolean, arrow.uint8()),
            (types.is_decimal, arrow.float64()),
            (types.is_float16, arrow.float32()),
            (types.is_null, arrow.float64()),
        ):
            if test(values.type):
                values = values.cast(target)
        found: NDArray[Any] = values.to_numpy(zero_copy_only=False)
        return found

    def _table(self, batch: Any, start: int) -> Table:
        """Return a record batch as a table; its first row is row `start` of the file, from 0."""
        X = np.empty((batch.num_rows, len(self._columns)), dtype=self._dtype)
        for place, column in enumerate(self._columns):
            values = batch.column(column.at)
            if column.text:
                X[:, place] = self._codes(values, place, column, start)
            else:
                self._refuse_nulls(values, column, start)
                X[:, place] = self._finite(self._numbers(values), column, start)
        layout = self._layout
        labels = self._labels(batch, start) if layout.labelled else None
        return Table(X, labels, layout.names, self._vocabulary.categories())

    def _refuse_nulls(self, values: Any, column: _Column, start: int) -> None:
        """Raise for the first null of a column, unless there may be gaps."""
        if values.null_count and not self._options.gaps:
            row = int(np.argmax(values.is_null().to_numpy(zero_copy_only=False)))
            problem = f"{column.place(start + row + 1)} is null; expected a value"
            raise DataError(problem, path=self._path)

    def _finite(self, values: NDArray[Any], column: _Column, start: int) -> NDArray[Any]:
        """Return the numbers of a column, all finite, but for NaN where there may be gaps."""
        if values.dtype.kind == "f":
            good = ~np.isinf(values) if self._options.gaps else np.isfinite(values)
            if not good.all():
                row = int(np.argmin(good))
                problem = f"{column.place(start + row + 1)} is {values[row]}"
                raise DataError(f"{problem}; expected a finite number", path=self._path)
        return values

    def _codes(self, values: Any, place: int, column: _Column, start: int) -> NDArray[np.float64]:
        """Return the number of each text of a column; gaps are NaN."""
        self._refuse_nulls(values, column, start)
        texts = [None if text is None else text.strip() for text in self._texts(values)]
        gaps = [text is None or text in self._options.gap_marks for text in texts]
        if any(gaps) and not self._options.gaps:
            row = gaps.index(True)
            problem = f"{column.place(start + row + 1)} is {shown(texts[row])}, a gap"
            raise DataError(f"{problem}; expected text", path=self._path)
        known = [text for text in texts if text is not None and text not in self._options.gap_marks]
        codes = np.full(len(texts), np.nan)
        codes[~np.array(gaps, dtype=np.bool_)] = self._vocabulary.numbers(place, known)
        return codes

    def _texts(self, values: Any) -> list[str | None]:
        """Return a column as texts, None for a null."""
        places = None
        if self._arrow.types.is_dictionary(values.type):
            places, values = values.indices.to_pylist(), values.dictionary
        values = values.cast(self._arrow.large_string())
        ends = np.frombuffer(values.buffers()[1] or b"", dtype=np.int64)
        ends = ends[values.offset : values.offset + len(values) + 1]
        if len(ends) > 1 and np.diff(ends).max() > CELL_LIMIT:
            raise DataError(f"a text is longer than {CELL_LIMIT:,} bytes", path=self._path)
        found: list[str | None] = values.to_pylist()
        return found if places is None else [None if at is None else found[at] for at in places]

    def _labels(self, batch: Any, start: int) -> Labels:
        """Return the labels of a record batch."""
        at = self._layout.target
        values, name = batch.column(at), f"the label column {shown(batch.schema.names[at])}"
        if values.null_count:
            row = int(np.argmax(values.is_null().to_numpy(zero_copy_only=False)))
            raise DataError(f"row {start + row + 1} has no label: it is null", path=self._path)
        if self._is_text(values.type):
            texts = [(text or "").strip() for text in self._texts(values)]
            if "" in texts:
                row = start + texts.index("") + 1
                raise DataError(f"row {row} has an empty label", path=self._path)
            return texts
        if self._arrow.types.is_boolean(values.type):
            return [str(value) for value in values.to_pylist()]
        if not self._is_number(values.type):
            problem = f"{name} holds {shown(str(values.type))}; expected integers or text"
            raise DataError(problem, path=self._path)
        return labels_of(self._numbers(values), self._path, name, start)


@contextlib.contextmanager
def _reported(arrow: Any, path: str) -> Iterator[None]:
    """Turn what pyarrow raises at damaged files into a `DataError`; a failing disk is none."""
    try:
        yield
    except (arrow.ArrowException, OSError, ValueError, KeyError, TypeError, IndexError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DataError(
            f"is damaged, or of no known kind: {shown(str(error))}", path=path
        ) from None
    except MemoryError:
        raise DataError("no memory for what it says it holds", path=path) from None


def _pyarrow() -> Any:
    """Return the package pyarrow."""
    try:
        import pyarrow
    except ImportError:
        raise DataError("Parquet and Arrow need pyarrow: pip install 'svmtrain[arrow]'") from None
    pyarrow.enable_signal_handlers(False)  # or a Ctrl-C that comes while it reads is lost
    return pyarrow
