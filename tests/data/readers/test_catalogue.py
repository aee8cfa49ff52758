"""Every bad input that the readers promise to refuse: the position, the reason, no change."""

import gzip
import io
import struct
import warnings
import zipfile

import numpy as np
import pytest

from svmtrain.data.dataset import ReadOptions
from svmtrain.data.readers import read_table
from svmtrain.errors import DataError

CSV = {
    "27-empty": (b"", None, None, "the file is empty"),
    "28-header-only": (b"x,z,label\n", None, None, "has a header and no rows"),
    "29-ragged-row": (b"x,z,label\n1,2,a\n3,b\n", 3, None, "2 columns; expected 3"),
    "29-blank-line": (b"x,z,label\n1,2,a\n\n3,4,b\n", 3, None, "a blank line amid the rows"),
    "30-non-number": (b"x,z,label\n1,2,a\n3,n/a,b\n", 3, 2, "column 2 ('z') is 'n/a'; expected"),
    "31-empty-cell": (b"x,z,label\n1,,a\n", 2, 2, "column 2 ('z') is empty"),
    "31-empty-label": (b"x,z,label\n1,2, \n", 2, 3, "the label is empty"),
    "32-nan": (b"x,z,label\n1,2,a\n1,nan,a\n", 3, 2, "is 'nan'; expected a finite number"),
    "32-inf": (b"x,z,label\n-inf,2,a\n", 2, 1, "is '-inf'; expected a finite number"),
    "33-overflow": (b"x,z,label\n1,1e400,a\n", 2, 2, "is '1e400'; expected a finite number"),
    "34-underscore": (b"x,z,label\n1,1_000,a\n", 2, 2, "is '1_000'"),
    "35-arabic": ("x,z,label\n1,\u0663,a\n".encode(), 2, 2, "is '\u0663'"),
    "35-full-width": ("x,z,label\n\uff11,2,a\n".encode(), 2, 1, "is '\uff11'"),
    "36-stray-quote": (b'x,z,label\n1,2,a\n1,"2,a\n3,4,b\n', 3, None, "is never closed"),
    "37-text-after-quote": (b'x,z,label\n"1"2,3,a\n', 2, None, "text follows a closing quote"),
    "38-nul": (b"x,z,label\n1,\x00,a\n", 2, None, "a NUL byte at byte offset 12"),
    "39-utf-16": ("\ufeffx,z,label\n1,2,a\n".encode("utf-16-le"), None, None, "UTF-16 text"),
    "41-decimal-comma": (b"x;z;label\n1,5;2,5;a\n", 2, 1, "a decimal point, not a comma"),
    "42-no-label-column": (b"x,z\n1,2\n", None, None, "no column is called label, target"),
    "42-names-listed": (b"x,z\n1,2\n", None, None, "found 'x', 'z' (name the target)"),
    "44-huge-field": (b"x,label\n" + b"1" * 140_000 + b",a\n", 2, None, "a cell is longer than"),
    "45-not-gzip": (b"\x1f\x8b\x08\x00" + b"\xff" * 30, None, None, "is damaged gzip data"),
    "45-not-bzip2": (b"BZh91AY&SY" + bytes(80), None, None, "is damaged bzip2 data"),
    "45-not-xz": (b"\xfd7zXZ\x00" + bytes(30), None, None, "is damaged xz data"),
    "45-gzip-twice": (gzip.compress(gzip.compress(b"x")), None, None, "seems to be gzip data"),
    "45-zstandard": (b"\x28\xb5\x2f\xfd\x00", None, None, "seems to be zstandard data"),
    "45-zip": (b"PK\x03\x04" + b"\x00" * 40, None, None, "seems to be a zip archive"),
    "45-not-utf-8": (b"x,label\n1,a\xff\n", 2, None, "byte 0xff at byte offset 11"),
}

