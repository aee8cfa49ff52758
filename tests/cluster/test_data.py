"""What shards are made of: stores, part files and addresses, cut so that each row is in one."""

import itertools
import json
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shards import alone, in_shards
from small_runs import CLASSES, rows_of, write_config, write_table

from svmtrain.cluster.engine import InProcess
from svmtrain.cluster.parts import Cuts, dealt, even
from svmtrain.cluster.plan import Planned, Worker, in_lines, refuse_too_large
from svmtrain.cluster.reading import local_path
from svmtrain.config import load_config
from svmtrain.data.elsewhere import Elsewhere
from svmtrain.errors import ConfigError, DataError
from svmtrain.operations.data.convert import convert

CODES = {kind: number for number, kind in enumerate(CLASSES)}


def write_parts(folder, form, sizes=(25, 1, 30, 4)):
    """Write the small table as part files of a format; return the pattern that finds them."""
    start, rows = 0, rows_of(sum(sizes))
    for number, size in enumerate(sizes):
        part, start = rows[start : start + size], start + size
        name = folder / f"part-{number:02d}"
        X = np.array([row[:3] for row in part], dtype=np.float64)
        y = np.array([CODES[row[3]] for row in part], dtype=np.int64)
        if form == "npz":
            np.savez(name.with_suffix(".npz"), X=X, y=y)
        elif form == "npy":
            np.save(name.with_suffix(".npy"), X)
            np.save(folder / f"part-{number:02d}_labels.npy", y)
        elif form == "svm":
            lines = [
                f"{label} " + " ".join(f"{j + 1}:{v!r}" for j, v in enumerate(row.tolist()) if v)
                for row, label in zip(X, y, strict=True)
            ]
            name.with_suffix(".svm").write_text("\n".join(lines) + "\n")
        elif form == "parquet":
            arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
            columns = {"a": X[:, 0], "b": X[:, 1], "c": X[:, 2], "label": y}
            parquet.write_table(arrow.table(columns), name.with_suffix(".parquet"))
    return str(folder / f"part-??.{form}")


def config_of(folder, train, *, labels=None, data="validation: 0.2, test: 0.2"):
    """Write a config for some data; return its path."""
    path = folder / "c.yaml"
    apart = "" if labels is None else f", labels: {json.dumps(labels)}"
    path.write_text(
        f"data: {{train: {json.dumps(train)}, {data}{apart}}}\n"
        "solver: {epochs: 3, batch_size: 8, lr: 0.05}\n"
    )
    return path


@pytest.mark.parametrize("form", ["npz", "npy", "svm", "parquet"])
def test_part_files_are_trained_on_as_on_one_machine(tmp_path, form):
    """Their rows in order, shards cut anywhere in them."""
    pattern = write_parts(tmp_path, form)
    labels = str(tmp_path / "part-??_labels.npy") if form == "npy" else None
    config = config_of(tmp_path, pattern, labels=labels)
    one, other = alone(config), in_shards(config, 3)
    assert other.splits.files == one.splits.files
    assert np.array_equal(other.splits.train.y, one.splits.train.y)
    for mine, theirs in zip(one.records, other.records, strict=True):
        assert abs(mine.objective - theirs.objective) < 1e-10
        assert mine.validation_accuracy == theirs.validation_accuracy


@pytest.mark.parametrize("sparse", [False, True])
def test_a_store_is_trained_on_as_on_one_machine(tmp_path, sparse):
    """Dense or sparse, mapped by each shard."""
    source = write_parts(tmp_path, "svm") if sparse else str(write_table(tmp_path / "train.csv"))
    convert(source, str(tmp_path / "t.store"), target=None if sparse else "kind")
    config = config_of(tmp_path, str(tmp_path / "t.store"))
    one, other = alone(config), in_shards(config, 4)
    assert other.splits.target == one.splits.target
    assert [record.epoch for record in other.records] == [1, 2, 3]
    for mine, theirs in zip(one.records, other.records, strict=True):
        assert abs(mine.objective - theirs.objective) < 1e-10


def test_files_of_their_own_are_validated_and_tested_on(tmp_path):
    """They are cut into as many shards as the training files."""
    write_table(tmp_path / "held.csv", count=31)
    config = write_config(tmp_path, data="validation: held.csv, test: held.csv")
    one, other = alone(config), in_shards(config, 3)
    assert len(other.splits.validation) == 31
    assert one.records[-1].validation_loss == pytest.approx(
        other.records[-1].validation_loss, abs=1e-12
    )


def test_folds_and_shares_are_those_of_one_machine(tmp_path):
    """Rows that no part of the run has are in no sum."""
    config = write_config(tmp_path, data="validation: 0.2")
    words = ("data.fold=2/3", "data.train_share=0.6")
    one, other = alone(config, *words), in_shards(config, 3, *words)
    assert np.array_equal(one.splits.train.places, other.splits.train.places)
    assert abs(one.records[-1].objective - other.records[-1].objective) < 1e-10


