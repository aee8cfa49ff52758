"""What the first bytes of a file tell: archives and binary formats, named and not read."""

from __future__ import annotations

from svmtrain.errors import DataError

HEAD_BYTES = 1 << 16

ZIP, EMPTY_ZIP = ZIPS = ("a zip archive", "an empty zip archive")
SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", "gzip data"),
    *((b"BZh%d1AY&SY" % level, "bzip2 data") for level in range(1, 10)),
    (b"\xfd7zXZ\x00", "xz data"),
    (b"\x28\xb5\x2f\xfd", "zstandard data"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"PK\x03\x04", ZIP),
    (b"PK\x05\x06", EMPTY_ZIP),
    (b"\x93NUMPY", "a single numpy array (.npy)"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"PAR1\x15", "a Parquet file"),
    (b"ARROW1\x00", "an Arrow file"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"%PDF-", "a PDF document"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file"),
    (b"\x80\x04\x95", "a Python pickle"),
    (b"\x80\x05\x95", "a Python pickle"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
)
UTF8_BOM = b"\xef\xbb\xbf"

ADVICE = {
    "UTF-16 text": "save it as UTF-8",
    ZIP: "an .npz file is one: then data.format is npz; any other is to be unpacked first",
    "gzip data": "unpack it first",
    "bzip2 data": "unpack it first",
    "xz data": "unpack it first",
    "zstandard data": "unpack it first",
    "a 7z archive": "unpack it first",
}


def kind_of(head: bytes) -> str | None:
    """Return what `head` seems to be the beginning of, or None when it bears no known mark."""
    for mark, kind in SIGNATURES:
        if head.startswith(mark):
            return kind
    return None


def is_binary(head: bytes) -> bool:
    """Return whether `head` holds control bytes that no text file has."""
    return any(byte < 9 or 13 < byte < 32 for byte in head)


def refused(kind: str, path: str) -> DataError:
    """Return the error for a file that seems to be `kind`, with what to do about it."""
    advice = f" ({ADVICE[kind]})" if kind in ADVICE else ""
    return DataError(f"seems to be {kind}; expected csv, svmlight or npz data{advice}", path=path)


def first_lines(head: bytes, count: int) -> list[bytes]:
    """Return up to `count` lines from the start of a file that are not blank.

    A line that `head` cuts off is left out, unless it is the only one.
    """
    lines = head.removeprefix(UTF8_BOM).splitlines()
    if len(head) >= HEAD_BYTES and len(lines) > 1:
        lines.pop()
    return [line for line in lines if line.strip()][:count]