SVMLIGHT = {
    "46-no-label": (b"1 1:2\n1:0.5 2:1\n", 2, 1, "begins with '1:0.5'; expected an integer"),
    "47-no-colon": (b"1 3\n", 1, 3, "'3' is not of the form index:value"),
    "47-no-value": (b"1 1:1\n1 2:1 3:\n", 2, 7, "'3:' is not of the form index:value"),
    "47-no-index": (b"1 :5\n", 1, 3, "':5' is not of the form index:value"),
    "47-two-colons": (b"1 1:2:3\n", 1, 3, "'1:2:3' is not of the form index:value"),
    "47-balanced": (b"1 3 2:5:6\n", 1, 3, "'3' is not of the form index:value"),
    "48-index-zero": (b"1 0:1 1:2\n", 1, 3, "indices count from 1"),
    "49-negative": (b"1 -1:1\n", 1, 3, "index '-1'; expected a whole number from 1"),
    "50-unsorted": (b"1 1:1 3:1 2:1\n", 1, 11, "index 2 after 3; expected increasing"),
    "50-repeated": (b"1 2:1 2:1\n", 1, 7, "index 2 after 2; expected increasing"),
    "51-underscore": (b"1 1_0:1\n", 1, 3, "index '1_0'"),
    "51-plus": (b"1 +1:1\n", 1, 3, "index '+1'"),
    "51-point": (b"1 1.0:1\n", 1, 3, "index '1.0'"),
    "51-arabic": ("1 \u0661:1\n".encode(), 1, 3, "index '\u0661'"),
    "51-arabic-value": ("1 1:\u0661\n".encode(), 1, 3, "feature 1 is '\u0661'"),
    "51-underscore-value": (b"1 1:1_0\n", 1, 3, "feature 1 is '1_0'"),
    "52-huge-index": (b"1 1000000000000:1\n", 1, 3, "too large: one dense row may take 2.0 GiB"),
    "52-longer-than-int": (b"1 " + b"9" * 5000 + b":1\n", 1, 3, "too large"),
    "53-nan": (b"1 1:nan\n", 1, 3, "feature 1 is 'nan'; expected a finite number"),
    "53-inf": (b"1 1:1 2:inf\n", 1, 7, "feature 2 is 'inf'; expected a finite number"),
    "53-overflow": (b"1 1:1e400\n", 1, 3, "feature 1 is '1e400'; expected a finite number"),
    "54-multilabel": (b"1 1:1\n1,2 1:3\n", 2, 1, "label '1,2'; expected one integer"),
    "54-fraction": (b"1.5 1:3\n", 1, 1, "label '1.5'; expected an integer"),
    "55-vertical-tab": (b"1 1:1\x0b2:1\n", 1, 6, "the control character '\\x0b'"),
    "55-nul": (b"1 1:1\n1 1:1\x00\n", 2, None, "a NUL byte at byte offset 11"),
    "57-csv": (b"5.1,3.5,setosa\n", 1, None, "looks like CSV split at ','"),
    "58-long-line": (b"1 " + b"1:1 " * (5 << 20), 1, None, "longer than 16,777,216 bytes"),
    "59-qid": (b"1 qid:x 1:1\n", 1, 3, "'qid:x' is malformed; expected qid:n"),
    "59-qid-empty": (b"1 qid: 1:1\n", 1, 3, "'qid:' is malformed"),
    "59-qid-late": (b"1 1:1 qid:3\n", 1, 7, "qid follows the label"),
}


def check(tmp_path, suffix, content, line, column, message, options=None):
    """Hold the error for a file to what is expected, and the file to its bytes."""
    path = tmp_path / f"bad.{suffix}"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_table(path, suffix, options)
    assert message in caught.value.problem
    assert (caught.value.line, caught.value.column) == (line, column)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == content


@pytest.mark.parametrize(("content", "line", "column", "message"), CSV.values(), ids=CSV)
def test_bad_csv_is_refused_where_it_is_bad(tmp_path, content, line, column, message):
    """A malformed table is one sentence with its line and column."""
    check(tmp_path, "csv", content, line, column, message)


def test_a_wrong_delimiter_names_the_right_one(tmp_path):
    """40: a comma given for a file of semicolons is an error that says so."""
    message = "delimiter ',' finds one column, ';' would find 3 (set data.delimiter)"
    options = ReadOptions(delimiter=",")
    check(tmp_path, "csv", b"x;z;label\n1;2;a\n", 1, None, message, options)


@pytest.mark.parametrize(("content", "line", "column", "message"), SVMLIGHT.values(), ids=SVMLIGHT)
def test_bad_svmlight_is_refused_where_it_is_bad(tmp_path, content, line, column, message):
    """A malformed line is one sentence with its line and byte."""
    check(tmp_path, "svmlight", content, line, column, message)


def test_an_index_beyond_the_model_is_refused(tmp_path):
    """56: the message has the index and the number of features of the model."""
    message = "index '12' is beyond the 10 features of the model"
    options = ReadOptions(n_features=10)
    check(tmp_path, "svmlight", b"1 1:1\n1 2:1 12:1\n", 2, 7, message, options)


def npy(array):
    """Return an array as the bytes of a .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def zipped(members, compression=zipfile.ZIP_STORED):
    """Return a zip of (name, content) pairs; equal names are allowed."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(buffer, "w", compression) as archive:
            for name, content in members:
                archive.writestr(name, content)
    return buffer.getvalue()


