"""Read data files. A format is a module and a line in `READERS`."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from svmtrain.data.dataset import ReadOptions, Table
from svmtrain.data.readers import csv_table, npz, store_folder, svmlight
from svmtrain.data.readers.content import HEAD_BYTES, ZIPS, is_binary, kind_of, refused
from svmtrain.errors import DataError, StorageError, shown
from svmtrain.files import open_regular

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

AUTO = "auto"
STDIN, STDIN_NAME = "-", "<stdin>"
CHUNK_ROWS = 4096


@dataclass(frozen=True)
class Reader:
    """A format that data come in.

    Attributes
    ----------
    name : str
    suffixes : tuple of str
        Endings of file names, in lower case.
    read : callable
        `read(stream, name, options)` returns the whole file as a `Table`.
    chunks : callable
        `chunks(stream, name, options, rows)` yields tables of at most `rows` rows, so that a
        file may be larger than memory.
    looks_like : callable
        Whether a file that begins with these bytes is plainly of this format; of a folder, the
        names that are in it.
    seekable : bool
        Whether it takes a real file, and not a pipe.
    folder : bool
        Whether such data are a folder: `read` and `chunks` then take its path for the stream.
    """

    name: str
    suffixes: tuple[str, ...]
    read: Callable[[Any, str, ReadOptions], Table]
    chunks: Callable[[Any, str, ReadOptions, int], Iterator[Table]]
    looks_like: Callable[[Any], bool]
    seekable: bool = False
    folder: bool = False


# In this order they are asked whether a file looks like theirs: the most particular first.
READERS: dict[str, Reader] = {
    reader.name: reader
    for reader in (
        Reader("npz", (".npz",), npz.read, npz.chunks, npz.looks_like, seekable=True),
        Reader(
            "svmlight",
            (".svmlight", ".svm", ".libsvm"),
            svmlight.read,
            svmlight.chunks,
            svmlight.looks_like,
        ),
        Reader(
            "csv",
            (".csv", ".tsv", ".txt"),
            csv_table.read,
            csv_table.chunks,
            csv_table.looks_like,
        ),
        Reader(
            "store",
            (),
            store_folder.read,
            store_folder.chunks,
            store_folder.looks_like,
            folder=True,
        ),
    )
}


def find_format(path_or_name: str | Path, head: bytes) -> str:
    """Return the name of the format of a file: by its content, and else by its suffix.

    Parameters
    ----------
    path_or_name : str or Path
    head : bytes
        The first bytes of the file.

    Raises
    ------
    DataError
        When the file is empty, compressed, of another kind, or could be anything.
    """
    name = str(path_or_name)
    if not head:
        raise DataError("the file is empty", path=name)
    by_suffix = [key for key, reader in READERS.items() if name.lower().endswith(reader.suffixes)]
    by_suffix = ["npz"] if npz.looks_like(head) else by_suffix
    _refuse_other_kinds(name, head, by_suffix[0] if by_suffix else "")
    for key, reader in READERS.items():
        if not reader.folder and reader.looks_like(head):
            return key
    if by_suffix:
        return by_suffix[0]
    if is_binary(head):
        raise DataError(f"binary data of an unknown kind; expected {_known()}", path=name)
    raise DataError(f"cannot tell its format; expected {_known()} (set data.format)", path=name)


def read_table(path: str | Path, format: str = AUTO, options: ReadOptions | None = None) -> Table:
    """Read a whole data file.

    Parameters
    ----------
    path : str or Path
        "-" is standard input.
    format : str
        A name in `READERS`, or "auto" to find out.
    options : ReadOptions, optional

    Returns
    -------
    Table
        X float64 (n_samples, n_features), finite; labels and feature names as the format has.

    Raises
    ------
    DataError
        For a file that is missing, malformed, or does not fit the options.
    StorageError
        When the system fails while reading.
    """
    with _opened(path, format) as (reader, stream, name):
        return reader.read(stream, name, options or ReadOptions())


def iter_tables(
    path: str | Path,
    format: str = AUTO,
    options: ReadOptions | None = None,
    rows: int = CHUNK_ROWS,
) -> Iterator[Table]:
    """Yield a data file as tables of at most `rows` rows, in order.

    Parameters and errors are those of `read_table`; errors come when the bad place is reached.
    """
    with _opened(path, format) as (reader, stream, name):
        yield from reader.chunks(stream, name, options or ReadOptions(), rows)


def format_of(path: str | Path, format: str = AUTO) -> str:
    """Return the name of the format that a file or folder is read as.

    Raises
    ------
    DataError
        As `read_table`, for what can be told without reading on.
    """
    with _opened(path, format) as (reader, _, _):
        return reader.name


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


@contextlib.contextmanager
def _opened(path: str | Path, format: str) -> Iterator[tuple[Reader, Any, str]]:
    """Open a file, a folder or standard input, and find its reader."""
    if format != AUTO and format not in READERS:
        problem = f"data.format must be one of {AUTO}, {_known()}; got {shown(format)}"
        raise DataError(problem)
    if os.path.isdir(path):
        yield _of_folder(Path(path), format), Path(path), str(path)
        return
    piped = str(path) == STDIN
    name = STDIN_NAME if piped else str(path)
    try:
        with _standard_input() if piped else open_regular(path, DataError) as stream:
            head = stream.read(HEAD_BYTES)
            if format == AUTO:
                format = find_format(name, head)
            _refuse_other_kinds(name, head, format)
            reader = READERS[format]
            if reader.folder:
                raise DataError(f"is a file; {format} data are a folder", path=name)
            if piped and reader.seekable:
                problem = f"{format} cannot be read from standard input; save it to a file first"
                raise DataError(problem, path=name)
            if not piped:
                stream.seek(0)
            yield reader, _after(head, stream) if piped else stream, name
    except OSError as error:
        raise StorageError.from_os_error(error, "read", name) from error


def _refuse_other_kinds(name: str, head: bytes, format: str) -> None:
    """Raise when `head` bears the mark of a file that no reader takes; a zip may be npz."""
    kind = kind_of(head)
    if kind is not None and not (format == "npz" and kind in ZIPS):
        raise refused(kind, name)


def _known() -> str:
    return ", ".join(sorted(READERS))


@contextlib.contextmanager
def _standard_input() -> Iterator[BinaryIO]:
    """Yield standard input as bytes; it stays open afterwards."""
    if sys.stdin is None:
        raise DataError("standard input is closed", path=STDIN_NAME)
    yield sys.stdin.buffer


def _after(head: bytes, rest: BinaryIO) -> BinaryIO:
    """Return a stream that yields `head` and then what is left in `rest`."""
    return io.BufferedReader(_Rejoined(head, rest))


class _Rejoined(io.RawIOBase):
    """A stream put together again from its first bytes and the rest."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = memoryview(head)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        room = memoryview(buffer)
        part = self._head[: len(room)] or self._rest.read(len(room))
        self._head = self._head[len(part) :]
        room[: len(part)] = part
        return len(part)
