"""The folder of an experiment: what was asked for, its runs, and what came out.

Every run in it is an ordinary one, below `runs/`: it can be looked at, resumed and verified alone.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from svmtrain.build import data_files
from svmtrain.config import Config, to_dict
from svmtrain.errors import ConfigError, ModelError, ResumeError, StorageError, shown
from svmtrain.files import TEMPORARY_SUFFIX, create_folders, read_bytes, write_atomic
from svmtrain.operations.identity import PATHS
from svmtrain.runs.directory import RunDirectory

FORMAT, VERSION = "svmtrain-experiment", 1
JSON_LIMIT = 16 << 20
RESULTS = (
    *("summary.json", "leaderboard.csv", "out_of_fold.csv", "best.yaml", "best-start.npz"),
    "report.html",
)
"""What is made of the runs, and made again when they are."""
NOT_ASKED = (
    *("output.dir", "output.name", "solver.threads", "solver.gradcheck"),
    *("data.cache", "checkpoint.every", "checkpoint.keep"),
)
"""Settings that may change between two calls for one experiment: they touch no result."""


def request_of(config: Config, **options: Any) -> dict[str, Any]:
    """Return what an experiment is asked for, as plain values: the settings and its options.

    Paths are left to the fingerprints of the files.
    """
    settings = {
        f"{section}.{key}": value
        for section, keys in to_dict(config).items()
        for key, value in keys.items()
        if f"{section}.{key}" not in NOT_ASKED
    }
    for key in PATHS:
        if isinstance(settings[key], str | list):
            settings[key] = "a file"
    plain: dict[str, Any] = json.loads(json.dumps({**settings, **options}))
    return plain


class ExperimentFolder:
    """The names of the files of an experiment.

    Parameters
    ----------
    path : str or Path
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.info = self.path / "experiment.json"
        self.runs = self.path / "runs"
        self.predictions = self.path / "predictions"

    def exists(self) -> bool:
        """Return whether an experiment was begun here."""
        return self.info.exists()

    def run(self, name: str) -> RunDirectory:
        """Return the run directory of a run."""
        return RunDirectory(self.runs / name)

    def predictions_of(self, name: str) -> Path:
        """Return the file with what a run said of the rows that it did not see."""
        return self.predictions / f"{name}.csv"

    @contextlib.contextmanager
    def opened(
        self, kind: str, config: Config, request: Mapping[str, Any], *, force: bool
    ) -> Iterator[None]:
        """Hold the folder for one experiment, new or to be gone on with.

        Parameters
        ----------
        kind : str
            What is made here, such as "sweep".
        config : Config
            Whose data files must stay what they are.
        request : mapping
            See `request_of`.
        force : bool
            Begin again whatever experiment is here.

        Raises
        ------
        ConfigError
            When other files are in the way, or an experiment that is not this one.
        ResumeError
            When the data changed.
        InUseError
            When another process works here.
        StorageError
            When a link stands where a folder should.
        """
        data = [asdict(file) for file in data_files(config)]
        self._require_free()
        try:
            create_folders(self.runs)
            create_folders(self.predictions)
        except OSError as error:
            raise StorageError.from_os_error(error, "create the experiment", self.path) from error
        for path in (self.runs, self.predictions):
            if path.is_symlink():
                raise StorageError("is a link, and an experiment writes through none", path=path)
        with RunDirectory(self.path).locked():
            if self.exists() and force:
                self._clear()
            elif self.exists():
                self._refuse_other(kind, request, data)
            document = {
                **{"format": FORMAT, "version": VERSION, "kind": kind},
                **{"request": dict(request), "data": data},
            }
            self.write("experiment.json", document)
            yield

    def write(self, name: str, document: Any) -> None:
        """Write a file of JSON."""
        write_atomic(self.path / name, (json.dumps(document, indent=1) + "\n").encode())

    def read_info(self) -> dict[str, Any]:
        """Return the content of experiment.json.

        Raises
        ------
        ModelError
            When it is damaged or of another version.
        """
        content = read_bytes(self.info, ModelError, JSON_LIMIT)
        try:
            document = json.loads(content)
        except (ValueError, RecursionError):
            document = None
        known = isinstance(document, dict) and isinstance(document.get("request"), dict)
        if not known or (document.get("format"), document.get("version")) != (FORMAT, VERSION):
            raise ModelError("does not describe an experiment", path=self.info)
        return dict(document)

    def _require_free(self) -> None:
        """Raise ConfigError when something that is not an experiment is in the way."""
        if self.exists() or not self.path.exists():
            return
        if not self.path.is_dir():
            raise ConfigError("exists and is not a folder", path=self.path)
        inner = (self.runs, self.predictions)
        own = {RunDirectory(self.path).lock_file.name, *(folder.name for folder in inner)}
        names = sorted(set(os.listdir(self.path)) - own)
        others = [name for name in names if not name.endswith(TEMPORARY_SUFFIX)]
        others += [one.name for one in inner if one.exists() and not _is_empty(one)]
        if others:
            raise ConfigError(
                f"is a folder with other files ({shown(others[0])}); name another with --out",
                path=self.path,
            )

    def _refuse_other(
        self, kind: str, request: Mapping[str, Any], data: list[dict[str, Any]]
    ) -> None:
        """Raise unless the experiment that is here is the one that is asked for."""
        known = self.read_info()
        hint = "--force begins it again, --out names another folder"
        if known.get("kind") != kind:
            raise ConfigError(
                f"holds a {shown(known.get('kind'))}, not a {kind}; {hint}", path=self.path
            )
        before = known["request"]
        for key in dict.fromkeys((*before, *request)):
            if before.get(key) != request.get(key):
                raise ConfigError(
                    f"holds another {kind}: {shown(key)[1:-1]} was {shown(before.get(key))} and is "
                    f"now {shown(request.get(key))}; {hint}",
                    path=self.path,
                )
        if known.get("data") != data:
            raise ResumeError(f"the data of this {kind} changed; {hint}", path=self.path)

    def _clear(self) -> None:
        """Delete the runs and results; a folder that holds anything else stays."""
        for path in sorted(self.runs.iterdir()) if self.runs.is_dir() else ():
            run = RunDirectory(path)
            if path.is_symlink() or not run.exists():
                continue
            with run.locked():
                run.clear()
            with contextlib.suppress(OSError):
                run.lock_file.unlink(missing_ok=True)
                run.checkpoints.rmdir()
                run.path.rmdir()
        for path in (*self.predictions.glob("*.csv"), *(self.path / name for name in RESULTS)):
            path.unlink(missing_ok=True)


def _is_empty(path: Path) -> bool:
    """Return whether a path is a folder with nothing in it, as a kill may leave it."""
    return path.is_dir() and not any(path.iterdir())
