"""Read data files. A format is a module and a line in `READERS`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from svmtrain.data.dataset import ReadOptions, Table, joined
from svmtrain.data.readers import arrow, cifar, csv_table, idx, images, npy, npz, svmlight
from svmtrain.data.readers.compressed import unpacked_name
from svmtrain.data.readers.content import FORMATS_OF, is_binary, kind_of, refused
from svmtrain.data.readers.opening import STDIN, Source, is_folder, opened, seekable
from svmtrain.data.readers.several import DataPath, Paths, data_paths, expanded, title
from svmtrain.data.sparse import Csr
from svmtrain.errors import DataError, StorageError, shown

__all__ = [
    "AUTO",
    "READERS",
    "STDIN",
    "DataPath",
    "Paths",
    "Reader",
    "combined",
    "data_paths",
    "expanded",
    "find_format",
    "format_of",
    "iter_tables",
    "labels_path",
    "read_each",
    "read_table",
    "read_tables",
    "title",
]

AUTO = "auto"
CHUNK_ROWS = 4096


@dataclass(frozen=True)
class Reader:
    """A format that data come in.

    Attributes
    ----------
    name : str
    suffixes : tuple of str
        Endings of file names, in lower case; of a folder, none.
    read : callable
        `read(stream, name, options)` returns the whole file as a `Table`.
    chunks : callable
        `chunks(stream, name, options, rows)` yields tables of at most `rows` rows, so that a
        file may be larger than memory.
    looks_like : callable
        Whether a file that begins with these bytes is plainly of this format; of a folder, the
        names that are in it.
    fits : callable or None
        For a format that only name and size tell: whether a file with one of the suffixes can be
        of it, by its first bytes and its size (None when that is not known).
    seekable : bool
        Whether it takes a real file, and not a pipe.
    folder : bool
        Whether such data are a folder: `read` and `chunks` then take its path for the stream.
    beside : callable or None
        For a format that keeps labels in a file of their own: the path of those that belong to
        a path, by its name.
    ragged : bool
        Whether the width of a file is only as far as its rows happen to reach, so that those of
        one dataset may differ.
    """

    name: str
    suffixes: tuple[str, ...]
    read: Callable[[Any, str, ReadOptions], Table]
    chunks: Callable[[Any, str, ReadOptions, int], Iterator[Table]]
    looks_like: Callable[[Any], bool]
    fits: Callable[[bytes, int | None], bool] | None = None
    seekable: bool = False
    folder: bool = False
    beside: Callable[[str], str] | None = None
    ragged: bool = False


def _cifar(kind: cifar.Kind) -> Reader:
    return Reader(kind.name, (".bin",), kind.read, kind.chunks, cifar.never, fits=kind.fits)


# In this order they are asked whether a file looks like theirs: the most particular first.
READERS: dict[str, Reader] = {
    reader.name: reader
    for reader in (
        Reader("npz", (".npz",), npz.read, npz.chunks, npz.looks_like, seekable=True),
        Reader("npy", (".npy",), npy.read, npy.chunks, npy.looks_like, beside=npy.beside),
        Reader(
            "idx",
            (".idx", ".idx2-ubyte", ".idx3-ubyte", ".idx4-ubyte"),
            idx.read,
            idx.chunks,
            idx.looks_like,
            beside=idx.beside,
        ),
        Reader(
            "parquet",
            (".parquet", ".pq"),
            arrow.read_parquet,
            arrow.parquet_chunks,
            arrow.looks_like_parquet,
            seekable=True,
        ),
        Reader(
            "arrow",
            (".arrow", ".feather", ".ipc"),
            arrow.read_arrow,
            arrow.arrow_chunks,
            arrow.looks_like_arrow,
            seekable=True,
        ),
        _cifar(cifar.CIFAR10),
        _cifar(cifar.CIFAR100),
        Reader(
            "svmlight",
            (".svmlight", ".svm", ".libsvm"),
            svmlight.read,
            svmlight.chunks,
            svmlight.looks_like,
            ragged=True,
        ),
        Reader(
            "csv",
            (".csv", ".tsv", ".txt"),
            csv_table.read,
            csv_table.chunks,
            csv_table.looks_like,
        ),
        Reader("images", (), images.read, images.chunks, images.looks_like, folder=True),
    )
}


def find_format(path_or_name: str | Path, head: bytes, size: int | None = None) -> str:
    """Return the name of the format of a file: by its content, and else by its suffix.

    Parameters
    ----------
    path_or_name : str or Path
        The ending of a compressed file does not count.
    head : bytes
        The first bytes of the file, unpacked.
    size : int or None
        Bytes that all of it has, unpacked; None when that is not known.

    Raises
    ------
    DataError
        When the file is empty, of another kind, or could be anything.
    """
    name = str(path_or_name)
    if not head:
        raise DataError("the file is empty", path=name)
    ending = unpacked_name(name).lower()
    named = [key for key, reader in READERS.items() if ending.endswith(reader.suffixes)]
    named = [key for key in FORMATS_OF.values() if READERS[key].looks_like(head)][:1] or named
    _refuse_other_kinds(name, head, named)
    sized = [(key, READERS[key].fits) for key in named]
    fitting = [key for key, fits in sized if fits is not None and fits(head, size)]
    if len(fitting) == 1:
        return fitting[0]
    for key, reader in READERS.items():
        if not reader.folder and reader.looks_like(head):
            return key
    if len(named) == 1:
        return named[0]
    if named:
        problem = "can be both" if fitting else "has the size or the labels of neither"
        names = f"{', '.join(named[:-1])} and {named[-1]}"
        raise DataError(f"of {names}, it {problem} (set data.format)", path=name)
    if is_binary(head):
        raise DataError(f"binary data of an unknown kind; expected {_known()}", path=name)
    raise DataError(f"cannot tell its format; expected {_known()} (set data.format)", path=name)


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
        if file is files[0] and files[1:] and not READERS[format_of(file.path, format)].ragged:
            names = table.feature_names or options.feature_names
            options = replace(options, n_features=table.X.shape[1], feature_names=names)
        options = replace(options, vocabulary=table.categories)


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
        problem = f"data.format must be one of {AUTO}, {_known()}; got {shown(format)}"
        raise DataError(problem)
    if is_folder(path):
        yield _of_folder(Path(path), format), Path(path), str(path)
        return
    with opened(path) as source:
        reader = _of_file(source, format)
        if options.labels is not None and reader.beside is None:
            problem = f"{reader.name} data hold their labels; no file of labels goes with them"
            raise DataError(problem, path=source.name)
        with (
            seekable(source) if reader.seekable else contextlib.nullcontext(source.stream) as found
        ):
            yield reader, found, source.name


def _of_file(source: Source, format: str) -> Reader:
    """Return the reader of an opened file."""
    if not source.head:
        raise DataError("the file is empty", path=source.name)
    if format == AUTO:
        format = find_format(source.name, source.head, source.size)
    reader = READERS[format]
    if reader.folder:
        raise DataError(f"is a file; {format} data are a folder", path=source.name)
    _refuse_other_kinds(source.name, source.head, [format])
    if source.piped and reader.seekable:
        problem = f"{format} cannot be read from standard input; save it to a file first"
        raise DataError(problem, path=source.name)
    return reader


def _of_folder(path: Path, format: str) -> Reader:
    """Return the reader of a folder, by the names in it."""
    try:
        names = frozenset(entry.name for entry in path.iterdir())
    except OSError as error:
        raise StorageError.from_os_error(error, "read", path) from error
    folders = [reader for reader in READERS.values() if reader.folder]
    if format != AUTO:
        folders = [READERS[format]]
        if not READERS[format].folder:
            raise DataError(f"is a folder; {format} data are a file", path=path)
    found = [reader for reader in folders if reader.looks_like(names)]
    if not found:
        known = " or ".join(reader.name for reader in folders) or "data"
        raise DataError(f"is a folder; expected a file, or a folder of {known}", path=path)
    return found[0]


def _refuse_other_kinds(name: str, head: bytes, formats: list[str]) -> None:
    """Raise when `head` bears the mark of a file that no reader of these formats takes."""
    kind = kind_of(head)
    if kind is not None and FORMATS_OF.get(kind) not in formats:
        expected = ", ".join(formats) or _known()
        raise refused(kind, name, expected)


def _known() -> str:
    return ", ".join(sorted(READERS))
