"""svmlight text: the forms accepted, the dense limit, and round trips."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from svmtrain.data.dataset import ReadOptions
from svmtrain.data.readers import svmlight
from svmtrain.errors import DataError

FINITE = st.floats(allow_nan=False, allow_infinity=False)
ROW = st.tuples(st.integers(-(2**31), 2**31), st.dictionaries(st.integers(1, 30), FINITE))


def read(content, **options):
    """Read svmlight from text or bytes."""
    raw = content.encode() if isinstance(content, str) else content
    return svmlight.read(io.BytesIO(raw), "t.svm", ReadOptions(**options))


def test_rows_become_dense():
    """Absent indices are zeros; the width is the largest index."""
    table = read("1 1:0.5 3:-2\n-1 2:1e1\n")
    assert table.X.tolist() == [[0.5, 0, -2], [0, 10, 0]]
    assert table.X.flags.c_contiguous
    assert table.X.flags.writeable
    assert table.labels.tolist() == [1, -1]
    assert table.labels.dtype == np.int64


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
    assert table.X.tolist() == [[1, 2], [0, 4]]
    assert table.labels.tolist() == [2, 3]


def test_the_width_of_the_model_is_kept():
    """n_features sets the width, and a row without pairs is zeros."""
    table = read("1 2:5\n0\n", n_features=4, labels_required=False)
    assert table.X.tolist() == [[0, 5, 0, 0], [0, 0, 0, 0]]
    assert table.labels is None
    assert read("1\n2\n", n_features=2).X.tolist() == [[0, 0], [0, 0]]


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


def test_a_dense_table_over_the_limit_is_refused_with_its_size():
    """The size is known, and said, before anything is allocated."""
    with pytest.raises(DataError, match=r"3 rows of 200000000 features need 4\.5 GiB as a dense"):
        read("1 1:1\n1 200000000:1\n0 1:1\n")


@pytest.mark.parametrize("label", ["", "x", "1.5", "nan", "inf", "1e400", "9" * 30, "--1", "0x1"])
def test_other_labels_are_refused(label):
    """A label that is no integer of 64 bits is an error at its place."""
    with pytest.raises(DataError) as caught:
        read(f"1 1:1\n{label} 1:2\n")
    assert (caught.value.line, caught.value.column) == (2, 2 if label == "" else 1)


def test_chunks_are_the_whole_in_pieces():
    """Chunks hold at most the rows asked for, and need the width."""
    content = "".join(f"{row} 1:{row}\n# {row}\n" for row in range(100)).encode()
    options = ReadOptions(n_features=3)
    parts = list(svmlight.chunks(io.BytesIO(content), "t.svm", options, rows=30))
    assert [len(part.X) for part in parts] == [30, 30, 30, 10]
    assert np.concatenate([part.labels for part in parts]).tolist() == list(range(100))
    with pytest.raises(DataError, match=r"needs data\.n_features"):
        list(svmlight.chunks(io.BytesIO(content), "t.svm", ReadOptions(), rows=30))


@settings(max_examples=150, deadline=None)
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
    assert table.X.tolist() == want.tolist()
    assert table.labels.tolist() == [label for label, _ in rows]


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=80) | st.text("0123:. \t#\n\r+-eqid_,", max_size=60))
def test_any_bytes_give_a_table_or_a_data_error(content):
    """No other exception leaves the reader, whatever the file."""
    for options in ({"n_features": 7}, {"n_features": 7, "labels_required": False}):
        try:
            table = read(content, **options)
        except DataError:
            continue
        assert np.isfinite(table.X).all()
        assert table.X.shape[1] == 7
