"""Hold what a zip archive says of its members to the bytes that are really there.

What expands beyond reason is refused, as other compressed files are.

Source: PKWARE's APPNOTE.TXT.
"""

from __future__ import annotations

import struct
import zipfile
from typing import BinaryIO

from svmtrain.data.readers.compressed import check_expansion
from svmtrain.errors import DataError

DIRECTORY_LIMIT = 1 << 16

END, END_64, LOCATOR_64, LOCAL = (
    b"PK\x05\x06",
    b"PK\x06\x06",
    b"PK\x06\x07",
    b"PK\x03\x04",
)
END_SIZE, LOCATOR_SIZE, LOCAL_SIZE = 22, 20, 30


def check_end(stream: BinaryIO, size: int, path: str) -> None:
    """Find the zip directory's end record, and refuse a directory too large to be an npz's."""
    stream.seek(0)
    is_zip = stream.read(4) == LOCAL
    stream.seek(max(0, size - END_SIZE - LOCATOR_SIZE - 0xFFFF))
    tail = stream.read()
    at = tail.rfind(END)
    if at < 0 or len(tail) - at < END_SIZE:
        problem = "is a truncated zip archive: its directory is missing"
        raise DataError(problem if is_zip else "is not a zip archive", path=path)
    (length,) = struct.unpack_from("<I", tail, at + 12)
    locator = tail[max(0, at - LOCATOR_SIZE) : at]
    if len(locator) == LOCATOR_SIZE and locator.startswith(LOCATOR_64):
        (offset,) = struct.unpack_from("<Q", locator, 8)
        stream.seek(min(offset, size))
        record = stream.read(56)
        if len(record) == 56 and record.startswith(END_64):
            (length,) = struct.unpack_from("<Q", record, 40)
    if length > DIRECTORY_LIMIT:
        problem = f"its zip directory takes {length:,} bytes; expected a few arrays"
        raise DataError(problem, path=path)


def check_storage(infos: dict[str, zipfile.ZipInfo], size: int, path: str) -> None:
    """Refuse encryption, unknown compression, and sizes that cannot be or are a bomb's."""
    for name, info in infos.items():
        if info.flag_bits & 0x41:
            raise DataError(f"{name} is encrypted", path=path)
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            problem = f"{name} has compression {info.compress_type}; expected stored or deflate"
            raise DataError(problem, path=path)
        if info.compress_type == zipfile.ZIP_STORED and info.file_size != info.compress_size:
            raise DataError(f"{name} is stored, but its two sizes differ", path=path)
    check_expansion(size, sum(info.file_size for info in infos.values()), path)


def check_spans(stream: BinaryIO, infos: dict[str, zipfile.ZipInfo], limit: int, path: str) -> None:
    """Refuse members whose bytes overlap one another or the directory, or leave the file."""
    spans = []
    for name, info in infos.items():
        stream.seek(max(0, info.header_offset))
        local = stream.read(LOCAL_SIZE)
        if info.header_offset < 0 or len(local) < LOCAL_SIZE or not local.startswith(LOCAL):
            raise DataError(f"{name} is not where the zip directory says", path=path)
        start = info.header_offset
        end = start + LOCAL_SIZE + sum(struct.unpack_from("<HH", local, 26)) + info.compress_size
        spans.append((start, end, name))
    spans.sort()
    for (_, end, name), (start, _, other) in zip(spans, [*spans[1:], (limit, 0, "")], strict=True):
        if end > start:
            beside = f"{other} overlap" if other else "the zip directory overlap"
            raise DataError(f"{name} and {beside}", path=path)
