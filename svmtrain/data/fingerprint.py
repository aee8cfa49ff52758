"""What identifies data: the content of a file, of all files in a folder, or of several files."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from svmtrain import interrupts
from svmtrain.data.digests import digest_of, read_digest
from svmtrain.data.store import DESCRIPTION, is_store, verify
from svmtrain.errors import DataError
from svmtrain.files import open_regular, sha256_bytes


@dataclass(frozen=True)
class DataFile:
    """What identifies data: their role in the run, their name, their size and their content."""

    role: str
    name: str
    size: int
    sha256: str


Records = Callable[[str], Path | None]
"""Takes a path and returns the folder with the recorded digest of the file; see `digests`."""


def no_records(path: str) -> Path | None:
    """Return that there are none."""
    return None


def identify(role: str, paths: str | Sequence[str], records: Records = no_records) -> DataFile:
    """Return what identifies the file or folder at a path, or those at several, in their order.

    A folder is its visible files by their relative names, sorted. It and a list are identified
    by the SHA-256 of a line for each file: its own SHA-256 and its name. A store is identified
    by its description, which has the digests of its files; they are verified.

    Raises
    ------
    DataError
        When one cannot be read.
    """
    if not isinstance(paths, str) and len(paths) != 1:
        return listed(role, [identify(role, path, records) for path in paths])
    path = paths if isinstance(paths, str) else paths[0]
    name = os.path.basename(os.path.normpath(path))
    if is_store(path):
        size = sum(verify(path, records(path)).sizes().values())
        return DataFile(role, name, size, read_digest(os.path.join(path, DESCRIPTION)))
    if os.path.isdir(path):
        files = _visible_files(path)
        return _listed(role, name, [_file(role, one, inner, None) for one, inner in files])
    return _file(role, path, name, records(path))


def listed(role: str, parts: Sequence[DataFile]) -> DataFile:
    """Return what identifies several files, or the one, by what identifies each."""
    if len(parts) == 1:
        return parts[0]
    return _listed(role, f"{parts[0].name} and {len(parts) - 1} more", parts)


def _file(role: str, path: str, name: str, records: Path | None) -> DataFile:
    interrupts.check()
    with open_regular(path, DataError) as file:
        size = os.fstat(file.fileno()).st_size
    return DataFile(role, name, size, digest_of(path, records)[0])


def _listed(role: str, name: str, parts: Sequence[DataFile]) -> DataFile:
    lines = "".join(f"{part.sha256}  {part.name}\n" for part in parts)
    digest = sha256_bytes(lines.encode(errors="surrogateescape"))
    return DataFile(role, name, sum(part.size for part in parts), digest)


def _visible_files(folder: str) -> list[tuple[str, str]]:
    """Return (path, path relative to the folder) of every visible file in a folder, sorted."""
    found = []
    for here, folders, names in os.walk(folder, followlinks=False):
        folders[:] = [one for one in folders if not one.startswith(".")]
        paths = [os.path.join(here, name) for name in names if not name.startswith(".")]
        found += [(path, os.path.relpath(path, folder)) for path in paths]
    return sorted(found, key=lambda pair: pair[1])
