"""Fetching data sets into a folder: what is checked, recorded, made and left alone."""

import bz2
import gzip
import hashlib
import io
import os
import tarfile

import pytest

from svmtrain import interrupts
from svmtrain.data.readers import read_table
from svmtrain.errors import ConfigError, FetchError, Interrupted, StorageError
from svmtrain.fetch import content
from svmtrain.fetch.entries import DataSet, Output, RemoteFile, Rewrite
from svmtrain.operations.data.fetch import DOWNLOADED, MADE, THERE, fetch

LINES = b"1 1:2\n2 1:3\n"
SIZE = 3073
BATCHES = [bytes([number]) * SIZE for number in range(3)]
ADULT = b"39, State-gov, <=50K\n50, ?, >50K\n\n"
TEST = b"|1x3 Cross validator\n25, Private, <=50K.\n\n"


def sha256(data):
    """Return the SHA-256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def dataset(*files, train="train", form="svmlight"):
    """Return an entry with these files."""
    return DataSet("tiny", "", 2, 2, 1, 2, "none", form, files, train, train)


def entry(server, name, data, **known):
    """Put a file on the server; return its entry."""
    return RemoteFile(name, (server.put(name, data),), **known)


def names(folder):
    """Return the names in a folder."""
    return sorted(path.name for path in folder.iterdir())


def hows(fetched):
    """Return what became of each file."""
    return [file.how for file in fetched.files]


def test_a_verified_file_is_downloaded_once(server, tmp_path):
    """The second time it is good and left alone: no request, no write, no note."""
    said = []
    tiny = dataset(entry(server, "train", LINES, sha256=sha256(LINES)))
    first = fetch(tiny, tmp_path / "a" / "b", say=said.append)
    path = tmp_path / "a" / "b" / "train"
    before = path.stat()
    second = fetch(tiny, tmp_path / "a" / "b", say=said.append, force=True)
    assert (hows(first), hows(second)) == ([DOWNLOADED], [THERE])
    assert path.read_bytes() == LINES
    after = path.stat()  # but for the time of the last access
    assert (after.st_ino, after.st_ctime_ns) == (before.st_ino, before.st_ctime_ns)
    assert len(server.requests) == 1
    assert said == []
    assert names(path.parent) == ["train"]


def test_a_file_that_differs_is_never_replaced_unless_forced(server, tmp_path):
    """The error names the file, what is wrong, and --force."""
    tiny = dataset(entry(server, "train", LINES, sha256=sha256(LINES)))
    (tmp_path / "train").write_bytes(b"mine")
    with pytest.raises(FetchError, match=r"expected [0-9a-f]{64} \(--force replaces it\)") as error:
        fetch(tiny, tmp_path)
    assert str(error.value).startswith(f"{tmp_path / 'train'}: is there already")
    assert (tmp_path / "train").read_bytes() == b"mine"
    assert server.requests == []
    assert hows(fetch(tiny, tmp_path, force=True)) == [DOWNLOADED]
    assert (tmp_path / "train").read_bytes() == LINES


def test_a_forced_download_that_fails_keeps_the_file(server, tmp_path):
    """It is replaced by what is good, or not at all."""
    tiny = dataset(entry(server, "train", b"corrupt", sha256=sha256(LINES)))
    (tmp_path / "train").write_bytes(b"mine")
    with pytest.raises(FetchError, match="its SHA-256 is"):
        fetch(tiny, tmp_path, force=True)
    assert (tmp_path / "train").read_bytes() == b"mine"
    assert names(tmp_path) == ["train"]


@pytest.mark.parametrize("level", [1, 9])
def test_a_gz_file_is_known_by_its_content(server, tmp_path, level):
    """However it was compressed."""
    data = gzip.compress(LINES * 1000, level)
    file = entry(server, "train.gz", data, size=len(data) + 3, content_sha256=sha256(LINES * 1000))
    assert hows(fetch(dataset(file), tmp_path)) == [DOWNLOADED]


@pytest.mark.parametrize(
    "data",
    [gzip.compress(LINES), gzip.compress(LINES * 1000)[:-9], b"no gzip", b"\x1f\x8b\x08\x00xx"],
    ids=["other content", "cut off", "no gzip", "a header alone"],
)
def test_other_or_damaged_content_is_refused(server, tmp_path, data):
    """By its SHA-256 or because it cannot be decompressed."""
    file = entry(server, "train.gz", data, content_sha256=sha256(LINES * 1000))
    with pytest.raises(FetchError, match=r"its SHA-256 is|it is damaged"):
        fetch(dataset(file), tmp_path)
    assert names(tmp_path) == []


def test_a_bomb_is_not_expanded_to_its_end(server, tmp_path, monkeypatch):
    """Reading ends at the limit."""
    monkeypatch.setattr(content.expanded.__wrapped__, "__defaults__", (1000,))
    file = entry(server, "x.gz", gzip.compress(bytes(2000)), content_sha256=sha256(bytes(2000)))
    with pytest.raises(FetchError, match="it expands to more than it should"):
        fetch(dataset(file), tmp_path)


# first use


def first_use(server, data=LINES, name="train", lines=2):
    """Return an entry with a file that is known by its lines only."""
    return dataset(entry(server, name, data, lines=lines))


@pytest.mark.parametrize("compressed", [False, True])
def test_an_unverified_file_is_recorded_on_first_use(server, tmp_path, compressed):
    """One sentence says so; the record is what sha256sum writes, and is compared from then on."""
    said = []
    data = bz2.compress(LINES) if compressed else LINES
    name = "train.bz2" if compressed else "train"
    tiny = first_use(server, data, name)
    fetch(tiny, tmp_path, say=said.append)
    assert (tmp_path / "SHA256SUMS").read_text() == f"{sha256(data)}  {name}\n"
    assert len(said) == 1
    assert "the catalogue has no SHA-256" in said[0]
    assert hows(fetch(tiny, tmp_path, say=said.append)) == [THERE]
    assert len(said) == 1
    (tmp_path / name).unlink()
    assert hows(fetch(tiny, tmp_path, say=said.append)) == [DOWNLOADED]
    assert len(said) == 1


@pytest.mark.parametrize("there", [False, True])
def test_what_differs_from_the_record_is_refused_unless_forced(server, tmp_path, there):
    """On the server or on the disk, even with the right number of lines; --force records anew."""
    fetch(first_use(server), tmp_path)
    other = LINES.replace(b"3", b"4")
    (tmp_path / "train").write_bytes(other) if there else (tmp_path / "train").unlink()
    changed = first_use(server, other)
    with pytest.raises(FetchError, match=f"its SHA-256 is {sha256(other)}, expected"):
        fetch(changed, tmp_path)
    fetch(changed, tmp_path, force=True)
    assert (tmp_path / "train").read_bytes() == other
    assert sha256(other) in (tmp_path / "SHA256SUMS").read_text()


def test_a_file_that_was_there_before_is_checked_and_recorded(server, tmp_path):
    """The user had it from elsewhere."""
    (tmp_path / "train").write_bytes(LINES)
    (tmp_path / "SHA256SUMS").write_text(f"{'0' * 64}  other\nnonsense\n")
    assert hows(fetch(first_use(server), tmp_path)) == [THERE]
    assert server.requests == []
    text = (tmp_path / "SHA256SUMS").read_text()
    assert text == f"{'0' * 64}  other\n{sha256(LINES)}  train\n"


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("train", LINES[:-1], "it has 1 lines, expected 2"),
        ("train", b"<html>not found</html>", "it has 0 lines, expected 2"),
        ("train.bz2", bz2.compress(LINES)[:-5], "it is damaged"),
        ("train.bz2", LINES, "it is damaged"),
    ],
)
def test_a_wrong_shape_is_refused_on_first_use(server, tmp_path, name, data, said):
    """And nothing is recorded."""
    with pytest.raises(FetchError, match=said):
        fetch(first_use(server, data, name), tmp_path)
    assert names(tmp_path) == []


# archives


def tar_of(*members):
    """Return a tar.gz with (name, content) pairs and TarInfos without content."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            archive.addfile(info, io.BytesIO(member[1]))
    return stream.getvalue()


