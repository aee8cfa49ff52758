"""Every bad input that the readers promise to refuse: the position, the reason, no change."""

import bz2
import gzip
import lzma

import pytest
from bad_data import CIFAR, CSV, GOOD, IDX, LABELS, NPY_X, NPY_Y, NPZ, SVMLIGHT, X, Y, patched

from svmtrain.data.dataset import ReadOptions
from svmtrain.data.readers import compressed, labels_path, read_table
from svmtrain.errors import DataError


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


def check_beside(tmp_path, format, features, labels, message, bad):
    """Hold the error for one of two files to what is expected, and both to their bytes."""
    paths = {"features": tmp_path / f"bad.{format}", "labels": tmp_path / "labels"}
    for path, content in zip(paths.values(), (features, labels), strict=True):
        path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_table(paths["features"], format, ReadOptions(labels=str(paths["labels"])))
    assert message in caught.value.problem
    assert str(caught.value).startswith(f"{paths[bad]}: ")
    assert "\n" not in str(caught.value)
    assert [path.read_bytes() for path in paths.values()] == [features, labels]


@pytest.mark.parametrize(("content", "message"), NPY_X.values(), ids=NPY_X)
def test_bad_npy_features_are_refused(tmp_path, content, message):
    """A damaged or hostile X is one sentence; nothing is unpickled."""
    check_beside(tmp_path, "npy", content, Y[1], message, "features")


@pytest.mark.parametrize(("content", "message"), NPY_Y.values(), ids=NPY_Y)
def test_bad_npy_labels_are_refused(tmp_path, content, message):
    """The error names the file of the labels."""
    check_beside(tmp_path, "npy", X[1], content, message, "labels")


@pytest.mark.parametrize(("features", "labels", "message", "bad"), IDX.values(), ids=IDX)
def test_bad_idx_is_refused(tmp_path, features, labels, message, bad):
    """A damaged or hostile IDX file is one sentence that names the file of the two."""
    check_beside(tmp_path, "idx", features, labels, message, bad)


def test_labels_in_the_place_of_images_are_told_by_their_name(tmp_path):
    """84: nothing is looked for beside labels."""
    path = tmp_path / "train-labels-idx1-ubyte"
    path.write_bytes(LABELS)
    with pytest.raises(DataError, match="are images and labels swapped"):
        labels_path(path)


@pytest.mark.parametrize("pack", [gzip, bz2, lzma])
def test_a_bomb_is_refused_before_it_fills_the_memory(tmp_path, pack, monkeypatch):
    """87, 66: what expands to more than 200 times its size is not unpacked to its end."""
    monkeypatch.setattr(compressed, "EXPANSION_FREE", 1 << 16)
    content = pack.compress(b"1,2\n" * (1 << 20))
    check(tmp_path, "csv", content, None, None, "bytes, more than 200 times (save it uncompressed)")


@pytest.mark.parametrize(("format", "content", "message"), CIFAR.values(), ids=CIFAR)
def test_bad_cifar_is_refused(tmp_path, format, content, message):
    """A file of another size or version is one sentence; nothing is unpickled."""
    check(tmp_path, format, content, None, None, message)
