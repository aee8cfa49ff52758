"""What identifies data: files, folders and lists, and that any change is seen."""

import hashlib

import pytest

from svmtrain.data.fingerprint import identify
from svmtrain.errors import DataError


def sha256(content):
    """Return the SHA-256 of bytes."""
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def folder(tmp_path):
    """Return a folder of files."""
    for name, content in (("b/1", b"one"), ("a/2", b"two"), ("a/10", b"ten"), ("a/.x", b"hid")):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "data"


def test_a_file_is_its_content(folder):
    """A list of one is that one."""
    found = identify("train", str(folder / "b" / "1"))
    assert (found.role, found.name, found.size, found.sha256) == ("train", "1", 3, sha256(b"one"))
    assert identify("train", [str(folder / "b" / "1")]) == found


def test_a_folder_is_its_visible_files_by_name(folder):
    """The digest is that of a line for each, sorted."""
    lines = "".join(
        f"{sha256(content)}  {name}\n"
        for name, content in (("a/10", b"ten"), ("a/2", b"two"), ("b/1", b"one"))
    )
    found = identify("test", f"{folder}/")
    assert (found.name, found.size, found.sha256) == ("data", 9, sha256(lines.encode()))
    (folder / "a" / ".y").touch()
    assert identify("test", str(folder)) == found


def test_several_files_are_their_contents_in_order(folder):
    """The digest is that of a line for each, as they are listed."""
    paths = [str(folder / "b" / "1"), str(folder / "a" / "2")]
    lines = f"{sha256(b'one')}  1\n{sha256(b'two')}  2\n"
    found = identify("train", paths)
    assert (found.name, found.size, found.sha256) == ("1 and 1 more", 6, sha256(lines.encode()))
    assert identify("train", paths[::-1]).sha256 != found.sha256


def test_a_changed_a_renamed_and_a_new_file_are_seen(folder):
    """Each gives another digest."""
    seen = {identify("train", str(folder)).sha256}
    for change in (
        lambda: (folder / "a" / "2").write_bytes(b"TWO"),
        lambda: (folder / "a" / "2").rename(folder / "a" / "3"),
        lambda: (folder / "b" / "2").touch(),
    ):
        change()
        seen.add(identify("train", str(folder)).sha256)
    assert len(seen) == 4


def test_a_missing_file_is_an_error(folder):
    """Also in a list."""
    with pytest.raises(DataError, match="none: no such file"):
        identify("train", [str(folder / "b" / "1"), "none"])
