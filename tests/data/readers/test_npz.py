"""npz files: the dtypes accepted, the header reader, chunks, and round trips."""

import io
import zipfile

import numpy as np
import pytest
from extent import extent
from hypothesis import given, settings
from hypothesis import strategies as st

from svmtrain.data.dataset import ReadOptions
from svmtrain.data.readers import npz
from svmtrain.data.readers.npy_header import read_header
from svmtrain.errors import DataError

X = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
Y = np.array([0, 1, 1])


def packed(save=np.savez, **arrays):
    """Return an npz as a stream."""
    buffer = io.BytesIO()
    save(buffer, **arrays)
    buffer.seek(0)
    return buffer


def read(stream, **options):
    """Read an npz from a stream."""
    return npz.read(stream, "t.npz", ReadOptions(**options))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "i4", ">i8", "u8", "f2", "f4", "<f8", ">f8"])
def test_plain_dtypes_are_kept(dtype, order, save):
    """Of either byte order and layout, the numbers are the same and take no more room.

    Booleans become uint8, and float16, which is slow to compute with, float32.
    """
    table = read(packed(save, X=np.array(X, dtype=dtype, order=order), y=Y))
    assert table.X.tolist() == X.tolist()
    kept = np.dtype(dtype).newbyteorder("=")
    assert table.X.dtype == {"bool": np.dtype("u1"), "float16": np.dtype("f4")}.get(kept.name, kept)
    assert table.X.flags.c_contiguous
    assert table.X.flags.writeable


@pytest.mark.parametrize(
    ("y", "labels"),
    [
        (np.array([0, 255, 3], dtype=np.uint8), [0, 255, 3]),
        (np.array([-1, 2, 3], dtype=">i4"), [-1, 2, 3]),
        (np.array([1.0, 2.0, -3.0], dtype=np.float32), [1, 2, -3]),
        (np.array([True, False, True]), ["True", "False", "True"]),
        (np.array(["cat", " dog ", "\u00e9"]), ["cat", "dog", "\u00e9"]),
        (np.array(["cat", "dog", "x"]).astype(">U3"), ["cat", "dog", "x"]),
    ],
)
def test_labels_are_integers_or_text(y, labels):
    """Integral numbers become int64, booleans and text become strings."""
    found = read(packed(X=X, y=y)).labels
    assert list(found) == labels
    assert isinstance(found, list) or found.dtype == np.int64


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"X": X.ravel(), "y": Y}, "X has shape (6,); expected two dimensions"),
        ({"X": X[None], "y": Y}, "X has shape (1, 3, 2); expected two dimensions"),
        ({"X": X, "y": Y[:, None]}, "y has shape (3, 1); expected one dimension"),
        ({"X": X[:0], "y": Y[:0]}, "X has no rows"),
        ({"X": X[:, :0], "y": Y}, "has no feature columns"),
        ({"X": X.astype(str), "y": Y}, "X holds text; expected numbers"),
        ({"X": X.astype(complex), "y": Y}, "X holds complex numbers, dtype '<c16'"),
        ({"X": X.astype("M8[s]"), "y": Y}, "X holds dates, dtype '<M8[s]'"),
        ({"X": X.astype(np.longdouble), "y": Y}, "floats of a size that is not portable"),
        ({"X": X.astype(object), "y": Y}, "X holds Python objects (a pickle), dtype '|O'"),
        ({"X": X, "y": Y.astype(object)}, "y holds Python objects (a pickle)"),
        ({"X": X, "y": np.zeros(3, dtype="f8,i4")}, "y holds raw or structured records"),
        ({"X": X, "y": np.array([b"a"] * 3)}, "y holds byte strings"),
        ({"X": X, "y": np.array([1, 1.5, 2])}, "y is 1.5 in row 1 (from 0); expected an integer"),
        ({"X": X, "y": np.array([1, np.nan, 2])}, "y is nan in row 1"),
        ({"X": X, "y": np.array([1, 2, 2**63], dtype=np.uint64)}, "y is 9223372036854775808"),
        ({"X": X, "y": np.array(["a", " ", "b"])}, "y is empty in row 1"),
        ({"X": X, "y": Y, "feature_names": np.array(["a"])}, "but X has 2 columns"),
        ({"X": X, "y": Y, "feature_names": np.array(["a", "a"])}, "holds 'a' more than once"),
        ({"X": X, "y": Y, "feature_names": np.array([1, 2])}, "feature_names holds numbers"),
    ],
)
def test_arrays_of_another_kind_are_refused(arrays, message):
    """Only plain arrays of the right shape pass; a pickle is named and not loaded."""
    with pytest.raises(DataError) as caught:
        read(packed(**arrays))
    assert message in str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("rows", [1, 2, 10])
