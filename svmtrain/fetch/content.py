"""What files hold, read as a stream that cannot expand without end: text, and members of tar."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from svmtrain import interrupts
from svmtrain.errors import FetchError, printable
from svmtrain.fetch.entries import Output, RemoteFile
from svmtrain.files import open_regular

BLOCK = 1 << 20
EXPANDED_LIMIT = 4 << 30
BESIDES = 16 << 20  # of other members and headers that an archive may hold
OPENERS: dict[str, Callable[[IO[bytes]], io.BufferedIOBase]] = {
    ".gz": lambda raw: gzip.GzipFile(fileobj=raw),
    ".bz2": bz2.BZ2File,
}


class Damaged(Exception):
    """What is wrong with the content of a file, as the end of a sentence."""


class Capped(io.RawIOBase):
    """A stream that raises `Damaged` when it cannot be read, or after more than `limit` bytes."""

    def __init__(self, stream: IO[bytes] | io.BufferedIOBase, limit: int) -> None:
        self._stream = stream
        self._left = limit

    def readable(self) -> bool:
        """Return that it is for reading."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Read at most `size` bytes; all that the limit lets through if negative."""
        interrupts.check()
        most = self._left + 1
        try:
            content = self._stream.read(min(size, most) if size >= 0 else most)
        except (OSError, EOFError, zlib.error) as error:
            raise Damaged(f"it is damaged ({printable(str(error))})") from error
        self._left -= len(content)
        if self._left < 0:
            raise Damaged("it expands to more than it should")
        return content

    def blocks(self) -> Iterator[bytes]:
        """Yield the rest."""
        while block := self.read(BLOCK):
            yield block


@contextlib.contextmanager
def expanded(path: Path, name: str, limit: int = EXPANDED_LIMIT) -> Iterator[Capped]:
    """Open a file, decompressed by the suffix of `name`.

    Raises
    ------
    FetchError
        When it cannot be opened.
    """
    with open_regular(path, FetchError) as raw:
        opener = OPENERS.get(Path(name).suffix)
        yield Capped(opener(raw) if opener else raw, limit)


def member_blocks(path: Path, file: RemoteFile) -> Iterator[tuple[Output, int, bytes]]:
    """Yield what the outputs of an archive consist of: the output, an offset in it, bytes.

    Only members that the catalogue names are read, and only from regular files of the right size;
    no name out of the archive is ever used as a path.

    Raises
    ------
    Damaged
        When a member is missing or not as it should be, or the archive is damaged anywhere.
    FetchError
        When it cannot be opened.
    """
    left = {
        member: (output, index * output.member_size)
        for output in file.outputs
        for index, member in enumerate(output.members)
    }
    limit = BESIDES + sum(output.member_size * len(output.members) for output in file.outputs)
    try:
        with expanded(path, file.name, limit) as stream:
            with tarfile.open(fileobj=stream, mode="r|") as archive:
                for info in archive:
                    if info.name in left:
                        yield from _blocks(archive, info, *left.pop(info.name))
            for _ in stream.blocks():  # to the checksum at its end
                pass
    except (tarfile.TarError, ValueError, RecursionError) as error:
        raise Damaged(f"it is damaged ({printable(str(error))})") from error
    if left:
        raise Damaged(f"it lacks {next(iter(left))}")


def _blocks(
    archive: tarfile.TarFile, info: tarfile.TarInfo, output: Output, offset: int
) -> Iterator[tuple[Output, int, bytes]]:
    """Yield one member."""
    content = archive.extractfile(info) if info.isreg() else None
    if content is None:
        raise Damaged(f"{info.name} in it is not a regular file")
    if info.size != output.member_size:
        raise Damaged(f"{info.name} in it has {info.size:,} bytes, expected {output.member_size:,}")
    while block := content.read(BLOCK):
        yield output, offset, block
        offset += len(block)
