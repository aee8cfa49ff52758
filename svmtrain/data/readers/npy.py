"""Read a pair of numpy's npy files: X (2-D) in one, the labels y (1-D) in another.

Nothing is unpickled, and the header's shape is held to the bytes that are there. Rows and columns
in errors count from 0, as in numpy.

Source: NEP 1, a simple file format for numpy arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from numpy.typing import NDArray

from svmtrain import interrupts
from svmtrain.data.dataset import Labels, ReadOptions, Table
from svmtrain.data.readers.arrays import (
    check_booleans,
    check_matrix,
    check_vector,
    features_of,
    labels_of,
)
from svmtrain.data.readers.beside import labels_beside
from svmtrain.data.readers.blocks import Announced, row_blocks, whole
from svmtrain.data.readers.features import check_width
from svmtrain.data.readers.npy_header import LARGEST_SIZE, MAGIC, NpyHeader, read_header
from svmtrain.data.readers.opening import opened
from svmtrain.errors import shown


def looks_like(head: bytes) -> bool:
    """Return whether a file begins as every npy file does."""
    return head.startswith(MAGIC)


def beside(path: str) -> str:
    """Return the path of the labels beside an X: `y.npy`, `y_train.npy`, `digits_y.npy`.

    Raises
    ------
    DataError
        Naming what was looked for.
    """
    return labels_beside(path, (r"(?<![A-Za-z0-9])[Xx](?![A-Za-z0-9])", "y"))


def read(stream: BinaryIO, name: str, options: ReadOptions) -> Table:
    """Read the whole of X, and y.

    Parameters
    ----------
    stream : binary file
    name : str
        What errors call the file.
    options : ReadOptions
        `labels` is the file of y.

    Returns
    -------
    Table
        X of its own dtype (n_samples, n_features), see `arrays.features_of`; labels int64
        (n_samples,) for integers, a list of str for text and booleans, or None when
        `labels_required` is False.

    Raises
    ------
    DataError
        For anything that is not such a pair.
    """
    (table,) = chunks(stream, name, options, LARGEST_SIZE)
    return table


def chunks(stream: BinaryIO, name: str, options: ReadOptions, rows: int) -> Iterator[Table]:
    """Yield tables of at most `rows` rows, as `read` returns them. The labels are read whole.

    An X in Fortran order has no contiguous rows and is read whole.

    Raises
    ------
    DataError
        As `read`.
    """
    header = read_header(stream, name, "X")
    check_matrix(header, name)
    check_width(header.shape[1], options, name)
    said = _announced(header, "X", name)
    blocks = row_blocks(stream, said, header.shape[0] if header.fortran else rows)
    labels = _labels(options.labels, header.shape[0], name) if options.labels_required else None
    start = 0
    for values in _in_rows(blocks, header, rows) if header.fortran else blocks:
        check_booleans(values, "X", name)
        X = features_of(values, start, None, name)
        yield Table(X, None if labels is None else labels[start : start + len(X)])
        start += len(X)


def _in_rows(
    blocks: Iterator[NDArray[Any]], header: NpyHeader, rows: int
) -> Iterator[NDArray[Any]]:
    """Yield an X in Fortran order `rows` rows at a time; the blocks are one, the whole of it."""
    for block in blocks:
        X = block.ravel().reshape(header.shape, order="F")
        for start in range(0, len(X), max(1, rows)):
            interrupts.check()
            yield X[start : start + max(1, rows)]


def _labels(path: str | None, count: int, features: str) -> Labels:
    """Return the labels of a file, which has to hold as many as X has rows."""
    with opened(beside(features) if path is None else path) as source:
        header = read_header(source.stream, source.name, "y")
        check_vector("y", header, count, "rows", source.name)
        y = whole(source.stream, _announced(header, "y", source.name)).ravel()
        check_booleans(y, "y", source.name)
        return labels_of(y, source.name)


def _announced(header: NpyHeader, what: str, path: str) -> Announced:
    text = f"{what} has shape {shown(header.shape)}"
    rows = header.shape[0]
    return Announced(
        text, path, header.dtype, rows, header.n_bytes // header.dtype.itemsize // rows
    )
