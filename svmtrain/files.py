"""Files that survive a crash: atomic durable writes, hashes, and careful opening.

The write protocol: a temporary file in the same folder (created, never followed), all bytes,
fsync, read back and compare, rename over the target, fsync the folder. After `write_atomic`
returns, the new content is on disk under its name; if it raises, one of the two is, whole.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import os
import secrets
import shlex
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, TextIO

from svmtrain.errors import ConfigError, StorageError, SvmtrainError

BLOCK = 1 << 20
LISTED = 1_000
NEAR = 0.75
"""Names that are looked at in a folder, and how like another a name is to be meant."""
TEMPORARY_SUFFIX = ".svmtrain-tmp"


def sha256_bytes(content: bytes) -> str:
    """Return the SHA-256 of `content` as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def sha256_file(path: str | Path, length: int | None = None) -> str:
    """Return the SHA-256 of a file, or of its first `length` bytes, as hexadecimal digits."""
    digest = hashlib.sha256()
    left = length
    with open(path, "rb") as file:
        while left is None or left > 0:
            block = file.read(BLOCK if left is None else min(BLOCK, left))
            if not block:
                break
            digest.update(block)
            if left is not None:
                left -= len(block)
    return digest.hexdigest()


def fsync_folder(folder: str | Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def create_folders(path: Path) -> None:
    """Make a folder and those above it that are missing, and make their names durable."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        fsync_folder(folder.parent)


def write_all(descriptor: int, content: bytes | memoryview) -> None:
    """Write every byte of `content`, however short the single writes turn out."""
    view = memoryview(content)
    while view:
        written = os.write(descriptor, view)
        view = view[written:]


def write_atomic(path: str | Path, content: bytes) -> None:
    """Replace `path` by `content`, atomically and durably.

    Raises
    ------
    StorageError
        When the system refuses any step; `path` then still holds its old content, or, when
        only the folder could not be made durable, the new.
    """
    path = Path(path)
    if not path.name or "\0" in path.name:
        raise StorageError("cannot write: not a possible file name", path=path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")
    try:
        _write_durably(temporary, content)
        os.replace(temporary, path)
        fsync_folder(path.parent)
    except OSError as error:
        raise _unwritten(error, path) from error
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)


def _unwritten(error: OSError, path: Path) -> StorageError:
    """Return why a file could not be written; a folder that is missing is named."""
    if isinstance(error, FileNotFoundError) and not path.parent.exists():
        return StorageError(
            f"cannot write: there is no folder {path.parent}; make it first", path=path
        )
    return StorageError.from_os_error(error, "write", path)


def _write_durably(path: Path, content: bytes) -> None:
    """Create `path`, write, fsync and verify it. The mode is the user's umask's."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o666)
    try:
        write_all(descriptor, content)
        os.fsync(descriptor)
        os.lseek(descriptor, 0, os.SEEK_SET)
        written = sha256_descriptor(descriptor)
    finally:
        os.close(descriptor)
    if written != sha256_bytes(content):
        raise StorageError("the bytes read back differ from the bytes written", path=path)


def sha256_descriptor(descriptor: int) -> str:
    """Return the SHA-256 of an open file from its current position to its end."""
    digest = hashlib.sha256()
    while block := os.read(descriptor, BLOCK):
        digest.update(block)
    return digest.hexdigest()


@contextlib.contextmanager
def open_regular(path: str | Path, error: type[SvmtrainError]) -> Iterator[BinaryIO]:
    """Open a regular file for reading; a folder, FIFO or device raises `error`, never blocks.

    Raises
    ------
    error
        With one sentence, when the file is missing, unreadable or not a regular file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise error("no such file", path=path) from None
    except OSError as problem:
        raise error(f"cannot be opened: {problem.strerror}", path=path) from None
    except ValueError:
        raise error("not a possible file name", path=path) from None
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        kind = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
        raise error(f"cannot be read: it is {kind}", path=path)
    with os.fdopen(descriptor, "rb") as file:
        yield file


def near_file(path: str | Path) -> str:
    """Return the name beside a missing file that was probably meant, in brackets; or nothing.

    A name is near by what stands before its last dot, so that test.csv is not near train.csv.
    """
    place = Path(path)
    try:
        with os.scandir(place.parent) as entries:
            names = sorted(entry.name for entry, _ in zip(entries, range(LISTED), strict=False))
    except (OSError, ValueError):
        return ""
    stems = {Path(name).stem: name for name in names if not name.startswith(".")}
    near = difflib.get_close_matches(place.stem, stems, n=1, cutoff=NEAR)
    return f" (did you mean {shlex.quote(str(place.parent / stems[near[0]]))}?)" if near else ""


def read_bytes(path: str | Path, error: type[SvmtrainError], limit: int) -> bytes:
    """Return the content of a regular file of at most `limit` bytes, or raise `error`."""
    with open_regular(path, error) as file:
        # As much memory is taken as is asked for, so no more is than the file has.
        size = os.fstat(file.fileno()).st_size
        content = file.read(min(size, limit) + 1)
    if len(content) > limit:
        raise error(f"the file is larger than {limit:,} bytes", path=path)
    return content


def refuse_same_file(output: str | Path, inputs: Iterable[str | Path]) -> None:
    """Raise ConfigError when writing `output` would replace one of the inputs."""
    for path in inputs:
        with contextlib.suppress(OSError, ValueError):
            if os.path.samefile(output, path):
                raise ConfigError("is read and would be replaced; name another file", path=output)


@contextlib.contextmanager
def replaced_atomically(path: str | Path) -> Iterator[TextIO]:
    """Open a text stream whose content replaces `path` when the block ends without an error.

    For output that may be larger than memory; `path` is untouched until then. A device or a pipe
    cannot be replaced and is written to as it is.

    Raises
    ------
    StorageError
        When the system refuses any step.
    """
    path = Path(path)
    if path.exists() and not path.is_file() and not path.is_dir():
        with path.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        return
    given, path = path, Path(os.path.realpath(path))
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with open(os.open(temporary, flags, 0o666), "w", encoding="utf-8", newline="") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
        fsync_folder(path.parent)
    except OSError as error:
        raise _unwritten(error, given) from error
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
