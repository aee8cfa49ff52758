"""Read data files. A format is a module and a line in `READERS` of formats.py."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from svmtrain.data.dataset import ReadOptions, Table, joined
from svmtrain.data.readers.features import Columns
from svmtrain.data.readers.formats import (
    AUTO,
    READERS,
    Reader,
    find_format,
    of_file,
    of_folder,
    refuse_useless,
)
from svmtrain.data.readers.opening import STDIN, is_folder, opened, seekable
from svmtrain.data.readers.several import DataPath, Paths, data_paths, expanded, title
from svmtrain.data.sparse import Csr
from svmtrain.errors import DataError, shown

__all__ = [
    "AUTO",
    "READERS",
    "STDIN",
    "DataPath",
    "Paths",
    "Reader",
    "columns_of",
    "combined",
    "data_paths",
    "expanded",
    "expecting",
    "find_format",
    "format_of",
    "iter_each",
    "iter_tables",
    "labels_path",
    "read_each",
    "read_table",
    "read_tables",
    "title",
]

CHUNK_ROWS = 4096


def format_of(path: str | Path, format: str = AUTO) -> str:
    """Return the name of the format that a file or folder is read as.

    Raises
    ------
    DataError
        As `read_table`, for what can be told without reading on.
    """
    with _opened(path, format, ReadOptions()) as (reader, _, _):
        return reader.name


def labels_path(path: str | Path, format: str = AUTO) -> str | None:
    """Return the file of the labels that is found by the name of a file of features.

    None for formats that hold their labels.

    Raises
    ------
    DataError
        When there is no such file.
    """
    beside = READERS[format_of(path, format)].beside
    return None if beside is None else beside(str(path))


def columns_of(path: str | Path, format: str, options: ReadOptions) -> Columns:
    """Return the names of all columns of a data file, None without names, and their number.

    They are (None, 0) for a format that has no columns to choose from.

    Raises
    ------
    DataError
        As `read_table`, for what can be told without reading on.
    """
    with _opened(path, format, options) as (reader, stream, name):
        return (None, 0) if reader.columns is None else reader.columns(stream, name, options)


def read_table(path: str | Path, format: str = AUTO, options: ReadOptions | None = None) -> Table:
    """Read one data file, or a folder, as a whole.

    Parameters
    ----------
    path : str or Path
        "-" is standard input. What is compressed by gzip, bzip2 or xz is unpacked.
    format : str
        A name in `READERS`, or "auto" to find out.
    options : ReadOptions, optional

    Returns
    -------
    Table
        X (n_samples, n_features), finite, of the dtype that the format has; labels and feature
        names as the format has.

    Raises
    ------
    DataError
        For a file that is missing, malformed, or does not fit the options.
    StorageError
        When the system fails while reading.
    """
    options = options or ReadOptions()
    with _opened(path, format, options) as (reader, stream, name):
        return reader.read(stream, name, options)


def iter_tables(
    path: str | Path,
    format: str = AUTO,
    options: ReadOptions | None = None,
    rows: int = CHUNK_ROWS,
) -> Iterator[Table]:
    """Yield a data file as tables of at most `rows` rows, in order.

    Parameters and errors are those of `read_table`; errors come when the bad place is reached.
    """
    options = options or ReadOptions()
    with _opened(path, format, options) as (reader, stream, name):
        yield from reader.chunks(stream, name, options, rows)


def read_each(
    paths: Paths,
    format: str = AUTO,
    options: ReadOptions | None = None,
    labels: Paths | None = None,
    read: Callable[[str, str, ReadOptions], Table] = read_table,
) -> Iterator[tuple[str, Table]]:
    """Yield each file of a dataset with its table. The first decides for all what they hold.

    Parameters and errors are those of `read_tables`; `read` takes the place of `read_table`.
    """
    options, files = options or ReadOptions(), data_paths(paths, labels)
    for file in files:
        options = replace(options, labels=file.labels)
        table = read(file.path, format, options)
        yield file.path, table
        if files[1:]:
            options = expecting(table, options, file is files[0], file.path, format)


def iter_each(
    paths: Paths,
    format: str = AUTO,
    options: ReadOptions | None = None,
    labels: Paths | None = None,
    rows: int = CHUNK_ROWS,
) -> Iterator[Table]:
    """Yield all files of a dataset, in order, as tables of at most `rows` rows.

    Parameters and errors are those of `read_tables`; errors come when the bad place is reached.
    """
    options, files = options or ReadOptions(), data_paths(paths, labels)
    for file in files:
        options = replace(options, labels=file.labels)
        table = None
        for table in iter_tables(file.path, format, options, rows):
            yield table
        if files[1:] and table is not None:
            options = expecting(table, options, file is files[0], file.path, format)


def expecting(
    table: Table, options: ReadOptions, first: bool, path: str, format: str
) -> ReadOptions:
    """Return how to read the file after one that held a table: the first decides the columns.

    Parameters
    ----------
    table : Table
        The last of the file.
    options : ReadOptions
        How it was read.
    first : bool
        Whether it is the first file.
    path, format : str
        Of the file.
    """
    if first and not READERS[format_of(path, format)].ragged:
        names = table.feature_names or options.feature_names
        options = replace(options, n_features=table.X.shape[1], feature_names=names)
    return replace(options, vocabulary=table.categories)


def read_tables(
    paths: Paths,
    format: str = AUTO,
    options: ReadOptions | None = None,
    labels: Paths | None = None,
) -> Table:
    """Read several files as one table.

    Parameters
    ----------
    paths : path or sequence of paths
        See `several.expanded`.
    format, options
        See `read_table`.
    labels : path or sequence of paths, optional
        The files of the labels, in the order of the paths.

    Raises
    ------
    DataError
        As `read_table`, and when the columns of a file are not those of the first.
    """
    tables = [table for _, table in read_each(paths, format, options, labels)]
    return combined(tables)


def combined(tables: Sequence[Table]) -> Table:
    """Return the rows of several files as one table; where one has no column, it has zeros."""
    width = max(table.X.shape[1] for table in tables)
    whole = joined([replace(table, X=_widened(table, width)) for table in tables])
    return replace(whole, feature_names=tables[0].feature_names)


def _widened(table: Table, width: int) -> Any:
    """Return X with so many columns."""
    if isinstance(table.X, Csr):
        return table.X.widened(width)
    missing = width - table.X.shape[1]
    return np.pad(table.X, ((0, 0), (0, missing))) if missing else table.X


@contextlib.contextmanager
def _opened(
    path: str | Path, format: str, options: ReadOptions
) -> Iterator[tuple[Reader, Any, str]]:
    """Open a file, a folder or standard input, and find its reader."""
    if format != AUTO and format not in READERS:
        known = ", ".join((AUTO, *sorted(READERS)))
        raise DataError(f"data.format must be one of {known}; got {shown(format)}")
    if is_folder(path):
        reader = of_folder(Path(path), format)
        refuse_useless(reader, options, str(path))
        yield reader, Path(path), str(path)
        return
    with opened(path) as source:
        reader = of_file(source, format)
        refuse_useless(reader, options, source.name)
        with (
            seekable(source) if reader.seekable else contextlib.nullcontext(source.stream) as found
        ):
            yield reader, found, source.name
