"""What the first bytes of a file tell: archives and binary formats, named and not read."""

from __future__ import annotations

from svmtrain.errors import DataError

HEAD_BYTES = 1 << 16

ZIP, EMPTY_ZIP = "a zip archive", "an empty zip archive"
NPY, PARQUET, ARROW = "a numpy array", "a Parquet file", "an Arrow file"
PICKLE, TAR = "a Python pickle", "a tar archive"

# What may be of a format that is read, if that is the one that is asked for.
FORMATS_OF = {ZIP: "npz", EMPTY_ZIP: "npz", NPY: "npy", PARQUET: "parquet", ARROW: "arrow"}
SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", "gzip data"),
    *((b"BZh%d1AY&SY" % level, "bzip2 data") for level in range(1, 10)),
    (b"\xfd7zXZ\x00", "xz data"),
    (b"\x28\xb5\x2f\xfd", "zstandard data"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"PK\x03\x04", ZIP),
    (b"PK\x05\x06", EMPTY_ZIP),
    (b"\x93NUMPY", NPY),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"PAR1", PARQUET),
    (b"ARROW1\x00", ARROW),
    (b"FEA1", "a Feather file of version 1"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"%PDF-", "a PDF document"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file"),
    *((b"\x80%c%c" % mark, PICKLE) for mark in zip(b"\2\2\3\3\4\5", b"}(}(\x95\x95", strict=True)),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
)
TAR_MARK, TAR_OFFSET = b"ustar", 257
UTF8_BOM = b"\xef\xbb\xbf"

_PICKLE_ADVICE = "loading one could run any code; CIFAR is read in its binary version"
_IMAGE_ADVICE = (
    "pictures are read from a folder: put it in one and name that; to train, one subfolder a class"
)
_UNPACK = "unpack it first"
ADVICE = {
    "UTF-16 text": "save it as UTF-8",
    ZIP: "an .npz file is one: then data.format is npz; any other is to be unpacked first",
    NPY: "then data.format is npy",
    PARQUET: "then data.format is parquet",
    ARROW: "then data.format is arrow",
    PICKLE: _PICKLE_ADVICE,
    "a PNG image": _IMAGE_ADVICE,
    "a JPEG image": _IMAGE_ADVICE,
    TAR: _UNPACK,
    "gzip data": _UNPACK,
    "bzip2 data": _UNPACK,
    "xz data": _UNPACK,
    "zstandard data": _UNPACK,
    "a 7z archive": _UNPACK,
}


def kind_of(head: bytes) -> str | None:
    """Return what `head` seems to be the beginning of, or None when it bears no known mark."""
    for mark, kind in SIGNATURES:
        if head.startswith(mark):
            return kind
    return TAR if head.startswith(TAR_MARK, TAR_OFFSET) else None


def is_binary(head: bytes) -> bool:
    """Return whether `head` holds control bytes that no text file has."""
    return any(byte < 9 or 13 < byte < 32 for byte in head)


def refused(kind: str, path: str, expected: str) -> DataError:
    """Return the error for a file that seems to be `kind`, with what to do about it."""
    advice = f" ({ADVICE[kind]})" if kind in ADVICE else ""
    return DataError(f"seems to be {kind}; expected {expected} data{advice}", path=path)


def first_lines(head: bytes, count: int) -> list[bytes]:
    """Return up to `count` lines from the start of a file that are not blank.

    A line that `head` cuts off is left out, unless it is the only one.
    """
    lines = head.removeprefix(UTF8_BOM).splitlines()
    if len(head) >= HEAD_BYTES and len(lines) > 1:
        lines.pop()
    return [line for line in lines if line.strip()][:count]
