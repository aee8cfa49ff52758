"""The wire format of protocol buffers, as much of it as is written here.

A message is its fields one after the other: a key, which is eight times the number of the field
plus how its value is stored, and the value: a varint (0), or a length and so many bytes (2).

Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterable

VARINT, BYTES = 0, 2


def varint(number: int) -> bytes:
    """Return a whole number, seven bits a byte, the lowest first; a negative one as 64 bits."""
    left = number % 2**64
    found = bytearray()
    while left >= 0x80:
        found.append(left & 0x7F | 0x80)
        left >>= 7
    found.append(left)
    return bytes(found)


def whole(field: int, number: int) -> bytes:
    """Return a field that holds a whole number."""
    return varint(field << 3 | VARINT) + varint(number)


def block(field: int, content: bytes | str) -> bytes:
    """Return a field that holds bytes, a text in UTF-8, or another message."""
    data = content.encode("utf-8", "replace") if isinstance(content, str) else content
    return varint(field << 3 | BYTES) + varint(len(data)) + data


def blocks(field: int, contents: Iterable[bytes | str]) -> bytes:
    """Return a repeated field of such."""
    return b"".join(block(field, content) for content in contents)
