"""Open a store: its arrays mapped, after everything that can be checked at once was checked.

Sizes, shapes and dtypes have to be those of the description, and whatever points somewhere has
to point inside: numbers of classes, columns, beginnings of rows. The values themselves are not
read; `verify` reads all of them, and holds the files to their digests.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain import interrupts
from svmtrain.data.dataset import CodedLabels, Table
from svmtrain.data.digests import digest_of
from svmtrain.data.mapped import forget_array
from svmtrain.data.sparse import Csr, Matrix
from svmtrain.data.store.arrays import mapped
from svmtrain.data.store.description import (
    DATA,
    DESCRIPTION,
    INDICES,
    INDPTR,
    JSON_LIMIT,
    STATISTICS,
    Description,
    X,
    Y,
    parse,
)
from svmtrain.errors import DataError, StorageError
from svmtrain.files import read_bytes

BLOCK_VALUES = 1 << 20


def is_store(path: str | Path) -> bool:
    """Return whether a path is a folder with the description of a store."""
    return os.path.isfile(os.path.join(path, DESCRIPTION))


def describe(path: str | Path) -> Description:
    """Return the description of a store, after holding the sizes of its files to it.

    Raises
    ------
    DataError
        When there is none, it is malformed, or a file is missing or of another size.
    """
    folder = Path(path)
    found = parse(read_bytes(folder / DESCRIPTION, DataError, JSON_LIMIT), folder / DESCRIPTION)
    for name, size in found.sizes().items():
        try:
            has = os.stat(folder / name).st_size
        except OSError as error:
            raise DataError(f"cannot be read: {error.strerror}", path=folder / name) from None
        if has != size:
            problem = f"has {has:,} bytes; expected {size:,} by the description of the store"
            raise DataError(problem, path=folder / name)
    return found


def open_store(path: str | Path) -> Table:
    """Return the rows of a store, mapped and read-only.

    Returns
    -------
    Table
        X an ndarray in its own dtype, or Csr; labels `CodedLabels`, or None.

    Raises
    ------
    DataError
        When anything about the store is not as its description says.
    StorageError
        When the system refuses to read or to map.
    """
    folder = Path(path)
    try:
        found = describe(folder)
        arrays = {
            name: mapped(folder / name, dtype, shape)
            for name, (dtype, shape) in found.arrays().items()
        }
    except OSError as error:
        raise StorageError.from_os_error(error, "read", folder) from error
    matrix: Matrix
    if found.stored is None:
        matrix = arrays[X]
    else:
        matrix = Csr(arrays[DATA], arrays[INDICES], arrays[INDPTR], (found.rows, found.features))
        _check_pointers(arrays[INDPTR], found.stored, folder / INDPTR)
        _check_range(arrays[INDICES], found.features, "a column", folder / INDICES)
    labels = None
    if found.classes is not None:
        _check_range(arrays[Y], len(found.classes), "a class", folder / Y)
        labels = CodedLabels(arrays[Y], found.classes)
    return Table(matrix, labels, found.feature_names, found.categories)


def statistics(path: str | Path) -> NDArray[np.float64]:
    """Return mean, standard deviation, least and largest value of each column, (4, n_features).

    Over all cells, those that sparse rows leave out included; gaps do not count.

    Raises
    ------
    DataError
        As `describe`.
    """
    dtype, shape = describe(path).arrays()[STATISTICS]
    return np.array(mapped(Path(path) / STATISTICS, dtype, shape))


def verify(path: str | Path, records: Path | None = None) -> Description:
    """Hold each file of a store to its digest, and return the description.

    Every byte is read, but for files that `digests.digest_of` has a record of, in a folder of
    records, as they are now.

    Raises
    ------
    DataError
        Naming the first file that is not what was written.
    """
    folder = Path(path)
    found = describe(folder)
    for name, digest in found.digests.items():
        try:
            has, _ = digest_of(folder / name, records)
        except OSError as error:
            raise StorageError.from_os_error(error, "read", folder / name) from error
        if has != digest:
            raise DataError("damaged: the content does not match its digest", path=folder / name)
    return found


def _blocks(values: NDArray[Any], overlap: int = 0) -> Iterator[NDArray[Any]]:
    """Yield a mapped array in blocks, whose pages are let go after each."""
    for start in range(0, max(1, len(values) - overlap), BLOCK_VALUES):
        interrupts.check()
        yield values[start : start + BLOCK_VALUES + overlap]
        forget_array(values)


def _check_pointers(indptr: NDArray[np.int64], stored: int, path: Path) -> None:
    """Raise DataError unless the beginnings of rows go from 0 to the end and never back."""
    falling = any((block[1:] < block[:-1]).any() for block in _blocks(indptr, overlap=1))
    if falling or indptr[0] != 0 or indptr[-1] != stored:
        problem = f"expected beginnings of rows that go from 0 up to {stored:,}"
        raise DataError(f"damaged: {problem}", path=path)


def _check_range(values: NDArray[Any], limit: int, what: str, path: Path) -> None:
    """Raise DataError unless all values are from 0 to below a limit."""
    for block in _blocks(values):
        if len(block) and not 0 <= block.min() <= block.max() < limit:
            problem = f"{what} is {block.max() if block.min() >= 0 else block.min()}"
            raise DataError(f"damaged: {problem}; expected 0 to {limit - 1}", path=path)