X = ("X.npy", npy(np.arange(6.0).reshape(3, 2)))
Y = ("y.npy", npy(np.array([0, 1, 1])))
GOOD = zipped([X, Y])
FIRST_ENTRY = GOOD.index(b"PK\x01\x02")
SECOND_ENTRY = GOOD.index(b"PK\x01\x02", FIRST_ENTRY + 1)


def patched(offset, content, base=GOOD):
    """Return `base` with `content` written over it at `offset`."""
    return base[:offset] + content + base[offset + len(content) :]


def with_x(content):
    """Return an npz whose X is the given bytes."""
    return zipped([("X.npy", content), Y])


NPZ = {
    "60-not-a-zip": (b"x,label\n1,2\n", "is not a zip archive"),
    "60-not-gzip": (b"\x1f\x8b\x08" + b"\xff" * 30, "is damaged gzip data"),
    "61-truncated": (GOOD[:-30], "is a truncated zip archive"),
    "61-cut-inside": (GOOD[:100], "is a truncated zip archive"),
    "61-middle-lost": (GOOD[:50] + GOOD[80:], "X is not where the zip directory"),
    "62-no-X": (zipped([("data.npy", X[1]), Y]), "holds no array 'X'; found 'data', 'y'"),
    "62-no-y": (zipped([X]), "holds no array 'y'; found 'X'"),
    "63-unexpected": (zipped([X, Y, ("z.npy", Y[1])]), "an unexpected member 'z.npy'"),
    "63-not-an-array": (zipped([X, Y, ("run.sh", b"")]), "an unexpected member 'run.sh'"),
    "63-duplicate": (zipped([X, Y, Y]), "holds the array 'y' 2 times"),
    "63-parent": (zipped([X, Y, ("../y.npy", Y[1])]), "unexpected member '../y.npy'"),
    "64-overlap": (patched(SECOND_ENTRY + 42, struct.pack("<I", 0)), "y and X overlap"),
    "64-into-directory": (patched(SECOND_ENTRY + 20, struct.pack("<II", 999, 999)), "overlap"),
    "64-outside": (patched(SECOND_ENTRY + 42, struct.pack("<I", 10**9)), "is not where"),
    "65-encrypted": (patched(FIRST_ENTRY + 8, b"\x01"), "X is encrypted"),
    "65-compression": (patched(FIRST_ENTRY + 10, b"\x0c"), "X has compression 12; expected stored"),
    "66-bomb": (
        zipped([("X.npy", npy(np.zeros((9 << 10, 1 << 10)))), Y], zipfile.ZIP_DEFLATED),
        "expands from",
    ),
    "66-lying-size": (patched(FIRST_ENTRY + 24, struct.pack("<I", 9999)), "two sizes differ"),
    "67-bad-crc": (patched(X[1].index(b"\n") + 45, b"\x01"), 'X is damaged: "Bad CRC-32'),
    "68-shape": (with_x(X[1].replace(b"(3, 2)", b"(3, 3)")), "X has shape (3, 3), 72 bytes, but"),
    "68-vast-shape": (with_x(X[1].replace(b"(3, 2), }", b"(9**9,2)}")), "has a header that is"),
    "68-endless": (
        with_x(X[1].replace(b"(3, 2), }           ", b"(10000000000000, 2)}")),
        "X has shape (10000000000000, 2), 160,000,000,000,000 bytes, but holds 48",
    ),
    "68-objects": (with_x(X[1].replace(b"'<f8'", b"'|O' ")), "Python objects (a pickle)"),
    "69-row-counts": (zipped([X, ("y.npy", npy(np.arange(4)))]), "y has 4 values, but X has 3"),
}


@pytest.mark.parametrize(("content", "message"), NPZ.values(), ids=NPZ)
def test_bad_npz_is_refused(tmp_path, content, message):
    """A damaged or hostile npz is one sentence; nothing is unpickled or extracted."""
    check(tmp_path, "npz", content, None, None, message)


def test_every_flipped_byte_of_an_npz_is_refused_or_harmless(tmp_path):
    """No flipped byte gives other numbers, or an error that is not ours."""
    path = tmp_path / "flipped.npz"
    path.write_bytes(GOOD)
    want = read_table(path, "npz")
    for offset in range(len(GOOD)):
        path.write_bytes(patched(offset, bytes([GOOD[offset] ^ 0x10])))
        try:
            found = read_table(path, "npz")
        except DataError:
            continue
        assert found.X.tolist() == want.X.tolist()
        assert list(found.labels) == list(want.labels)


def test_every_truncation_of_an_npz_is_refused(tmp_path):
    """An npz that lost its end is never read."""
    path = tmp_path / "cut.npz"
    for length in range(len(GOOD)):
        path.write_bytes(GOOD[:length])
        with pytest.raises(DataError):
            read_table(path, "npz")
