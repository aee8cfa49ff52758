"""Lines of a text file, each with its number and its byte offset, none longer than a limit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from svmtrain.data.readers.content import UTF8_BOM
from svmtrain.errors import DataError

LINE_LIMIT = 16 << 20


def byte_lines(stream: BinaryIO, name: str) -> Iterator[tuple[int, int, bytes]]:
    """Yield (line number from 1, byte offset, line with its ending); a UTF-8 BOM is dropped.

    Raises
    ------
    DataError
        For a line of more than `LINE_LIMIT` bytes, which is not read to its end, or a NUL byte.
    """
    number, offset = 0, 0
    while line := stream.readline(LINE_LIMIT + 1):
        number += 1
        if len(line) > LINE_LIMIT:
            raise DataError(f"longer than {LINE_LIMIT:,} bytes", path=name, line=number)
        if b"\0" in line:
            where = offset + line.index(b"\0")
            raise DataError(f"holds a NUL byte at byte offset {where}", path=name, line=number)
        start, size = offset, len(line)
        if number == 1 and line.startswith(UTF8_BOM):
            start, line = len(UTF8_BOM), line[len(UTF8_BOM) :]
        yield number, start, line
        offset += size


def text_lines(stream: BinaryIO, name: str) -> Iterator[str]:
    """Yield the lines of a UTF-8 file as text, endings kept.

    Raises
    ------
    DataError
        As `byte_lines`, and for bytes that are not UTF-8, with their offset.
    """
    for number, offset, line in byte_lines(stream, name):
        try:
            yield line.decode()
        except UnicodeDecodeError as error:
            byte, where = line[error.start], offset + error.start
            raise DataError(
                f"not UTF-8: byte 0x{byte:02x} at byte offset {where}",
                path=name,
                line=number,
            ) from None
