"""IDX files: types and shapes, the labels beside them, chunks, and round trips."""

import io
import struct
import tracemalloc

import numpy as np
import pytest
from extent import extent
from hypothesis import given, settings
from hypothesis import strategies as st

from svmtrain.data.dataset import ReadOptions
from svmtrain.data.readers import idx, labels_path, read_table
from svmtrain.errors import DataError

CODES = {"u1": 8, "i1": 9, ">i2": 11, ">i4": 12, ">f4": 13, ">f8": 14}
NO_LABELS = ReadOptions(labels_required=False)


def packed(array):
    """Return an array as IDX, written from the description of the format."""
    code = CODES[array.dtype.str.lstrip("|")]
    head = struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape)
    return head + array.tobytes()


@pytest.mark.parametrize("dtype", CODES)
@pytest.mark.parametrize("shape", [(4, 6), (4, 2, 3), (4, 1, 2, 3)])
def test_rows_keep_their_type_in_native_order(dtype, shape):
    """All dimensions after the first lie along a row; pixels are not made floats."""
    array = np.arange(24).reshape(shape).astype(dtype)
    table = idx.read(io.BytesIO(packed(array)), "t", NO_LABELS)
    assert table.X.tolist() == np.arange(24).reshape(4, 6).tolist()
    assert table.X.dtype == np.dtype(dtype).newbyteorder("=")
    assert table.X.flags.c_contiguous
    assert table.X.flags.writeable


@pytest.mark.parametrize("dtype", ["u1", "i1", ">i2", ">i4"])
def test_labels_of_any_integer_type_become_int64(dtype, tmp_path):
    """As all labels that are integers."""
    (tmp_path / "images").write_bytes(packed(np.zeros((3, 2), dtype="u1")))
    (tmp_path / "labels").write_bytes(packed(np.array([3, 100, 7], dtype=dtype)))
    labels = read_table(tmp_path / "images").labels
    assert labels.tolist() == [3, 100, 7]
    assert labels.dtype == np.int64


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
        ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
        ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte"),
        ("train-images-idx3-ubyte", "train-labels-idx1-ubyte.xz"),
        ("t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"),
        ("images-of-images.idx", "images-of-labels.idx"),
        ("my images", "my labels"),
    ],
)
def test_labels_are_found_by_the_name_of_the_images(images, labels, tmp_path):
    """`images` becomes `labels` and the dimensions one; either may be compressed."""
    (tmp_path / images).write_bytes(packed(np.zeros((3, 2), dtype="u1")))
    (tmp_path / labels).touch()
    assert labels_path(tmp_path / images) == str(tmp_path / labels)


def test_labels_that_are_not_there_are_asked_for_by_name(tmp_path):
    """The error has the name that was looked for, or says that there is none to be had."""
    for name, message in (
        ("a-images-idx3-ubyte.gz", "there is no 'a-labels-idx1-ubyte.gz' (name the labels: data."),
        ("pixels.idx", "does not tell by its name what its labels are called (name the labels"),
    ):
        path = tmp_path / name
        path.write_bytes(packed(np.zeros((3, 2), dtype="u1")))
        with pytest.raises(DataError) as caught:
            read_table(path)
        assert message in str(caught.value)
        assert len(read_table(path, options=NO_LABELS).X) == 3


def test_chunks_are_the_whole_in_pieces(tmp_path):
    """Chunks hold at most the rows asked for, each with its labels."""
    whole = np.arange(40, dtype="u1").reshape(10, 2, 2)
    labels = tmp_path / "labels"
    labels.write_bytes(packed(np.arange(10, dtype="u1")))
    options = ReadOptions(labels=str(labels))
    parts = list(idx.chunks(io.BytesIO(packed(whole)), "t", options, 4))
    assert [len(part.X) for part in parts] == [4, 4, 2]
    assert np.concatenate([part.X for part in parts]).tolist() == whole.reshape(10, 4).tolist()
    assert np.concatenate([part.labels for part in parts]).tolist() == list(range(10))


def test_a_width_that_a_model_does_not_expect_is_refused():
    """The message has both numbers."""
    stream = io.BytesIO(packed(np.zeros((3, 2, 2), dtype="u1")))
    with pytest.raises(DataError, match="has 4 features, but the model expects 5"):
        idx.read(stream, "t", ReadOptions(labels_required=False, n_features=5))


@pytest.mark.parametrize("piped", [False, True])
def test_a_header_allocates_nothing(piped, tmp_path):
    """83: 10^12 values that are not there cost no memory, in a file or in a stream."""
    content = struct.pack(">HBB2I", 0, 8, 2, 10**6, 10**6) + bytes(64)
    path = tmp_path / "vast.idx"
    path.write_bytes(content)
    with path.open("rb") as file:
        stream = io.BufferedReader(io.BytesIO(content)) if piped else file
        tracemalloc.start()
        try:
            with pytest.raises(DataError, match="1,000,000,000,000 bytes, but holds 64"):
                idx.read(stream, "t", NO_LABELS)
            assert tracemalloc.get_traced_memory()[1] < 4 << 20
        finally:
            tracemalloc.stop()


@settings(max_examples=extent(50, 200), deadline=None)
@given(data=st.data(), dtype=st.sampled_from(list(CODES)))
def test_a_saved_file_reads_back(data, dtype):
    """Every number of every type comes back bit for bit."""
    shape = data.draw(st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(1, 4)))
    kind = np.dtype(dtype)
    elements = (
        st.floats(allow_nan=False, allow_infinity=False, width=8 * kind.itemsize)
        if kind.kind == "f"
        else st.integers(int(np.iinfo(kind).min), int(np.iinfo(kind).max))
    )
    size = int(np.prod(shape))
    values = data.draw(st.lists(elements, min_size=size, max_size=size))
    array = np.array(values, dtype=dtype).reshape(shape)
    table = idx.read(io.BytesIO(packed(array)), "t", NO_LABELS)
    native = array.reshape(shape[0], -1).astype(kind.newbyteorder("="))
    assert table.X.tobytes() == native.tobytes()


@settings(max_examples=extent(50, 200), deadline=None)
@given(
    content=st.binary(max_size=40)
    | st.builds(
        lambda code, shape, rest: (
            struct.pack(f">HBB{len(shape)}I", 0, code, len(shape), *shape) + rest
        ),
        st.sampled_from([8, 9, 11, 13, 14, 10]),
        st.lists(st.integers(0, 4) | st.integers(0, 2**32 - 1), max_size=4),
        st.binary(max_size=40),
    )
)
def test_any_bytes_give_a_table_or_a_data_error(content):
    """No other exception leaves the reader, whatever the file."""
    try:
        table = idx.read(io.BytesIO(content), "t", NO_LABELS)
    except DataError:
        return
    assert np.isfinite(table.X).all()
