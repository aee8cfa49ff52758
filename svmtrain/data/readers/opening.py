"""Open what data are read from: a file, a folder or standard input, unpacked when compressed."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from svmtrain.data.readers.compressed import packing_of, unpacked, unpacked_name
from svmtrain.data.readers.content import HEAD_BYTES
from svmtrain.errors import DataError, StorageError
from svmtrain.files import near_file, open_regular

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

STDIN, STDIN_NAME = "-", "<stdin>"
BLOCK = 1 << 20


@dataclass(frozen=True)
class Source:
    """A stream of data, at its first byte.

    Attributes
    ----------
    stream : binary file
        Unpacked, when what it comes from is compressed.
    name : str
        What errors call it: the path, as given.
    head : bytes
        The first bytes of the stream.
    size : int or None
        Bytes in the stream; None when that cannot be known before they are read.
    seekable : bool
        Whether the stream is a file, and no pipe.
    """

    stream: BinaryIO
    name: str
    head: bytes
    size: int | None
    seekable: bool

    @property
    def format_name(self) -> str:
        """The name that says what format it has: without the ending of a compressed file."""
        return unpacked_name(self.name)

    @property
    def piped(self) -> bool:
        """Whether it is standard input."""
        return self.name == STDIN_NAME


@contextlib.contextmanager
def opened(path: str | Path) -> Iterator[Source]:
    """Open a file, or standard input for "-"; gzip, bzip2 and xz are unpacked while reading.

    Raises
    ------
    DataError
        When there is no such regular file; when what is read is damaged compressed data.
    StorageError
        When the system fails while reading.
    """
    piped = str(path) == STDIN
    name = STDIN_NAME if piped else str(path)
    if not (piped or os.path.lexists(path)):
        raise DataError(f"no such file{near_file(path)}", path=path)
    try:
        with _standard_input() if piped else open_regular(path, DataError) as raw:
            size = None if piped else os.fstat(raw.fileno()).st_size
            head = raw.read(HEAD_BYTES)
            stream = _rewound(head, raw, piped)
            packing = packing_of(head)
            if packing is not None:
                whole = unpacked(stream, packing, name, size)
                head = whole.read(HEAD_BYTES)
                stream, size = _rewound(head, whole, True), None
            if len(head) < HEAD_BYTES:
                size = len(head)
            yield Source(stream, name, head, size, not piped and packing is None)
    except OSError as error:
        raise StorageError.from_os_error(error, "read", name) from error


@contextlib.contextmanager
def seekable(source: Source) -> Iterator[BinaryIO]:
    """Yield the stream of a source as one that can seek.

    What is compressed is unpacked into a temporary file that has no name and is gone afterwards.
    """
    if source.seekable:
        yield source.stream
        return
    with tempfile.TemporaryFile() as file:
        while block := source.stream.read(BLOCK):
            file.write(block)
        file.seek(0)
        yield file


def is_folder(path: str | Path) -> bool:
    """Return whether there is a folder at a path."""
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False


@contextlib.contextmanager
def _standard_input() -> Iterator[BinaryIO]:
    """Yield standard input as bytes; it stays open afterwards."""
    if sys.stdin is None:
        raise DataError("standard input is closed", path=STDIN_NAME)
    yield sys.stdin.buffer


def _rewound(head: bytes, stream: BinaryIO, piped: bool) -> BinaryIO:
    """Return a stream from its first byte again, when `head` was read from it."""
    if piped:
        return io.BufferedReader(_Rejoined(head, stream))
    stream.seek(0)
    return stream


class _Rejoined(io.RawIOBase):
    """A stream put together again from its first bytes and the rest."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = memoryview(head)
        # What has come so far, and not as much as is asked for: a pipe may be slow.
        self._more: Callable[[int], bytes] = getattr(rest, "read1", rest.read)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        room = memoryview(buffer)
        part = self._head[: len(room)] or self._more(len(room))
        self._head = self._head[len(part) :]
        room[: len(part)] = part
        return len(part)
