"""npy pairs: the dtypes that are kept, the labels beside X, chunks, and round trips."""

import io

import numpy as np
import pytest
from extent import extent
from hypothesis import given, settings
from hypothesis import strategies as st

from svmtrain.data.dataset import ReadOptions
from svmtrain.data.readers import labels_path, npy, read_table
from svmtrain.errors import DataError

X = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
NO_LABELS = ReadOptions(labels_required=False)


def packed(array):
    """Return an array as a stream of npy."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    buffer.seek(0)
    return buffer


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "i4", ">i8", "u8", "f2", "f4", "<f8", ">f8"])
def test_plain_dtypes_are_kept(dtype, order, tmp_path):
    """From a file as from a stream, in native order; booleans become uint8, float16 float32."""
    array = np.array(X, dtype=dtype, order=order)
    np.save(tmp_path / "X.npy", array)
    kept = np.dtype(dtype).newbyteorder("=")
    expected = {"bool": np.dtype("u1"), "float16": np.dtype("f4")}.get(kept.name, kept)
    for table in (
        read_table(tmp_path / "X.npy", options=NO_LABELS),
        npy.read(packed(array), "t", NO_LABELS),
    ):
        assert table.X.tolist() == X.tolist()
        assert table.X.dtype == expected
        assert table.X.flags.c_contiguous
        assert table.X.flags.writeable


@pytest.mark.parametrize(
    ("y", "labels"),
    [
        (np.array([-1, 2, 3], dtype=">i4"), [-1, 2, 3]),
        (np.array(["cat", "dog", "x"]).astype(">U3"), ["cat", "dog", "x"]),
    ],
)
def test_labels_are_integers_or_text(y, labels, tmp_path):
    """As in npz."""
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", y)
    assert list(read_table(tmp_path / "X.npy").labels) == labels


@pytest.mark.parametrize(
    ("features", "labels"),
    [
        ("X.npy", "y.npy"),
        ("x.npy", "y.npy"),
        ("X_train.npy", "y_train.npy"),
        ("digits_X.npy", "digits_y.npy"),
        ("X.npy.gz", "y.npy.gz"),
        ("X-test.npy", "y-test.npy.bz2"),
    ],
)
def test_labels_are_found_by_the_name_of_the_features(features, labels, tmp_path):
    """The X that stands alone in the name becomes y."""
    (tmp_path / features).write_bytes(packed(X).getvalue())
    (tmp_path / labels).touch()
    assert labels_path(tmp_path / features) == str(tmp_path / labels)


@pytest.mark.parametrize("name", ["data.npy", "Xtrain.npy", "matrix.npy"])
def test_a_name_that_tells_no_labels_is_an_error(name, tmp_path):
    """No letter within a word is changed."""
    np.save(tmp_path / name, X)
    with pytest.raises(DataError, match="does not tell by its name what its labels are called"):
        read_table(tmp_path / name)


@pytest.mark.parametrize("order", ["C", "F"])
def test_chunks_are_the_whole_in_pieces(order, tmp_path):
    """Chunks hold at most the rows asked for, in either layout."""
    whole = np.arange(40.0).reshape(10, 4)
    np.save(tmp_path / "y.npy", np.arange(10))
    options = ReadOptions(labels=str(tmp_path / "y.npy"))
    parts = list(npy.chunks(packed(np.array(whole, order=order)), "t", options, 4))
    assert [len(part.X) for part in parts] == [4, 4, 2]
    assert np.concatenate([part.X for part in parts]).tolist() == whole.tolist()
    assert np.concatenate([part.labels for part in parts]).tolist() == list(range(10))


@pytest.mark.parametrize("rows", [1, 2, 10])
def test_a_number_that_is_not_finite_is_placed(rows):
    """Row and column count from 0, as in numpy, in the whole and in chunks."""
    bad = np.zeros((7, 3), dtype=np.float32)
    bad[5, 2] = np.nan
    with pytest.raises(DataError, match=r"X is nan in row 5, column 2 \(both from 0\)"):
        list(npy.chunks(packed(bad), "t", NO_LABELS, rows))


def test_booleans_are_zero_or_one(tmp_path):
    """A boolean of 2 is refused, in X and in y."""
    for name, array in (("X.npy", X.astype(bool)), ("y.npy", X[:, 0].astype(bool))):
        np.save(tmp_path / "X.npy", X)
        np.save(tmp_path / "y.npy", X[:, 0])
        (tmp_path / name).write_bytes(packed(array).getvalue()[:-1] + b"\2")
        with pytest.raises(DataError, match="holds booleans that are neither 0 nor 1"):
            read_table(tmp_path / "X.npy")


@settings(max_examples=extent(50, 200), deadline=None)
@given(
    rows=st.integers(1, 5).flatmap(
        lambda width: st.lists(
            st.lists(
                st.floats(allow_nan=False, allow_infinity=False), min_size=width, max_size=width
            ),
            min_size=1,
        )
    )
)
def test_a_saved_file_reads_back(rows):
    """Every number comes back bit for bit."""
    array = np.array(rows)
    assert npy.read(packed(array), "t", NO_LABELS).X.tobytes() == array.tobytes()


GOOD = [packed(X.astype(dtype)).getvalue() for dtype in ("<f8", ">f4", "?", "u1")]


@settings(max_examples=extent(50, 200), deadline=None)
@given(data=st.data(), base=st.sampled_from([*GOOD, b"", b"\x93NUMPY\x01\x00"]))
def test_any_bytes_give_a_table_or_a_data_error(data, base):
    """No other exception leaves the reader, whatever the file."""
    raw = bytearray(base)
    edits = st.tuples(st.integers(0, max(0, len(raw) - 1)), st.binary(max_size=4))
    for offset, content in data.draw(st.lists(edits, min_size=1, max_size=4)):
        raw[offset : offset + len(content)] = content
    try:
        table = npy.read(io.BytesIO(raw), "t", NO_LABELS)
    except DataError:
        return
    assert np.isfinite(table.X).all()