def test_a_number_that_is_not_finite_is_placed(value, rows):
    """Row and column count from 0, as in numpy, in the whole and in chunks."""
    bad = np.zeros((7, 3))
    bad[5, 2] = value
    message = rf"X is {value} in row 5, column 2 \(both from 0\); expected a finite number"
    with pytest.raises(DataError, match=message):
        read(packed(X=bad, y=np.zeros(7)))
    with pytest.raises(DataError, match=message):
        list(npz.chunks(packed(X=bad, y=np.zeros(7)), "t.npz", ReadOptions(), rows))


def test_predicting_needs_no_labels():
    """Without labels_required y may be missing, and is not returned."""
    assert read(packed(X=X), labels_required=False).labels is None
    assert read(packed(X=X, y=Y), labels_required=False).labels is None


def test_features_take_the_order_of_the_model():
    """Names in the file are matched to the model's; a wrong width has both numbers."""
    names = np.array(["a", "b"])
    table = read(packed(X=X, y=Y, feature_names=names), feature_names=("b", "a"))
    assert table.X.tolist() == X[:, ::-1].tolist()
    assert table.feature_names == ("b", "a")
    with pytest.raises(DataError, match="lacks columns that the model expects: 'c'"):
        read(packed(X=X, y=Y, feature_names=names), feature_names=("a", "c"))
    with pytest.raises(DataError, match="has 2 features, but the model expects 5"):
        read(packed(X=X, y=Y), n_features=5)


@pytest.mark.parametrize("order", ["C", "F"])
def test_chunks_are_the_whole_in_pieces(order):
    """Chunks hold at most the rows asked for, in either layout."""
    whole = np.arange(40.0).reshape(10, 4)
    stream = packed(X=np.array(whole, order=order), y=np.arange(10))
    parts = list(npz.chunks(stream, "t.npz", ReadOptions(), 4))
    assert [len(part.X) for part in parts] == [4, 4, 2]
    assert np.concatenate([part.X for part in parts]).tolist() == whole.tolist()
    assert np.concatenate([part.labels for part in parts]).tolist() == list(range(10))


def test_chunks_check_the_checksum():
    """A changed byte that no other check can see is found by the last chunk."""
    raw = bytearray(packed(X=X, y=Y).getvalue())
    raw[raw.index(b"\n") + 8] ^= 1
    with pytest.raises(DataError, match=r"X is damaged.*Bad CRC-32"):
        list(npz.chunks(io.BytesIO(raw), "t.npz", ReadOptions(), 1))


def test_compressed_data_may_be_mostly_zeros():
    """Strong compression alone is no bomb."""
    zeros = np.zeros((1000, 1000))
    assert read(packed(np.savez_compressed, X=zeros, y=np.zeros(1000))).X.shape == (1000, 1000)


