"""The table of readers: finding the format, standard input, and what all formats share."""

import dataclasses
import io
import os
import signal
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from svmtrain import interrupts
from svmtrain.data.dataset import ReadOptions, Table
from svmtrain.data.readers import READERS, Reader, find_format, iter_tables, read_table
from svmtrain.data.store import write_store
from svmtrain.errors import DataError, Interrupted, StorageError

CSV = b"x,z,label\n1,2,7\n3,4,8\n"
SVMLIGHT = b"7 1:1 2:2\n8 1:3 2:4\n"


def npz_bytes():
    """Return the same table as npz."""
    buffer = io.BytesIO()
    np.savez(buffer, X=np.array([[1.0, 2], [3, 4]]), y=np.array([7, 8]))
    return buffer.getvalue()


def store_files():
    """Return the same table as a store: its files by their names."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "s"
        write_store([Table(np.array([[1.0, 2], [3, 4]]), np.array([7, 8]))], place)
        return {path.name: path.read_bytes() for path in place.iterdir()}


CONTENT = {"csv": CSV, "svmlight": SVMLIGHT, "npz": npz_bytes(), "store": store_files()}
KNOWN = ", ".join(sorted(READERS))
EVERY = pytest.mark.parametrize("name", READERS)


def written(folder, name):
    """Write the table in a format, under a name that tells nothing, and return the path."""
    path, content = folder / "data", CONTENT[name]
    for inner, part in content.items() if isinstance(content, dict) else ():
        path.mkdir(exist_ok=True)
        (path / inner).write_bytes(part)
    if isinstance(content, bytes):
        path.write_bytes(content)
    return path


@pytest.fixture
def piped(monkeypatch):
    """Return a function that puts bytes on standard input, through a real pipe."""

    def pipe(content):
        readable, writable = os.pipe()
        os.write(writable, content)
        os.close(writable)
        stream = io.TextIOWrapper(io.BufferedReader(io.FileIO(readable)))
        opened.append(stream)
        monkeypatch.setattr(sys, "stdin", stream)
        return stream

    opened = []
    yield pipe
    for stream in opened:
        stream.close()


@EVERY
def test_every_reader_is_whole(name):
    """A reader is known by its own name and by endings in lower case; tests know its content."""
    reader = READERS[name]
    assert reader.name == name
    assert name in CONTENT
    assert bool(reader.suffixes) is not reader.folder
    assert all(ending == ending.lower() and ending[0] == "." for ending in reader.suffixes)


def test_no_two_readers_share_an_ending():
    """A suffix means one format."""
    endings = [ending for reader in READERS.values() for ending in reader.suffixes]
    assert len(set(endings)) == len(endings)


def test_a_reader_cannot_be_changed():
    """The table's lines are frozen."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        READERS["csv"].name = "other"
    assert isinstance(READERS["csv"], Reader)


@EVERY
def test_every_format_gives_the_same_table(name, tmp_path):
    """The format is found without a suffix, and the table is the same."""
    path = written(tmp_path, name)
    table = read_table(path)
    assert table.X.tolist() == [[1, 2], [3, 4]]
    assert [int(label) for label in table.labels] == [7, 8]
    parts = list(iter_tables(path, options=ReadOptions(n_features=2), rows=1))
    assert [part.X.tolist() for part in parts] == [[[1, 2]], [[3, 4]]]


@EVERY
def test_every_format_stops_at_a_signal(name, tmp_path, monkeypatch):
    """Reading looks for a stop signal at every chunk."""
    path = written(tmp_path, name)
    monkeypatch.setattr(interrupts, "_received", [signal.SIGTERM])
    with pytest.raises(Interrupted):
        list(iter_tables(path, options=ReadOptions(n_features=2), rows=1))
    with pytest.raises(Interrupted):
        read_table(path)


