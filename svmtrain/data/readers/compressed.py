"""Unpack gzip, bzip2 and xz while reading; what is damaged or expands beyond reason is refused.

A file that expands to more than `EXPANSION` times its size, and to more than `EXPANSION_FREE`
bytes, is refused: such data can be saved uncompressed.

Source: RFC 1952 (gzip); the formats of bzip2 and of xz, as Python's modules read them.
"""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from svmtrain import interrupts
from svmtrain.errors import DataError, shown

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

EXPANSION = 200
EXPANSION_FREE = 64 << 20
BLOCK = 1 << 16
BUFFER = 1 << 20
XZ_MEMORY = 128 << 20
BZIP2_BLOCKS = (b"1AY&SY", b"\x17rE8P\x90")  # a block, or the end at once
GZIP_WINDOW = 31  # of zlib: the largest window, with the header and the checksum of gzip

DAMAGE = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError)


class _Gzip:
    """One member of a gzip file, with the methods of bz2's and lzma's decompressors."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(GZIP_WINDOW)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data


def _xz() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY)


@dataclass(frozen=True)
class Packing:
    """A way to compress a stream.

    Attributes
    ----------
    name : str
    ending : str
        Of file names.
    marks : tuple of bytes
        What such a stream begins with, one of them.
    decompressor : callable
        Returns a fresh decompressor for one member or stream.
    """

    name: str
    ending: str
    marks: tuple[bytes, ...]
    decompressor: Callable[[], Any]


PACKINGS = (
    Packing("gzip", ".gz", (b"\x1f\x8b",), _Gzip),
    Packing(
        "bzip2",
        ".bz2",
        tuple(b"BZh%d" % level + block for level in range(1, 10) for block in BZIP2_BLOCKS),
        bz2.BZ2Decompressor,
    ),
    Packing("xz", ".xz", (b"\xfd7zXZ\x00",), _xz),
)
ENDINGS = tuple(packing.ending for packing in PACKINGS)


def packing_of(head: bytes) -> Packing | None:
    """Return how the stream that begins with `head` is compressed, or None when it is not."""
    found = (packing for packing in PACKINGS if head.startswith(packing.marks))
    return next(found, None)


def unpacked_name(name: str) -> str:
    """Return a file name without the ending of a compressed file."""
    ending = next((one for one in ENDINGS if name.lower().endswith(one)), "")
    return name[: len(name) - len(ending)]


def check_expansion(size: int, total: int, path: str) -> None:
    """Raise `DataError` when `size` bytes expand to `total`, and that is beyond reason."""
    if total > max(EXPANSION_FREE, EXPANSION * size):
        problem = f"expands from {size:,} to {total:,} bytes, more than {EXPANSION} times"
        raise DataError(f"{problem} (save it uncompressed)", path=path)


def unpacked(packed: BinaryIO, packing: Packing, name: str, size: int | None) -> BinaryIO:
    """Return a stream of what a compressed stream holds.

    Parameters
    ----------
    packed : binary file
        At its first byte. Members that follow one another are read as one; zeros may follow them.
    packing : Packing
    name : str
        What errors call the file.
    size : int or None
        Bytes that the whole of it has; None when that is not known, as of a pipe.

    Raises
    ------
    DataError
        From the reading methods, when the stream is damaged or cut off, or expands beyond reason.
    """
    return io.BufferedReader(_Unpacked(packed, packing, name, size), BUFFER)


class _Unpacked(io.RawIOBase):
    """The stream that `unpacked` wraps a buffer around."""

    def __init__(self, packed: BinaryIO, packing: Packing, name: str, size: int | None) -> None:
        # What has come so far, and not as much as is asked for: a pipe may be slow.
        self._more: Callable[[int], bytes] = getattr(packed, "read1", packed.read)
        self._packing = packing
        self._name = name
        self._size = size or 0
        self._decompressor = packing.decompressor()
        self._left = b""
        self._taken = self._given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        room = memoryview(buffer).cast("B")
        content = self._next(len(room)) if len(room) else b""
        self._given += len(content)
        if self._given > EXPANSION_FREE:
            check_expansion(max(self._size, self._taken), self._given, self._name)
        room[: len(content)] = content
        return len(content)

    def _next(self, most: int) -> bytes:
        """Return up to `most` bytes, none at the end."""
        content = b""
        while not content:
            interrupts.check()
            if self._decompressor.eof and not self._begin_another():
                return b""
            hungry = self._decompressor.needs_input
            block = self._left or (self._read() if hungry else b"")
            self._left = b""
            content = self._decompress(block, most)
            if hungry and not (block or content or self._decompressor.eof):
                problem = f"is cut off: the {self._packing.name} data end early"
                raise DataError(problem, path=self._name)
        return content

    def _begin_another(self) -> bool:
        """Begin with the member after the one that ended; False when there is none."""
        left = self._decompressor.unused_data.lstrip(b"\0")
        while not left:
            block = self._read()
            if not block:
                return False
            left = block.lstrip(b"\0")
        self._decompressor, self._left = self._packing.decompressor(), left
        return True

    def _read(self) -> bytes:
        block = self._more(BLOCK)
        self._taken += len(block)
        return block

    def _decompress(self, block: bytes, most: int) -> bytes:
        try:
            content: bytes = self._decompressor.decompress(block, most)
        except DAMAGE as error:
            problem = f"is damaged {self._packing.name} data: {shown(str(error))}"
            raise DataError(problem, path=self._name) from None
        except MemoryError:
            raise DataError(f"no memory to unpack {self._packing.name}", path=self._name) from None
        return content
