"""Read IDX, the format of MNIST: images in one file, their labels in another.

A file is two zero bytes, a byte for the type, one for the number of dimensions, each dimension
as a big-endian integer of 4 bytes, and the values, in C order and big-endian. All dimensions
after the first are laid out along a row, in that order. Values keep their type.

Source: LeCun, Cortes, Burges, The MNIST database.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from math import prod
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from svmtrain.data.dataset import ReadOptions, Table
from svmtrain.data.readers.beside import labels_beside
from svmtrain.data.readers.blocks import Announced, check_finite, row_blocks, whole
from svmtrain.data.readers.features import check_width
from svmtrain.data.readers.opening import opened
from svmtrain.errors import DataError, shown

TYPES = {
    0x08: "u1",
    0x09: "i1",
    0x0B: ">i2",
    0x0C: ">i4",
    0x0D: ">f4",
    0x0E: ">f8",
}
LARGEST_SIZE = 2**62
Shape = tuple[int, ...]


def looks_like(head: bytes) -> bool:
    """Return whether a file begins with a type of IDX and dimensions none of which is zero."""
    if len(head) < 8 or head[:2] != b"\0\0" or head[2] not in TYPES or not 1 <= head[3] <= 4:
        return False
    if len(head) < 4 + 4 * head[3]:
        return False
    return all(struct.unpack_from(f">{head[3]}I", head, 4))


def beside(path: str) -> str:
    """Return the path of the labels beside a file of images: `train-labels-idx1-ubyte.gz`.

    Raises
    ------
    DataError
        Naming what was looked for.
    """
    name = os.path.basename(path)
    if "labels" in name and "images" not in name:
        problem = "is named as labels are; expected images, or rows and columns"
        raise DataError(f"{problem} (are images and labels swapped?)", path=path)
    return labels_beside(path, ("images", "labels"), (r"idx[2-9]", "idx1"))


def read(stream: BinaryIO, name: str, options: ReadOptions) -> Table:
    """Read a whole file of images, and that of the labels.

    Parameters
    ----------
    stream : binary file
    name : str
        What errors call the file.
    options : ReadOptions
        `labels` is the file of the labels.

    Returns
    -------
    Table
        X of the type in the file, native (n_samples, n_features); labels int64 (n_samples,),
        or None when `labels_required` is False.

    Raises
    ------
    DataError
        For anything that is not such a pair of files.
    """
    (table,) = chunks(stream, name, options, LARGEST_SIZE)
    return table


def chunks(stream: BinaryIO, name: str, options: ReadOptions, rows: int) -> Iterator[Table]:
    """Yield tables of at most `rows` rows, as `read` returns them. The labels are read whole.

    Raises
    ------
    DataError
        As `read`.
    """
    dtype, shape = _header(stream, name)
    if len(shape) < 2:
        problem = "has one dimension, as labels have; expected images, or rows and columns"
        raise DataError(f"{problem} (are images and labels swapped?)", path=name)
    if shape[0] < 1:
        raise DataError("holds no rows", path=name)
    width = prod(shape[1:])
    check_width(width, options, name)
    blocks = row_blocks(stream, _announced(dtype, shape, name), rows)
    labels = _labels(options.labels, shape[0], name) if options.labels_required else None
    start = 0
    for X in blocks:
        check_finite(X, start, name)
        yield Table(X, None if labels is None else labels[start : start + len(X)])
        start += len(X)


def _labels(path: str | None, count: int, images: str) -> NDArray[np.int64]:
    """Return the labels of a file, which has to hold as many as there are images."""
    with opened(beside(images) if path is None else path) as source:
        dtype, shape = _header(source.stream, source.name)
        if len(shape) != 1:
            problem = f"has {len(shape)} dimensions; expected labels, which have one"
            raise DataError(f"{problem} (are images and labels swapped?)", path=source.name)
        if dtype.kind == "f":
            raise DataError("holds floats; expected labels, which are integers", path=source.name)
        if shape[0] != count:
            problem = f"holds {shape[0]:,} labels, but {images} holds {count:,} rows"
            raise DataError(problem, path=source.name)
        said = _announced(dtype, (*shape, 1), source.name)
        return whole(source.stream, said).ravel().astype(np.int64)


def _header(stream: BinaryIO, path: str) -> tuple[np.dtype[Any], Shape]:
    """Return the dtype and the shape that a file says it has."""
    magic = stream.read(4)
    if not magic:
        raise DataError("the file is empty", path=path)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise DataError(f"is not IDX: it begins with {shown(magic)}", path=path)
    if magic[2] not in TYPES:
        types = ", ".join(f"0x{code:02x}" for code in TYPES)
        problem = f"has values of the unknown type 0x{magic[2]:02x}"
        raise DataError(f"{problem}; expected one of {types}", path=path)
    field = stream.read(4 * magic[3])
    if len(field) < 4 * magic[3]:
        raise DataError("is cut off inside its header", path=path)
    shape = struct.unpack(f">{magic[3]}I", field)
    dtype = np.dtype(TYPES[magic[2]])
    if not shape:
        raise DataError("has no dimensions", path=path)
    if prod(shape) * dtype.itemsize > LARGEST_SIZE:
        raise DataError(f"has the impossible shape {shown(shape)}", path=path)
    return dtype, shape


def _announced(dtype: np.dtype[Any], shape: Shape, path: str) -> Announced:
    sizes = " x ".join(map(str, shape if len(shape) > 2 or shape[-1] > 1 else shape[:1]))
    text = f"has {sizes} values of {dtype.newbyteorder('=')}"
    return Announced(text, path, dtype, shape[0], prod(shape[1:]))