@pytest.mark.parametrize(
    ("name", "head", "found"),
    [
        ("a.csv", CSV, "csv"),
        ("a.TSV", b"1\n2\n", "csv"),
        ("a.svm", b"1\n-1\n", "svmlight"),
        ("a.csv", SVMLIGHT, "svmlight"),
        ("a.svm", CSV, "csv"),
        ("a.svm", b"1,2 1:3\n", "svmlight"),
        ("a.txt", CONTENT["npz"], "npz"),
        ("a.npz", b"PK\x03\x04" + bytes(40), "npz"),
        ("a.csv", b"1,\x00\n", "csv"),
    ],
)
def test_the_format_is_found_by_content_and_then_by_suffix(name, head, found):
    """Content that is plain goes before the name."""
    assert find_format(name, head) == found


@pytest.mark.parametrize(
    ("name", "head", "message"),
    [
        ("a.csv", b"", "the file is empty"),
        ("a.csv.gz", b"\x1f\x8b\x08\x00,", "seems to be gzip data"),
        ("a.npz", b"\x1f\x8b\x08\x00,", "seems to be gzip data"),
        ("a.xlsx", b"PK\x03\x04" + bytes(40), "seems to be a zip archive"),
        ("a.npy", b"\x93NUMPY\x01\x00", "seems to be a single numpy array"),
        ("a.csv", b"\xfe\xff\x00x", "seems to be UTF-16 text; expected csv"),
        ("a", b"\x00\x01\x02,", f"binary data of an unknown kind; expected {KNOWN}"),
        ("a", b"1\n2\n", f"cannot tell its format; expected {KNOWN} (set data.format)"),
    ],
)
def test_other_content_is_named(name, head, message):
    """What is not data of ours is said to be what it seems to be."""
    with pytest.raises(DataError) as caught:
        find_format(name, head)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["csv", "svmlight"])
@pytest.mark.parametrize("format", ["auto", "given"])
def test_standard_input_loses_no_bytes(name, format, piped):
    """The head that the format is found by is read again."""
    stdin = piped(CONTENT[name])
    table = read_table("-", "auto" if format == "auto" else name)
    assert table.X.tolist() == [[1, 2], [3, 4]]
    assert not stdin.closed


def test_standard_input_may_be_longer_than_the_head(monkeypatch):
    """Head and rest are one stream."""
    content = b"x,label\n" + b"".join(b"%d,1\n" % row for row in range(50_000))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert read_table("-").X.ravel().tolist() == list(range(50_000))


def test_npz_on_standard_input_is_one_clear_error(piped):
    """A format that needs a file says so."""
    piped(CONTENT["npz"])
    with pytest.raises(DataError, match="<stdin>: npz cannot be read from standard input"):
        read_table("-")


def test_errors_on_standard_input_have_its_name(piped):
    """There is no path to show."""
    piped(b"x,label\n1,a\nn/a,b\n")
    with pytest.raises(DataError, match=r"^<stdin>:3:1: column 1"):
        read_table("-")


def test_a_closed_standard_input_is_a_data_error(monkeypatch):
    """A process may have no standard input."""
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(DataError, match="standard input is closed"):
        read_table("-")


def test_an_unknown_format_lists_the_known(tmp_path):
    """The message has every name that would do."""
    with pytest.raises(DataError, match=f"one of auto, {KNOWN}; got 'arff'"):
        read_table(tmp_path / "x", "arff")


def test_a_missing_file_and_a_folder_are_data_errors(tmp_path):
    """What is no regular file is never opened."""
    with pytest.raises(DataError, match="no such file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(DataError, match="a folder"):
        list(iter_tables(tmp_path))


def test_a_failing_disk_is_a_storage_error(monkeypatch):
    """What the system refuses is not called bad data."""

    class Failing(io.BytesIO):
        def read(self, size=-1):
            raise OSError(5, "Input/output error")

    class Stdin:
        buffer = Failing()

    monkeypatch.setattr(sys, "stdin", Stdin())
    with pytest.raises(StorageError, match="cannot read: Input/output error"):
        read_table("-")


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=60) | st.text("01:, \n#qax.", max_size=40).map(str.encode))
def test_any_content_has_a_format_or_a_data_error(content):
    """Finding the format never fails in another way."""
    try:
        found = find_format("data", content)
    except DataError:
        return
    assert found in READERS