def test_an_address_is_read_by_the_worker(tmp_path):
    """A file system of fsspec that is none of this machine's: here, files in an archive."""
    pytest.importorskip("fsspec")
    write_parts(tmp_path, "npz")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for path in sorted(tmp_path.glob("part-*.npz")):
            archive.write(path, path.name)
    names = [f"zip://part-{k:02d}.npz::file://{tmp_path}/all.zip" for k in range(4)]
    there = in_shards(config_of(tmp_path, names), 3, scratch=tmp_path / "scratch")
    here = alone(config_of(tmp_path, str(tmp_path / "part-??.npz")))
    assert abs(there.records[-1].objective - here.records[-1].objective) < 1e-10
    with pytest.raises(DataError, match="cannot be read"):
        local_path(f"zip://gone.npz::file://{tmp_path}/all.zip", str(tmp_path))
    with pytest.raises(DataError, match="cannot be read"):
        local_path("nothing-like-this://x/y.npz", str(tmp_path))
    assert local_path(f"file://{tmp_path}/part-00.npz", "") == f"{tmp_path}/part-00.npz"


@settings(derandomize=True, database=None, deadline=None, max_examples=60)
@given(st.data())
def test_every_row_is_in_one_shard(data):
    """Training rows evenly to within one, and others where their files are cut."""
    total = data.draw(st.integers(3, 60))
    kept = data.draw(st.sets(st.integers(0, total - 1), min_size=2))
    shards = data.draw(st.integers(1, len(kept)))
    every = Elsewhere.of(
        *("train", np.zeros(total, np.int64), (0, 1), 2),
        dtype="<f8",
        sparse=False,
        feature_names=None,
    )
    train = every.rows(np.array(sorted(kept), np.intp))
    other = every.rows(np.array(sorted(set(range(total)) - kept), np.intp))
    cuts = Cuts.of(train, {"train": total}, shards)
    for rows in (train, other, every):
        found, ends = [], list(itertools.pairwise(cuts.at["train"]))
        for pick, (begin, end) in zip(cuts.picks(rows), ends, strict=True):
            at = np.arange(end - begin) if pick.at is None else pick.at
            found += (begin + at).tolist()
        places = rows.places
        assert found == places.tolist()
        assert cuts.counts(rows) == [int(((places >= a) & (places < b)).sum()) for a, b in ends]
    counts = cuts.counts(train)
    assert max(counts) - min(counts) <= 1
    order = np.array(data.draw(st.permutations(range(len(kept)))), np.intp)
    bounds = even(len(kept), shards)
    parts = dealt(order, bounds)
    where = [np.searchsorted(bounds, row, side="right") - 1 for row in order]
    assert [part.tolist() for part in parts] == [
        [int(row - bounds[k]) for row, at in zip(order, where, strict=True) if at == k]
        for k in range(shards)
    ]


def test_rows_elsewhere_are_not_to_be_had_here():
    """Whoever looks at a cell is told, and gets no zeros."""
    rows = Elsewhere.of(
        *("train", np.zeros(3, np.int64), (0, 1), 2), dtype="<f8", sparse=True, feature_names=None
    )
    assert (len(rows), rows.n_features, rows.sparse) == (3, 2, True)
    some = rows.rows(np.array([0, 2]))
    for look in (
        lambda: some.X,
        lambda: some.take(np.array([0])),
        lambda: some.part(0, 1),
        lambda: list(some.blocks()),
    ):
        with pytest.raises(RuntimeError, match="on the workers"):
            look()


