"""A file on its way: `NAME.part`, kept when a download breaks off, with a note of its source.

The note, `NAME.part.source`, holds the URL and what tells versions of it apart, so that a resume
never joins two versions of a file.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from svmtrain.errors import InUseError, StorageError
from svmtrain.files import fsync_folder, write_all, write_atomic

SUFFIX, NOTE_SUFFIX = ".part", ".part.source"
NOTE_LIMIT = 1 << 14
GOES_ON = "what has come is kept, and the same command goes on from there"


@dataclass(frozen=True)
class Source:
    """Where the bytes of a part come from.

    Attributes
    ----------
    url : str
    version : str
        The ETag or the date of the file there; empty when the server names none.
    """

    url: str
    version: str


class Part:
    """An open part of the file `target`. Use `opened`.

    Attributes
    ----------
    target, path : Path
    """

    def __init__(self, target: Path, descriptor: int) -> None:
        self.target = target
        self.path = target.with_name(target.name + SUFFIX)
        self._note = target.with_name(target.name + NOTE_SUFFIX)
        self._descriptor = descriptor

    @property
    def size(self) -> int:
        """Bytes that have come."""
        return os.fstat(self._descriptor).st_size

    def version_from(self, url: str) -> str:
        """Return the version that the bytes are of, or "" when they cannot be continued."""
        try:
            content = self._note.read_bytes()[:NOTE_LIMIT]
            note = Source(**json.loads(content))
        except (OSError, RecursionError, TypeError, ValueError):
            return ""
        fits = note.url == url and isinstance(note.version, str) and self.size > 0
        return note.version if fits else ""

    def begin(self, source: Source) -> None:
        """Drop what has come, and note where the rest comes from."""
        self.discard()
        note = {"url": source.url, "version": source.version}
        write_atomic(self._note, json.dumps(note).encode())

    def append(self, content: bytes) -> None:
        """Write at the end."""
        with self._telling():
            os.lseek(self._descriptor, 0, os.SEEK_END)
            write_all(self._descriptor, content)

    def sync(self) -> None:
        """Make the bytes durable."""
        with self._telling():
            os.fsync(self._descriptor)

    def discard(self) -> None:
        """Drop what has come."""
        with self._telling():
            os.ftruncate(self._descriptor, 0)

    def finish(self) -> None:
        """Give the file its name, in place of what may be there."""
        put_in_place(self.path, self.target)
        self._note.unlink(missing_ok=True)

    def remove_if_empty(self) -> None:
        """Leave nothing behind when nothing came."""
        if self.size == 0:
            for path in (self.path, self._note):
                path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        """Turn a refusal of the system into an error that names the part."""
        try:
            yield
        except OSError as error:
            problem = StorageError.from_os_error(error, "write", self.path).problem
            raise StorageError(f"{problem}; {GOES_ON}", path=self.path) from error


@contextlib.contextmanager
def opened(target: Path) -> Iterator[Part]:
    """Open the part of a file, and keep other processes away from it.

    Raises
    ------
    StorageError
        When the system refuses, or something else than a file has the name.
    InUseError
        When another process is fetching the same file.
    """
    path = target.with_name(target.name + SUFFIX)
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        raise StorageError.from_os_error(error, "write", path) from error
    try:
        if not _lock(descriptor, path):
            raise InUseError("another process is fetching this file", path=path)
        part = Part(target, descriptor)
        yield part
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> bool:
    """Lock an open part; False when it is another's, or was finished since it was opened."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except OSError as error:
        if isinstance(error, BlockingIOError | FileNotFoundError):
            return False
        raise StorageError.from_os_error(error, "write", path) from error


def put_in_place(temporary: Path, target: Path) -> None:
    """Rename a complete, durable file over `target`, durably.

    Raises
    ------
    StorageError
        When the system refuses.
    """
    try:
        os.replace(temporary, target)
        fsync_folder(target.parent)
    except OSError as error:
        raise StorageError.from_os_error(error, "write", target) from error
