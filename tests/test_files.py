"""Files: whole or not at all, durable, and opened with care."""

import errno
import os
import stat
import threading
from types import SimpleNamespace

import pytest

from svmtrain import files
from svmtrain.errors import DataError, ModelError, StorageError

CODES = [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EFBIG]


@pytest.fixture
def fake_os(monkeypatch):
    """Return a copy of the os module that svmtrain.files uses, free to be broken."""
    fake = SimpleNamespace(**vars(os))
    monkeypatch.setattr(files, "os", fake)
    return fake


def names(folder):
    """Return the names in a folder."""
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize("content", [b"", b"x", bytes(range(256)) * 10_000])
def test_content_is_written_and_replaced(tmp_path, content):
    """What is read is what was written, and no other file stays behind."""
    path = tmp_path / "file"
    files.write_atomic(path, content)
    assert path.read_bytes() == content
    files.write_atomic(str(path), b"second")
    assert path.read_bytes() == b"second"
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("existing", [True, False])
@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("function", ["open", "write", "fsync", "lseek", "read", "replace"])
def test_refused_call_keeps_the_old_content(tmp_path, fake_os, function, code, existing):
    """Whichever call fails, the old file stands, no temporary stays, and the errno is named."""
    path = tmp_path / "file"
    if existing:
        path.write_bytes(b"old")

    def fail(*args, **kwargs):
        raise OSError(code, os.strerror(code))

    setattr(fake_os, function, fail)
    with pytest.raises(StorageError, match=errno.errorcode[code]) as caught:
        files.write_atomic(path, b"new")
    assert str(caught.value).startswith(f"{path}: cannot write: ")
    assert caught.value.exit_code == 7
    assert names(tmp_path) == (["file"] if existing else [])
    if existing:
        assert path.read_bytes() == b"old"


def test_failure_in_the_middle_of_writing_keeps_the_old_content(tmp_path, fake_os):
    """A disk that fills up half way leaves the old file whole."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    calls = []

    def fill_up(descriptor, content):
        calls.append(len(content))
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, "full")
        return os.write(descriptor, content[:4])

    fake_os.write = fill_up
    with pytest.raises(StorageError, match="ENOSPC"):
        files.write_atomic(path, b"0123456789abcdef")
    assert calls == [16, 12, 8]
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_short_writes_are_continued(tmp_path, fake_os):
    """However little each write takes, every byte arrives, in order."""
    fake_os.write = lambda descriptor, content: os.write(descriptor, content[:3])
    files.write_atomic(tmp_path / "file", bytes(range(100)))
    assert (tmp_path / "file").read_bytes() == bytes(range(100))


def test_bytes_that_read_back_differently_are_never_renamed(tmp_path, fake_os):
    """A disk that lies about its content is found before the old file is given up."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    fake_os.write = lambda descriptor, content: os.write(descriptor, bytes(len(content)))
    with pytest.raises(StorageError, match="read back differ"):
        files.write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_file_and_folder_are_synced_around_the_rename(tmp_path, fake_os):
    """The order is: write, fsync the file, rename, fsync the folder."""
    calls = []

    def log(name):
        def call(*args, **kwargs):
            if name == "fsync":
                folder = stat.S_ISDIR(os.fstat(args[0]).st_mode)
                calls.append("fsync folder" if folder else "fsync file")
            else:
                calls.append(name)
            return getattr(os, name)(*args, **kwargs)

        return call

    for name in ("write", "fsync", "replace"):
        setattr(fake_os, name, log(name))
    files.write_atomic(tmp_path / "file", b"x")
    assert calls == ["write", "fsync file", "replace", "fsync folder"]


