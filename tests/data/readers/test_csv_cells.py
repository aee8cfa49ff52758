"""Text columns, gaps, and columns kept and dropped; tables read in blocks of any size."""

import io
from itertools import pairwise
from unittest import mock

import numpy as np
import pytest
from extent import extent
from hypothesis import given, settings
from hypothesis import strategies as st

from svmtrain.data.dataset import ReadOptions
from svmtrain.data.readers import csv_table
from svmtrain.data.readers.text import TextBlocks
from svmtrain.errors import DataError

MIXED = "age,work,label\n39,State,a\n?,Private,b\n50,?,a\n,State,b\n"


def read(content, **options):
    """Read a table from text."""
    return csv_table.read(io.BytesIO(content.encode()), "t.csv", ReadOptions(**options))


def cells(table):
    """Return the cells as lists, with None for a gap."""
    return [[None if np.isnan(cell) else cell for cell in row] for row in table.X.tolist()]


def test_texts_are_numbered_as_they_come_and_gaps_are_nan():
    """A column whose first cell is no number is text; X holds places in its tuple of texts."""
    table = read(MIXED, text=True, gaps=True)
    assert cells(table) == [[39, 0], [None, 1], [50, None], [None, 0]]
    assert table.categories == {1: ("State", "Private")}
    assert table.labels == ["a", "b", "a", "b"]
    assert table.feature_names == ("age", "work")


def test_a_column_is_what_its_first_cell_that_is_no_gap_says():
    """Gaps decide nothing, and a column of gaps alone is one of numbers."""
    table = read("x,z,w,label\n?,NA,,a\n1,b,?,b\n", text=True, gaps=True)
    assert cells(table) == [[None, None, None], [1, 0, None]]
    assert table.categories == {1: ("b",)}


def test_texts_known_already_keep_their_numbers():
    """A vocabulary is carried on, and says which columns are text."""
    options = {"vocabulary": {1: ("Private", "Never")}, "gaps": True, "n_features": 2}
    table = read(MIXED, **options)
    assert cells(table) == [[39, 2], [None, 0], [50, None], [None, 2]]
    assert table.categories == {1: ("Private", "Never", "State")}


def test_data_held_to_a_model_have_text_only_where_it_has():
    """A text in a column of numbers is an error once the columns are known."""
    with pytest.raises(DataError, match=r"t\.csv:2:1: column 1 \('x'\) is 'b'; expected a finite"):
        read("x,label\nb,a\n", text=True, n_features=1)


@pytest.mark.parametrize("column", ["zip", 1, -2])
def test_a_column_may_be_said_to_be_text(column):
    """Numbers in it are texts then, blanks around them apart."""
    table = read("x,zip,label\n1,0123, a\n2, 123,b\n", text_columns=(column,))
    assert table.X.tolist() == [[1, 0], [2, 1]]
    assert table.categories == {1: ("0123", "123")}


def test_places_of_texts_are_those_among_the_features():
    """The target, dropped columns and the model's order do not count."""
    options = {"text": True, "drop": ("id",)}
    table = read("id,label,kind,x\n1,a,u,5\n2,b,v,6\n", **options)
    assert table.categories == {0: ("u", "v")}
    assert table.X.tolist() == [[0, 5], [1, 6]]
    known = {"feature_names": ("x", "kind"), "vocabulary": {1: ("v",)}, "drop": ("id",)}
    table = read("id,label,kind,x\n1,a,u,5\n2,b,v,6\n", **known)
    assert table.X.tolist() == [[5, 1], [6, 0]]
    assert table.feature_names == ("x", "kind")


@pytest.mark.parametrize(
    ("content", "options", "line", "column", "message"),
    [
        (MIXED, {"text": True}, 3, 1, "column 1 ('age') is '?'; expected a finite number"),
        (MIXED, {"gaps": True}, 2, 2, "column 2 ('work') is 'State'; expected a finite number"),
        ("x,k,label\n1,a,b\n1,?,b\n", {"text": True}, 3, 2, "is '?', a gap; expected text"),
        ("x,k,label\n1,a,b\n1, ,b\n", {"text": True}, 3, 2, "is empty; expected text"),
        ("x,label\n1,b\nq,b\n", {"text": True, "gaps": True}, 3, 1, "is 'q'; expected a finite"),
        ("x,label\n1,b\ninf,b\n", {"gaps": True}, 3, 1, "is 'inf'; expected a finite number"),
        ("x,label\n1,b\n-9,b\n", {"gap_marks": ("-9",)}, 3, 1, "is '-9', a gap; expected a number"),
    ],
)
def test_what_a_column_cannot_hold_is_refused_where_it_is(content, options, line, column, message):
    """A gap or a text that is not allowed is one sentence with its line and column."""
    with pytest.raises(DataError) as caught:
        read(content, **options)
    assert message in str(caught.value)
    assert (caught.value.line, caught.value.column) == (line, column)


