"""steps.f64: the loss that each step began with, eight bytes a step.

It proves nothing and a resume does not need it: it is what lets `svmtrain verify` name the step at
which two runs part. `numpy.fromfile(path, "<f8")` reads it; entry 0 is of step 1. Steps whose loss
never came to disk, after a crash, are NaN.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from svmtrain.errors import StorageError
from svmtrain.files import open_regular

SIZE = 8
WAITING_LIMIT = 4096
GIVEN_UP = 1 << 16
"""Losses that wait for a disk to take them; those of later steps are then left out."""


class Trace:
    """Writes the losses of the steps of one session; what could not be written waits.

    Parameters
    ----------
    path : Path
    step : int
        The step that the session goes on from; what the file knows of later ones is cut off.

    Raises
    ------
    StorageError
        When the file cannot be opened.
    """

    def __init__(self, path: Path, step: int = 0) -> None:
        self._first = step
        self._waiting: list[float] = []
        self._left_out = 0
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self._descriptor = os.open(path, flags, 0o666)
            with contextlib.suppress(OSError):  # a full disk ends no run for the sake of a trace
                self._settle(step)
        except OSError as error:
            raise StorageError.from_os_error(error, "write", path) from error

    def _settle(self, step: int) -> None:
        known = min(os.fstat(self._descriptor).st_size // SIZE, step)
        os.ftruncate(self._descriptor, known * SIZE)
        self._write(known, np.full(step - known, np.nan))

    def add(self, loss: float) -> None:
        """Take the loss of the next step; it is not known later if too many wait already."""
        if len(self._waiting) >= GIVEN_UP:
            self._left_out += 1
            return
        self._waiting.append(loss)
        if len(self._waiting) % WAITING_LIMIT == 0:
            self.flush()

    def flush(self) -> None:
        """Write what waits, if the system lets us."""
        with contextlib.suppress(OSError):
            losses = np.append(self._waiting, np.full(self._left_out, np.nan))
            self._write(self._first, losses)
            self._first += len(losses)
            self._left_out = 0
            self._waiting.clear()

    def _write(self, first: int, losses: NDArray[np.float64]) -> None:
        content, offset = memoryview(losses.astype("<f8").tobytes()), first * SIZE
        while content:
            written = os.pwrite(self._descriptor, content, offset)
            content, offset = content[written:], offset + written

    def close(self) -> None:
        """Write what waits, and close the file."""
        self.flush()
        os.close(self._descriptor)


def read_trace(path: Path) -> NDArray[np.float64]:
    """Return the losses of the steps that a file knows, (steps,); none without a regular file."""
    with contextlib.suppress(StorageError), open_regular(path, StorageError) as file:
        return np.fromfile(file, "<f8").astype(np.float64)
    return np.zeros(0)
