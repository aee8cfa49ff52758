"""Stores: at their place whole or not at all, whatever fails, and nothing else is touched."""

import os
import resource
import subprocess
import sys
from types import SimpleNamespace

import pytest
import small_stores
from small_runs import environment
from small_stores import Failing, dense_table, in_parts, names, no_space, same

from svmtrain import interrupts
from svmtrain.data.store import arrays as store_arrays
from svmtrain.data.store import folder as store_folder
from svmtrain.data.store import (
    is_store,
    open_store,
    verify,
    write_store,
)
from svmtrain.errors import ConfigError, DataError, Interrupted, InUseError, StorageError


@pytest.mark.parametrize("exchange", [True, False])
@pytest.mark.parametrize("old", [True, False])
def test_a_failure_at_any_moment_leaves_the_old_or_the_new(tmp_path, monkeypatch, old, exchange):
    """Whichever call fails, a whole store or none is at the place, and in the end no more."""
    place, before, after = tmp_path / "s", dense_table(5), dense_table(9, seed=1)
    if not exchange:
        monkeypatch.setattr(store_folder, "_exchange", lambda one, other: False)
    failing = Failing(monkeypatch, no_space)
    step, failed = 0, True
    while failed:
        failing.left = -1
        if old:
            write_store([before], place, replace=True)
        failing.left, failed, told = step, False, ""
        try:
            write_store(in_parts(after, 4), place, replace=True)
        except (StorageError, DataError) as error:
            failed, told = True, str(error)
        failing.left = -1
        assert not failed or "No space left on device" in told
        left = store_folder.temporary_of(place).name
        assert {*names(tmp_path)} <= {"s", left, f"{left}.old"}
        if is_store(place):
            verify(place)
            assert len(open_store(place).X) in ((5, 9) if old else (9,))
        else:
            assert not old
            assert not os.path.lexists(place)
        if not old:
            store_folder.clear(place)
        step += 1
    assert step > 30
    write_store([after], place, replace=True)
    assert names(tmp_path) == ["s"]


def test_a_signal_at_any_moment_leaves_no_half_store(tmp_path, monkeypatch):
    """The conversion ends as interrupted, and the place is free."""
    step, stopped = 0, True
    while stopped:
        left = [step]

        def check(left=left):
            left[0] -= 1
            if left[0] == -1:
                raise Interrupted("stopped", 130)

        monkeypatch.setattr(interrupts, "check", check)
        stopped = False
        try:
            write_store(in_parts(dense_table(), 20), tmp_path / "s")
        except Interrupted:
            stopped = True
            assert names(tmp_path) == []
        step += 1
    assert step > 8
    monkeypatch.undo()
    verify(tmp_path / "s")


KILLED = """
import os, sys
from pathlib import Path
import pytest
sys.path.insert(0, sys.argv[2])
import small_stores as t
from svmtrain.data.store import verify, write_store
place = Path(sys.argv[1]) / "s"
step, killed = 0, True
if sys.argv[3] == "renames":
    t.store_folder._exchange = lambda one, other: False
while killed:
    child = os.fork()
    if child == 0:
        patch = pytest.MonkeyPatch()
        failing = t.Failing(patch, lambda: os._exit(9))
        failing.left = step
        write_store(t.in_parts(t.dense_table(9, seed=step), 4), place, replace=True)
        os._exit(0)
    killed = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert step == 0 or sys.argv[3] == "renames" or place.exists()
    assert not place.exists() or verify(place).rows in (5, 9)
    said = []
    write_store([t.dense_table(5)], place, replace=True, say=said.append)
    assert verify(place).rows == 5
    assert os.listdir(place.parent) == ["s"], os.listdir(place.parent)
    step += 1
print(step)
"""


@pytest.mark.parametrize("way", ["exchange", "renames"])
def test_a_kill_at_any_moment_is_mended_by_the_next_conversion(tmp_path, way):
    """The old store or the new is at the place, and what was left goes.

    Where the system cannot swap folders there may be none for a moment; it is brought back.
    """
    root = os.path.dirname(small_stores.__file__)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), root, way],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 30