def test_a_mark_may_look_like_a_number():
    """What stands for a gap is one also where `float` would read it."""
    rows = "x,label\n" + "1,a\n-9,b\n -9 ,b\n-9.0,a\n" * 30
    found = read(rows, gaps=True, gap_marks=("-9",))
    assert cells(found) == [[1], [None], [None], [-9]] * 30


@pytest.mark.parametrize(
    "options",
    [{"keep": ("x", "w")}, {"drop": ("z",)}, {"drop": (1,)}, {"keep": (0, -2)}, {"keep": ("w", 0)}],
)
def test_columns_are_kept_and_dropped(options):
    """By name or position, in the order of the file; what is dropped is not looked at."""
    for cell in ("2", "n/a"):
        content = "x,z,w,label\n" + f"1,{cell},3,a\n" * 30
        table = read(content, **options)
        assert table.X.tolist() == [[1, 3]] * 30
        assert table.X.flags.c_contiguous
        assert table.feature_names == ("x", "w")


def test_the_target_is_neither_kept_nor_dropped():
    """It is the target, whatever else is said of it."""
    for options in ({"keep": ("x", "label")}, {"drop": ("z", "label")}):
        table = read("x,z,label\n1,2,a\n", **options)
        assert table.X.tolist() == [[1]]
        assert table.labels == ["a"]


def test_predicting_needs_no_columns_that_are_dropped():
    """A model's data may lack what it does not look at, and may have it."""
    options = {"feature_names": ("x", "w"), "drop": ("z",), "labels_required": False}
    for content in ("w,x\n3,1\n", "x,z,w\n1,2,3\n", "x,z,w,label\n1,q,3,a\n"):
        assert read(content, **options).X.tolist() == [[1, 3]]
    options = {"n_features": 2, "drop": (1,), "labels_required": False}
    for content in ("1,2,3\n", "1,2,3,a\n"):
        assert read(content, **options).X.tolist() == [[1, 3]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"drop": ("q",)}, "no column is called 'q'; found 'x', 'label'"),
        ({"keep": (7,)}, "a column to keep is 7, but there are 2 columns"),
        ({"text_columns": ("q",)}, "no column is called 'q'"),
        ({"keep": ("label",)}, "has no feature columns"),
        ({"header": False, "target": 1, "drop": ("x",)}, "has no header to find the column 'x' in"),
    ],
)
def test_columns_that_are_not_there_are_refused(options, message):
    """A column that is asked for has to be in the file."""
    with pytest.raises(DataError) as caught:
        read("x,label\n1,a\n", **options)
    assert message in str(caught.value)


def test_vocabularies_grow_over_chunks():
    """A text has the same number in every chunk, and the last knows them all."""
    content = "k,x,label\n" + "".join(f"t{row % 7 + row // 50},{row},a\n" for row in range(200))
    options = ReadOptions(text=True)
    whole = read(content, text=True)
    parts = list(csv_table.chunks(io.BytesIO(content.encode()), "t.csv", options, rows=32))
    assert np.concatenate([part.X for part in parts]).tolist() == whole.X.tolist()
    assert parts[-1].categories == whole.categories
    known = [part.categories[0] for part in parts]
    assert all(later[: len(one)] == one for one, later in pairwise(known))


ROWS = st.lists(
    st.sampled_from(["1,2,a", "3.5,-4e1,b", '"1",2,a', '1,2,"a\nb"', " 1 ,2,a", "7,8,\u00e9"]),
    min_size=1,
    max_size=60,
)


def small_blocks(size):
    """Return a patch by which tables are read in blocks of so many bytes."""
    return mock.patch.object(
        csv_table,
        "TextBlocks",
        lambda stream, name, _, on_fault: TextBlocks(stream, name, size, on_fault),
    )


@settings(max_examples=extent(40, 100), deadline=None)
@given(rows=ROWS, size=st.integers(1, 200))
def test_blocks_of_any_size_give_the_same_table(rows, size):
    """Where a block ends, and whether it is read at once, has no part in what is read."""
    content = "x,z,label\n" + "\n".join(rows)
    want = read(content)
    with small_blocks(size):
        found = read(content)
    assert found.X.tolist() == want.X.tolist()
    assert found.labels == want.labels


@pytest.mark.parametrize("bad", ["n/a,2,a", "1,2", "1,2,", '1,"2,a', ""])
@pytest.mark.parametrize("size", [1, 64, 1 << 16])
def test_an_error_has_its_line_whatever_the_blocks(bad, size):
    """A block that is read again cell by cell begins to count where the last has ended."""
    content = "x,z,label\n" + "1,2,a\n" * 150 + bad + "\n" + "1,2,a\n" * 150
    with small_blocks(size), pytest.raises(DataError) as caught:
        read(content)
    assert caught.value.line == 152
