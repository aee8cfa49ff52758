"""One run directory: the names in it, its lock, and making or clearing it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
import shlex
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import svmtrain
from svmtrain import checkpoint as checkpoints
from svmtrain.errors import (
    ConfigError,
    InUseError,
    ModelError,
    StorageError,
    VersionError,
    shown,
)
from svmtrain.files import TEMPORARY_SUFFIX, create_folders, fsync_folder, read_bytes, write_atomic
from svmtrain.runs.other_place import no_run

RUN_JSON_LIMIT = 64 << 20
PATH_FILE = "path.json"
TEMPORARY = re.compile(rf"\..+\.[0-9a-f]{{8}}{re.escape(TEMPORARY_SUFFIX)}", re.ASCII | re.DOTALL)
CLEARED = "begun again"
LOCK_TRIES, LOCK_PAUSE = 5, 0.02


def is_path(path: str | Path) -> bool:
    """Return whether a folder holds a path of runs; see `runs.path`."""
    return (Path(path) / PATH_FILE).exists()


class RunDirectory:
    """The names of the files of a run.

    Parameters
    ----------
    path : str or Path
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.config = self.path / "config.yaml"
        self.info = self.path / "run.json"
        self.metrics = self.path / "metrics.jsonl"
        self.trace = self.path / "steps.f64"
        self.checkpoints = self.path / "checkpoints"
        self.quarantine = self.path / "quarantine"
        self.model = self.path / "model.npz"
        self.report = self.path / "report.html"
        self.lock_file = self.path / ".lock"

    def exists(self) -> bool:
        """Return whether a run was begun here."""
        return not is_path(self.path) and (self.config.exists() or self.info.exists())

    def require(self) -> None:
        """Raise ConfigError unless a run was begun here."""
        if is_path(self.path):
            runs = (path for path in sorted(self.path.iterdir()) if RunDirectory(path).exists())
            example = next(runs, self.path / "NAME")
            raise ConfigError(
                f"is a path of several runs; name one of them, such as {example}", path=self.path
            )
        if not self.exists():
            raise ConfigError(no_run(self.path), path=self.path)

    def create(self) -> None:
        """Make the folders.

        Raises
        ------
        ConfigError
            When something that is not a run is in the way.
        StorageError
            When the system refuses.
        """
        if is_path(self.path):
            raise ConfigError(
                "is a path of several runs; name another run with --name or --out", path=self.path
            )
        if self.path.exists() and not self.exists():
            if not self.path.is_dir():
                raise ConfigError("exists and is not a folder", path=self.path)
            own = {self.lock_file.name, self.checkpoints.name, self.quarantine.name}
            names = sorted(set(os.listdir(self.path)) - own)
            others = [name for name in names if not name.endswith(TEMPORARY_SUFFIX)]
            begun_meanwhile = self.exists()  # by another process, which has the lock then
            if others and not begun_meanwhile and not is_path(self.path.parent):
                raise ConfigError(
                    f"is a folder with other files ({shown(others[0])}); name another run with "
                    "--name or --out",
                    path=self.path,
                )
        self._refuse_links()
        try:
            create_folders(self.checkpoints)
        except OSError as error:
            raise StorageError.from_os_error(error, "create the run", self.path) from error

    @contextlib.contextmanager
    def locked(self, *, sweep: bool = True) -> Iterator[None]:
        """Hold the lock of the run; the lock file itself stays.

        With `sweep`, what killed processes had not finished writing is deleted.

        Raises
        ------
        InUseError
            When another process holds it.
        StorageError
            When a link stands where a folder or the records of the run should: nothing is
            written, moved or deleted elsewhere.
        """
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(self.lock_file, flags, 0o666)
        except OSError as error:
            raise StorageError.from_os_error(error, "lock the run", self.path) from error
        try:
            _lock(descriptor, self.path)
            self._refuse_links()
            if sweep:
                self._sweep()
            yield
        finally:
            os.close(descriptor)

    def is_locked(self) -> bool:
        """Return whether a process holds the lock now."""
        with contextlib.suppress(OSError):
            descriptor = os.open(self.lock_file, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            finally:
                os.close(descriptor)
        return False

    def _refuse_links(self) -> None:
        """Raise for what would be written through; other files are replaced, links and all."""
        for path in self.links():
            raise StorageError("is a link, and a run writes through none", path=path)

    def links(self) -> list[Path]:
        """Return the links that stand where a run would write through them."""
        through = (self.checkpoints, self.quarantine, self.metrics, self.trace)
        return [path for path in through if path.is_symlink()]

    def _sweep(self) -> None:
        """Delete the temporary files that a killed process left behind."""
        for leftover in self.leftovers():
            with contextlib.suppress(OSError):
                leftover.unlink()

    def leftovers(self) -> list[Path]:
        """Return the temporary files, which no process works on while the lock is free."""
        folders = [self.path, *([] if self.checkpoints.is_symlink() else [self.checkpoints])]
        paths = (
            path for folder in folders for path in sorted(folder.glob(f".*{TEMPORARY_SUFFIX}"))
        )
        return [path for path in paths if TEMPORARY.fullmatch(path.name) and not path.is_dir()]

    def clear(self) -> None:
        """Delete the files of the run; only names of our own pattern.

        The checkpoints go before the metrics that they point into, so that what a kill leaves
        can still be resumed; and run.json says before all that it may be begun again.
        """
        with contextlib.suppress(ModelError):
            self.write_info({**self.read_info(), "status": CLEARED})
        try:
            self.model.unlink(missing_ok=True)
            for path in self.checkpoint_files():
                path.unlink(missing_ok=True)
            for path in (self.metrics, self.trace, self.report, self.info, self.config):
                path.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError.from_os_error(error, "clear the run", self.path) from error

    def checkpoint_files(self) -> list[Path]:
        """Return the checkpoints, the newest first."""
        if not self.checkpoints.is_dir():
            return []
        names = [n for n in os.listdir(self.checkpoints) if checkpoints.FILE_NAME.fullmatch(n)]
        return [self.checkpoints / name for name in sorted(names, key=_step, reverse=True)]

    def latest_checkpoint(self) -> tuple[checkpoints.Checkpoint | None, list[str]]:
        """Return the newest checkpoint that verifies, and what was found damaged before it.

        A damaged file is moved to quarantine/, never deleted; when all are damaged they stay
        where they are, so that the next session finds them too.

        Raises
        ------
        VersionError, ResumeError
            When the newest intact one is of another format version or algorithm: nothing is
            wrong with it, so it is neither set aside nor passed over.
        ModelError
            When there are checkpoints and none of them verifies.
        """
        damaged: list[tuple[Path, ModelError]] = []
        for path in self.checkpoint_files():
            try:
                found = checkpoints.load(path, svmtrain.ALGORITHM)
            except VersionError:
                raise
            except ModelError as error:
                damaged.append((path, error))
            else:
                return found, [f"{error}; moved to {self.set_aside(p)}" for p, error in damaged]
        if damaged:
            raise ModelError(
                "none of the checkpoints is intact; the newest: "
                f"{damaged[0][0].name} {damaged[0][1].problem} (--force begins the run again)",
                path=self.path,
            )
        return None, []

    def set_aside(self, path: Path) -> Path:
        """Move a file of the run to quarantine/, under a name that is free; return its place."""
        try:
            self.quarantine.mkdir(exist_ok=True)
            target, number = self.quarantine / path.name, 1
            while os.path.lexists(target):
                target, number = self.quarantine / f"{path.name}.{number}", number + 1
            os.rename(path, target)
            fsync_folder(self.quarantine)
            fsync_folder(path.parent)
        except OSError as error:
            raise StorageError.from_os_error(error, "set aside", path) from error
        return target

    def write_info(self, info: Mapping[str, Any]) -> None:
        """Write run.json."""
        write_atomic(self.info, (json.dumps(info, indent=1) + "\n").encode())

    def read_info(self) -> dict[str, Any]:
        """Return the content of run.json.

        Raises
        ------
        ModelError
            When it is missing or not a JSON object.
        """
        content = read_bytes(self.info, ModelError, RUN_JSON_LIMIT)
        try:
            info = json.loads(content)
        except (ValueError, RecursionError):
            info = None
        if not isinstance(info, dict):
            raise ModelError(
                f"is not a JSON object (svmtrain runs repair {shlex.quote(str(self.path))} "
                "says what can be done)",
                path=self.info,
            )
        return info


def _step(name: str) -> int:
    match = checkpoints.FILE_NAME.fullmatch(name)
    return int(match[1]) if match else -1


def _lock(descriptor: int, path: Path) -> None:
    for left in reversed(range(LOCK_TRIES)):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise StorageError.from_os_error(error, "lock the run", path) from error
        if left:  # it may be `is_locked` of another process, which lets go at once
            time.sleep(LOCK_PAUSE)
    raise InUseError("another svmtrain is working on this run", path=path)
