"""A path: a folder of runs, one for each strength of the penalty, each started from the last."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from svmtrain.config import Config, to_yaml
from svmtrain.errors import ConfigError, ModelError, StorageError
from svmtrain.files import TEMPORARY_SUFFIX, create_folders, read_bytes, write_atomic
from svmtrain.runs.directory import PATH_FILE, RunDirectory, is_path

FORMAT, VERSION = "svmtrain-path", 1
KEYS = ("lambda", "C")
NAME = re.compile(r"(?:lambda|C)-[0-9][0-9.e-]*", re.ASCII)
JSON_LIMIT = 1 << 20


@dataclass(frozen=True)
class Member:
    """One run of a path.

    Attributes
    ----------
    key : str
        A name in `KEYS`.
    value : float
        What the run has for it.
    """

    key: str
    value: float

    @property
    def name(self) -> str:
        """The name of its run directory; different numbers have different names."""
        return f"{self.key}-{self.value!r}".replace("+", "")


class PathDirectory:
    """The names of the files of a path.

    Parameters
    ----------
    path : str or Path
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.config = self.path / "config.yaml"
        self.info = self.path / PATH_FILE

    def exists(self) -> bool:
        """Return whether a path was begun here."""
        return is_path(self.path)

    def run(self, member: Member) -> RunDirectory:
        """Return the run directory of a member."""
        return RunDirectory(self.path / member.name)

    def require_free(self) -> None:
        """Raise ConfigError when something that is not a path is in the way."""
        if self.exists() or not self.path.exists():
            return
        is_run, others = RunDirectory(self.path).exists(), self._others()
        begun_meanwhile = self.exists()  # by another process, which has the lock then
        if not others or begun_meanwhile:
            return
        if is_run:
            raise ConfigError(
                "is a run, and the config makes a path of several; name it with --name or --out",
                path=self.path,
            )
        raise ConfigError(
            f"is a folder with other files ({others[0]}); name another path with --name or --out",
            path=self.path,
        )

    def create(self) -> None:
        """Make the folder.

        Raises
        ------
        ConfigError
            When something that is not a path is in the way.
        StorageError
            When the system refuses.
        """
        self.require_free()
        try:
            create_folders(self.path)
        except OSError as error:
            raise StorageError.from_os_error(error, "create the path", self.path) from error

    def _others(self) -> list[str]:
        """Return the names of what a path does not begin with; a kill may leave its config."""
        if not self.path.is_dir():
            return [self.path.name]
        own = {RunDirectory(self.path).lock_file.name, self.config.name}
        names = sorted(set(os.listdir(self.path)) - own)
        return [name for name in names if not name.endswith(TEMPORARY_SUFFIX)]

    def locked(self) -> AbstractContextManager[None]:
        """Hold the lock of the path; see `RunDirectory.locked`."""
        return RunDirectory(self.path).locked()

    def write(self, config: Config, members: Sequence[Member]) -> None:
        """Write the config, and then path.json, which makes the folder a path."""
        write_atomic(self.config, to_yaml(config, str(self.path)).encode())
        runs = [{member.key: member.value, "run": member.name} for member in members]
        document = {"format": FORMAT, "version": VERSION, "runs": runs}
        write_atomic(self.info, (json.dumps(document, indent=1) + "\n").encode())

    def members(self) -> list[Member]:
        """Return the runs of the path, the strongest penalty first.

        Raises
        ------
        ModelError
            When path.json is missing, damaged or forged.
        """
        content = read_bytes(self.info, ModelError, JSON_LIMIT)
        try:
            document = json.loads(content)
            if (document["format"], document["version"]) != (FORMAT, VERSION):
                raise ValueError
            return [_member(entry) for entry in document["runs"]]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise ModelError("does not describe a path of runs", path=self.info) from None

    def clear(self, kept: Sequence[Member]) -> None:
        """Delete the files of all runs, and the folders of those that are not kept.

        A folder that holds anything else stays.
        """
        for member in self.members():
            run = self.run(member)
            if not run.path.is_dir():
                continue
            with run.locked():
                run.clear()
            if member not in kept:
                with contextlib.suppress(OSError):
                    run.lock_file.unlink(missing_ok=True)
                    run.checkpoints.rmdir()
                    run.path.rmdir()


def _member(entry: object) -> Member:
    """Return the member of an entry of path.json; ValueError when it is none."""
    if isinstance(entry, dict):
        for key in KEYS:
            value = entry.get(key)
            if isinstance(value, float) and 0 < value < math.inf:
                member = Member(key, value)
                if entry.get("run") == member.name and NAME.fullmatch(member.name):
                    return member
    raise ValueError(entry)


def runs_of(path: str | Path) -> list[RunDirectory]:
    """Return the runs of a path that were begun, in its order; of a run, itself alone.

    Where path.json cannot be read, they are in the order of their names.
    """
    if not is_path(path):
        return [RunDirectory(path)]
    folder = PathDirectory(path)
    try:
        runs = [folder.run(member) for member in folder.members()]
    except ModelError:
        runs = [RunDirectory(one) for one in sorted(folder.path.iterdir())]
    return [run for run in runs if run.exists()]
