"""The table of the formats, and how the format of a file or folder is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from svmtrain.data.dataset import ReadOptions, Table
from svmtrain.data.readers import (
    arrow,
    cifar,
    csv_table,
    idx,
    images,
    npy,
    npz,
    store_folder,
    svmlight,
)
from svmtrain.data.readers.compressed import unpacked_name
from svmtrain.data.readers.content import FORMATS_OF, is_binary, kind_of, refused
from svmtrain.data.readers.features import Columns
from svmtrain.data.readers.opening import Source
from svmtrain.errors import DataError, StorageError

AUTO = "auto"


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
    columns : callable or None
        `columns(stream, name, options)` returns the columns of a file, see `features.Columns`;
        None where there are none to choose from: all of them are features, and numbers.
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
    columns: Callable[[Any, str, ReadOptions], Columns] | None = None


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
            columns=arrow.parquet_columns,
            seekable=True,
        ),
        Reader(
            "arrow",
            (".arrow", ".feather", ".ipc"),
            arrow.read_arrow,
            arrow.arrow_chunks,
            arrow.looks_like_arrow,
            columns=arrow.arrow_columns,
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
            columns=csv_table.columns,
        ),
        Reader(
            "store",
            (),
            store_folder.read,
            store_folder.chunks,
            store_folder.looks_like,
            folder=True,
            columns=store_folder.columns,
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


def refuse_useless(reader: Reader, options: ReadOptions, path: str) -> None:
    """Raise for options that would have no effect."""
    if options.labels is not None and reader.beside is None:
        problem = f"{reader.name} data hold their labels; no file of labels goes with them"
        raise DataError(problem, path=path)
    if reader.columns is None and (options.keep or options.drop or options.text_columns):
        problem = f"{reader.name} data have no columns to keep, to drop or to take for text"
        raise DataError(problem, path=path)


def of_file(source: Source, format: str) -> Reader:
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


def of_folder(path: Path, format: str) -> Reader:
    """Return the reader of a folder, by the names in it."""
    try:
        names = frozenset(entry.name for entry in path.iterdir())
    except OSError as error:
        raise StorageError.from_os_error(error, "read", path) from error
    folders = [reader for reader in READERS.values() if reader.folder]
    if format != AUTO:
        folders = [READERS[format]]
        if not READERS[format].folder:
            raise DataError(
                f"is a folder; {format} data are a file (set data.format: auto)", path=path
            )
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
