"""A text file in blocks of whole lines, to be taken at once or line by line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

from svmtrain.data.readers.content import UTF8_BOM
from svmtrain.errors import DataError

BLOCK_BYTES = 96 << 10  # what is made of a block then stays in the cache, and is little memory
LINE_LIMIT = 16 << 20

OnFault = Callable[[DataError], None]


class TextBlocks:
    """The lines of a file, read in blocks; a UTF-8 BOM is dropped.

    Parameters
    ----------
    stream : binary file
    name : str
        What errors call it.
    size : int
        Bytes to read at a time.
    on_fault : callable, optional
        Takes the error about a line that cannot be read, which is then left out.

    Attributes
    ----------
    lines : int
        How many lines have been taken.
    """

    def __init__(
        self,
        stream: BinaryIO,
        name: str,
        size: int = BLOCK_BYTES,
        on_fault: OnFault | None = None,
    ) -> None:
        self.lines = 0
        self._name, self._size, self._on_fault = name, size, on_fault
        # What has come so far, and not as much as is asked for: a pipe may be slow.
        self._more: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
        self._tail = b""  # of what has been read, what is no whole line yet
        self._block, self._at = b"", 0
        self._offset = 0  # of the block in the file

    @property
    def used_up(self) -> bool:
        """Whether all lines of the block at hand are taken."""
        return self._at == len(self._block)

    def more(self) -> bool:
        """Return whether there are lines that are not taken; read the next block if need be."""
        if self.used_up:
            self._offset += len(self._block)
            self._block, self._at = self._read(), 0
            if not self._offset and self._block.startswith(UTF8_BOM):
                self._at = len(UTF8_BOM)
        return not self.used_up

    def rest(self) -> bytes | None:
        """Return the lines of the block at hand that are not taken, or of the next block.

        The last ends with a line feed, though that of the file may not. None at the end of the
        file, and when a line may be too long: then they are to be taken one by one.
        """
        if not self.more() or len(self._block) > LINE_LIMIT:
            return None
        rest = self._block[self._at :]
        return rest if rest.endswith(b"\n") else rest + b"\n"

    def take(self, lines: int) -> None:
        """Take the rest of the block at hand, which are so many lines."""
        self.lines += lines
        self._at = len(self._block)

    def __iter__(self) -> Iterator[tuple[int, int, bytes]]:
        """Yield (line number from 1, byte offset, line with its ending), taking each line.

        Raises
        ------
        DataError
            For a line of more than `LINE_LIMIT` bytes, or a NUL byte.
        """
        while self.more():
            start = self._at
            end = self._block.find(b"\n", start) + 1 or len(self._block)
            line, offset = self._block[start:end], self._offset + start
            self.lines, self._at = self.lines + 1, end
            if len(line) > LINE_LIMIT:
                problem = f"longer than {LINE_LIMIT:,} bytes"
                raise DataError(problem, path=self._name, line=self.lines)
            if b"\0" in line:
                self.refuse(f"holds a NUL byte at byte offset {offset + line.index(0)}")
                continue
            yield self.lines, offset, line

    def refuse(self, problem: str) -> None:
        """Raise, or tell of, what is wrong with the line that was taken last."""
        fault = DataError(problem, path=self._name, line=self.lines)
        if self._on_fault is None:
            raise fault from None
        self._on_fault(fault)

    def _read(self) -> bytes:
        """Return the next whole lines that have come; more than `LINE_LIMIT` if one is too long."""
        parts = [self._tail]
        while True:
            part = self._more(self._size)
            end = part.rfind(b"\n") + 1
            self._tail = part[end:]
            parts.append(part[:end])
            if end or not part:
                return b"".join(parts)
            parts.append(self._tail)
            if sum(map(len, parts)) > LINE_LIMIT:
                self._tail = b""
                return b"".join(parts)


def text_lines(blocks: TextBlocks) -> Iterator[str]:
    """Yield the lines of a UTF-8 file as text, endings kept.

    Raises
    ------
    DataError
        As `TextBlocks`, and for bytes that are not UTF-8, with their offset.
    """
    for _, offset, line in blocks:
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            byte, where = line[error.start], offset + error.start
            blocks.refuse(f"not UTF-8: byte 0x{byte:02x} at byte offset {where} (save it as UTF-8)")
        else:
            yield text
