"""svmlight text: the forms accepted, blocks and single lines alike, and round trips."""

import io
from functools import partial
from unittest import mock

import numpy as np
import pytest
from extent import extent
from hypothesis import given, settings
from hypothesis import strategies as st

from svmtrain.data.dataset import ReadOptions, joined
from svmtrain.data.readers import svmlight
from svmtrain.data.readers.text import TextBlocks
from svmtrain.data.sparse import Csr
from svmtrain.errors import DataError

FINITE = st.floats(allow_nan=False, allow_infinity=False)
ROW = st.tuples(st.integers(-(2**31), 2**31), st.dictionaries(st.integers(1, 30), FINITE))


def read(content, **options):
    """Read svmlight from text or bytes."""
    raw = content.encode() if isinstance(content, str) else content
    return svmlight.read(io.BytesIO(raw), "t.svm", ReadOptions(**options))


def rows_of(table):
    """Return the sparse rows and the labels of a table."""
    assert isinstance(table.X, Csr)
    return table.X, table.labels


def test_rows_are_sparse():
    """What is stored is what the file holds; indices count from 0, and the largest is the width."""
    X, labels = rows_of(read("1 1:0.5 3:-2\n-1 2:1e1\n"))
    assert X.data.tolist() == [0.5, -2, 10]
    assert X.indices.tolist() == [0, 2, 1]
    assert X.indptr.tolist() == [0, 2, 3]
    assert X.shape == (2, 3)
    assert (X.data.dtype, X.indices.dtype, X.indptr.dtype) == (np.float64, np.int32, np.int64)
    assert labels.tolist() == [1, -1]
    assert labels.dtype == np.int64


@pytest.mark.parametrize("label", ["1", "+1", "1.0", "1e0", "1.", "01"])
def test_labels_are_integers_in_any_decimal_form(label):
    """A label that is integral is that integer."""
    assert read(f"{label} 1:2\n").labels.tolist() == [1]


@pytest.mark.parametrize(
    "content",
    [
        "# made by hand\n\n2 1:1 2:2 # first\n\n   \n3 2:4\n#\n",
        "2 1:1 2:2 \r\n3 2:4\r\n",
        "\ufeff2 1:1 2:2\n3 2:4",
        "  2  1:1\t2:2\n\t3 2:4\n",
        "2 qid:1 1:1 2:2\n3 qid:2 2:4 # 0:0 \u00e9\n",
        "2 01:+1 2:2.\n3 2:.4e1\n",
    ],
)
def test_comments_blanks_and_qid_do_not_count(content):
    """What is not a label or a pair changes nothing."""
    table = read(content)
    assert table.X.toarray().tolist() == [[1, 2], [0, 4]]
    assert table.labels.tolist() == [2, 3]


def test_the_width_of_the_model_is_kept():
    """n_features sets the width, and a row without pairs is zeros."""
    table = read("1 2:5\n0\n", n_features=4, labels_required=False)
    assert table.X.toarray().tolist() == [[0, 5, 0, 0], [0, 0, 0, 0]]
    assert table.labels is None
    assert read("1\n2\n", n_features=2).X.toarray().tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("content", ["", "\n", "# nothing\n"])
def test_a_file_without_rows_is_refused(content):
    """There must be at least one row."""
    with pytest.raises(DataError, match=r"t\.svm: holds no rows"):
        read(content)
    with pytest.raises(DataError, match=r"t\.svm: holds no rows"):
        list(svmlight.chunks(io.BytesIO(), "t.svm", ReadOptions(n_features=2), 5))


def test_rows_without_any_feature_are_refused():
    """A width of zero is no table."""
    with pytest.raises(DataError, match="has no features"):
        read("1\n2\n")


def test_a_wide_row_takes_no_more_memory_than_its_pairs():
    """Zeros are not stored, however many there are."""
    X, _ = rows_of(read("1 1:1\n1 200000000:1\n0 1:1\n"))
    assert X.shape == (3, 200_000_000)
    assert X.nbytes < 100


@pytest.mark.parametrize("label", ["", "x", "1.5", "nan", "inf", "1e400", "9" * 30, "--1", "0x1"])
def test_other_labels_are_refused(label):
    """A label that is no integer of 64 bits is an error at its place."""
    with pytest.raises(DataError) as caught:
        read(f"1 1:1\n{label} 1:2\n")
    assert (caught.value.line, caught.value.column) == (2, 2 if label == "" else 1)


