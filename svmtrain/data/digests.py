"""Digests of large files, recorded so that a file that did not change is not read again.

A record holds for a file whose device, inode, size and times are those it had when it was read;
and it is not believed when the file had been changed less than two seconds before, since a
change within the grain of the clock would leave no trace.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

from svmtrain import interrupts, strict_json
from svmtrain.errors import DataError, StorageError, SvmtrainError
from svmtrain.files import BLOCK, open_regular, read_bytes, sha256_bytes, write_atomic

SMALLEST = 4 << 20
RECORD_SUFFIX = ".digest.json"
RECORD_LIMIT = 1 << 16
SETTLED_NS = 2_000_000_000

Stamp = list[int]


def stamp_of(path: str | Path) -> Stamp:
    """Return what changes when a file does: device, inode, size, times of content and entry."""
    found = os.stat(path)
    return [found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def read_digest(path: str | Path) -> str:
    """Return the SHA-256 of a regular file of any size; a signal ends the reading.

    Raises
    ------
    DataError
        When there is no such file.
    """
    digest = hashlib.sha256()
    with open_regular(path, DataError) as file:
        while block := file.read(BLOCK):
            interrupts.check()
            digest.update(block)
    return digest.hexdigest()


def digest_of(path: str | Path, records: Path | None = None) -> tuple[str, bool]:
    """Return the SHA-256 of a file, and whether an older record has another for it.

    Parameters
    ----------
    path : str or Path
    records : Path, optional
        The folder of the records; without it, and for files below `SMALLEST` bytes, the file is
        read. A folder that cannot be written is no error.

    Raises
    ------
    StorageError
        When the system fails while reading.
    """
    try:
        before = stamp_of(path)
        if records is None or before[2] < SMALLEST:
            return read_digest(path), False
        record = records / f"{sha256_bytes(os.fsencode(os.path.realpath(path)))}{RECORD_SUFFIX}"
        known, now = read_record(record), time.time_ns()
        digest = known.get("sha256")
        if known.get("stamp") == before and isinstance(digest, str) and _settled(known):
            return digest, False
        found = read_digest(path)
        if stamp_of(path) == before:
            write_record(record, {"stamp": before, "hashed_ns": now, "sha256": found})
    except OSError as error:
        raise StorageError.from_os_error(error, "read", path) from error
    return found, digest not in (None, found)


def _settled(record: dict[str, Any]) -> bool:
    """Return whether a file had been left alone for a while when it was read."""
    hashed = record.get("hashed_ns")
    return isinstance(hashed, int) and hashed - max(record["stamp"][3:]) > SETTLED_NS


def read_record(path: Path) -> dict[str, Any]:
    """Return what a record says; nothing when it is missing or malformed."""
    try:
        return strict_json.parse(read_bytes(path, DataError, RECORD_LIMIT), RECORD_LIMIT)
    except (SvmtrainError, ValueError):
        return {}


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Write a record; failing is no error."""
    with contextlib.suppress(StorageError, OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, (json.dumps(record) + "\n").encode())
