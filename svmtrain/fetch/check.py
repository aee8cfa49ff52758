"""Is a file what the catalogue says? By its SHA-256 where that is known, else by its shape.

The SHA-256 of a file that the catalogue has none for is recorded when it first comes, in
`SHA256SUMS` beside it; from then on the file must stay as it was.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from svmtrain.errors import FetchError
from svmtrain.fetch.content import Damaged, expanded, member_blocks
from svmtrain.fetch.entries import RemoteFile
from svmtrain.files import open_regular, read_bytes, sha256_file, write_atomic

SUMS = "SHA256SUMS"
SUMS_LIMIT = 1 << 20

_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")


def recorded_sums(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file that is recorded in a folder, by its name.

    Raises
    ------
    FetchError
        When there is a record that cannot be read.
    """
    path = folder / SUMS
    if not path.exists():
        return {}
    text = read_bytes(path, FetchError, SUMS_LIMIT).decode(errors="replace")
    found = map(_LINE.fullmatch, text.splitlines())
    return {match[2]: match[1] for match in found if match is not None}


def record_sum(folder: Path, name: str, digest: str) -> None:
    """Record the SHA-256 of a file, in the form that `sha256sum -c` reads.

    Raises
    ------
    FetchError, StorageError
        When the record cannot be read or written.
    """
    sums = {**recorded_sums(folder), name: digest}
    lines = [f"{one}  {name}\n" for name, one in sorted(sums.items())]
    write_atomic(folder / SUMS, "".join(lines).encode())


def problem_with(path: Path, file: RemoteFile, recorded: str | None = None) -> str | None:
    """Return what is wrong with the file at `path`, or None when it is good.

    Parameters
    ----------
    path : Path
    file : RemoteFile
        What it should be.
    recorded : str or None
        Its SHA-256 when it first came.

    Raises
    ------
    FetchError
        When it cannot be read.
    """
    with open_regular(path, FetchError) as stream:
        size = os.fstat(stream.fileno()).st_size
    if file.exact_size not in (None, size):
        return f"it has {size:,} bytes, expected {file.exact_size:,}"
    wanted = file.content_sha256 or file.sha256 or recorded
    try:
        if wanted is None:
            _check_shape(path, file)
            return None
        found = _sha256_of_content(path, file) if file.content_sha256 else sha256_file(path)
    except Damaged as damage:
        return str(damage)
    return None if found == wanted else f"its SHA-256 is {found}, expected {wanted}"


def _sha256_of_content(path: Path, file: RemoteFile) -> str:
    """Return the SHA-256 of what a compressed file holds."""
    digest = hashlib.sha256()
    with expanded(path, file.name) as stream:
        for block in stream.blocks():
            digest.update(block)
    return digest.hexdigest()


def _check_shape(path: Path, file: RemoteFile) -> None:
    """Raise `Damaged` when the members or the lines are not those that there should be."""
    if file.outputs:
        for _ in member_blocks(path, file):
            pass
    if file.lines is not None:
        with expanded(path, file.name) as stream:
            lines = sum(block.count(b"\n") for block in stream.blocks())
        if lines != file.lines:
            raise Damaged(f"it has {lines:,} lines, expected {file.lines:,}")
