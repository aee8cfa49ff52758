"""Put a folder in its place whole or not at all, with one process at it at a time.

The folder is filled under a hidden name beside its place, which its maker holds locked, and then
renamed. What a killed process leaves under that name is known by being unlocked, and is cleared
by the next one. A store that is replaced changes places with the new one, then goes.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from svmtrain.data.store.description import ARRAYS, DESCRIPTION
from svmtrain.errors import ConfigError, InUseError, StorageError, shown
from svmtrain.files import TEMPORARY_SUFFIX, fsync_folder

AT_FDCWD, EXCHANGE = -100, 2
UNABLE = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)
LABELS = "codes.npy"
OWN_NAMES = frozenset((DESCRIPTION, LABELS, *ARRAYS))


def temporary_of(place: Path) -> Path:
    """Return the folder that the store at a place is made in."""
    return place.with_name(f".{place.name}.store{TEMPORARY_SUFFIX}")


@contextlib.contextmanager
def placed(place: Path, *, replace: bool, say: Callable[[str], None]) -> Iterator[Path]:
    """Yield an empty folder to fill; when the block ends without an error it is at its place.

    Parameters
    ----------
    place : Path
    replace : bool
        Whether a store at the place gives way; nothing but a store ever does.
    say : callable
        Takes a sentence when an earlier conversion was stopped.

    Raises
    ------
    ConfigError
        When something is at the place that may not be replaced.
    InUseError
        When another process makes the same store.
    StorageError
        When the system refuses any step; the place is as it was, or the new store is there.
    """
    if not place.name or "\0" in str(place):
        raise ConfigError("is not a possible name of a store", path=place)
    temporary = temporary_of(place)
    try:
        with _made(temporary, place) as (descriptor, leftover):
            try:
                _mend(_aside(temporary), place)
                refuse_other(place, replace=replace)
                if leftover:
                    say(f"{place}: a conversion that was stopped is begun again")
                yield temporary
                fsync_folder(temporary)
                refuse_other(place, replace=replace)
                _put(temporary, place)
            finally:
                if _is_open(descriptor, temporary):
                    clear(temporary)
    except OSError as error:
        raise StorageError.from_os_error(error, "write", place) from error


def refuse_other(place: Path, *, replace: bool) -> None:
    """Raise ConfigError unless a store may be put at a place."""
    if not os.path.lexists(place):
        return
    names = set(os.listdir(place)) if place.is_dir() and not place.is_symlink() else set()
    if DESCRIPTION not in names:
        raise ConfigError("exists and is no store; name another place", path=place)
    if others := sorted(names - OWN_NAMES):
        problem = f"is a store with other files in it ({shown(others[0])})"
        raise ConfigError(f"{problem}; name another place", path=place)
    if not replace:
        raise ConfigError("exists already (--force replaces it)", path=place)


@contextlib.contextmanager
def _made(temporary: Path, place: Path) -> Iterator[tuple[int, bool]]:
    """Make and lock the temporary folder; yield it, open, and whether one was left, now emptied."""
    while True:
        leftover = False
        try:
            os.mkdir(temporary)
        except FileExistsError:
            leftover = True
        try:
            with _locked(temporary, place) as descriptor:
                if leftover:
                    _empty(temporary)
                yield descriptor, leftover
                return
        except _Gone:
            continue  # its maker has just put it in its place


class _Gone(Exception):
    """A folder was renamed before it could be locked."""


@contextlib.contextmanager
def _locked(folder: Path, place: Path) -> Iterator[int]:
    """Hold a folder, open and locked.

    Raises
    ------
    InUseError
        When another process holds it.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        raise _Gone from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUseError("another svmtrain is writing this store", path=place) from None
        if not _is_open(descriptor, folder):
            raise _Gone
        yield descriptor
    finally:
        os.close(descriptor)


def _is_open(descriptor: int, folder: Path) -> bool:
    """Return whether an open folder is still the one under a name."""
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(descriptor), os.lstat(folder))
    return False


def _empty(folder: Path) -> None:
    """Delete the files of a store in a folder, the description first; others stay."""
    names = {name for name in os.listdir(folder) if name in OWN_NAMES or _is_temporary(name)}
    for name in sorted(names, key=lambda name: (name != DESCRIPTION, name)):
        os.unlink(folder / name)


def _is_temporary(name: str) -> bool:
    return name.startswith(".") and name.endswith(TEMPORARY_SUFFIX)


def clear(folder: Path) -> None:
    """Delete a store or what there is of one; failing, and folders with other files, are left."""
    with contextlib.suppress(OSError):
        if stat.S_ISDIR(os.lstat(folder).st_mode):
            _empty(folder)
            os.rmdir(folder)


def sweep(parent: Path) -> None:
    """Delete what killed processes left of stores in a folder; failing is no error."""
    for temporary in parent.glob(f".*.store{TEMPORARY_SUFFIX}"):
        with contextlib.suppress(OSError, InUseError, _Gone), _locked(temporary, temporary):
            clear(temporary)


def _put(temporary: Path, place: Path) -> None:
    """Rename a folder to its place; a store that is there changes places with it, and goes."""
    if place.exists():
        with contextlib.suppress(_Gone), _locked(place, place):
            if not _exchange(temporary, place):
                _replace(temporary, place)
            try:
                fsync_folder(place.parent)
            finally:
                clear(temporary)
            return
    os.rename(temporary, place)
    fsync_folder(place.parent)


def _aside(temporary: Path) -> Path:
    """Return where a store stands for a moment while it gives way, if folders cannot be swapped."""
    return temporary.with_name(f"{temporary.name}.old")


def _replace(temporary: Path, place: Path) -> None:
    """Let two folders change names, one after the other."""
    aside = _aside(temporary)
    os.rename(place, aside)
    try:
        os.rename(temporary, place)
    except OSError:
        os.rename(aside, place)
        raise
    os.rename(aside, temporary)


def _mend(aside: Path, place: Path) -> None:
    """Bring back a store, or delete it, that a process killed in `_replace` left aside."""
    if not os.path.lexists(aside):
        return
    if place.exists():
        clear(aside)
    else:
        os.rename(aside, place)


def _exchange(one: Path, other: Path) -> bool:
    """Let two folders change names at once; False where the system has no such thing."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        return False
    names = os.fsencode(one), os.fsencode(other)
    if call(AT_FDCWD, names[0], AT_FDCWD, names[1], EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in UNABLE:
        return False
    raise OSError(code, os.strerror(code), str(other))
