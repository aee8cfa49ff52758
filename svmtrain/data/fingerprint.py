"""What identifies a data file."""

from __future__ import annotations

import os
from dataclasses import dataclass

from svmtrain.errors import DataError
from svmtrain.files import open_regular, sha256_file


@dataclass(frozen=True)
class DataFile:
    """What identifies a data file: its role in the run, its name, its size and its content."""

    role: str
    name: str
    size: int
    sha256: str


def identify(role: str, path: str) -> DataFile:
    """Return what identifies the file at a path; DataError when it cannot be read."""
    with open_regular(path, DataError) as file:
        size = os.fstat(file.fileno()).st_size
    return DataFile(role, os.path.basename(path), size, sha256_file(path))
