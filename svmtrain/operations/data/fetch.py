"""Fetch a public data set into a folder: download what is missing, check, unpack."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from svmtrain import interrupts
from svmtrain.errors import FetchError, Interrupted, StorageError
from svmtrain.fetch.catalogue import find, urls_at
from svmtrain.fetch.check import SUMS, problem_with, record_sum, recorded_sums
from svmtrain.fetch.download import TIMEOUT, Download, Progress
from svmtrain.fetch.entries import DataSet, RemoteFile
from svmtrain.fetch.part import GOES_ON
from svmtrain.fetch.unpack import make_from
from svmtrain.fetch.wire import check_mirror
from svmtrain.files import sha256_file

DOWNLOADED, THERE, MADE = "downloaded", "there already", "made"


@dataclass(frozen=True)
class FetchedFile:
    """A file of a data set in its folder.

    Attributes
    ----------
    path : Path
    how : str
        `DOWNLOADED`, `THERE`, or `MADE` from the one before it.
    verified : bool
        Whether the catalogue vouches for its content.
    """

    path: Path
    how: str
    verified: bool

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold, with size and SHA-256."""
        return {
            "path": str(self.path),
            "how": self.how,
            "verified": self.verified,
            "bytes": self.path.stat().st_size,
            "sha256": sha256_file(self.path),
        }


@dataclass(frozen=True)
class Fetched:
    """What a fetch has put into a folder.

    Attributes
    ----------
    dataset : DataSet
    folder : Path
    files : list of FetchedFile
    """

    dataset: DataSet
    folder: Path
    files: list[FetchedFile]

    @property
    def data(self) -> dict[str, str]:
        """The section `data` of a config that uses the files."""
        names = {"train": self.dataset.train, "test": self.dataset.test}
        section = {key: str(self.folder / name) for key, name in names.items()}
        section["format"] = self.dataset.format
        return section | ({"target": self.dataset.target} if self.dataset.target else {})


def silent(*_: object) -> None:
    """Say nothing."""


def fetch(
    name: str | DataSet,
    folder: str | Path,
    *,
    say: Callable[[str], None] = silent,
    progress: Progress = silent,
    force: bool = False,
    mirror: str | None = None,
    timeout: float = TIMEOUT,
) -> Fetched:
    """Fetch a data set.

    Parameters
    ----------
    name : str or DataSet
        A name in `svmtrain.fetch.catalogue.CATALOGUE`, or an entry that need not be there.
    folder : str or Path
        Where to; made if missing. Files in it that are good are left alone.
    say : callable
        Takes notes, each a sentence.
    progress : callable
        Takes the name of a file, the bytes that have come, and their number in the end or None.
    force : bool
        Replace files that are not what they should be.
    mirror : str, optional
        A base URL to try first.
    timeout : float
        Seconds without a byte after which a server has failed.

    Raises
    ------
    ConfigError
        For a name that is not in the catalogue, or a mirror that is no URL.
    FetchError
        When a file cannot be had, or one that is there is not what it should be.
    StorageError
        When the system refuses to write.
    InUseError
        When another process is fetching the same file.
    Interrupted
        When a stop signal came; calling again goes on from what has come.
    """
    dataset = find(name) if isinstance(name, str) else name
    folder = Path(folder)
    first = () if mirror is None else (check_mirror(mirror),)
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise StorageError.from_os_error(error, "make the folder", folder) from error
    files = []
    try:
        for file in dataset.files:
            urls = urls_at(first, file.name) + file.urls
            how = _bring(file, folder, urls, say, progress, force, timeout)
            files.append(FetchedFile(folder / file.name, how, file.verified))
            for path in make_from(file, folder, force=force):
                files.append(FetchedFile(path, MADE, file.verified))
    except Interrupted:
        raise interrupts.interruption(f"stopped; {GOES_ON}") from None
    return Fetched(dataset, folder, files)


def _bring(
    file: RemoteFile,
    folder: Path,
    urls: tuple[str, ...],
    say: Callable[[str], None],
    progress: Progress,
    force: bool,
    timeout: float,
) -> str:
    """Have a good file in the folder; return whether it was downloaded."""
    target = folder / file.name
    recorded = None if file.verified else recorded_sums(folder).get(file.name)
    how = THERE
    if not _is_good(target, file, recorded, force):
        kept = None if force else recorded
        Download(
            target,
            urls,
            file.exact_size,
            file.limit,
            lambda path: problem_with(path, file, kept),
            progress,
            timeout,
        ).run()
        how, recorded = DOWNLOADED, kept
    if not file.verified and recorded is None:
        record_sum(folder, file.name, sha256_file(target))
        say(
            f"{target}: the catalogue has no SHA-256 of this file; its size and shape are right, "
            f"and its SHA-256 is now in {SUMS}, which the next fetch compares"
        )
    return how


def _is_good(target: Path, file: RemoteFile, recorded: str | None, force: bool) -> bool:
    """Return whether a good file is there; raise when a wrong one is that must not be replaced."""
    if not os.path.lexists(target):
        return False
    wrong = problem_with(target, file, recorded)
    if wrong is not None and not force:
        problem = f"is there already and not what it should be: {wrong} (--force replaces it)"
        raise FetchError(problem, path=target)
    return wrong is None
