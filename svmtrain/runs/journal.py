"""What a run leaves behind while it trains: metrics.jsonl and the checkpoints."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from svmtrain import checkpoint as checkpoints
from svmtrain.checkpoint import Checkpoint
from svmtrain.errors import ResumeError, StorageError
from svmtrain.files import read_bytes, write_all, write_atomic
from svmtrain.model import LinearClassifier
from svmtrain.runs.directory import RunDirectory
from svmtrain.runs.trace import Trace
from svmtrain.training.history import EpochRecord
from svmtrain.training.state import TrainingState
from svmtrain.training.stopping import BestEpoch

FAILURES_ALLOWED = 2
METRICS_LIMIT = 1 << 32
UNSYNCED_LIMIT = 256
"""Lines that may wait for an fsync: where checkpoints are few, the records make their own."""


class Metrics:
    """metrics.jsonl: a line an epoch, append-only.

    Lines that could not be written stay in memory and are tried again by the next `sync`; a line
    that went to disk in part is cut off again. After a failed fsync the file is opened anew and
    the lines since the last good one are written again: the system may have dropped them.
    """

    def __init__(self, path: Path, content: bytes = b"") -> None:
        self.path = path
        self._waiting: list[bytes] = []
        self._unsynced: list[bytes] = []
        self._digest = hashlib.sha256(content)
        self._synced = self._digest.copy(), len(content)
        self.length = len(content)
        try:
            self._descriptor = _open(path)
            os.ftruncate(self._descriptor, self.length)
        except OSError as error:
            raise StorageError.from_os_error(error, "write", path) from error
        self._ragged = False

    @property
    def sha256(self) -> str:
        """The digest of the first `length` bytes."""
        return self._digest.hexdigest()

    def append(self, record: EpochRecord) -> None:
        """Take a line; write it now if the system lets us."""
        self._waiting.append((record.to_json() + "\n").encode())
        with contextlib.suppress(OSError):
            self._write_waiting()
            if len(self._unsynced) > UNSYNCED_LIMIT:
                self.sync()

    def records(self) -> Iterator[EpochRecord]:
        """Yield the records in the file, one after the other."""
        with open(self.path, "rb") as file:
            while file.tell() < self.length:
                yield EpochRecord.from_json(file.readline())

    def sync(self) -> None:
        """Write what waits, and make it durable; OSError when that fails."""
        self._write_waiting()
        try:
            os.fsync(self._descriptor)
        except OSError:
            self._reopen()
            raise
        self._synced = self._digest.copy(), self.length
        self._unsynced.clear()

    def _reopen(self) -> None:
        """Go back to the last good fsync, with another descriptor."""
        descriptor = _open(self.path)
        os.close(self._descriptor)
        self._descriptor = descriptor
        self._waiting = [*self._unsynced, *self._waiting]
        self._unsynced = []
        self._digest, self.length = self._synced[0].copy(), self._synced[1]
        self._ragged = True

    def _write_waiting(self) -> None:
        while self._waiting:
            if self._ragged:
                os.ftruncate(self._descriptor, self.length)
            line = self._waiting[0]
            self._ragged = True
            try:
                write_all(self._descriptor, line)
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(self._descriptor, self.length)
                raise
            self._ragged = False
            self._digest.update(line)
            self.length += len(line)
            self._unsynced.append(self._waiting.pop(0))

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)


class RunJournal:
    """Writes the records and the checkpoints of one session into a run directory.

    Parameters
    ----------
    run : RunDirectory
        Locked by this process.
    metrics : Metrics
    trace : Trace
    best : BestEpoch
        The one that the loop updates before it saves.
    classifier : callable
        From weights (W, b) to the classifier that would be saved.
    identity : mapping
        See `svmtrain.build`.
    keep : int
        Checkpoints to keep besides the best.
    say : callable
        Takes a sentence for the user.
    best_file : str, optional
        Name of the best checkpoint saved by earlier sessions.
    last : EpochRecord, optional
        The last record of earlier sessions.
    also : callable, optional
        Takes every record too, such as what draws it elsewhere.
    """

    def __init__(
        self,
        run: RunDirectory,
        metrics: Metrics,
        trace: Trace,
        *,
        best: BestEpoch,
        classifier: Callable[..., LinearClassifier],
        identity: Mapping[str, Any],
        keep: int,
        say: Callable[[str], None],
        best_file: str | None = None,
        last: EpochRecord | None = None,
        also: Callable[[EpochRecord], None] | None = None,
    ) -> None:
        self.run = run
        self.metrics = metrics
        self.trace = trace
        self.best = best
        self.classifier = classifier
        self.identity = identity
        self.keep = keep
        self.say = say
        self.best_file = best_file
        self.last = last
        self.also = also
        self.failures = 0
        self._saved_at: tuple[int, int] | None = None

    def step(self, loss: float) -> None:
        """Take the loss that a step began with."""
        self.trace.add(loss)

    def record(self, record: EpochRecord) -> None:
        """Append the record of an epoch."""
        self.last = record
        self.trace.flush()
        self.metrics.append(record)
        if self.also is not None:
            self.also(record)

    def save(self, state: TrainingState, *, last: bool = False, asked: bool = False) -> None:
        """Save a checkpoint durably, then delete the ones that are no longer kept.

        A failed save warns and training goes on; the third in a row, or the last of the session,
        raises StorageError. Nothing that was saved before is touched by a failure. The last save
        has nothing to do when a periodic one was made at the same place.
        """
        place = (state.solver.step, state.epoch)
        if last and place == self._saved_at:
            return
        name, best_before = checkpoints.file_name(state.solver.step), self.best_file
        if state.position == 0 and state.epoch == self.best.epoch:
            self.best_file = name
        try:
            self._write(name, state)
        except (OSError, StorageError) as error:
            self.failures += 1
            self.best_file = best_before
            problem = (
                StorageError.from_os_error(error, "write", self.metrics.path)
                if isinstance(error, OSError)
                else error
            )
            if last or self.failures > FAILURES_ALLOWED:
                raise problem from error
            self.say(f"warning: checkpoint not saved, training goes on: {problem}")
            return
        self.failures = 0
        self._saved_at = place
        self._rotate()
        if asked:
            self.say(f"SIGUSR2: saved at step {state.solver.step}")

    def _write(self, name: str, state: TrainingState) -> None:
        self.trace.flush()
        self.metrics.sync()
        checkpoint = Checkpoint(
            state=state,
            identity=self.identity,
            metrics_length=self.metrics.length,
            metrics_sha256=self.metrics.sha256,
            best_file=self.best_file,
        )
        content = checkpoints.to_bytes(checkpoint, self.classifier(*state.solver.weights))
        write_atomic(self.run.checkpoints / name, content)

    def _rotate(self) -> None:
        for path in self.run.checkpoint_files()[self.keep :]:
            if path.name != self.best_file:
                with contextlib.suppress(OSError):
                    path.unlink()


def saved_metrics(
    run: RunDirectory, checkpoint: Checkpoint, content: bytes | None = None
) -> tuple[bytes, EpochRecord | None]:
    """Return what metrics.jsonl held when a checkpoint was made, and the last record in it.

    With `content`, the file is taken to hold that.

    Raises
    ------
    ResumeError
        When the file is shorter than it was, or its content is not the one the checkpoint knew.
    """
    if content is None:
        content = read_bytes(run.metrics, ResumeError, METRICS_LIMIT)
    known = content[: checkpoint.metrics_length]
    if len(known) < checkpoint.metrics_length:
        raise ResumeError(
            f"has {len(known)} bytes; the checkpoint was made when it had "
            f"{checkpoint.metrics_length} ({_hint(run)})",
            path=run.metrics,
        )
    if hashlib.sha256(known).hexdigest() != checkpoint.metrics_sha256:
        raise ResumeError(
            f"was changed since the checkpoint was made ({_hint(run)})", path=run.metrics
        )
    epochs, last = [], None
    try:
        for line in known.splitlines():
            last = EpochRecord.from_json(line)
            epochs.append(last.epoch)
    except (ValueError, TypeError):
        raise ResumeError("holds a line that is not a record", path=run.metrics) from None
    if epochs != list(range(1, checkpoint.state.epoch + 1)):
        raise ResumeError(
            f"its epochs are not those of a checkpoint after epoch {checkpoint.state.epoch}",
            path=run.metrics,
        )
    return known, last


def _hint(run: RunDirectory) -> str:
    return f"svmtrain runs repair {shlex.quote(str(run.path))} says what can be done"
