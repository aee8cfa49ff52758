"""A text file in blocks: the same lines at once as one by one, wherever a block ends."""

import io
import os

import pytest
from extent import extent
from hypothesis import given, settings
from hypothesis import strategies as st

from svmtrain.data.readers import text
from svmtrain.data.readers.text import TextBlocks
from svmtrain.errors import DataError


@settings(max_examples=extent(50, 200), deadline=None)
@given(
    lines=st.lists(st.text("ab\r ", max_size=5).map(str.encode)),
    size=st.integers(1, 20),
    at_once=st.lists(st.booleans(), min_size=1),
    bom=st.booleans(),
)
def test_lines_are_the_same_at_once_and_one_by_one(lines, size, at_once, bom):
    """Blocks and lines may be taken in turn; numbers and offsets go on as if all were lines."""
    mark = b"\xef\xbb\xbf" if bom else b""
    content = mark + b"\n".join(lines)
    blocks = TextBlocks(io.BytesIO(content), "t", size)
    found, turn = [], 0
    while blocks.more():
        turn += 1
        if at_once[turn % len(at_once)]:
            block = blocks.rest()
            assert block.endswith(b"\n")
            found += block.split(b"\n")[:-1]
            blocks.take(block.count(b"\n"))
        else:
            number, offset, line = next(iter(blocks))
            assert content[offset:].startswith(line)
            found.append(line.removesuffix(b"\n"))
            assert number == len(found)
        assert blocks.lines == len(found)
    assert found == content.removeprefix(mark).split(b"\n")[: len(found)]
    assert len(found) == content.removeprefix(mark).count(b"\n") + bool(lines and lines[-1])


def test_a_line_that_is_too_long_is_never_taken_at_once(monkeypatch):
    """It has to be met by the code that raises the error, after the lines before it."""
    monkeypatch.setattr(text, "LINE_LIMIT", 10)
    blocks = TextBlocks(io.BytesIO(b"1\n" + b"2" * 30 + b"\n"), "t", 5)
    assert blocks.rest() == b"1\n"
    lines = iter(blocks)
    assert next(lines) == (1, 0, b"1\n")
    assert blocks.rest() is None
    with pytest.raises(DataError, match="t:2: longer than 10 bytes"):
        next(lines)


def test_lines_are_had_as_soon_as_they_have_come():
    """A block is not waited for: a pipe may stay open with nothing more in it."""
    readable, writable = os.pipe()
    with open(readable, "rb") as stream, open(writable, "wb", buffering=0) as pipe:
        blocks = TextBlocks(stream, "t")
        pipe.write(b"1\n2\n3")
        assert blocks.rest() == b"1\n2\n"
        blocks.take(2)
        pipe.write(b"4\n")
        assert blocks.rest() == b"34\n"
