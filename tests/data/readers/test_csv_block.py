"""Blocks of plain lines of a table read at once: as cell by cell, or not at all."""

import csv
import random
import struct
from functools import partial
from math import isfinite

import numpy as np
import pytest
from extent import extent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from svmtrain.data.readers import csv_arrow, csv_block
from svmtrain.data.readers.csv_cells import is_number

NUMBERS = (
    st.floats(allow_nan=False, allow_infinity=False).map(repr)
    | st.integers(-99, 999).map(str)
    | st.floats(-1e6, 1e6).map("{:.6g}".format)
)
TEXTS = st.text("abc \u00e9x1.", min_size=1, max_size=5).filter(str.strip)
NO_NUMBERS = (
    *(b"", b" ", b"nan", b"inf", b"-Infinity", b"1e999", b"0x10", b"1_0", b'"1"', b"1,2", b"a"),
    *(b"null", b"\xd9\xa1", b"\xff", b"1\r2", b"1\x00", b"1\x0b", b"1f", b"1d2", b"1" * 140_000),
)
MARKS = '0123456789,;\n\r\t .+-eE_"na\x00\x0b\u0661\ufeff'


def with_arrow():
    """Return the parser of pyarrow, or skip the test."""
    arrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.csv")
    return partial(csv_arrow.parse, arrow)


@pytest.fixture(params=["numpy", "arrow"])
def parse(request):
    """Return each function that reads plain lines at once."""
    return csv_block.parse if request.param == "numpy" else with_arrow()


def cell_by_cell(block, delimiter, width, target):
    """Return (rows of floats as bytes, labels) as the csv module and `float` have them, or None."""
    try:
        text = block.decode()
        lines = text.split("\n")[:-1]
        reader = csv.reader(
            [line + "\n" for line in lines], delimiter=delimiter, strict=True, skipinitialspace=True
        )
        rows = list(reader)
    except (UnicodeDecodeError, csv.Error):
        return None
    if "\0" in text or any(len(row) != width for row in rows):
        return None
    labels = None if target is None else [row.pop(target).strip() for row in rows]
    if labels is not None and "" in labels:
        return None
    if not all(is_number(cell) and isfinite(float(cell)) for row in rows for cell in row):
        return None
    return [[struct.pack("<d", float(cell)) for cell in row] for row in rows], labels


def as_lists(parsed):
    """Return what was parsed in the form of `cell_by_cell`."""
    X, labels = parsed
    assert X.dtype == np.float64
    assert X.flags.c_contiguous
    return [[struct.pack("<d", cell) for cell in row] for row in X.tolist()], labels


@st.composite
def tables(draw):
    """Draw (text, delimiter, width, target) of a plain table."""
    width, rows = draw(st.integers(2, 5)), draw(st.integers(1, 6))
    target = draw(st.none() | st.integers(0, width - 1))
    delimiter = draw(st.sampled_from(",;\t|"))
    cells = [
        [draw(TEXTS if column == target else NUMBERS) for column in range(width)]
        for _ in range(rows)
    ]
    return "".join(delimiter.join(row) + "\n" for row in cells), delimiter, width, target


QUIET = [HealthCheck.function_scoped_fixture]


@settings(max_examples=extent(50, 200), deadline=None, suppress_health_check=QUIET)
@given(table=tables())
def test_plain_lines_are_read_at_once(parse, table):
    """What is written plainly is taken, bit for bit as `float` reads each cell."""
    text, delimiter, width, target = table
    found = parse(text.encode(), delimiter.encode(), width, target)
    assert as_lists(found) == cell_by_cell(text.encode(), delimiter, width, target)


@settings(max_examples=extent(125, 500), deadline=None, suppress_health_check=QUIET)
@given(table=tables(), seed=st.integers(0, 2**32), count=st.integers(1, 3))
def test_mutated_lines_are_read_alike_or_left_to_the_careful_code(parse, table, seed, count):
    """No change of any byte makes a block be taken that the careful code refuses or reads else."""
    (text, delimiter, width, target), chance = table, random.Random(seed)
    for _ in range(count):
        at = chance.randrange(len(text))
        text = (
            text[:at]
            + chance.choice(["", chance.choice(MARKS)])
            + text[at + chance.choice([0, 1]) :]
        )
    block = (text.removesuffix("\n") + "\n").encode()
    found = parse(block, delimiter.encode(), width, target)
    assert found is None or as_lists(found) == cell_by_cell(block, delimiter, width, target)


@pytest.mark.parametrize(
    ("block", "target"),
    [
        (b"1,2\r\n3,4\r\n", None),
        (b"1, 2\n+3,.5e1\n", None),
        (b"7,a b\n-8., c\n", 1),
        ("\u00e9,1\n x ,2\n".encode(), 0),
        (b"-0,0\n0.0,-0.0\n", None),
    ],
)
def test_forms_that_are_common_are_read_at_once(parse, block, target):
    """Carriage returns at the end, a blank after a delimiter, signs and any text are plain."""
    if b"+" in block and parse is not csv_block.parse:
        return
    found = parse(block, b",", 2, target)
    assert as_lists(found) == cell_by_cell(block, ",", 2, target)


@pytest.mark.parametrize("cell", NO_NUMBERS)
def test_a_cell_that_is_no_plain_number_is_left_to_the_careful_code(parse, cell):
    """Nothing that is unusual is judged by the quick code."""
    for block in (b"1,2\n3," + cell + b"\n", cell + b",2\n3,4\n"):
        assert parse(block, b",", 2, None) is None


@pytest.mark.parametrize(
    ("block", "delimiter", "width"),
    [
        (b"1,2\n3\n", b",", 2),
        (b"1,2\n3,4,5\n", b",", 2),
        (b"1,2,3\n4,5,6\n", b",", 2),
        (b"1,2\n\n3,4\n", b",", 2),
        (b"\n1,2\n", b",", 2),
        (b"1\n\n2\n", b",", 1),
        (b"1,2\r3,4\n", b",", 2),
        (b"\xef\xbb\xbf1,2\n", b",", 2),
        (b"1.2\n", b".", 2),
        (b"1 2\n", b"\xc3\xa9", 1),
        (b"1  2\n", b" ", 2),
        (b" 1 2\n", b" ", 2),
    ],
)
def test_lines_that_are_not_alike_are_left_to_the_careful_code(parse, block, delimiter, width):
    """Every line has `width` cells, and no line is blank."""
    assert parse(block, delimiter, width, None) is None


@pytest.mark.parametrize("label", [b"", b"  ", b'"a"', b"a\xff", b"a\rb", b"a\x00", b"a" * 140_000])
@pytest.mark.parametrize("target", [0, 1, 2])
def test_a_label_that_is_not_plain_is_left_to_the_careful_code(parse, label, target):
    """An empty, quoted or broken label is none."""
    cells = [b"1", b"2"]
    cells.insert(target, label)
    block = b"3,3,3\n" + b",".join(cells) + b"\n"
    assert parse(block, b",", 3, target) is None


def test_arrow_is_asked_for_large_plain_files_only(tmp_path):
    """A small file, and a stream that is no file, is read with numpy alone."""
    with_arrow()
    path = tmp_path / "t.csv"
    path.write_bytes(b"1,2\n")
    with path.open("rb") as stream:
        assert csv_arrow.parser_for(stream)[0] is csv_block.parse
    with path.open("r+b") as stream:
        stream.truncate(csv_arrow.LARGE)
        assert csv_arrow.parser_for(stream)[0] is not csv_block.parse
