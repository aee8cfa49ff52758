"""The cache of text files: the same rows, faster, and never in the way."""

import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from small_runs import QUIET, start, write_config

from svmtrain.build import load_splits
from svmtrain.config import load_config
from svmtrain.data import cache, digests
from svmtrain.data.cache import cache_folder, load_table, prune
from svmtrain.data.dataset import ReadOptions
from svmtrain.data.mapped import mapping_of
from svmtrain.data.readers import read_table
from svmtrain.data.sparse import Csr
from svmtrain.data.store import is_store, verify
from svmtrain.errors import DataError, StorageError
from svmtrain.operations.fit import fit


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Keep the cache in a folder of the test, and keep the smallest files in it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(cache, "SMALLEST", 1)
    monkeypatch.setattr(digests, "SMALLEST", 1)
    return tmp_path / "home" / "svmtrain"


@pytest.fixture
def said():
    """Return a list that takes what is said."""
    return []


@pytest.fixture
def parsed(monkeypatch):
    """Return a list of the files that readers were asked for, with how."""
    calls = []
    for name in ("read_table", "iter_tables"):
        real = getattr(cache, name)

        def call(path, *rest, real=real):
            calls.append(path)
            return real(path, *rest)

        monkeypatch.setattr(cache, name, call)
    return calls


def csv_file(folder, rows=30, name="t.csv", seed=0):
    """Write a table with labels of text and return its path."""
    rng = np.random.default_rng(seed)
    lines = [f"{a},{b!r},c{k}" for a, b, k in zip(*_columns(rng, rows), strict=True)]
    (folder / name).write_text("a,b,label\n" + "\n".join(lines) + "\n")
    return str(folder / name)


def svmlight_file(folder, rows=30):
    """Write sparse rows with labels of whole numbers and return the path."""
    rng = np.random.default_rng(1)
    lines = [f"{k} 1:{a} 7:{b!r}" for a, b, k in zip(*_columns(rng, rows), strict=True)]
    (folder / "t.svm").write_text("\n".join(lines) + "\n")
    return str(folder / "t.svm")


def _columns(rng, rows):
    return rng.integers(0, 9, rows), rng.normal(size=rows).tolist(), np.arange(rows) % 3


FILES = pytest.mark.parametrize("make", [csv_file, svmlight_file])


def same(one, other):
    """Assert that two tables hold the same rows, to the bit, with the same labels and names."""
    cells = [t.X.toarray() if isinstance(t.X, Csr) else np.asarray(t.X) for t in (one, other)]
    assert cells[0].dtype == cells[1].dtype
    assert cells[0].tobytes() == cells[1].tobytes()
    assert isinstance(one.X, Csr) == isinstance(other.X, Csr)
    assert list(one.labels) == list(other.labels)
    assert one.feature_names == other.feature_names
    assert dict(one.categories) == dict(other.categories)


def stores_in(folder):
    """Return the stores of a cache."""
    return sorted(path for path in folder.iterdir() if cache.ENTRY.fullmatch(path.name))


@FILES
def test_a_text_file_is_parsed_once(tmp_path, home, parsed, said, make):
    """The second time its rows are mapped from a store; both are as without a cache."""
    path = make(tmp_path)
    plain = load_table(path, cache="off")
    first = load_table(path, say=said.append)
    count = len(parsed)
    second = load_table(path, say=said.append)
    assert len(parsed) == count == 2
    same(first, plain)
    same(second, plain)
    assert mapping_of(second.X.data if isinstance(second.X, Csr) else second.X) is not None
    assert len(said) == 1
    assert "kept as a store for the next time" in said[0]
    (store,) = stores_in(home)
    verify(store)


def test_small_files_other_formats_and_off_make_no_cache(tmp_path, home, monkeypatch):
    """They are read as they are."""
    path = csv_file(tmp_path)
    load_table(path, cache="off")
    np.savez(tmp_path / "t.npz", X=np.eye(2), y=np.arange(2))
    load_table(str(tmp_path / "t.npz"))
    monkeypatch.setattr(cache, "SMALLEST", 1 << 20)
    load_table(path)
    assert not home.exists()


def test_a_cache_beside_the_file_goes_with_it(tmp_path, home, parsed):
    """In a folder by its name; stores of earlier content go."""
    path = csv_file(tmp_path)
    load_table(path, cache="beside")
    load_table(path, cache="beside")
    assert len(parsed) == 1
    assert not home.exists()
    folder = tmp_path / "t.csv.svmtrain-cache"
    assert len(stores_in(folder)) == 1
    csv_file(tmp_path, rows=40)
    assert len(load_table(path, cache="beside").X) == 40
    assert len(stores_in(folder)) == 1