def test_chunks_are_the_whole_in_pieces():
    """Chunks hold at most the rows asked for."""
    content = "".join(f"{row} 1:{row}\n# {row}\n" for row in range(100)).encode()
    options = ReadOptions(n_features=3)
    parts = list(svmlight.chunks(io.BytesIO(content), "t.svm", options, rows=30))
    assert [len(part.X) for part in parts] == [30, 30, 30, 10]
    assert np.concatenate([part.labels for part in parts]).tolist() == list(range(100))


def test_chunks_without_a_width_are_as_wide_as_the_widest_row_so_far(monkeypatch):
    """The last has the width of the file; together they are the whole."""
    monkeypatch.setattr(svmlight, "TextBlocks", partial(TextBlocks, size=64))
    lines = [f"{row} " + (f"{1 + row // 10}:{row}" if row > 20 else "") for row in range(100)]
    content = "\n".join(lines).encode()
    parts = list(svmlight.chunks(io.BytesIO(content), "t.svm", ReadOptions(), rows=7))
    widths = [part.X.shape[1] for part in parts]
    assert widths == sorted(widths)
    assert widths[-1] == 10
    whole = svmlight.read(io.BytesIO(content), "t.svm", ReadOptions())
    assert joined(parts).X.toarray().tolist() == whole.X.toarray().tolist()
    with pytest.raises(DataError, match="has no features"):
        list(svmlight.chunks(io.BytesIO(b"1\n2\n"), "t.svm", ReadOptions(), rows=7))


@settings(max_examples=extent(40, 150), deadline=None)
@given(rows=st.lists(ROW, min_size=1), spaced=st.booleans())
def test_a_written_file_reads_back(rows, spaced):
    """Every number comes back bit for bit, by the quick way and by the careful one."""
    blank = "  " if spaced else " "
    lines = [
        blank.join([str(label), *(f"{key}:{pairs[key]!r}" for key in sorted(pairs))])
        for label, pairs in rows
    ]
    table = read("\n".join(lines), n_features=30)
    want = np.zeros((len(rows), 30))
    for row, (_, pairs) in zip(want, rows, strict=True):
        for index, value in pairs.items():
            row[index - 1] = value
    assert table.X.toarray().tolist() == want.tolist()
    assert table.labels.tolist() == [label for label, _ in rows]


@settings(max_examples=extent(50, 200), deadline=None)
@given(content=st.binary(max_size=80) | st.text("0123:. \t#\n\r+-eqid_,", max_size=60))
def test_any_bytes_give_a_table_or_a_data_error(content):
    """No other exception leaves the reader, whatever the file."""
    for options in ({"n_features": 7}, {"n_features": 7, "labels_required": False}):
        try:
            table = read(content, **options)
        except DataError:
            continue
        assert np.isfinite(table.X.data).all()
        assert table.X.shape[1] == 7


@settings(max_examples=extent(40, 100), deadline=None)
@given(
    lines=st.lists(
        st.sampled_from(
            [b"1 1:2 3:4", b"2 2:.5 ", b"# note", b"", b"3 1:1 # note", b"4", b"5\t7:1"]
        ),
        min_size=1,
    ),
    size=st.integers(1, 60),
)
def test_blocks_of_any_size_give_the_same_rows(lines, size):
    """Where a block ends, and whether it is read at once, has no part in what is read."""
    content = b"\n".join([b"0 7:1", *lines])
    want, _ = rows_of(read(content))
    with mock.patch.object(svmlight, "TextBlocks", partial(TextBlocks, size=size)):
        found, _ = rows_of(read(content))
        parts = list(svmlight.chunks(io.BytesIO(content), "t", ReadOptions(n_features=7), rows=2))
    assert found.toarray().tolist() == want.toarray().tolist()
    assert [row for part in parts for row in part.X.toarray().tolist()] == want.toarray().tolist()
    assert {len(part.X) for part in parts[:-1]} <= {2}


@pytest.mark.parametrize("before", [1, 1000, 40_000])
def test_an_error_has_its_line_after_blocks_read_at_once(before):
    """A block that is read again line by line begins to count where the last has ended."""
    content = "1 1:2 3:4\n" * before + "1 1:x\n" + "1 1:2\n" * before
    with pytest.raises(DataError) as caught:
        read(content)
    assert (caught.value.line, caught.value.column) == (before + 1, 3)


def test_an_index_beyond_the_model_is_refused_in_a_block_read_at_once():
    """The width is held to whichever way a line is read."""
    with pytest.raises(DataError, match=r"t\.svm:3:3: index '9' is beyond the 8 features"):
        read("1 8:1\n1 8:1\n1 9:1\n", n_features=8)
