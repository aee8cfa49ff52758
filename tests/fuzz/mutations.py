"""Inputs that are nearly right: strategies that change seeds in ways that parsers trip over."""

import json
import math
import re

from hypothesis import strategies as st

from tests.fuzz.targets import NEXT

NUMBER = re.compile(rb"[-+]?[0-9][0-9.]*(?:[eE][-+]?[0-9]+)?")
FIELD = re.compile(rb"[^,;:\t\n =\"\[\]{}]+")
NUMBERS = (
    b"-1",
    b"0",
    b"-0",
    b"1e999",
    b"-1e-999",
    b"1e-400",
    b"4294967296",
    b"9223372036854775807",
    b"-9223372036854775809",
    b"18446744073709551616",
    b"1000000000000",
    b"1" * 400,
    b"1" * 5000,
    b"nan",
    b"-inf",
    b"NaN",
    b"Infinity",
    b"0x10",
    b"1_000",
    b"007",
    b"1.5.2",
    b"+-1",
    b"true",
    b"null",
    b"2.5",
    "\u0661\u0662".encode(),
    "\uff11".encode(),
    "\u00b2".encode(),
    b"",
)
TOKENS = (
    b"\0",
    b"\n",
    b"\r",
    b"\r\n",
    b"\t",
    b" ",
    b"\x0b",
    b"\x1b[2J",
    b"\x7f",
    b"\xff",
    b"\xc3",
    b"\xef\xbb\xbf",
    "\u2028\u202e\x85".encode(),
    b'"',
    b'""',
    b"'",
    b"\\",
    b"\\x1b[0m",
    b",",
    b";",
    b":",
    b"=",
    b"#",
    b"[",
    b"]",
    b"{",
    b"}",
    b"(" * 300,
    b"[" * 3000,
    b"-" * 500,
    b"&a",
    b"*a",
    b"<<: *a",
    b"!!python/object:os.system",
    b"!!int ",
    b"---\n",
    b"? ",
    b"| ",
    b"%YAML 1.1\n",
    b"2001-01-01",
    b"null",
    b"label",
    b"qid:",
    b"../",
    b"/dev/zero",
    b"x" * 2000,
    b" if ",
    b"lambda: 0",
    b"__import__('os')",
    b"9**9**9",
    NEXT,
)
TEXTS = ("", "x", "\x1b[2J", "\u202e", "x" * 2000, "0", "../x", "a\nb")
VALUES = (
    *(None, True, False, 0, 1, -1, 2, 3, 2**62, 2**62 + 1, 10**400, 0.5, -0.5, 1e308, 5e-324),
    *(math.nan, math.inf, [], [1], [[1.0], [2.0]], [None], {}, {"a": 1}, *TEXTS),
)
INTEGERS = (0, 1, 2, 127, 128, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1)


@st.composite
def spans(draw, content, most=64):
    """Return where a stretch of some bytes begins and ends."""
    start = draw(st.integers(0, len(content)))
    return start, min(len(content), start + draw(st.integers(1, most)))


def flip(draw, content, seeds):
    """Flip one bit."""
    start, _ = draw(spans(content))
    mask = 1 << draw(st.integers(0, 7))
    return (
        content[:start]
        + bytes(byte ^ mask for byte in content[start : start + 1])
        + (content[start + 1 :])
    )


def overwrite(draw, content, seeds):
    """Write a number over 1, 2, 4 or 8 bytes, either end first."""
    start, _ = draw(spans(content))
    size = draw(st.sampled_from([1, 2, 4, 8]))
    order = draw(st.sampled_from(["little", "big"]))
    number = draw(st.sampled_from(INTEGERS)) % (1 << 8 * size)
    return content[:start] + number.to_bytes(size, order) + content[start + size :]


def insert(draw, content, seeds):
    """Insert a few bytes, or a piece of some language."""
    start, _ = draw(spans(content))
    new = draw(st.sampled_from(TOKENS) | st.binary(min_size=1, max_size=8))
    return content[:start] + new + content[start:]


