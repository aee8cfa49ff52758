"""Rows of numbers from a stream that says beforehand how many it holds.

From a file they are read straight into the array that is returned. From any other stream memory
grows only as bytes really arrive, and no more of them are taken than were announced.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from svmtrain import interrupts
from svmtrain.errors import DataError

READ_BYTES = 16 << 20
GROWTH_BYTES = 1 << 20
FINITE_CELLS = 1 << 20


@dataclass(frozen=True)
class Announced:
    """What a header says of the data after it.

    Attributes
    ----------
    text : str
        The same in words, for errors: "says 3 x 2 values".
    path : str
    dtype : numpy dtype
    rows, width : int
        Numbers of rows, and of values in each.
    """

    text: str
    path: str
    dtype: np.dtype[Any]
    rows: int
    width: int

    @property
    def row_bytes(self) -> int:
        """Bytes that a row takes."""
        return self.width * self.dtype.itemsize

    @property
    def n_bytes(self) -> int:
        """Bytes that all rows take."""
        return self.rows * self.row_bytes

    def but(self, found: str) -> DataError:
        """Return the error for data that are not what is announced."""
        return DataError(f"{self.text}, {self.n_bytes:,} bytes, but holds {found}", path=self.path)


def bytes_left(stream: BinaryIO) -> int | None:
    """Return how many bytes a file has left to read; None for a stream that is no plain file."""
    try:
        status = os.fstat(stream.fileno())
    except OSError:
        return None
    return status.st_size - stream.tell() if stat.S_ISREG(status.st_mode) else None


def row_blocks(stream: BinaryIO, said: Announced, rows: int) -> Iterator[NDArray[Any]]:
    """Return an iterator over the data that were announced, `rows` rows at a time.

    It yields ndarrays (at most rows, width), C-contiguous and writable, in native byte order.

    Raises
    ------
    DataError
        When a file holds less or more: before the iterator is returned. Of another stream when
        its end is reached.
    """
    left = bytes_left(stream)
    if left is not None and left != said.n_bytes:
        raise said.but(f"{left:,}")
    return _row_blocks(stream, said, max(1, min(rows, said.rows)))


def _row_blocks(stream: BinaryIO, said: Announced, rows: int) -> Iterator[NDArray[Any]]:
    for start in range(0, said.rows, rows):
        count = min(rows, said.rows - start)
        raw = exactly(stream, count * said.row_bytes, said.path)
        if len(raw) < count * said.row_bytes:
            raise said.but(f"{start * said.row_bytes + len(raw):,}")
        yield _native(raw.view(said.dtype)).reshape(count, said.width)
    if stream.read(1):
        raise said.but("more")


def whole(stream: BinaryIO, said: Announced) -> NDArray[Any]:
    """Return all the data that were announced, (rows, width)."""
    (found,) = row_blocks(stream, said, said.rows)
    return found


def exactly(stream: BinaryIO, count: int, path: str) -> NDArray[np.uint8]:
    """Return the next `count` bytes, fewer only when the stream ends.

    Raises
    ------
    DataError
        When there is no memory for them.
    """
    try:
        left = bytes_left(stream)
        if left is None or left < count:
            return _grown(stream, count)
        return _filled(stream, np.empty(count, dtype=np.uint8))
    except MemoryError:
        raise DataError(f"no memory for {count:,} bytes", path=path) from None


def _filled(stream: BinaryIO, room: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Read into an array until it is full, or the stream ends; return what was filled."""
    done, view = 0, room.data
    readinto = cast(io.BufferedIOBase, stream).readinto  # BinaryIO is not said to have one
    while done < len(room):
        interrupts.check()
        part = readinto(view[done : done + READ_BYTES])
        if not part:
            break
        done += part
    return room[:done]


def _grown(stream: BinaryIO, count: int) -> NDArray[np.uint8]:
    """Read up to `count` bytes into memory that grows with them."""
    content = bytearray()
    while len(content) < count:
        interrupts.check()
        part = stream.read(min(GROWTH_BYTES, count - len(content)))
        if not part:
            break
        content += part
    return np.frombuffer(content, dtype=np.uint8)


def _native(values: NDArray[Any]) -> NDArray[Any]:
    """Return values in the byte order of this machine, swapped where they stand."""
    if values.dtype.isnative:
        return values
    return values.byteswap(inplace=True).view(values.dtype.newbyteorder("="))


def check_finite(X: NDArray[Any], start: int, path: str) -> None:
    """Raise `DataError` for a number that is not finite; row 0 of X is row `start` of the file."""
    if X.dtype.kind != "f":
        return
    size = max(1, FINITE_CELLS // max(1, X.shape[1]))
    for first in range(0, len(X), size):
        finite = np.isfinite(X[first : first + size])
        if not finite.all():
            row, column = divmod(int(np.argmin(finite)), X.shape[1])
            row += first
            problem = f"X is {X[row, column]} in row {start + row}, column {column} (both from 0)"
            raise DataError(f"{problem}; expected a finite number", path=path)