def test_a_stopped_conversion_is_said_to_begin_again(tmp_path):
    """What is left of it is known by its name, and by nobody holding it."""
    left = store_folder.temporary_of(tmp_path / "s")
    left.mkdir()
    (left / "X.npy").write_bytes(b"half")
    said = []
    write_store([dense_table()], tmp_path / "s", say=said.append)
    assert said == [f"{tmp_path / 's'}: a conversion that was stopped is begun again"]
    assert names(tmp_path) == ["s"]
    verify(tmp_path / "s")


def test_of_two_conversions_to_one_place_the_second_is_refused(tmp_path):
    """The first is not disturbed."""

    def tables():
        yield dense_table(5)
        with pytest.raises(InUseError, match="another svmtrain is writing this store"):
            write_store([dense_table(7)], tmp_path / "s")
        yield dense_table(5, seed=1)

    write_store(tables(), tmp_path / "s")
    assert verify(tmp_path / "s").rows == 10


def test_a_store_is_replaced_only_when_that_is_asked_for(tmp_path):
    """And rows of the old one that are mapped stay readable."""
    write_store([dense_table(5)], tmp_path / "s")
    opened = open_store(tmp_path / "s")
    with pytest.raises(ConfigError, match="exists already \\(--force replaces it\\)"):
        write_store([dense_table(7)], tmp_path / "s")
    write_store([dense_table(7)], tmp_path / "s", replace=True)
    assert len(open_store(tmp_path / "s").X) == 7
    same(opened, dense_table(5))
    assert names(tmp_path) == ["s"]


@pytest.mark.parametrize("kind", ["file", "folder", "empty", "link", "more", ".", ".."])
def test_nothing_but_a_store_is_ever_replaced(tmp_path, kind):
    """Not by force either."""
    place = tmp_path / "s"
    if kind == "file":
        place.write_text("mine")
    elif kind in ("folder", "empty"):
        place.mkdir()
        if kind == "folder":
            (place / "mine").write_text("mine")
    elif kind == "link":
        write_store([dense_table()], tmp_path / "other")
        place.symlink_to(tmp_path / "other")
    elif kind == "more":
        write_store([dense_table()], place)
        (place / "mine").write_text("mine")
    else:
        place = place.with_name(kind) if kind == ".." else tmp_path / kind
    before = names(tmp_path)
    with pytest.raises(ConfigError, match=r"no store|other files|not a possible name"):
        write_store([dense_table()], place, replace=True)
    assert names(tmp_path) == before


def test_a_place_in_no_folder_is_a_storage_error(tmp_path):
    """The system's reason is told."""
    with pytest.raises(StorageError, match="No such file or directory"):
        write_store([dense_table()], tmp_path / "none" / "s")


def test_bytes_that_read_back_differently_are_noticed(tmp_path, monkeypatch):
    """A disk that lies is found before the store is at its place."""
    fake = SimpleNamespace(**vars(os))
    fake.read = lambda descriptor, size: bytes(len(os.read(descriptor, size)))
    monkeypatch.setattr(store_arrays, "os", fake)
    with pytest.raises(StorageError, match="read back differ"):
        write_store([dense_table()], tmp_path / "s")
    assert names(tmp_path) == []


def test_a_full_disk_leaves_nothing(tmp_path):
    """As the system says it: a file may not grow beyond a limit."""
    script = (
        "import numpy as np, sys\n"
        "from svmtrain.data.dataset import Table\n"
        "from svmtrain.data.store import write_store\n"
        "from svmtrain.errors import StorageError\n"
        "try:\n"
        "    write_store([Table(np.ones((1000, 100)), np.arange(1000) % 2)], sys.argv[1])\n"
        "except StorageError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "s")],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )
    assert "EFBIG" in done.stdout
    assert names(tmp_path) == []
