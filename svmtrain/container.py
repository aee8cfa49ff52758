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

from svmtrain.errors import ModelError, shown
from svmtrain.files import open_regular, sha256_bytes

Array = NDArray[Any]
DTYPES = ("<f8", "<f4", "<i8", "<u8")
HEADER = "header.json"
HEADER_LIMIT = 16 << 20
JSON_DEPTH = 16
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
    rb"\x93NUMPY\x01\x00..\{'descr': '([<a-z0-9]{3})', 'fortran_order': False, "
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
    with open_regular(path, ModelError) as file:
        content = file.read(FILE_LIMIT)
    return unpack(content, path)


def unpack(content: bytes, path: str | Path) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return the header and the arrays in the bytes of a container; see `read`."""
    _verify_digest(content, path)
    try:
        members = _members(content)
        header = _parse_json(members.pop(HEADER))
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


def _parse_json(content: bytes) -> dict[str, Any]:
    if len(content) > HEADER_LIMIT:
        raise ValueError("the header is too large")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a key appears twice in the header")
        return dict(pairs)

    def refuse(text: str) -> Any:
        raise ValueError(f"{text} in the header")

    header = json.loads(content, object_pairs_hook=unique, parse_constant=refuse)
    if not isinstance(header, dict) or _depth(header) > JSON_DEPTH:
        raise ValueError("the header is not an object, or nested too deeply")
    return header


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


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


class Fields:
    """Reads values out of a parsed header and checks the type of each."""

    def __init__(self, header: Mapping[str, Any], path: str | Path) -> None:
        self.header = header
        self.path = path

    def _get(self, key: str, kind: type | tuple[type, ...], expected: str) -> Any:
        value = self.header.get(key)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ModelError(
                f"damaged or forged: header field {key} is {shown(value)}; expected {expected}",
                path=self.path,
            )
        return value

    def text(self, key: str) -> str:
        """Return a text."""
        return str(self._get(key, str, "a text"))

    def optional_text(self, key: str) -> str | None:
        """Return a text or None."""
        return None if self.header.get(key) is None else self.text(key)

    def count(self, key: str) -> int:
        """Return an integer from 0 to 2^62."""
        value = int(self._get(key, int, "an integer"))
        if not 0 <= value <= 2**62:
            raise ModelError(f"damaged or forged: header field {key} is {value}", path=self.path)
        return value

    def number(self, key: str) -> float:
        """Return a finite number."""
        value = self._get(key, (int, float), "a number")
        try:
            return float(value)
        except OverflowError:
            raise ModelError(
                f"damaged or forged: header field {key} is {shown(value)}", path=self.path
            ) from None

    def optional_number(self, key: str) -> float | None:
        """Return a finite number or None."""
        return None if self.header.get(key) is None else self.number(key)

    def flag(self, key: str) -> bool:
        """Return true or false."""
        return bool(self._get(key, bool, "true or false"))

    def items(self, key: str) -> list[Any]:
        """Return a list."""
        return list(self._get(key, list, "a list"))

    def section(self, key: str) -> Fields:
        """Return the fields of a nested object."""
        return Fields(self._get(key, dict, "an object"), self.path)
