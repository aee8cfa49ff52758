"""The records of a run for TensorBoard, beside metrics.jsonl."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from svmtrain.errors import ConfigError, StorageError
from svmtrain.files import create_folders
from svmtrain.runs.directory import RunDirectory, is_path
from svmtrain.training.history import EpochRecord

SUFFIX = ".svmtrain"
"""What the names of our event files end in, by which they are known again."""

TAGS = {
    "objective/value": "objective",
    "objective/lower_bound": "bound",
    "objective/gap": "gap",
    "objective/penalty": "penalty",
    "loss/before_each_step": "online_loss",
    "loss/train": "train_loss",
    "loss/validation": "validation_loss",
    "accuracy/train": "train_accuracy",
    "accuracy/validation": "validation_accuracy",
    "training/lr": "lr",
    "training/weight_norm": "weight_norm",
    "training/active_margins": "active_margins",
    "training/seconds": "seconds",
}
"""Field of a record by tag."""


class Mirror:
    """Writes records as an event file; what goes wrong warns once, and training goes on.

    Parameters
    ----------
    folder : Path
        Where the event file goes. One that we left there before is replaced: all records of the
        run are written again, so that no epoch is drawn twice.
    say : callable
        Takes a sentence for the user.
    """

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.folder = folder
        self.say = say
        self._writer: Any = None
        with self._warned():
            create_folders(folder)
            for old in folder.glob(f"events.out.tfevents.*{SUFFIX}"):
                old.unlink()
            self._writer = require_library().EventsWriter(str(folder / "events"), SUFFIX)

    def add(self, record: EpochRecord) -> None:
        """Write the figures of an epoch, as float32; those that there are not are left out."""
        if self._writer is None:
            return
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.summary import scalar

        with self._warned():
            for tag, field in TAGS.items():
                value = getattr(record, field)
                if value is not None:
                    event = Event(step=record.epoch, summary=scalar(tag, value))
                    event.wall_time = time.time()
                    self._writer.write_event(event)
            self._writer.flush()

    def close(self) -> None:
        """Close the event file."""
        if self._writer is not None:
            with self._warned():
                self._writer.close()

    @contextlib.contextmanager
    def _warned(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._writer = None
            problem = StorageError.from_os_error(error, "write for TensorBoard", self.folder)
            self.say(f"warning: TensorBoard gets no more of this run: {problem}")


def require_library() -> Any:
    """Return tensorboardX's writer of event files.

    Raises
    ------
    ConfigError
        Without tensorboardX.
    """
    try:
        from tensorboardX import event_file_writer
    except ImportError:
        raise ConfigError(
            "--tensorboard needs tensorboardX: pip install 'svmtrain[tensorboard]'"
        ) from None
    return event_file_writer


def open_mirror(
    folder: str | None,
    run: RunDirectory,
    records: Iterable[EpochRecord],
    say: Callable[[str], None],
) -> Mirror | None:
    """Return what takes the records of a run for TensorBoard, those it has already written.

    Parameters
    ----------
    folder : str or None
        Holds a folder for each run; None for no TensorBoard.
    run : RunDirectory
    records : iterable of EpochRecord
        Those of earlier sessions.
    say : callable
        Takes a sentence for the user.

    Raises
    ------
    ConfigError
        Without tensorboardX.
    """
    if folder is None:
        return None
    require_library()
    path = Path(os.path.abspath(run.path))
    inner = (path.parent.name, path.name) if is_path(path.parent) else (path.name,)
    mirror = Mirror(Path(folder).joinpath(*inner), say)
    for record in records:
        mirror.add(record)
    return mirror
