"""What identifies a data file, or a store."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from svmtrain.data.digests import digest_of, read_digest
from svmtrain.data.store import DESCRIPTION, describe, is_store
from svmtrain.errors import DataError
from svmtrain.files import open_regular


@dataclass(frozen=True)
class DataFile:
    """What identifies a data file: its role in the run, its name, its size and its content."""

    role: str
    name: str
    size: int
    sha256: str


def identify(role: str, path: str, records: Path | None = None) -> DataFile:
    """Return what identifies the data at a path.

    A store is identified by its description, which has the digests of all its files, and whose
    sizes those files must have.

    Parameters
    ----------
    role, path : str
    records : Path, optional
        Where digests of large files are recorded; see `digests.digest_of`.

    Raises
    ------
    DataError
        When the data cannot be read.
    """
    name = os.path.basename(os.path.normpath(path))
    if is_store(path):
        size = sum(describe(path).sizes().values())
        return DataFile(role, name, size, read_digest(os.path.join(path, DESCRIPTION)))
    with open_regular(path, DataError) as file:
        size = os.fstat(file.fileno()).st_size
    return DataFile(role, name, size, digest_of(path, records)[0])