def test_folder_that_cannot_be_synced_is_reported(tmp_path, fake_os):
    """The new content may stand, but it is not called durable."""
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail_on_folders(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, "bad")
        os.fsync(descriptor)

    fake_os.fsync = fail_on_folders
    with pytest.raises(StorageError, match="EIO"):
        files.write_atomic(path, b"new")
    assert path.read_bytes() in (b"old", b"new")
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_descriptors_are_closed_after_a_failure(tmp_path, fake_os, code):
    """Failing again and again leaks nothing."""

    def fail(*args):
        raise OSError(code, "bad")

    fake_os.fsync = fail
    before = os.listdir("/proc/self/fd")
    for _ in range(5):
        with pytest.raises(StorageError):
            files.write_atomic(tmp_path / "file", b"x")
    assert len(os.listdir("/proc/self/fd")) == len(before)


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_mode_is_that_of_the_umask(tmp_path, umask):
    """A file is as readable as the user's other files: never 0600 by accident."""
    before = os.umask(umask)
    try:
        files.write_atomic(tmp_path / "file", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o666 & ~umask


def test_planted_symlink_is_replaced_not_followed(tmp_path):
    """A link in the place of the file is replaced; what it points to stays."""
    other = tmp_path / "other"
    other.write_bytes(b"other")
    (tmp_path / "file").symlink_to(other)
    files.write_atomic(tmp_path / "file", b"new")
    assert other.read_bytes() == b"other"
    assert not (tmp_path / "file").is_symlink()


@pytest.mark.parametrize("place", ["folder", "none/file", "plain/file", "", "n" * 300, "a\0b"])
def test_impossible_places_are_storage_errors(tmp_path, place):
    """A folder, a missing folder, a file as folder, a name too long: one sentence each."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "plain").write_bytes(b"x")
    with pytest.raises(StorageError, match="cannot write"):
        files.write_atomic(tmp_path / place, b"x")
    assert names(tmp_path) == ["folder", "plain"]


@pytest.mark.parametrize("place", [".", "..", "/"])
def test_places_without_a_name_are_storage_errors(tmp_path, monkeypatch, place):
    """The working folder, its parent and the root are folders too."""
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    with pytest.raises(StorageError, match="cannot write"):
        files.write_atomic(place, b"x")
    assert names(tmp_path) == ["inner"]
    assert names(tmp_path / "inner") == []


def test_hashes_are_sha256():
    """The SHA-256 of nothing and of abc, from FIPS 180."""
    assert files.sha256_bytes(b"").startswith("e3b0c44298fc1c149afbf4c8996fb924")
    assert files.sha256_bytes(b"abc").endswith("b00361a396177a9cb410ff61f20015ad")


@pytest.mark.parametrize("block", [1, 3, 1 << 20])
def test_hash_of_a_file_can_stop_early(tmp_path, monkeypatch, block):
    """The first `length` bytes, or all of them, in blocks of any size."""
    monkeypatch.setattr(files, "BLOCK", block)
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    assert files.sha256_file(path) == files.sha256_bytes(b"0123456789")
    for length in (0, 1, 4, 10, 50):
        want = files.sha256_bytes(b"0123456789"[:length])
        assert files.sha256_file(path, length) == want


@pytest.mark.parametrize("error", [DataError, ModelError])
def test_regular_files_are_opened(tmp_path, error):
    """A file, or a link to one, is read."""
    (tmp_path / "file").write_bytes(b"abc")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    for name in ("file", "link"):
        with files.open_regular(tmp_path / name, error) as file:
            assert file.read() == b"abc"


def test_fifo_is_refused_at_once(tmp_path):
    """A FIFO without a writer would block for ever; it is refused instead."""
    os.mkfifo(tmp_path / "pipe")
    outcome = []

    def attempt():
        try:
            with files.open_regular(tmp_path / "pipe", DataError):
                outcome.append("opened")
        except DataError as error:
            outcome.append(str(error))

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(timeout=10)
    assert outcome == [f"{tmp_path / 'pipe'}: cannot be read: it is not a regular file"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("folder", "it is a folder"),
        ("none", "no such file"),
        ("file/below", "cannot be opened"),
        ("loop", "cannot be opened"),
        ("a\0b", "not a possible file name"),
        ("n" * 300, "cannot be opened"),
    ],
)
def test_what_is_no_regular_file_is_refused(tmp_path, name, words):
    """One sentence of the error asked for, and no descriptor stays open."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    before = len(os.listdir("/proc/self/fd"))
    with (
        pytest.raises(DataError, match=words),
        files.open_regular(tmp_path / name, DataError),
    ):
        pass
    assert len(os.listdir("/proc/self/fd")) == before


def test_files_over_the_limit_are_refused(tmp_path):
    """Up to the limit a file is read whole; one byte more is an error."""
    (tmp_path / "file").write_bytes(b"12345")
    assert files.read_bytes(tmp_path / "file", DataError, 5) == b"12345"
    with pytest.raises(DataError, match="larger than 4 bytes"):
        files.read_bytes(tmp_path / "file", DataError, 4)