def planned(sizes, limit):
    """Return a plan of shards of some sizes on two workers."""
    workers = [Worker("tcp://a", limit), Worker("tcp://b", limit)]
    return [
        Planned(k, 10, 10 * k, 10 * k + 10, size, workers[k * 2 // len(sizes)])
        for k, size in enumerate(sizes)
    ]


def test_a_plan_that_does_not_fit_is_refused_in_one_sentence():
    """It names the worker, what it would hold and what it may."""
    fits = planned([1 << 30, 1 << 30, 1 << 30, 1 << 30], 4 << 30)
    refuse_too_large(fits)
    refuse_too_large(planned([1 << 40] * 2, None))
    with pytest.raises(ConfigError) as error:
        refuse_too_large(planned([1 << 30, 1 << 30, 3 << 30, 1 << 30], 4 << 30))
    assert str(error.value) == (
        "the rows do not fit: worker tcp://b would take 4.1 GiB for 2 of the 4 shards, and 90% of "
        "its memory limit is 3.6 GiB (take more workers, or convert the data to a store, which is "
        "mapped)"
    )


def test_a_plan_tells_which_rows_are_where():
    """A line a shard, but not thousands."""
    lines = in_lines(planned([1 << 30] * 20, 4 << 30), "sync")
    assert lines[0] == ("plan: mode sync, 20 shards on 2 workers, about 20.0 GiB of memory in all")
    assert lines[1] == (
        "plan: shard 0 is rows 1 to 10, 10 of them to train on, about 1.0 GiB of 4.0 GiB, on "
        "tcp://a"
    )
    assert len(lines) == 18
    assert lines[-1] == "plan: and 4 more shards of the same size"


def test_rows_that_cannot_fit_are_refused_before_they_are_read(tmp_path):
    """By the memory limit of the worker that would hold them."""
    config = write_config(tmp_path)
    engine = in_shards(config, 2).engine
    engine.homes = lambda shards: [Worker("tcp://small", 1000)] * shards
    engine.load = lambda recipes: pytest.fail("the shards were loaded")
    with pytest.raises(ConfigError, match="the rows do not fit: worker tcp://small would take"):
        in_shards(config, 2, engine=engine)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["data.text=onehot"], "data.text other than error"),
        (["data.missing=mean"], "data.missing other than error"),
        (["stop.must_reach=0.5"], "stop.must_reach"),
        (["cluster.mode=dual"], "cluster.mode dual needs solver.name dual, got sgd"),
        (["cluster.mode=local", "solver.name=dual"], "cluster.mode local needs solver.name sgd"),
    ],
)
def test_what_a_cluster_cannot_do_is_refused(tmp_path, words, problem):
    """In one sentence, before a file is read."""
    config = write_config(tmp_path)
    (tmp_path / "train.csv").unlink()
    with pytest.raises(ConfigError, match=problem):
        in_shards(config, 2, *words)


def test_more_shards_than_rows_are_refused(tmp_path):
    """A shard without a row would have nothing to say."""
    config = write_config(tmp_path)
    rows = len(alone(config).splits.train)
    in_shards(config, rows)
    with pytest.raises(ConfigError, match=f"cluster.shards is {rows + 1}, and there are {rows}"):
        in_shards(config, rows + 1)


def test_bad_parts_are_refused_as_on_one_machine(tmp_path):
    """A file without labels, of other columns, or that is not there."""
    write_parts(tmp_path, "npz", (10, 10))
    np.savez(tmp_path / "part-02.npz", X=np.ones((2, 4)), y=np.zeros(2, np.int64))
    with pytest.raises(DataError, match=r"part-02\.npz"):
        in_shards(config_of(tmp_path, str(tmp_path / "part-*.npz")), 2)
    with pytest.raises(DataError, match="no file matches"):
        in_shards(config_of(tmp_path, str(tmp_path / "other-*.npz")), 2)
    gone = config_of(tmp_path, [str(tmp_path / "part-00.npz"), str(tmp_path / "gone.npz")])
    with pytest.raises(DataError, match=r"gone\.npz"):
        in_shards(gone, 2)


def test_a_file_that_became_shorter_is_refused(tmp_path):
    """A shard that is made anew must have the rows that it had."""
    config = write_config(tmp_path)
    found = in_shards(config, 2)
    write_table(tmp_path / "train.csv", count=20)
    shard = found.engine.shards[1]
    shard._read.clear()
    with pytest.raises(DataError, match="rows now; it had"):
        shard.rows("train", None)


def test_without_a_cluster_nothing_of_one_is_in_a_config(tmp_path):
    """And with one, its number of shards is."""
    from svmtrain.config import to_yaml

    config = write_config(tmp_path)
    assert "\ncluster:" not in to_yaml(load_config(config))
    assert "shards: 3" in to_yaml(load_config(config, ["cluster.shards=3"]))


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["cluster.mode=sync"], "5 rounds an epoch, each with an array of 3 x 3 to every shard"),
        (["cluster.mode=local"], "1 round an epoch, each with 2 arrays of 3 x 3 to every shard"),
        (
            ["cluster.mode=local", "solver.averaging=none", "solver.momentum=0.5"],
            "1 round an epoch, each with 2 arrays of 3 x 3 to every shard and back, 1 KiB each way",
        ),
        (
            ["solver.name=dual", "solver.batch_size=auto"],
            "1 round an epoch, each with an array of 3 x 3 to every shard and back, 1 KiB each way",
        ),
    ],
)
def test_a_plan_tells_what_is_exchanged(tmp_path, words, line):
    """Rounds an epoch, arrays a round, their bytes, and what is held here."""
    told = []
    in_shards(write_config(tmp_path), 2, *words, say=told.append)
    assert told[-1].startswith(f"plan: {line}")
    assert told[-1].endswith("KiB of memory here")


def test_a_file_that_is_larger_than_a_worker_is_refused_before_it_is_read(tmp_path):
    """Whoever reads it would be stopped for its memory, again and again."""
    write_parts(tmp_path, "npz", (60,))
    engine = InProcess()
    engine.least_memory = lambda: 1000
    with pytest.raises(ConfigError, match=r"part-00\.npz: has 3 KiB, and a worker .* 1 KiB"):
        in_shards(config_of(tmp_path, str(tmp_path / "part-00.npz")), 2, engine=engine)
