"""Tables of text: what is accepted, how columns are understood, and round trips."""

import csv
import io

import numpy as np
import pytest
from extent import extent
from hypothesis import example, given, settings
from hypothesis import strategies as st

from svmtrain.data.dataset import ReadOptions
from svmtrain.data.readers import csv_table
from svmtrain.errors import DataError

FINITE = st.floats(allow_nan=False, allow_infinity=False)
NO_LABEL = ReadOptions(labels_required=False)


def read(content, **options):
    """Read a table from text or bytes."""
    raw = content.encode() if isinstance(content, str) else content
    return csv_table.read(io.BytesIO(raw), "t.csv", ReadOptions(**options))


@pytest.mark.parametrize(
    "content",
    [
        "x,z,label\n1,2,a\n3,4,b\n",
        "\ufeffx,z,label\n1,2,a\n3,4,b\n",
        "x,z,label\r\n1,2,a\r\n3,4,b\r\n",
        "x,z,label\n1,2,a\n3,4,b",
        "x,z,label\n1,2,a\n3,4,b\n\n\r\n\n",
        "x;z;label\n1;2;a\n3;4;b\n",
        "x\tz\tlabel\n1\t2\ta\n3\t4\tb\n",
        "x|z|label\n1|2|a\n3|4|b\n",
        "x z  label\n1 2  a\n 3 4 b\n",
        ' x, z ,"label"\n 1,"2", a\n+3.0,.4e1,"b"\n',
        "z,CLASS,x\n2,a,1\n4,b,3\n",
    ],
)
def test_one_table_reads_alike_however_it_is_written(content):
    """BOM, line ends, blanks, quotes, delimiters and column order do not change the rows."""
    table = read(content, feature_names=("x", "z"))
    assert table.X.tolist() == [[1, 2], [3, 4]]
    assert table.X.dtype == np.float64
    assert table.X.flags.c_contiguous
    assert table.labels == ["a", "b"]
    assert table.feature_names == ("x", "z")


@pytest.mark.parametrize("target", [-1, 2])
def test_without_a_header_the_target_is_an_index(target):
    """Rows of numbers have no header, and negative indices count from the end."""
    table = read("1,2,7\n3,4,8\n", target=target)
    assert table.X.tolist() == [[1, 2], [3, 4]]
    assert table.labels == ["7", "8"]
    assert table.feature_names is None


def test_text_labels_do_not_make_a_header():
    """A first row whose feature cells are numbers is data."""
    assert len(read("a,1,2\nb,3,4\n", target=0).X) == 2


def test_a_row_labelled_y_is_not_taken_for_a_header():
    """A label that reads like a column name does not cost the first row."""
    content = "1,2,y\n3,4,n\n"
    assert read(content, target=-1).labels == ["y", "n"]
    assert len(read(content, labels_required=False, n_features=2).X) == 2
    with pytest.raises(DataError, match="has no header to find the label column by"):
        read(content)
    assert read("a,b,y\n1,2,n\n").feature_names == ("a", "b")


def test_a_bad_first_row_is_not_taken_for_a_header():
    """A first row with a number and a bad cell is an error, never dropped in silence."""
    with pytest.raises(DataError, match=r"t\.csv:1:2: column 2 is 'n/a'.*data\.header") as caught:
        read("5.1,n/a,0\n4.9,3.0,1\n", target=-1)
    assert (caught.value.line, caught.value.column) == (1, 2)


def test_numeric_column_names_need_the_label_name_or_the_option():
    """Names like 0 and 1 are a header when the label column is found in it."""
    table = read("label,0,1\na,5,6\n")
    assert table.feature_names == ("0", "1")
    assert len(read("9,0,1\na,5,6\n", target=0, header=True).X) == 1


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("x,x,label\n1,2,a\n", {}, "column 2 is called 'x', as is column 1"),
        ("x,,label\n1,2,a\n", {}, "column 2 has no name"),
        ("y,x,label\n1,2,a\n", {}, "more than one column is called label"),
        ("1,2\n3,4\n", {}, "has no header to find the label column by"),
        ("x,label\n1,a\n", {"target": "z"}, "no column is called 'z'; found 'x', 'label'"),
        ("x,label\n1,a\n", {"target": 2}, "data.target is 2, but there are 2 columns"),
        ("x,label\n1,a\n", {"header": False, "target": "label"}, "has no header"),
        ("label\na\n", {}, "has no feature columns"),
        ("x,label\n1,a\n", {"n_features": 3}, "has 1 features, but the model expects 3"),
        ("x,z,label\n1,2,a\n", {"feature_names": ("x", "w")}, "that the model expects: 'w'"),
        ("x,z,label\n1,2,a\n", {"feature_names": ("x",)}, "does not know: 'z'"),
        ("x,label\n1,a\n", {"delimiter": ",,"}, "delimiter ',,'; expected one character"),
        ("1 2;3\n4 5;6\n", {"target": 0}, "both split the lines"),
        ("x,label\r1,a\r", {}, "a carriage return stands inside the line"),
    ],
)
def test_columns_that_cannot_be_understood_are_refused(content, options, message):
    """Nothing about the columns is guessed in silence."""
    with pytest.raises(DataError) as caught:
        read(content, **options)
    assert message in str(caught.value)


