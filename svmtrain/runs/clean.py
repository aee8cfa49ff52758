"""Files that runs no longer need, found by the names that svmtrain gives, and no others."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import svmtrain
from svmtrain import checkpoint as checkpoints
from svmtrain.errors import InUseError, ModelError, ResumeError, StorageError
from svmtrain.runs.directory import RunDirectory

SET_ASIDE = re.compile(
    rf"(?:{checkpoints.FILE_NAME.pattern}|model\.npz|run\.json)(?:\.[0-9]+)?", re.ASCII
)


@dataclass(frozen=True)
class Useless:
    """A file that can go.

    Attributes
    ----------
    run : RunDirectory
    path : Path
    size : int
        Bytes.
    why : str
    """

    run: RunDirectory
    path: Path
    size: int
    why: str


def find_useless(run: RunDirectory, *, with_checkpoints: bool = False) -> list[Useless]:
    """Return the files of a run that can go, without touching them.

    Parameters
    ----------
    run : RunDirectory
    with_checkpoints : bool
        Also the checkpoints of a finished run that are older than its newest intact one: it can
        still be prolonged, and its model is its own file.
    """
    found = [(path, "temporary file of a process that was killed") for path in run.leftovers()]
    found += [(path, "was set aside as damaged") for path in _set_aside(run)]
    if with_checkpoints:
        found += [(path, "checkpoint of a finished run") for path in _spare(run)]
    return [Useless(run, path, path.lstat().st_size, why) for path, why in found]


def _set_aside(run: RunDirectory) -> Iterator[Path]:
    if run.quarantine.is_dir() and not run.quarantine.is_symlink():
        for path in sorted(run.quarantine.iterdir()):
            if SET_ASIDE.fullmatch(path.name) and not path.is_dir():
                yield path


def _spare(run: RunDirectory) -> list[Path]:
    """Return the checkpoints of a finished run that are older than its newest intact one."""
    try:
        finished = run.model.exists() and run.read_info().get("status") == "finished"
    except ModelError:
        finished = False
    files = run.checkpoint_files() if finished else []
    for at, path in enumerate(files):
        with contextlib.suppress(ModelError, ResumeError):
            checkpoints.load(path, svmtrain.ALGORITHM)
            return [older for older in files[at + 1 :] if older.is_file()]
    return []


def remove(found: Sequence[Useless]) -> list[str]:
    """Delete files; return why some were left: their runs are being trained.

    Raises
    ------
    StorageError
        When the system refuses.
    """
    left = []
    for run in dict.fromkeys(one.run for one in found):
        try:
            with run.locked(sweep=False):
                for one in found:
                    if one.run is run:
                        one.path.unlink(missing_ok=True)
        except InUseError as error:
            left.append(str(error))
        except OSError as error:
            raise StorageError.from_os_error(error, "clean", run.path) from error
    return left
