"""Make files out of downloaded ones: members of archives, and tables rewritten as CSV.

What is made appears whole or not at all. A file that is there and differs is not replaced unless
that is asked for.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from svmtrain import interrupts
from svmtrain.errors import FetchError, StorageError
from svmtrain.fetch.content import Damaged, member_blocks
from svmtrain.fetch.entries import RemoteFile, Rewrite
from svmtrain.fetch.part import put_in_place
from svmtrain.files import TEMPORARY_SUFFIX, open_regular, sha256_file


def make_from(file: RemoteFile, folder: Path, *, force: bool) -> list[Path]:
    """Make what the catalogue says is to be made from a file in `folder`; return the paths.

    Raises
    ------
    FetchError
        When the file is not what it should be, or another file is in the way and not `force`.
    StorageError
        When the system refuses.
    """
    targets = []
    if file.outputs:
        targets += _unpack(file, folder, force)
    if file.rewrite is not None:
        targets.append(_rewrite(file.name, file.rewrite, folder, force))
    return targets


def _unpack(file: RemoteFile, folder: Path, force: bool) -> list[Path]:
    """Write the outputs of an archive."""
    targets = {output.name: folder / output.name for output in file.outputs}
    with contextlib.ExitStack() as stack:
        streams = {
            name: stack.enter_context(_made(target, force)) for name, target in targets.items()
        }
        try:
            for output, offset, block in member_blocks(folder / file.name, file):
                streams[output.name].seek(offset)
                streams[output.name].write(block)
        except Damaged as damage:
            raise FetchError(str(damage), path=folder / file.name) from None
    return list(targets.values())


def _rewrite(name: str, rewrite: Rewrite, folder: Path, force: bool) -> Path:
    """Write a table without its spaces, remarks, empty lines and dots at the end of labels."""
    target = folder / rewrite.name
    with open_regular(folder / name, FetchError) as lines, _made(target, force) as stream:
        stream.write(rewrite.header.encode() + b"\n")
        for line in lines:
            interrupts.check()
            row = line.strip().replace(b", ", b",").removesuffix(b".")
            if row and not row.startswith(b"|"):
                stream.write(row + b"\n")
    return target


@contextlib.contextmanager
def _made(target: Path, force: bool) -> Iterator[BinaryIO]:
    """Open a stream whose content becomes `target` when the block ends without an error."""
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with open(os.open(temporary, flags, 0o666), "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if _may_replace(target, temporary, force):
            put_in_place(temporary, target)
    except OSError as error:
        raise StorageError.from_os_error(error, "write", target) from error
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)


def _may_replace(target: Path, new: Path, force: bool) -> bool:
    """Return whether `target` is to be written: not when it has this content already."""
    if not os.path.lexists(target):
        return True
    with open_regular(target, FetchError):
        same = sha256_file(target) == sha256_file(new)
    if same or force:
        return not same
    raise FetchError("is there already with other content (--force replaces it)", path=target)
