"""The table of readers: finding the format, standard input, and what all formats share."""

import bz2
import dataclasses
import gzip
import io
import lzma
import os
import signal
import sys
from dataclasses import replace

import pytest
from extent import extent
from hypothesis import given, settings
from hypothesis import strategies as st
from small_files import BESIDE, CONTENT, CSV, LABELS, PNG, STREAMS, SVMLIGHT, written

from svmtrain import interrupts
from svmtrain.data.dataset import ReadOptions, joined
from svmtrain.data.readers import (
    READERS,
    Reader,
    columns_of,
    find_format,
    format_of,
    iter_tables,
    read_table,
)
from svmtrain.data.sparse import Csr
from svmtrain.errors import DataError, Interrupted, StorageError

KNOWN = ", ".join(sorted(READERS))
EVERY = pytest.mark.parametrize("name", READERS)


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


def test_readers_that_share_an_ending_tell_their_files_apart():
    """A suffix means one format, or those that have it know theirs by size and content."""
    endings = [ending for reader in READERS.values() for ending in reader.suffixes]
    for reader in READERS.values():
        assert reader.fits or all(endings.count(ending) == 1 for ending in reader.suffixes)


def test_a_reader_cannot_be_changed():
    """The table's lines are frozen."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        READERS["csv"].name = "other"
    assert isinstance(READERS["csv"], Reader)


def assert_the_table(table):
    """Hold a table to the rows and labels that all formats have, and its X to what X is."""
    X = table.X.toarray() if isinstance(table.X, Csr) else table.X
    assert X[:, :2].tolist() == [[1, 2], [3, 4]]
    assert not X[:, 2:].any()
    assert [int(label) for label in table.labels] == [7, 8]
    assert X.flags.c_contiguous
    assert table.X.dtype.isnative


@EVERY
def test_every_format_gives_the_same_table(name, tmp_path):
    """The format is found by content and size, and the table is the same, whole or in chunks."""
    path = written(tmp_path, name)
    assert format_of(path) == name
    table = read_table(path)
    assert_the_table(table)
    options = ReadOptions(n_features=table.X.shape[1])
    parts = list(iter_tables(path, options=options, rows=1))
    assert [len(part.X) for part in parts] == [1, 1]
    assert_the_table(joined(parts))
    bare = replace(options, labels_required=False)
    assert name == "svmlight" or read_table(path, options=bare).labels is None


@pytest.mark.parametrize("pack", [gzip, bz2, lzma])
@pytest.mark.parametrize("name", STREAMS)
def test_every_stream_may_be_compressed(name, pack, tmp_path):
    """80: by its content alone, whatever its name; with the ending, the labels beside have none."""
    for ending in ("", {gzip: ".gz", bz2: ".bz2", lzma: ".xz"}[pack]):
        path = written(tmp_path, name, pack.compress, ending)
        assert_the_table(read_table(path))


@EVERY
def test_every_format_stops_at_a_signal(name, tmp_path, monkeypatch):
    """Reading looks for a stop signal at every chunk."""
    path = written(tmp_path, name)
    options = ReadOptions(n_features=read_table(path).X.shape[1])
    monkeypatch.setattr(interrupts, "_received", [signal.SIGTERM])
    with pytest.raises(Interrupted):
        list(iter_tables(path, options=options, rows=1))
    with pytest.raises(Interrupted):
        read_table(path)


@pytest.mark.parametrize("name", LABELS)
def test_labels_beside_may_be_named(name, tmp_path):
    """Given labels go before those that lie beside, and are not needed to predict."""
    path = written(tmp_path, name)
    other = (tmp_path / BESIDE[name]).rename(tmp_path / "others")
    assert_the_table(read_table(path, options=ReadOptions(labels=str(other))))
    with pytest.raises(DataError, match=r"there is no '.*' \(name the labels: data\.labels"):
        read_table(path)
    assert read_table(path, options=ReadOptions(labels_required=False)).labels is None


@pytest.mark.parametrize(
    "name", [name for name, reader in READERS.items() if reader.columns is None]
)
@pytest.mark.parametrize("option", ["keep", "drop", "text_columns"])
def test_columns_are_chosen_where_there_are_some(name, option, tmp_path):
    """Elsewhere such a setting is an error."""
    path = written(tmp_path, name)
    with pytest.raises(DataError, match=f"{name} data have no columns to keep, to drop or to take"):
        read_table(path, options=ReadOptions(**{option: (0,)}))


@EVERY
def test_the_columns_of_a_file_are_known_from_its_beginning(name, tmp_path):
    """The target among them, but where labels are kept apart; formats without any have none."""
    tables = {"csv", "parquet", "arrow"}
    expected = (("x", "z", "label"), 3) if name in tables else (None, 2 * (name == "store"))
    assert columns_of(written(tmp_path, name), "auto", ReadOptions()) == expected


def test_a_table_without_header_has_columns_without_names(tmp_path):
    """An empty one has none."""
    (tmp_path / "t.csv").write_text("1,2,3\n4,5,6\n")
    assert columns_of(tmp_path / "t.csv", "csv", ReadOptions(header=False)) == (None, 3)
    (tmp_path / "t.csv").write_text("\n\n")
    with pytest.raises(DataError, match="the file is empty"):
        columns_of(tmp_path / "t.csv", "csv", ReadOptions())


@pytest.mark.parametrize("name", [one for one in CONTENT if one not in LABELS])
def test_labels_for_a_format_that_holds_them_are_refused(name, tmp_path):
    """A setting without effect is an error."""
    with pytest.raises(DataError, match="hold their labels; no file of labels goes with them"):
        read_table(written(tmp_path, name), options=ReadOptions(labels="labels"))


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
        ("a.CSV.GZ", b"1\n2\n", "csv"),
        ("a.tsv.bz2", b"1\n2\n", "csv"),
        ("train-images-idx3-ubyte.gz", b"\0\0\x08\3" + bytes([0, 0, 0, 1] * 3), "idx"),
        ("a.bin", bytes(3073), "cifar10"),
        ("a.bin", bytes(3074), "cifar100"),
    ],
)
def test_the_format_is_found_by_content_and_then_by_suffix(name, head, found):
    """Content that is plain goes before the name."""
    assert find_format(name, head, len(head)) == found


@pytest.mark.parametrize(
    ("name", "head", "message"),
    [
        ("a.csv", b"", "the file is empty"),
        ("a.csv.gz", b"\x1f\x8b\x08\x00,", "seems to be gzip data"),
        ("a.npz", b"\x1f\x8b\x08\x00,", "seems to be gzip data"),
        ("a.xlsx", b"PK\x03\x04" + bytes(40), "seems to be a zip archive"),
        ("cifar-10-python.tar.gz", bytes(257) + b"ustar", "seems to be a tar archive"),
        ("data_batch_1", b"\x80\x02}q\x01", "seems to be a Python pickle; expected"),
        ("a.png", PNG[7], "seems to be a PNG image"),
        ("a.bin", b"\x0a" + bytes(7000), "has the size or the labels of neither (set data.fo"),
        ("a.bin", bytes(3073 * 3074), "of cifar10 and cifar100, it can be both (set data.format)"),
        ("a.csv", b"\xfe\xff\x00x", "seems to be UTF-16 text; expected csv data"),
        ("a", b"\x00\x01\x02,", f"binary data of an unknown kind; expected {KNOWN}"),
        ("a", b"1\n2\n", f"cannot tell its format; expected {KNOWN} (set data.format)"),
    ],
)
def test_other_content_is_named(name, head, message):
    """What is not data of ours is said to be what it seems to be."""
    with pytest.raises(DataError) as caught:
        find_format(name, head, len(head))
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["csv", "svmlight"])
@pytest.mark.parametrize("format", ["auto", "given"])
@pytest.mark.parametrize("packed", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_standard_input_loses_no_bytes(name, format, packed, piped):
    """The head that the format is found by is read again, and what is compressed is unpacked."""
    stdin = piped(packed(CONTENT[name]))
    assert_the_table(read_table("-", "auto" if format == "auto" else name))
    assert not stdin.closed


def test_standard_input_may_be_longer_than_the_head(monkeypatch):
    """Head and rest are one stream."""
    content = b"x,label\n" + b"".join(b"%d,1\n" % row for row in range(50_000))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert read_table("-").X.ravel().tolist() == list(range(50_000))


@pytest.mark.parametrize("name", ["npz", "parquet", "arrow"])
def test_a_format_that_seeks_is_one_clear_error_on_standard_input(name, piped):
    """A format that needs a file says so."""
    piped(CONTENT[name])
    with pytest.raises(DataError, match=f"<stdin>: {name} cannot be read from standard input"):
        read_table("-")


@pytest.mark.parametrize("name", LABELS)
def test_labels_of_standard_input_are_named(name, piped, tmp_path):
    """Nothing lies beside a pipe."""
    written(tmp_path, name)
    piped(CONTENT[name])
    assert_the_table(read_table("-", options=ReadOptions(labels=str(tmp_path / BESIDE[name]))))
    piped(CONTENT[name])
    with pytest.raises(DataError, match="<stdin>: has no labels beside it"):
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
    with pytest.raises(DataError, match=r"is a folder; expected a file, or a folder of .*images"):
        list(iter_tables(tmp_path))


def test_files_and_folders_are_not_taken_for_one_another(tmp_path):
    """A format that is given says which of them it expects."""
    with pytest.raises(DataError, match="is a folder; csv data are a file"):
        read_table(written(tmp_path, "images"), "csv")
    (tmp_path / "file").write_bytes(CSV)
    with pytest.raises(DataError, match="is a file; images data are a folder"):
        read_table(tmp_path / "file", "images")


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


@settings(max_examples=extent(50, 200), deadline=None)
@given(content=st.binary(max_size=60) | st.text("01:, \n#qax.", max_size=40).map(str.encode))
def test_any_content_has_a_format_or_a_data_error(content):
    """Finding the format never fails in another way."""
    try:
        found = find_format("data", content)
    except DataError:
        return
    assert found in READERS
