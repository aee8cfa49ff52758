"""Read the header of a .npy array, trusting nothing in it.

Only plain dtypes pass: booleans, integers, floats of 2, 4 or 8 bytes and unicode. An array of
Python objects is a pickle and is named, never loaded.

Source: NEP 1, a simple file format for numpy arrays (versions 1.0, 2.0 and 3.0).
"""

from __future__ import annotations

import ast
import re
import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import BinaryIO, NoReturn

import numpy as np

from svmtrain.errors import DataError, shown

MAGIC = b"\x93NUMPY"
HEADER_LIMIT = 10_000
LENGTH_FORMATS = {(1, 0): "<H", (2, 0): "<I", (3, 0): "<I"}
LARGEST_SIZE = 2**62

PLAIN = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248])", re.ASCII)
UNICODE = re.compile(r"[<>=]?U[1-9][0-9]{0,5}", re.ASCII)
KINDS = {
    "O": "Python objects (a pickle)",
    "V": "raw or structured records",
    "c": "complex numbers",
    "M": "dates",
    "m": "time spans",
    "S": "byte strings",
    "a": "byte strings",
    "f": "floats of a size that is not portable",
    "U": "unicode of an impossible length",
}


@dataclass(frozen=True)
class NpyHeader:
    """What a .npy array says it is.

    Attributes
    ----------
    dtype : numpy dtype, one of bool, int, uint, float and unicode
    shape : tuple of int, none negative
    fortran : bool
        Whether the first index runs fastest.
    length : int
        Bytes that the header takes; the data begin there.
    """

    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]
    fortran: bool
    length: int

    @property
    def n_bytes(self) -> int:
        """Bytes that the data take."""
        return prod(self.shape) * self.dtype.itemsize


def read_header(stream: BinaryIO, path: str, what: str) -> NpyHeader:
    """Read a header and leave the stream at the first byte of the data.

    Parameters
    ----------
    stream : binary file at the start of the array
    path, what : str
        What errors call the file, and the array within it.

    Raises
    ------
    DataError
        For anything but a well-formed header of a plain array. Nothing is allocated by it.
    """

    def refuse(problem: str) -> NoReturn:
        raise DataError(f"{what} {problem}", path=path)

    text, encoding, length = _header_text(stream, refuse)
    fields = _fields(text, encoding)
    if fields is None:
        refuse("has a header that is not {'descr', 'fortran_order', 'shape'} in plain values")
    descr, fortran, shape = fields["descr"], fields["fortran_order"], fields["shape"]
    dtype = _dtype(descr)
    if dtype is None:
        refuse(f"holds {_kind(descr)}, dtype {shown(descr)}; expected numbers or text")
    if not isinstance(fortran, bool):
        refuse(f"has fortran_order {shown(fortran)}; expected True or False")
    if not isinstance(shape, tuple) or any(type(n) is not int or n < 0 for n in shape):
        refuse(f"has shape {shown(shape)}; expected whole numbers")
    header = NpyHeader(dtype, shape, fortran, length)
    if max(shape, default=0) > LARGEST_SIZE or header.n_bytes > LARGEST_SIZE:
        refuse(f"has the impossible shape {shown(shape)}")
    return header


def _header_text(stream: BinaryIO, refuse: Callable[[str], NoReturn]) -> tuple[bytes, str, int]:
    """Return the text of a header, its encoding, and the bytes that the whole header takes."""
    start = stream.read(8)
    if not start.startswith(MAGIC) or len(start) < 8:
        refuse(f"is not a numpy array: it begins with {shown(start)}")
    version = (start[6], start[7])
    if version not in LENGTH_FORMATS:
        refuse(f"has npy version {version[0]}.{version[1]}; expected 1.0, 2.0 or 3.0")
    size = struct.calcsize(LENGTH_FORMATS[version])
    field = stream.read(size)
    if len(field) < size:
        refuse("is cut off inside its header")
    (length,) = struct.unpack(LENGTH_FORMATS[version], field)
    if length > HEADER_LIMIT:
        refuse(f"has a header of {length:,} bytes; expected at most {HEADER_LIMIT:,}")
    text = stream.read(length)
    if len(text) < length:
        refuse("is cut off inside its header")
    encoding = "utf-8" if version == (3, 0) else "latin-1"
    return text, encoding, len(start) + size + length


def _fields(text: bytes, encoding: str) -> dict[str, object] | None:
    """Return the three fields of a header as literals, or None when it is no such thing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fields = ast.literal_eval(text.decode(encoding).strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    expected = {"descr", "fortran_order", "shape"}
    return fields if isinstance(fields, dict) and fields.keys() == expected else None


def _dtype(descr: object) -> np.dtype[np.generic] | None:
    """Return the dtype that `descr` names when it is a plain one, else None."""
    if not isinstance(descr, str) or not (PLAIN.fullmatch(descr) or UNICODE.fullmatch(descr)):
        return None
    return np.dtype(descr)


def _kind(descr: object) -> str:
    """Return in words what an array of a refused dtype holds."""
    if not isinstance(descr, str):
        return KINDS["V"]
    return KINDS.get(descr.lstrip("<>|=")[:1], "values of an unknown kind")
