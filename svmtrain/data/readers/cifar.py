"""Read the binary version of CIFAR-10 and CIFAR-100: images of 32 x 32 pixels, labels as numbers.

A row is one byte of label (CIFAR-100: one of the coarse label, which is passed over, and one of
the fine label), then the 1024 red, the 1024 green and the 1024 blue values of the pixels, each
row by row. A file has no header: its size alone tells whether it is whole.

Source: Krizhevsky (2009), Learning multiple layers of features from tiny images.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from svmtrain import interrupts
from svmtrain.data.dataset import ReadOptions, Table
from svmtrain.data.readers.blocks import bytes_left, exactly
from svmtrain.data.readers.features import check_width
from svmtrain.data.readers.growing import gathered
from svmtrain.errors import DataError

PIXELS = 3 * 32 * 32
BLOCK_ROWS = 4096


@dataclass(frozen=True)
class Kind:
    """A version of CIFAR.

    Attributes
    ----------
    name : str
    limits : tuple of int
        The largest value of each byte before the pixels; the last of them is the label.
    """

    name: str
    limits: tuple[int, ...]

    @property
    def row_bytes(self) -> int:
        """Bytes of a row."""
        return len(self.limits) + PIXELS

    def fits(self, head: bytes, size: int | None) -> bool:
        """Return whether a file of these first bytes and this size can be of this kind."""
        whole = len(head) // self.row_bytes * self.row_bytes
        rows = np.frombuffer(head[:whole], dtype=np.uint8).reshape(-1, self.row_bytes)
        sized = size is None or size % self.row_bytes == 0
        return sized and bool((rows[:, : len(self.limits)] <= self.limits).all())

    def read(self, stream: BinaryIO, name: str, options: ReadOptions) -> Table:
        """Read a whole file.

        Parameters
        ----------
        stream : binary file
        name : str
            What errors call the file.
        options : ReadOptions

        Returns
        -------
        Table
            X uint8 (n_samples, 3072), in the order of the file; labels int64 (n_samples,), or
            None when `labels_required` is False.

        Raises
        ------
        DataError
            For a size that is no number of rows, or a label that there is not.
        """
        return gathered(self.chunks(stream, name, options, BLOCK_ROWS))

    def chunks(
        self, stream: BinaryIO, name: str, options: ReadOptions, rows: int
    ) -> Iterator[Table]:
        """Yield tables of at most `rows` rows, as `read` returns them.

        Raises
        ------
        DataError
            As `read`.
        """
        check_width(PIXELS, options, name)
        size, step, start = bytes_left(stream), max(1, min(rows, BLOCK_ROWS)), 0
        if size is not None:
            self._check_size(size, name)
        while len(raw := exactly(stream, step * self.row_bytes, name)):
            interrupts.check()
            self._check_size(start * self.row_bytes + len(raw), name)
            block = raw.reshape(-1, self.row_bytes)
            labels = self._labels(block[:, : len(self.limits)], start, name)
            X = np.ascontiguousarray(block[:, len(self.limits) :])
            yield Table(X, labels if options.labels_required else None)
            start += len(block)
        if not start:
            raise DataError("the file is empty", path=name)

    def _check_size(self, size: int, path: str) -> None:
        """Refuse a size that is no number of rows."""
        if size % self.row_bytes:
            problem = f"has {size:,} bytes; expected a multiple of {self.row_bytes:,}"
            raise DataError(f"{problem}, a row of {self.name} data", path=path)

    def _labels(self, found: NDArray[np.uint8], start: int, path: str) -> NDArray[np.int64]:
        """Return the labels among the bytes before the pixels, (n_rows, number of limits)."""
        bad = (found > self.limits).any(axis=1)
        if bad.any():
            row = int(np.argmax(bad))
            at = int(np.argmax(found[row] > self.limits))
            problem = f"row {start + row + 1} has the label {found[row, at]}"
            raise DataError(f"{problem}; expected 0 to {self.limits[at]}", path=path)
        return found[:, -1].astype(np.int64)


CIFAR10 = Kind("cifar10", (9,))
CIFAR100 = Kind("cifar100", (19, 99))


def never(head: bytes) -> bool:
    """Return False: no first bytes are plainly those of CIFAR."""
    return False