def test_a_record_over_several_lines_is_placed_at_its_first():
    """The line in an error is the physical one on which the record begins."""
    with pytest.raises(DataError) as caught:
        read('x,label\n1,"a\nb"\n2,"c\n\nd"\nn/a,e\n')
    assert (caught.value.line, caught.value.column) == (7, 1)


@pytest.mark.parametrize(
    ("content", "options"),
    [
        ("x,z,label\n1,2,a\n", {"feature_names": ("x", "z")}),
        ("x,z\n1,2\n", {"feature_names": ("x", "z"), "target": "label"}),
        ("z,x\n2,1\n", {"feature_names": ("x", "z"), "target": 2}),
        ("x,label,z\n1,a,2\n", {"feature_names": ("x", "z"), "target": 1}),
        ("x,z,kind\n1,2,a\n", {"target": "kind"}),
        ("1,2\n", {"n_features": 2, "target": 0}),
        ("a,1,2\n", {"n_features": 2, "target": 0}),
        ("1,2,a\n", {"n_features": 2}),
        ("1,2,\n", {"n_features": 2}),
    ],
)
def test_predicting_ignores_a_label_column_or_its_absence(content, options):
    """Without labels_required the features are the same with and without a label column."""
    table = read(content, labels_required=False, **options)
    assert table.X.tolist() == [[1, 2]]
    assert table.labels is None


def test_chunks_are_the_whole_in_pieces():
    """Chunks hold at most the rows asked for, and together all rows in order."""
    content = "x,label\n" + "".join(f"{row},{row % 3}\n" for row in range(1000))
    stream = io.BytesIO(content.encode())
    parts = list(csv_table.chunks(stream, "t.csv", ReadOptions(), rows=64))
    assert {len(part.X) for part in parts} == {64, 1000 % 64}
    assert np.concatenate([part.X for part in parts]).ravel().tolist() == list(range(1000))
    labels = [label for part in parts for label in part.labels]
    assert labels == [str(row % 3) for row in range(1000)]


def test_an_error_far_down_has_its_line():
    """Blocks do not disturb the line numbers."""
    rows = [f"{row},2,a" for row in range(50_000)]
    rows[43_210] = "1,oops,a"
    with pytest.raises(DataError, match=r"t\.csv:43212:2: column 2 \('z'\) is 'oops'"):
        read("x,z,label\n" + "\n".join(rows))


@settings(max_examples=extent(40, 150), deadline=None)
@given(
    rows=st.integers(1, 4).flatmap(
        lambda width: st.lists(st.lists(FINITE, min_size=width, max_size=width), min_size=1)
    ),
    labels=st.lists(st.text(min_size=1).filter(lambda text: text.strip()), min_size=1),
    delimiter=st.sampled_from(",;\t|"),
)
def test_a_written_table_reads_back(rows, labels, delimiter):
    """Numbers come back bit for bit, and labels but for the blanks around them."""
    labels = [label.replace("\0", "-") for label in labels]
    labels = [labels[index % len(labels)] for index in range(len(rows))]
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow([*(f"x{index}" for index in range(len(rows[0]))), "label"])
    writer.writerows([*map(repr, row), label] for row, label in zip(rows, labels, strict=True))
    try:
        raw = text.getvalue().encode()
    except UnicodeEncodeError:
        return
    table = csv_table.read(io.BytesIO(raw), "t.csv", ReadOptions(delimiter=delimiter))
    assert table.X.tolist() == rows
    assert table.labels == [label.strip() for label in labels]


@settings(max_examples=extent(50, 200), deadline=None)
@given(content=st.binary(max_size=80) | st.text('12.,;"\n\r \tax_e-y', max_size=60))
@example(content="y,x\n1,\n")
@example(content="\n\n")
@example(content="a a\n1")
def test_any_bytes_give_a_table_or_a_data_error(content):
    """No other exception leaves the reader, whatever the file."""
    for options in ({}, {"target": -1}, {"labels_required": False}, {"target": 0, "header": True}):
        try:
            table = read(content, **options)
        except DataError:
            continue
        assert np.isfinite(table.X).all()
        assert table.X.ndim == 2
