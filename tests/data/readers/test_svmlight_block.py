"""Blocks of svmlight lines read at once: as line by line, or not at all."""

import random

import numpy as np
import pytest
from extent import extent
from hypothesis import example, given, settings
from hypothesis import strategies as st

from svmtrain.data.readers import svmlight_block, svmlight_line
from svmtrain.errors import DataError

VALUES = st.floats(allow_nan=False, allow_infinity=False).map(repr) | st.integers(-9, 999).map(str)
ROWS = st.lists(
    st.tuples(st.integers(-3, 3), st.dictionaries(st.integers(1, 10**6), VALUES, max_size=9)),
    min_size=1,
    max_size=8,
)
MARKS = "0123456789 :\n\r\t#.+-eE_,nai\x00\u0661"


def text_of(rows):
    """Return rows as svmlight text."""
    lines = [
        " ".join([str(label), *(f"{index}:{pairs[index]}" for index in sorted(pairs))])
        for label, pairs in rows
    ]
    return "".join(line + "\n" for line in lines)


def line_by_line(block):
    """Return (labels, lengths, indices, values) as the careful code reads them, or None."""
    place = svmlight_line.Place("t", 1, None)
    try:
        rows = [svmlight_line.parse(line, place) for line in block.splitlines(keepends=True)]
    except DataError:
        return None
    rows = [row for row in rows if row is not None]
    return (
        [label for label, _, _ in rows],
        [len(indices) for _, indices, _ in rows],
        [index for _, indices, _ in rows for index in indices],
        [value for _, _, values in rows for value in values],
    )


def as_lists(rows):
    """Return the arrays of some rows as lists."""
    return tuple(part.tolist() for part in (rows.labels, rows.lengths, rows.indices, rows.values))


@settings(max_examples=extent(75, 300), deadline=None)
@given(rows=ROWS)
@example(rows=[(0, {}), (1, {1: "2"}), (0, {}), (0, {})])
def test_usual_lines_are_read_at_once(rows):
    """What is written in the usual form is taken, and is what the careful code reads."""
    block = text_of(rows).encode()
    found = svmlight_block.parse(block)
    assert as_lists(found) == line_by_line(block)
    kinds = [part.dtype for part in (found.labels, found.lengths, found.indices, found.values)]
    assert kinds == [np.int64, np.int64, np.int32, np.float64]


@settings(max_examples=extent(250, 1000), deadline=None)
@given(rows=ROWS, seed=st.integers(0, 2**32), count=st.integers(1, 3))
def test_mutated_lines_are_read_alike_or_left_to_the_careful_code(rows, seed, count):
    """No change of any byte makes a block be taken that line by line is refused or differs."""
    chance, text = random.Random(seed), text_of(rows)
    for _ in range(count):
        at = chance.randrange(len(text))
        text = (
            text[:at]
            + chance.choice(["", chance.choice(MARKS)])
            + text[at + chance.choice([0, 1]) :]
        )
    block = (text.removesuffix("\n") + "\n").encode()
    found = svmlight_block.parse(block)
    assert found is None or as_lists(found) == line_by_line(block)


@pytest.mark.parametrize(
    "block",
    [
        b"1 1:2 3:4 \n-1 2:1\n",
        b"1 1:2\r\n0 2:1 \r\n",
        b"+1 1:2\n-1 1:.5\n1.0 1:5.\n1e0 1:-2e-3\n",
        b"0\n1 7:1\n0\n",
        b"1 01:2\n",
    ],
)
def test_forms_that_are_common_are_read_at_once(block):
    """Blanks and carriage returns at the end, signs, labels as floats and empty rows are usual."""
    assert as_lists(svmlight_block.parse(block)) == line_by_line(block)


@pytest.mark.parametrize(
    "block",
    [
        b"1 1:2 # note\n",
        b"1 qid:1 1:2\n",
        b"1\t1:2\n",
        b"1  1:2\n",
        b" 1 1:2\n",
        b"\n",
        b"1 1:2\n\n",
        b"\xef\xbb\xbf1 1:2\n",
        b"1.5 1:2\n",
        b"9007199254740993 1:2\n",
        b"1 1:1e999\n",
        b"1 0:1\n",
        b"1 2:1 2:1\n",
        b"1 2:1 1:1\n",
        b"1 +1:1\n",
        b"1 1.0:1\n",
        b"1 1e1:1\n",
        b"1 2147483648:1\n",
        b"1 99999999999999999999999:1\n",
        b"1:1 2\n",
        b"1 1:2:3\n",
        b"1 3 2:5:6\n",
    ],
)
def test_all_else_is_left_to_the_careful_code(block):
    """Nothing that is unusual is judged by the quick code, be it right or wrong."""
    assert svmlight_block.parse(block) is None
