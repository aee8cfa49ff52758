"""Compressed streams: what is read alike, and damage that is refused wherever it is."""

import bz2
import gzip
import io
import lzma
import os

import pytest
from extent import extent
from hypothesis import given, settings
from hypothesis import strategies as st

from svmtrain.data.readers import compressed, read_table
from svmtrain.data.readers.compressed import packing_of, unpacked, unpacked_name
from svmtrain.errors import DataError

PACKS = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress}
EVERY = pytest.mark.parametrize("pack", PACKS.values(), ids=PACKS)
TABLE = b"x,z,label\n" + b"".join(b"%d,%d,%d\n" % (n, n * n, n % 3) for n in range(50))


def opened(content, size=None):
    """Return the unpacked stream of compressed bytes."""
    return unpacked(io.BytesIO(content), packing_of(content), "t.gz", size)


@EVERY
def test_members_that_follow_one_another_are_one_stream(pack):
    """As the tools of each format have it; zeros may pad the end."""
    packed = pack(b"first ") + pack(b"") + pack(b"second") + bytes(700)
    assert opened(packed).read() == b"first second"


def test_what_has_come_through_a_pipe_is_there_at_once():
    """Nothing is waited for that may never come."""
    readable, writable = os.pipe()
    with os.fdopen(readable, "rb") as pipe, os.fdopen(writable, "wb", 0) as end:
        end.write(gzip.compress(TABLE)[:-8])
        stream = unpacked(pipe, packing_of(b"\x1f\x8b"), "t.gz", None)
        assert stream.read1(len(TABLE)) == TABLE


@EVERY
def test_something_else_after_the_end_is_refused(pack):
    """Nothing is passed over in silence."""
    with pytest.raises(DataError, match=r"t\.gz: is (damaged|cut off)"):
        opened(pack(b"whole") + b"and more").read()


@EVERY
def test_every_truncation_is_refused(pack, tmp_path):
    """86: a file that lost its end is never read, and the error names it."""
    content, path = pack(TABLE), tmp_path / "cut.csv.gz"
    for length in range(12, len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(DataError) as caught:
            read_table(path)
        assert str(caught.value).startswith(f"{path}: is ")


@EVERY
def test_every_flipped_bit_is_refused_or_harmless(pack, tmp_path):
    """86: the checksum finds what the format does not."""
    content, path = pack(TABLE), tmp_path / "flipped.csv"
    path.write_bytes(content)
    want = read_table(path)
    for offset in range(len(content)):
        flipped = bytearray(content)
        flipped[offset] ^= 1 << offset % 8
        path.write_bytes(flipped)
        try:
            found = read_table(path)
        except DataError:
            continue
        assert found.X.tolist() == want.X.tolist()
        assert found.labels == want.labels


@EVERY
def test_expansion_is_held_to_the_size_of_the_file(pack, monkeypatch):
    """Of a pipe, to what was taken from it so far; what is small may expand as it will."""
    content = pack(bytes(1 << 20))
    assert opened(content).read() == bytes(1 << 20)
    monkeypatch.setattr(compressed, "EXPANSION_FREE", 1 << 12)
    assert opened(content, size=1 << 14).read() == bytes(1 << 20)
    with pytest.raises(DataError, match=r"expands from .*, more than 200 times \(save it uncom"):
        opened(content).read()


def test_an_xz_that_wants_much_memory_is_refused(monkeypatch):
    """Its header alone may ask for gigabytes."""
    monkeypatch.setattr(compressed, "XZ_MEMORY", 1 << 20)
    with pytest.raises(DataError, match="is damaged xz data: 'Memory usage limit exceeded'"):
        opened(lzma.compress(TABLE)).read()


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("a.csv.gz", "a.csv"),
        ("A.CSV.XZ", "A.CSV"),
        ("b.bz2", "b"),
        ("a.gz.csv", "a.gz.csv"),
        ("gz", "gz"),
    ],
)
def test_a_name_without_the_ending_of_a_compressed_file(name, plain):
    """It is that which says what the format is."""
    assert unpacked_name(name) == plain


@settings(max_examples=extent(50, 200), deadline=None)
@given(
    parts=st.lists(st.binary(max_size=3000), min_size=1, max_size=3),
    pack=st.sampled_from(list(PACKS.values())),
    size=st.integers(1, 5000),
)
def test_what_is_packed_is_unpacked(parts, pack, size):
    """Any bytes, read in portions of any size."""
    stream = opened(b"".join(map(pack, parts)))
    portions = iter(lambda: stream.read(size), b"")
    assert b"".join(portions) == b"".join(parts)


@settings(max_examples=extent(50, 200), deadline=None)
@given(data=st.data(), pack=st.sampled_from(list(PACKS.values())))
def test_any_bytes_are_unpacked_or_a_data_error(data, pack):
    """No other exception leaves the stream, whatever follows the mark of the format."""
    raw = bytearray(pack(TABLE))
    edits = st.tuples(st.integers(10, len(raw)), st.integers(0, 5), st.binary(max_size=40))
    for offset, lost, content in data.draw(st.lists(edits, min_size=1, max_size=4)):
        raw[offset : offset + lost] = content
    try:
        opened(bytes(raw)).read()
    except DataError:
        return