def test_changed_content_is_read_again_and_said(tmp_path, home, said):
    """Also when size and time of the file are what they were."""
    path = csv_file(tmp_path)
    load_table(path)
    before = os.stat(path)
    content = Path(path).read_bytes()
    Path(path).write_bytes(content.replace(b"c1", b"c9"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    same(load_table(path, say=said.append), read_table(path))
    assert "changed since it was cached" in said[0]
    assert len(stores_in(home)) == 2


@pytest.mark.parametrize(
    "change",
    [{"target": "label"}, {"labels_required": False}, {"header": True}, {"delimiter": ","}],
)
def test_other_options_are_another_store(tmp_path, home, change):
    """What was asked of the reader is a part of the key."""
    path = csv_file(tmp_path)
    load_table(path)
    options = ReadOptions(**change)
    for _ in range(2):
        found, plain = load_table(path, options=options), read_table(path, options=options)
        assert found.X.tobytes() == plain.X.tobytes()
        assert (found.labels and list(found.labels)) == plain.labels
    assert len(stores_in(home)) == 2


@pytest.mark.parametrize("constant", ["PARSER_VERSION", "CACHE_VERSION"])
def test_another_version_finds_nothing_of_the_old(tmp_path, home, monkeypatch, parsed, constant):
    """A reader that makes other tables is given a number."""
    path = csv_file(tmp_path)
    load_table(path)
    monkeypatch.setattr(cache, constant, 99)
    load_table(path)
    assert len(parsed) == 2


@pytest.mark.parametrize("change", ["flip", "cut", "gone", "description", "folder", "record"])
def test_a_damaged_store_is_made_again_and_said(tmp_path, home, said, change):
    """The rows are right all the same, and the next load finds a good store."""
    path = csv_file(tmp_path)
    load_table(path)
    (store,) = stores_in(home)
    target = store / ("store.json" if change == "description" else "X.npy")
    content = bytearray(target.read_bytes())
    content[-9] ^= 1
    if change in ("gone", "folder"):
        target.unlink()
    else:
        target.write_bytes(content[:-1] if change == "cut" else content)
    if change == "folder":
        target.mkdir()
        (store / "store.json").unlink()
    if change == "record":
        for record in home.glob("*.json"):
            record.write_text('{"stamp": 1}')
    same(load_table(path, say=said.append), read_table(path))
    if change == "folder":
        assert "is read without a cache" in said[0]
        return
    assert "is damaged" in said[0]
    assert "is made again" in said[0]
    same(load_table(path, say=said.append), read_table(path))
    assert len(said) == 2
    verify(store)


def test_a_store_is_verified_again_when_its_files_were_touched(tmp_path, home, monkeypatch):
    """And only then: their digests are not computed at every load."""
    path = csv_file(tmp_path)
    load_table(path)
    (store,) = stores_in(home)
    calls = []
    monkeypatch.setattr(cache, "verify", lambda store: calls.append(store) or verify(store))
    load_table(path)
    assert calls == []
    os.utime(store / "X.npy")
    load_table(path)
    load_table(path)
    assert calls == [store]


@pytest.mark.parametrize(("ago", "reads"), [(10.0, 1), (0.5, 3)])
def test_a_digest_is_recorded_for_a_file_that_is_settled(tmp_path, monkeypatch, ago, reads):
    """One that changed a moment ago may change again within the grain of the clock."""
    path = tmp_path / "f"
    path.write_bytes(b"content")
    calls = []
    real = digests.read_digest
    monkeypatch.setattr(digests, "read_digest", lambda path: calls.append(path) or real(path))
    changed = max(os.stat(path).st_mtime_ns, os.stat(path).st_ctime_ns)
    monkeypatch.setattr(digests.time, "time_ns", lambda: changed + int(ago * 1e9))
    found = {digests.digest_of(path, tmp_path) for _ in range(3)}
    assert found == {(real(path), False)}
    assert len(calls) == reads


@pytest.mark.parametrize(
    "record",
    [b"", b"[]", b"{}", b"\xff", b'{"stamp": 1, "sha256": 2}', b'{"sha256": "0", "stamp": []}'],
)
def test_a_malformed_record_is_no_record(tmp_path, record):
    """The file is read."""
    path = tmp_path / "f"
    path.write_bytes(b"content")
    expected = digests.digest_of(path, tmp_path)
    (written,) = tmp_path.glob("*.digest.json")
    written.write_bytes(record)
    assert digests.digest_of(path, tmp_path)[0] == expected[0]


@pytest.mark.parametrize("why", ["no home", "a file in the way", "no space"])
def test_without_a_place_there_is_one_note_and_no_cache(tmp_path, monkeypatch, said, why):
    """The rows are read as ever."""
    path = csv_file(tmp_path)
    if why == "no home":
        monkeypatch.setenv("XDG_CACHE_HOME", "")
        monkeypatch.delenv("HOME")
    elif why == "a file in the way":
        (tmp_path / "home").write_text("")
    else:

        def full(*args, **options):
            raise StorageError("cannot write: No space left on device (ENOSPC)")

        monkeypatch.setattr(cache, "write_store", full)
    same(load_table(path, say=said.append), read_table(path))
    assert len(said) == 1
    assert "is read without a cache: " in said[0]


def test_the_folder_is_where_the_desktop_says(monkeypatch):
    """XDG_CACHE_HOME when it is absolute, else .cache in the home folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    monkeypatch.setenv("HOME", "/h")
    assert str(cache_folder("t.csv", "auto")) == "/x/svmtrain"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert str(cache_folder("t.csv", "auto")) == "/h/.cache/svmtrain"
    monkeypatch.setenv("HOME", "")
    assert cache_folder("t.csv", "auto") is None
    assert cache_folder("t.csv", "off") is None


@FILES
def test_errors_of_the_data_are_those_without_a_cache(tmp_path, home, said, make):
    """The same sentence, and nothing is kept."""
    path = make(tmp_path)
    with open(path, "a") as file:
        file.write("what,is,this,line\n")
    with pytest.raises(DataError) as plain:
        read_table(path)
    with pytest.raises(DataError) as cached:
        load_table(path, say=said.append)
    assert str(cached.value) == str(plain.value)
    assert not said
    assert stores_in(home) == []


def test_a_file_that_changes_while_it_is_read_is_not_kept(tmp_path, home, monkeypatch, said):
    """The store would be of other content than its name says."""
    path, real = csv_file(tmp_path), cache.iter_tables

    def changing(*args):
        yield from real(*args)
        csv_file(tmp_path, rows=35)

    monkeypatch.setattr(cache, "iter_tables", changing)
    assert len(load_table(path, say=said.append).X) == 35
    assert "it changed while it was read" in said[0]
    assert stores_in(home) == []


@FILES
def test_two_that_fill_the_cache_at_once_both_get_their_rows(tmp_path, home, make):
    """One good store is there in the end."""
    path = make(tmp_path, rows=3000)
    tables, barrier = [], threading.Barrier(4)

    def load():
        barrier.wait()
        tables.append(load_table(path))

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tables) == 4
    for table in tables:
        same(table, read_table(path))
    (store,) = stores_in(home)
    verify(store)
    assert not list(home.glob("*tmp"))


def test_the_least_used_stores_go_when_the_cache_is_large(tmp_path, home):
    """Only names of its own pattern, and never the newest."""
    paths = [csv_file(tmp_path, name=f"{n}.csv", seed=n) for n in range(4)]
    found = []
    for number, path in enumerate(paths):
        load_table(path)
        (new,) = set(stores_in(home)) - set(found)
        found.append(new)
        os.utime(new, (number, number))
    (home / "mine").mkdir()
    (home / "mine.store").write_text("mine")
    load_table(paths[0])  # used now, so it stays
    size = sum(file.stat().st_size for file in found[0].iterdir())
    prune(home, found[3], 3 * size)
    assert stores_in(home) == sorted([found[0], found[2], found[3]])
    prune(home, found[3], 0)
    assert stores_in(home) == [found[3]]
    others = {path.name for path in home.iterdir() if not path.name.endswith(".json")}
    assert others == {found[3].name, "mine", "mine.store"}
    assert len(list(home.glob("*.verified.json"))) == 1


def test_a_cache_can_be_deleted_at_any_time(tmp_path, home):
    """It is filled again."""
    path = csv_file(tmp_path)
    opened = load_table(path)
    shutil.rmtree(home)
    same(opened, read_table(path))
    same(load_table(path), read_table(path))
    assert len(stores_in(home)) == 1


def test_a_model_has_the_same_bytes_with_and_without(tmp_path):
    """In all three modes, the first time and the second; a run resumes in another mode."""
    config = write_config(tmp_path)
    models = {
        start(config, f"{mode}{turn}", f"data.cache={mode}").model.read_bytes()
        for mode in ("off", "auto", "beside")
        for turn in (1, 2)
    }
    assert len(models) == 1
    assert (tmp_path / "train.csv.svmtrain-cache").is_dir()
    start(config, "off1", "data.cache=auto", "solver.epochs=5", resume=True)


def test_fit_says_that_it_keeps_a_store_unless_it_is_quiet(tmp_path):
    """On stderr, once."""
    said = []
    config = write_config(tmp_path)
    load_splits(load_config(config), said.append)
    assert len(said) == 1
    flags = {"output.name": "r", "output.dir": str(tmp_path / "runs")}
    fit(load_config(config, ["data.cache=beside"], flags), QUIET)
    assert is_store(stores_in(tmp_path / "train.csv.svmtrain-cache")[0])


def test_a_header_of_numbers_is_noticed_through_the_cache(tmp_path):
    """The second time as the first."""
    rows = [f"{i}.5,{i % 4},{'ab'[i % 2]}" for i in range(20)]
    (tmp_path / "t.csv").write_text("\n".join(["0,1,species", *rows]) + "\n")
    (tmp_path / "c.yaml").write_text("data: {train: t.csv, target: 2, validation: 0}\n")
    for _ in range(2):
        with pytest.raises(DataError, match=r"is that of no other: set data\.header"):
            load_splits(load_config(tmp_path / "c.yaml"))