def delete(draw, content, seeds):
    """Take a stretch away."""
    start, stop = draw(spans(content))
    return content[:start] + content[stop:]


def duplicate(draw, content, seeds):
    """Repeat a stretch, once or many times."""
    start, stop = draw(spans(content))
    return (
        content[:stop] + content[start:stop] * draw(st.sampled_from([1, 2, 200])) + (content[stop:])
    )


def truncate(draw, content, seeds):
    """Keep the beginning only."""
    return content[: draw(st.integers(0, len(content)))]


def splice(draw, content, seeds):
    """Go on as another seed does."""
    other = draw(st.sampled_from(seeds))
    here, there = draw(spans(content))[0], draw(spans(other))[0]
    return content[:here] + other[there:]


def swap(draw, content, seeds):
    """Let two fields change places."""
    fields = [match.span() for match in FIELD.finditer(content)]
    if len(fields) < 2:
        return content
    picked = st.integers(0, len(fields) - 1)
    (a, b), (c, d) = sorted((fields[draw(picked)], fields[draw(picked)]))
    if b > c:
        return content
    return content[:a] + content[c:d] + content[b:c] + content[a:b] + content[d:]


def renumber(draw, content, seeds):
    """Write another number in the place of one."""
    numbers = [match.span() for match in NUMBER.finditer(content)]
    if not numbers:
        return content
    start, stop = numbers[draw(st.integers(0, len(numbers) - 1))]
    return content[:start] + draw(st.sampled_from(NUMBERS)) + content[stop:]


def replace(draw, content, seeds):
    """Write a piece of some language in the place of a field."""
    fields = [match.span() for match in FIELD.finditer(content)]
    if not fields:
        return content
    start, stop = fields[draw(st.integers(0, len(fields) - 1))]
    return content[:start] + draw(st.sampled_from(TOKENS)) + content[stop:]


def rewrite(draw, content, seeds):
    """Change one value, key or item of a document in JSON, or of a line in it."""
    for mark in (NEXT, b"\n"):
        parts = content.split(mark)
        readable = [at for at, part in enumerate(parts) if _document(part) is not None]
        if readable:
            at = draw(st.sampled_from(readable))
            parts[at] = json.dumps(_rewritten(draw, _document(parts[at]), 19)).encode()
            return mark.join(parts)
    return content


def _document(content):
    """Return the object or list that some bytes are in JSON, or None."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict | list) and found else None


def _rewritten(draw, document, inside=15):
    """Return a document with one change; `inside` of 20 times, somewhere below its top."""
    keys = list(document) if isinstance(document, dict) else list(range(len(document)))
    key = draw(st.sampled_from(keys))
    inner, how = document[key], draw(st.integers(0, 19))
    changed = document.copy()
    if how < inside and isinstance(inner, dict | list) and inner:
        changed[key] = _rewritten(draw, inner)
    elif how == 15:
        del changed[key]
    elif how == 16:
        changed[key] = [inner]
    elif how == 17:
        changed[key] = document[draw(st.sampled_from(keys))]
    elif how == 18 and isinstance(document, dict):
        changed[draw(st.sampled_from(TEXTS))] = changed.pop(key)
    else:
        changed[key] = draw(st.sampled_from(VALUES))
    return changed


CHANGES = (
    flip,
    overwrite,
    insert,
    delete,
    duplicate,
    truncate,
    splice,
    swap,
    renumber,
    replace,
    rewrite,
)


@st.composite
def mutated(draw, seeds):
    """Return one of the seeds after one to four changes; one in eight times, random bytes."""
    if draw(st.integers(0, 7)) == 7:
        return draw(st.binary(max_size=300))
    content = draw(st.sampled_from(seeds))
    if _document(content.split(NEXT)[0]) is not None and draw(st.integers(0, 3)):
        for _ in range(draw(st.integers(1, 3))):  # else little of it would be read
            content = rewrite(draw, content, seeds)
        return content
    for _ in range(draw(st.integers(1, 4))):
        content = draw(st.sampled_from(CHANGES))(draw, content, seeds)
    return content
