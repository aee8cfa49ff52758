"""The container of models and checkpoints: an npz file with a digest and one possible form.

A container is a zip archive of uncompressed members with fixed timestamps and sorted names: one
`header.json` and some `.npy` arrays. The zip comment holds the SHA-256 of every byte before it,
so an accident anywhere in the file is found; and because the same content has exactly one form,
a file is accepted only when writing its content again gives the same bytes. `numpy.load` opens it.
"""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain import strict_json
from svmtrain.errors import ModelError, shown
from svmtrain.files import read_bytes, sha256_bytes

Array = NDArray[Any]
DTYPES = ("<f8", "<f4", "<i8", "<u8", "|u1")
HEADER = "header.json"
HEADER_LIMIT = 16 << 20
COMMENT_PREFIX = b"sha256:"
COMMENT_LENGTH = len(COMMENT_PREFIX) + 64
FILE_LIMIT = 1 << 34

_MALFORMED = (
    ArithmeticError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
)

_NPY_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '([<|a-z0-9]{3})', 'fortran_order': False, "
    rb"'shape': \(((?:[0-9]{1,18}, ?)*[0-9]{0,18},?)\), \} *\n",
    re.DOTALL,
)


def pack(header: Mapping[str, Any], arrays: Mapping[str, Array]) -> bytes:
    """Return the bytes of a container; the same content always gives the same bytes.

    Parameters
    ----------
    header : mapping
        JSON-able, without NaN or infinities.
    arrays : mapping of str to ndarray
        Of a dtype in `DTYPES`, any shape; stored in C order under the names given.
    """
    members = {HEADER: _json_bytes(header)}
    for name, array in arrays.items():
        members[f"{name}.npy"] = _npy_bytes(array)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.create_system = 3
            info.external_attr = 0o644 << 16
            archive.writestr(info, members[name])
        archive.comment = b" " * COMMENT_LENGTH
    body = buffer.getvalue()[:-COMMENT_LENGTH]
    return body + COMMENT_PREFIX + sha256_bytes(body).encode()


def _json_bytes(header: Mapping[str, Any]) -> bytes:
    return json.dumps(header, sort_keys=True, indent=1, allow_nan=False).encode()


def _npy_bytes(array: Array) -> bytes:
    little = np.asarray(array, order="C")
    if little.dtype.str not in DTYPES:
        raise ValueError(f"arrays of {little.dtype} are not stored")
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, little, version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def read(path: str | Path) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return the header and the arrays of a container file.

    Raises
    ------
    ModelError
        When the file is missing or anything about it is not as `pack` would have written it.
    """
    return unpack(read_bytes(path, ModelError, FILE_LIMIT), path)


def unpack(content: bytes, path: str | Path) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return the header and the arrays in the bytes of a container; see `read`."""
    _verify_digest(content, path)
    try:
        members = _members(content)
        header = strict_json.parse(members.pop(HEADER), HEADER_LIMIT)
        arrays = {name.removesuffix(".npy"): _parse_npy(members[name]) for name in members}
        canonical = pack(header, arrays) == content
    except _MALFORMED as why:
        raise ModelError(f"damaged or forged: {shown(str(why))}", path=path) from None
    if not canonical:
        raise ModelError("damaged or forged: not in the form that svmtrain writes", path=path)
    return header, arrays


def _verify_digest(content: bytes, path: str | Path) -> None:
    if not content:
        raise ModelError("the file is empty; expected a model or checkpoint", path=path)
    comment = content[-COMMENT_LENGTH:]
    if not comment.startswith(COMMENT_PREFIX):
        kind = "damaged, or not a file of svmtrain" if content[:2] == b"PK" else "not a model"
        raise ModelError(
            f"{kind} (found no digest at the end; expected a model or checkpoint)",
            path=path,
        )
    if comment[len(COMMENT_PREFIX) :] != sha256_bytes(content[:-COMMENT_LENGTH]).encode():
        raise ModelError("damaged: the content does not match its digest", path=path)


def _members(content: bytes) -> dict[str, bytes]:
    """Return the members of the archive; sizes are checked against the real file first."""
    members: dict[str, bytes] = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        if sum(entry.file_size for entry in entries) > len(content):
            raise ValueError("the members are larger than the file")
        for entry in entries:
            if entry.compress_type != zipfile.ZIP_STORED or entry.filename in members:
                raise ValueError(f"member {entry.filename!r} is compressed or repeated")
            if entry.filename != HEADER and not entry.filename.endswith(".npy"):
                raise ValueError(f"unexpected member {entry.filename!r}")
            members[entry.filename] = archive.read(entry)
    return members


def _parse_npy(content: bytes) -> Array:
    match = _NPY_HEADER.match(content)
    if match is None or match[1].decode() not in DTYPES:
        raise ValueError("an array has an unknown header or dtype")
    shape = tuple(int(size) for size in match[2].decode().split(",") if size.strip())
    dtype = np.dtype(match[1].decode())
    count = 1
    for size in shape:
        count *= size
    if count * dtype.itemsize != len(content) - match.end():
        raise ValueError(f"an array of shape {shape} does not fill its member")
    array = np.frombuffer(content, dtype=dtype, count=count, offset=match.end())
    return array.reshape(shape).copy()
