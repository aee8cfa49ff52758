"""Text files kept as stores, so that each is parsed once.

A store in the cache is found by what its rows depend on: the digest of the file, everything that
was asked of the reader, and the versions of parser and cache. What does not fit any more is thus
never found; what is damaged is made again. With `auto` the cache is a folder of the user's, with
`beside` one beside the file; it can be deleted at any time. When all stores in it pass
`LARGEST` bytes, those that were not used for longest go.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from svmtrain.data.dataset import ReadOptions, Table
from svmtrain.data.digests import (
    RECORD_SUFFIX,
    SMALLEST,
    digest_of,
    read_record,
    stamp_of,
    write_record,
)
from svmtrain.data.readers import AUTO, STDIN, format_of, iter_tables, read_table
from svmtrain.data.store import DESCRIPTION, describe, is_store, open_store, verify, write_store
from svmtrain.data.store.folder import clear, sweep
from svmtrain.errors import ConfigError, DataError, InUseError, StorageError, SvmtrainError
from svmtrain.files import sha256_bytes

#: To be raised when a reader makes another table of the same file.
PARSER_VERSION = 1
CACHE_VERSION = 1
LARGEST = 10 << 30
MOST_RECORDS = 1000
OFF, BESIDE = "off", "beside"
BESIDE_SUFFIX = ".svmtrain-cache"
VERIFIED_SUFFIX = ".verified.json"
ENTRY = re.compile(r"([0-9a-f]{32})-[0-9a-f]{32}\.store", re.ASCII)

#: The formats that are kept: those that take time to parse.
TEXT_FORMATS = ("csv", "svmlight")

Say = Callable[[str], None]


def silent(text: str) -> None:
    """Say nothing."""


def cache_folder(path: str | Path, mode: str) -> Path | None:
    """Return the folder of the cache for a file; None for no cache.

    Parameters
    ----------
    path : str or Path
    mode : str
        auto, off or beside.
    """
    if mode == OFF:
        return None
    if mode == BESIDE:
        return Path(f"{os.path.abspath(path)}{BESIDE_SUFFIX}")
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        home = os.environ.get("HOME", "")
        base = os.path.join(home, ".cache") if os.path.isabs(home) else ""
    return Path(base) / "svmtrain" if base else None


def load_table(
    path: str,
    format: str = AUTO,
    options: ReadOptions | None = None,
    cache: str = AUTO,
    say: Say = silent,
) -> Table:
    """Read a whole data file, through the cache when it is a text file of some size.

    Parameters
    ----------
    path, format, options
        See `read_table`.
    cache : str
        auto, off or beside.
    say : callable
        Takes a sentence for the user when the cache is filled, mended or of no use.

    Returns
    -------
    Table
        The same rows, labels, names and texts either way; from the cache they are mapped.

    Raises
    ------
    DataError, StorageError
        As `read_table`.
    """
    options = options or ReadOptions()
    found = None if cache == OFF else _kept_format(path, format)
    if found is None:
        return read_table(path, format, options)
    folder = cache_folder(path, cache)
    if folder is None:
        say(f"{path}: is read without a cache: there is no home folder to keep one in")
        return read_table(path, format, options)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        say(f"{path}: is read without a cache: {folder} cannot be made ({error.strerror})")
        return read_table(path, format, options)
    return _Entry(path, found, options, folder).table(say)


def _kept_format(path: str, format: str) -> str | None:
    """Return the format of a text file that is worth keeping, else None."""
    try:
        if path == STDIN or not os.path.isfile(path) or os.stat(path).st_size < SMALLEST:
            return None
    except (OSError, ValueError):
        return None
    found = format_of(path, format)
    return found if found in TEXT_FORMATS else None


class _Entry:
    """One file, read in one way, and its store in the cache."""

    def __init__(self, path: str, format: str, options: ReadOptions, folder: Path) -> None:
        self.path = path
        self.format = format
        self.options = options
        self.folder = folder
        self.stamp = stamp_of(path)
        self.digest, self.changed = digest_of(path, folder)
        asked = {**asdict(options), "format": format}
        asked["versions"] = [CACHE_VERSION, PARSER_VERSION]
        key = sha256_bytes(json.dumps(asked, sort_keys=True).encode())
        self.store = folder / f"{self.digest[:32]}-{key[:32]}.store"

    def table(self, say: Say) -> Table:
        """Return the rows, from the store if it can be had or made."""
        if is_store(self.store):
            try:
                return self._opened()
            except (DataError, StorageError) as error:
                say(f"{self.path}: its cache is damaged ({error.problem}) and is made again")
        elif self.changed:
            say(f"{self.path}: changed since it was cached; its cache is made again")
        clear(self.store)
        return self._made(say)

    def _opened(self) -> Table:
        """Return the rows of the store, whose files are as they were when they were verified."""
        record = _verified(self.store)
        if read_record(record) != _stamps(self.store):
            verify(self.store)
            write_record(record, _stamps(self.store))
        found = open_store(self.store)
        with contextlib.suppress(OSError):
            os.utime(self.store)  # the store was used now: it goes last
        return found

    def _made(self, say: Say) -> Table:
        """Read the file, keep its rows as a store, and return them."""
        tables = iter_tables(self.path, self.format, self.options)
        try:
            name = os.path.basename(self.path)
            size = sum(write_store(tables, self.store, replace=True, source=name).sizes().values())
            if stamp_of(self.path) != self.stamp:
                clear(self.store)
                raise DataError("it changed while it was read")
            write_record(_verified(self.store), _stamps(self.store))
            found = self._opened()
        except (DataError, StorageError, ConfigError, InUseError, OSError) as error:
            if isinstance(error, DataError) and error.path == self.path:
                raise  # the reader's own, and the same without a cache
            say(f"{self.path}: is read without a cache: {_problem(error)}")
            return read_table(self.path, self.format, self.options)
        say(f"{self.path}: kept as a store for the next time ({size / 1e6:,.1f} MB)")
        prune(self.folder, self.store, LARGEST)
        return found


def _problem(error: Exception) -> str:
    return str(error) if isinstance(error, SvmtrainError) else str(getattr(error, "strerror", ""))


def _verified(store: Path) -> Path:
    """Return the record of how the files of a store were when they were verified."""
    return store.with_name(store.name + VERIFIED_SUFFIX)


def _stamps(store: Path) -> dict[str, list[int]]:
    """Return the stamp of each file of a store."""
    return {name: stamp_of(store / name) for name in (DESCRIPTION, *describe(store).sizes())}


def prune(folder: Path, newest: Path, largest: int) -> None:
    """Delete what a cache need not keep: only names of its own pattern, and never the newest.

    Parameters
    ----------
    folder : Path
    newest : Path
        The store that stays.
    largest : int
        Bytes that all stores may take; those not used for longest go first. Beside a file,
        stores of its earlier content go too.
    """
    sweep(folder)
    with contextlib.suppress(OSError):
        stores = [path for path in folder.iterdir() if ENTRY.fullmatch(path.name)]
        left = 0
        for path in sorted(stores, key=lambda path: (path != newest, -_used(path))):
            left += _size(path)
            stale = folder.name.endswith(BESIDE_SUFFIX) and path.name[:32] != newest.name[:32]
            if path != newest and (stale or left > largest):
                clear(path)
                _verified(path).unlink(missing_ok=True)
        records = sorted(folder.glob(f"*{RECORD_SUFFIX}"), key=_used, reverse=True)
        for path in records[MOST_RECORDS:]:
            path.unlink(missing_ok=True)


def _used(path: Path) -> int:
    """Return when a store or record was used last."""
    with contextlib.suppress(OSError):
        return path.stat().st_mtime_ns
    return 0


def _size(store: Path) -> int:
    """Return the bytes that a store takes."""
    with contextlib.suppress(OSError):
        return sum(path.stat().st_size for path in store.iterdir())
    return 0
