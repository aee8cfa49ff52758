"""The arrays of a store: written as they grow, and mapped to be read.

Each is a .npy file whose header takes `HEADER_BYTES`, so that it can be written last.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import zlib
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain import interrupts
from svmtrain.data.store.description import HEADER_BYTES, header_of
from svmtrain.errors import DataError, StorageError
from svmtrain.files import BLOCK, open_regular, write_all


class GrowingArray:
    """An array in a new file, to which rows are appended.

    Parameters
    ----------
    path : Path
    dtype : str
        As in `DTYPES`: little-endian.

    Attributes
    ----------
    values : int
        The number of values so far.
    """

    def __init__(self, path: Path, dtype: str) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self.path = path
        self.dtype = dtype
        self.values = 0
        self._sum = 0
        self._descriptor = os.open(path, flags, 0o666)
        write_all(self._descriptor, bytes(HEADER_BYTES))

    def append(self, rows: NDArray[Any]) -> None:
        """Append all values of an array, row after row."""
        content = np.ascontiguousarray(rows, dtype=self.dtype).reshape(-1).view(np.uint8).data
        for start in range(0, len(content), BLOCK):
            interrupts.check()
            block = content[start : start + BLOCK]
            write_all(self._descriptor, block)
            self._sum = zlib.crc32(block, self._sum)
        self.values += rows.size

    def finish(self, shape: tuple[int, ...]) -> str:
        """Write the header, make the file durable, read it back, and return its SHA-256.

        Raises
        ------
        StorageError
            When other bytes are read than were written.
        """
        header = header_of(self.dtype, shape)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        write_all(self._descriptor, header)
        os.fsync(self._descriptor)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        digest, found = hashlib.sha256(), 0
        start = os.read(self._descriptor, HEADER_BYTES)
        digest.update(start)
        while block := os.read(self._descriptor, BLOCK):
            interrupts.check()
            digest.update(block)
            found = zlib.crc32(block, found)
        if start != header or found != self._sum:
            raise StorageError("the bytes read back differ from the bytes written", path=self.path)
        self.close()
        return digest.hexdigest()

    def close(self) -> None:
        """Close the file; it may be closed already."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1


def mapped(path: Path, dtype: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return the array in a file, mapped and read-only.

    Raises
    ------
    DataError
        When the file is not there, or not exactly an array of this dtype and shape.
    """
    count = prod(shape)
    expected = HEADER_BYTES + count * np.dtype(dtype).itemsize
    with open_regular(path, DataError) as file:
        size = os.fstat(file.fileno()).st_size
        if size != expected:
            problem = f"has {size:,} bytes; expected {expected:,} by the description of the store"
            raise DataError(problem, path=path)
        if file.read(HEADER_BYTES) != header_of(dtype, shape):
            problem = f"is not an array of {np.dtype(dtype)} of shape {shape}, as is described"
            raise DataError(f"damaged: it {problem}", path=path)
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    values = np.frombuffer(content, dtype=np.uint8)[HEADER_BYTES:]
    return values.view(dtype).reshape(shape)
