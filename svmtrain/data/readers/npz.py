"""Read numpy's npz: a zip of the arrays X (2-D), y (1-D) and, if present, feature_names (1-D).

Nothing is unpickled and nothing is believed: the zip's own sizes are held to the file's, the
arrays' shapes to the zip's sizes, and memory grows only as bytes really arrive. Checksums are
verified at the end of each member. Rows and columns in errors count from 0, as in numpy.

Source: PKWARE's APPNOTE.TXT; NEP 1 for the arrays.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from svmtrain import interrupts
from svmtrain.data.dataset import Labels, ReadOptions, Table
from svmtrain.data.readers.arrays import (
    check_booleans,
    check_matrix,
    check_vector,
    features_of,
    labels_of,
    texts_of,
)
from svmtrain.data.readers.features import check_width, feature_order, listed
from svmtrain.data.readers.npy_header import NpyHeader, read_header
from svmtrain.data.readers.zip_checks import (
    LOCAL,
    LOCAL_SIZE,
    check_end,
    check_spans,
    check_storage,
)
from svmtrain.errors import DataError, NoLabelsError, shown

SUFFIX = ".npy"
MEMBERS = ("X", "y", "feature_names")
BLOCK = 1 << 20

DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    RuntimeError,
    ValueError,
    OverflowError,
)


class _Archive:
    """An npz whose directory and array headers have passed every check.

    Attributes
    ----------
    headers : dict
        The header of each member, by its name without `.npy`.
    """

    def __init__(self, zipped: zipfile.ZipFile, path: str, infos: dict[str, zipfile.ZipInfo]):
        self.path = path
        self._zipped = zipped
        self._infos = infos
        self.headers: dict[str, NpyHeader] = {}
        for key, info in infos.items():
            with self._opened(key) as member:
                header = read_header(member, path, key)
            if header.length + header.n_bytes != info.file_size:
                found = info.file_size - header.length
                problem = f"{key} has shape {shown(header.shape)}, {header.n_bytes:,} bytes"
                raise DataError(f"{problem}, but holds {found:,}", path=path)
            self.headers[key] = header

    @contextlib.contextmanager
    def _opened(self, key: str) -> Iterator[BinaryIO]:
        """Open a member; what the zip machinery may raise inside becomes a `DataError`."""
        try:
            with self._zipped.open(self._infos[key]) as member:
                yield cast(BinaryIO, member)
        except DAMAGE as error:
            raise DataError(f"{key} is damaged: {_reason(error)}", path=self.path) from None
        except MemoryError:
            raise DataError(f"no memory for {key}", path=self.path) from None

    def blocks(self, key: str, size: int) -> Iterator[bytearray]:
        """Yield the data of a member, `size` bytes at a time, and then check its checksum."""
        with self._opened(key) as member:
            left = self.headers[key].n_bytes
            member.read(self.headers[key].length)
            while left:
                block = bytearray()
                while len(block) < min(size, left):
                    interrupts.check()
                    part = member.read(min(BLOCK, min(size, left) - len(block)))
                    if not part:
                        raise EOFError("it ends early")
                    block += part
                left -= len(block)
                yield block
            member.read(1)

    def array(self, key: str) -> NDArray[np.generic]:
        """Return a whole member as it is stored."""
        header = self.headers[key]
        whole = next(blocks := self.blocks(key, max(1, header.n_bytes)), bytearray())
        for _ in blocks:
            pass
        return _shaped(whole, header, header.shape, key, self.path)


def looks_like(head: bytes) -> bool:
    """Return whether a file begins like a zip whose first member is a .npy array."""
    if not head.startswith(LOCAL) or len(head) < LOCAL_SIZE:
        return False
    (length,) = struct.unpack_from("<H", head, 26)
    return head[LOCAL_SIZE : LOCAL_SIZE + length].endswith(SUFFIX.encode())


def read(stream: BinaryIO, name: str, options: ReadOptions) -> Table:
    """Read a whole npz.

    Parameters
    ----------
    stream : binary file that can seek
    name : str
        What errors call the file.
    options : ReadOptions

    Returns
    -------
    Table
        X of its own dtype (n_samples, n_features), see `arrays.features_of`; labels int64
        (n_samples,) for integers, a list of str for text and booleans, or None when
        `labels_required` is False.

    Raises
    ------
    DataError
        For anything that is not such an npz.
    """
    with _archive(stream, name, options) as archive:
        labels, names, order = _beside(archive, options)
        return Table(features_of(archive.array("X"), 0, order, name), labels, names)


def chunks(stream: BinaryIO, name: str, options: ReadOptions, rows: int) -> Iterator[Table]:
    """Yield tables of at most `rows` rows, as `read` returns them.

    The checksum of X covers all of it, so it is verified after the last chunk. An X in Fortran
    order has no contiguous rows and is read whole.

    Raises
    ------
    DataError
        As `read`.
    """
    with _archive(stream, name, options) as archive:
        labels, names, order = _beside(archive, options)
        start, rows = 0, max(1, rows)
        for part in _row_blocks(archive, rows):
            X = features_of(part, start, order, name)
            stop = start + len(X)
            yield Table(X, None if labels is None else labels[start:stop], names)
            start = stop


def _row_blocks(archive: _Archive, rows: int) -> Iterator[NDArray[np.generic]]:
    """Yield X as stored, `rows` rows at a time."""
    header = archive.headers["X"]
    n_samples, width = header.shape
    if header.fortran:
        whole = archive.array("X")
        for start in range(0, n_samples, rows):
            interrupts.check()
            yield whole[start : start + rows]
        return
    row_bytes = width * header.dtype.itemsize
    for block in archive.blocks("X", rows * row_bytes):
        shape = (len(block) // row_bytes, width)
        yield _shaped(block, header, shape, "X", archive.path)


@contextlib.contextmanager
def _archive(stream: BinaryIO, path: str, options: ReadOptions) -> Iterator[_Archive]:
    """Open an npz and check all that can be checked without its data."""
    size = stream.seek(0, os.SEEK_END)
    check_end(stream, size, path)
    try:
        zipped = zipfile.ZipFile(stream)
    except (*DAMAGE, OSError) as error:
        raise DataError(f"is a damaged zip archive: {_reason(error)}", path=path) from None
    with zipped:
        infos = _members(zipped.infolist(), options, path)
        check_storage(infos, size, path)
        check_spans(stream, infos, min(zipped.start_dir, size), path)
        archive = _Archive(zipped, path, infos)
        _check_shapes(archive, options)
        yield archive


def _members(
    infos: list[zipfile.ZipInfo], options: ReadOptions, path: str
) -> dict[str, zipfile.ZipInfo]:
    """Return the members by name; there must be X and y, and nothing that is not known."""
    names = [info.filename.removesuffix(SUFFIX) for info in infos]
    needed = MEMBERS[:2] if options.labels_required else MEMBERS[:1]
    for name in needed:
        if name not in names:
            error = NoLabelsError if name == MEMBERS[1] else DataError
            raise error(f"holds no array {name!r}; found {listed(names)}", path=path)
    for name, info in zip(names, infos, strict=True):
        if info.filename != name + SUFFIX or name not in MEMBERS:
            problem = f"holds an unexpected member {shown(info.filename)}"
            raise DataError(f"{problem}; expected {', '.join(MEMBERS)}", path=path)
        if names.count(name) > 1:
            raise DataError(f"holds the array {name!r} {names.count(name)} times", path=path)
    return dict(zip(names, infos, strict=True))


def _check_shapes(archive: _Archive, options: ReadOptions) -> None:
    """Hold the shapes and kinds of the arrays to one another and to the model."""
    path, X = archive.path, archive.headers["X"]
    check_matrix(X, path)
    for key, length, of in (("y", X.shape[0], "rows"), ("feature_names", X.shape[1], "columns")):
        if key in archive.headers:
            check_vector(key, archive.headers[key], length, of, path)
    if "feature_names" in archive.headers and archive.headers["feature_names"].dtype.kind != "U":
        raise DataError("feature_names holds numbers; expected text", path=path)
    if "feature_names" not in archive.headers or options.feature_names is None:
        check_width(X.shape[1], options, path)


def _beside(
    archive: _Archive, options: ReadOptions
) -> tuple[Labels | None, tuple[str, ...] | None, list[int] | None]:
    """Return the labels, the names of the features, and the order to put them in."""
    path = archive.path
    labels = labels_of(archive.array("y"), path) if options.labels_required else None
    names = None
    if "feature_names" in archive.headers:
        names = tuple(texts_of(archive.array("feature_names"), "feature_names", path))
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise DataError(f"feature_names holds {shown(twice)} more than once", path=path)
    order = feature_order(names, options, path)
    if names is not None:
        check_width(len(names), options, path)
    return labels, names if order is None else options.feature_names, order


def _shaped(
    raw: bytearray, header: NpyHeader, shape: tuple[int, ...], what: str, path: str
) -> NDArray[np.generic]:
    """View bytes as an array of `shape`."""
    flat: NDArray[np.generic] = np.frombuffer(raw, dtype=header.dtype)
    check_booleans(flat, what, path)
    return flat.reshape(shape, order="F" if header.fortran else "C")


def _reason(error: BaseException) -> str:
    """Return what an exception of the zip machinery says, safe for a terminal."""
    return shown(str(error) or type(error).__name__)