def special(name, kind, target=""):
    """Return a member that is no regular file."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def packed(server, data, **known):
    """Return an entry whose archive becomes `train` of two members and `test` of one."""
    outputs = (Output("train", ("b/1", "b/2"), SIZE), Output("test", ("b/3",), SIZE))
    return dataset(entry(server, "all.tar.gz", data, outputs=outputs, **known), form="cifar10")


GOOD = tuple(zip(("b/1", "b/2", "b/3"), BATCHES, strict=True))


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_members_are_joined_in_the_order_of_the_catalogue(server, tmp_path, order):
    """In whatever order they are packed; others are left in the archive."""
    data = tar_of(("b/readme", b"x"), *(GOOD[i] for i in order), ("../up", b"x"), ("/abs", b"x"))
    fetched = fetch(packed(server, data), tmp_path / "in")
    assert (tmp_path / "in" / "train").read_bytes() == BATCHES[0] + BATCHES[1]
    assert (tmp_path / "in" / "test").read_bytes() == BATCHES[2]
    assert names(tmp_path / "in") == ["SHA256SUMS", "all.tar.gz", "test", "train"]
    assert names(tmp_path) == ["in"]
    assert hows(fetched) == [DOWNLOADED, MADE, MADE]


@pytest.mark.parametrize(
    ("members", "said"),
    [
        (GOOD[:2], "it lacks b/3"),
        ((*GOOD[:2], ("../b/3", BATCHES[2])), "it lacks b/3"),
        ((*GOOD[:2], special("b/3", tarfile.SYMTYPE, "/etc/hostname")), "is not a regular file"),
        ((*GOOD[:2], special("b/3", tarfile.LNKTYPE, "b/1")), "is not a regular file"),
        ((*GOOD[:2], special("b/3", tarfile.FIFOTYPE)), "is not a regular file"),
        ((*GOOD[:2], special("b/3", tarfile.DIRTYPE)), "is not a regular file"),
        ((*GOOD[:2], ("b/3", BATCHES[2] + b"x")), "b/3 in it has 3,074 bytes, expected 3,073"),
        ((*GOOD[:2], ("b/3", b"")), "b/3 in it has 0 bytes, expected 3,073"),
        ((("huge", bytes(20 << 20)), *GOOD), "it expands to more than it should"),
    ],
    ids=["missing", "up", "symlink", "hard link", "fifo", "folder", "long", "empty", "huge"],
)
def test_a_bad_archive_is_refused_before_anything_is_unpacked(server, tmp_path, members, said):
    """Members outside, links, devices, sizes: nothing is written, nothing recorded."""
    with pytest.raises(FetchError, match=said):
        fetch(packed(server, tar_of(*members)), tmp_path / "in")
    assert names(tmp_path / "in") == []
    assert names(tmp_path) == ["in"]


def test_a_verified_archive_is_held_to_the_same_rules(server, tmp_path):
    """A digest says that it is the known archive, not that it can be unpacked."""
    data = tar_of(*GOOD[:2])
    with pytest.raises(FetchError, match=r"all\.tar\.gz: it lacks b/3"):
        fetch(packed(server, data, sha256=sha256(data)), tmp_path)
    assert names(tmp_path) == ["all.tar.gz"]


@pytest.mark.parametrize("cut", [1, 100, 400])
def test_a_truncated_archive_is_refused(server, tmp_path, cut):
    """Wherever it ends, be it in the checksum."""
    data = tar_of(*((name, os.urandom(SIZE)) for name, _ in GOOD))
    with pytest.raises(FetchError, match="it is damaged"):
        fetch(packed(server, data[:-cut]), tmp_path)


def test_unpacking_again_changes_nothing(server, tmp_path):
    """Files with the same content are left alone; others are kept unless forced."""
    tiny = packed(server, tar_of(*GOOD))
    fetch(tiny, tmp_path)
    before = {name: (tmp_path / name).stat() for name in names(tmp_path)}
    fetch(tiny, tmp_path, force=True)
    assert {name: (tmp_path / name).stat() for name in names(tmp_path)} == before
    (tmp_path / "train").write_bytes(b"mine")
    with pytest.raises(FetchError, match="train: is there already with other content"):
        fetch(tiny, tmp_path)
    assert (tmp_path / "train").read_bytes() == b"mine"
    fetch(tiny, tmp_path, force=True)
    assert (tmp_path / "train").read_bytes() == BATCHES[0] + BATCHES[1]


def test_a_table_is_rewritten_as_csv(server, tmp_path):
    """A header, no spaces, no remarks, no dots after labels: the reader takes it as it is."""
    files = [
        entry(server, "a.data", ADULT, sha256=sha256(ADULT), rewrite=Rewrite("a.csv", "x,y,z")),
        entry(server, "a.test", TEST, sha256=sha256(TEST), rewrite=Rewrite("t.csv", "x,y,z")),
    ]
    fetch(dataset(*files, form="csv"), tmp_path)
    assert (tmp_path / "a.csv").read_bytes() == b"x,y,z\n39,State-gov,<=50K\n50,?,>50K\n"
    assert (tmp_path / "t.csv").read_bytes() == b"x,y,z\n25,Private,<=50K\n"


# the rest


def test_the_config_lines_name_files_that_a_reader_takes(server, tmp_path):
    """What is printed after a fetch can be trained on."""
    tiny = dataset(entry(server, "train", LINES, sha256=sha256(LINES)))
    data = fetch(tiny, tmp_path).data
    assert data == {
        "train": str(tmp_path / "train"),
        "test": str(tmp_path / "train"),
        "format": "svmlight",
    }
    assert read_table(data["train"], data["format"]).X.shape == (2, 1)


def test_a_mirror_is_asked_first(server, tmp_path):
    """The name of the file is put behind its URL."""
    tiny = dataset(entry(server, "train", b"not this", sha256=sha256(LINES)))
    server.put("mirror/train", LINES)
    fetch(tiny, tmp_path, mirror=f"{server.url}/mirror/")
    assert [path for path, _ in server.requests] == ["/mirror/train"]


def test_a_data_set_of_the_catalogue_is_found_by_name(server, tmp_path):
    """And a mirror that has something else for it is told, then the next URL."""
    with pytest.raises(ConfigError, match="the data set must be one of"):
        fetch("none", tmp_path)
    with pytest.raises(ConfigError, match="a mirror must be"):
        fetch("mnist", tmp_path, mirror="mirror")


def test_a_folder_that_cannot_be_made_is_a_storage_error(server, tmp_path):
    """A file is in its place."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="cannot make the folder: "):
        fetch(first_use(server), tmp_path / "file" / "in")


def test_a_full_disk_while_unpacking_leaves_no_half_file(server, tmp_path, monkeypatch):
    """The archive stays, and is not blamed."""
    tiny = packed(server, tar_of(*GOOD))
    monkeypatch.setattr("svmtrain.fetch.unpack.os.fsync", fail)
    with pytest.raises(StorageError, match="ENOSPC"):
        fetch(tiny, tmp_path)
    assert "train" not in names(tmp_path)


def fail(*args):
    """Fail as a full disk does."""
    raise OSError(28, os.strerror(28))


def test_a_signal_says_how_to_go_on(server, tmp_path, monkeypatch):
    """While something is downloaded or unpacked."""

    def signal(*told):
        monkeypatch.setattr(interrupts, "_received", [15])

    with pytest.raises(Interrupted, match="the same command goes on from there") as caught:
        fetch(first_use(server), tmp_path, progress=signal)
    assert caught.value.exit_code == 143