def test_a_vast_zip_directory_is_refused():
    """The directory is not loaded when it is far larger than that of an npz."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number in range(2000):
            archive.writestr(f"{number}.npy", b"")
    with pytest.raises(DataError, match="its zip directory takes"):
        read(stream)


def header(text, version=b"\x01\x00"):
    """Return the bytes of a npy header."""
    size = len(text).to_bytes(2 if version == b"\x01\x00" else 4, "little")
    return b"\x93NUMPY" + version + size + text


PLAIN = b"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }\n"


@pytest.mark.parametrize("version", [b"\x01\x00", b"\x02\x00", b"\x03\x00"])
def test_every_npy_version_is_read(version):
    """Versions 1.0 to 3.0 say dtype, order and shape."""
    found = read_header(io.BytesIO(header(PLAIN, version)), "t.npy", "X")
    assert (found.shape, found.fortran, found.n_bytes) == ((2, 3), False, 48)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a numpy array"),
        (b"\x80\x04\x95pickle", "is not a numpy array"),
        (header(PLAIN, b"\x09\x00"), "npy version 9.0"),
        (header(PLAIN)[:30], "cut off inside its header"),
        (header(PLAIN)[:9], "cut off inside its header"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "a header of 4,294,967,295 bytes"),
        (header(b"("), "in plain values"),
        (header(b"[" * 9000), "in plain values"),
        (header(b"-" * 9000 + b"1"), "in plain values"),
        (header(b"__import__('os')"), "in plain values"),
        (header(b"'\\d'"), "in plain values"),
        (header(b"\xff", b"\x03\x00"), "in plain values"),
        (header(PLAIN.replace(b"}", b"'x': 1}")), "in plain values"),
        (header(PLAIN.replace(b"False", b"0")), "fortran_order 0"),
        (header(PLAIN.replace(b"2,", b"-2,")), "has shape (-2, 3)"),
        (header(PLAIN.replace(b"2,", b"True,")), "has shape (True, 3)"),
        (header(PLAIN.replace(b"(2, 3)", b"[2, 3]")), "has shape [2, 3]"),
        (header(PLAIN.replace(b"2,", b"%d," % 10**30)), "the impossible shape"),
        (header(PLAIN.replace(b"<f8", b"<U0")), "unicode of an impossible length"),
        (header(PLAIN.replace(b"'<f8'", b"[('a', '<f8')]")), "raw or structured records"),
        (header(PLAIN.replace(b"<f8", b"f8,f8")), "expected numbers or text"),
    ],
)
def test_other_headers_are_refused(content, message):
    """A header is plain literals or an error; nothing in it is run."""
    with pytest.raises(DataError) as caught:
        read_header(io.BytesIO(content), "t.npy", "X")
    assert message in str(caught.value)


def test_booleans_and_text_hold_only_what_they_may():
    """A boolean of 2 and a character beyond Unicode are refused."""
    raw = packed(X=np.ones((3, 1), dtype=bool), y=Y).getvalue()
    members = {"X.npy": b"\x01\x01\x01", "y.npy": Y.tobytes()}
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        parts = {name: archive.read(name).removesuffix(members[name]) for name in members}
    for name, data, message in (
        ("X.npy", b"\x01\x02\x00", "neither 0 nor 1"),
        ("y.npy", b"\xff\xff\x11\x00" * 6, "not Unicode"),
        ("y.npy", b"\x00\xd8\x00\x00" * 6, "not Unicode"),
    ):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            for member, start in parts.items():
                text = start.replace(b"<i8", b"<U2") if name == "y.npy" else start
                archive.writestr(member, text + (data if member == name else members[member]))
        with pytest.raises(DataError, match=message):
            read(stream)


@settings(max_examples=extent(40, 150), deadline=None)
@given(
    rows=st.integers(1, 5).flatmap(
        lambda width: st.lists(
            st.lists(
                st.floats(allow_nan=False, allow_infinity=False), min_size=width, max_size=width
            ),
            min_size=1,
        )
    ),
    save=st.sampled_from([np.savez, np.savez_compressed]),
)
def test_a_saved_file_reads_back(rows, save):
    """Every number comes back bit for bit."""
    table = read(packed(save, X=np.array(rows), y=np.arange(len(rows))))
    assert table.X.tolist() == rows
    assert table.labels.tolist() == list(range(len(rows)))


GOOD = packed(X=X, y=Y).getvalue()
DEFLATED = packed(np.savez_compressed, X=X, y=np.array(["a", "b", "a"])).getvalue()


@settings(max_examples=extent(50, 200), deadline=None)
@given(data=st.data(), base=st.sampled_from([GOOD, DEFLATED, b"", b"PK\x05\x06" + bytes(18)]))
def test_any_bytes_give_a_table_or_a_data_error(data, base):
    """No other exception leaves the reader, whatever the file."""
    raw = bytearray(base)
    edits = st.tuples(st.integers(0, max(0, len(raw) - 1)), st.binary(max_size=4))
    for offset, content in data.draw(st.lists(edits, min_size=1, max_size=4)):
        raw[offset : offset + len(content)] = content
    try:
        table = read(io.BytesIO(raw))
    except DataError:
        return
    assert np.isfinite(table.X).all()
