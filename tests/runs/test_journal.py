"""What a run leaves behind while it trains, also when the disk refuses."""

import errno
import json
import os
from pathlib import Path

import pytest
from small_runs import start, write_config

from svmtrain import checkpoint as checkpoints
from svmtrain.config import load_config
from svmtrain.errors import StorageError
from svmtrain.files import sha256_file
from svmtrain.operations.fit import fit, reload_config, resume_run
from svmtrain.operations.job import Session
from svmtrain.runs import journal
from svmtrain.runs.directory import RunDirectory
from svmtrain.runs.journal import Metrics
from svmtrain.training.history import EpochRecord


@pytest.fixture
def config(tmp_path):
    """Return a config of 8 epochs of 5 steps."""
    return write_config(tmp_path, "epochs: 8")


def record(epoch):
    """Return the record of an epoch."""
    return EpochRecord(epoch, epoch * 5, 0.1, 0.1, 1.0, 1.0, 0.1, 1.1, 0.5, None, None, 1.0, 2.0)


def lines_of(path):
    """Return the epochs of the lines of a file; every line must be whole."""
    content = Path(path).read_bytes()
    assert content == b"" or content.endswith(b"\n")
    return [json.loads(line)["epoch"] for line in content.splitlines()]


class Failing:
    """Stands for a function that fails with ENOSPC at some of its calls."""

    def __init__(self, function, when):
        self.function, self.when, self.calls = function, when, 0

    def __call__(self, *args, **kwargs):
        self.calls += 1
        if self.when(self.calls):
            raise OSError(errno.ENOSPC, "full")
        return self.function(*args, **kwargs)


def run_with(config, name="run", *overrides):
    """Fit under a name; return the run directory and what was said."""
    said = []
    out = config.parent / "runs"
    settings = load_config(config, overrides, {"output.name": name, "output.dir": str(out)})
    try:
        fit(settings, Session(say=said.append, quiet=True))
    except StorageError as error:
        return RunDirectory(out / name), said, error
    return RunDirectory(out / name), said, None


def test_rotation_keeps_the_last_and_the_best(config):
    """With a metric that is best early, that checkpoint stays besides the last k."""
    overrides = ("checkpoint.keep=2", "checkpoint.best=validation_accuracy")
    run = start(config, "run", *overrides)
    records = [json.loads(line) for line in run.metrics.read_text().splitlines()]
    best = max(records, key=lambda one: (one["validation_accuracy"], -one["epoch"]))
    want = {checkpoints.file_name(step) for step in (best["step"], 35, 40)}
    assert {path.name for path in run.checkpoint_files()} == want


def test_files_of_others_in_checkpoints_are_never_deleted(config):
    """Names that are not of our pattern, rotation and --force leave alone."""
    run = start(config, "run", "checkpoint.keep=1")
    names = ("step-5.npz", "step-00000005.npz.bak", "step-0000000x.npz", "notes.txt")
    for name in names:
        (run.checkpoints / name).write_text("mine")
    start(config, "run", "checkpoint.keep=1", force=True)
    assert all((run.checkpoints / name).read_text() == "mine" for name in names)


def test_leftover_temporary_files_are_swept(config):
    """Those that a killed process left, in the run and its checkpoints."""
    run = start(config, "run")
    left = [
        run.path / ".model.npz.01234567.svmtrain-tmp",
        run.checkpoints / ".a.89abcdef.svmtrain-tmp",
    ]
    for path in left:
        path.write_bytes(b"half")
    resume_run(run, reload_config(run), Session(say=lambda text: None, quiet=True))
    assert not any(path.exists() for path in left)


def test_a_failed_periodic_save_warns_and_training_goes_on(config, monkeypatch):
    """The result is that of a run without trouble."""
    whole = start(config, "whole")
    failing = Failing(journal.write_atomic, lambda call: call in (2, 3, 5))
    monkeypatch.setattr(journal, "write_atomic", failing)
    run, said, error = run_with(config)
    assert error is None
    assert len(said) == 3
    assert all("not saved, training goes on" in text and "ENOSPC" in text for text in said)
    assert run.model.read_bytes() == whole.model.read_bytes()
    assert lines_of(run.metrics) == list(range(1, 9))


def test_three_failed_saves_in_a_row_end_the_run(config, monkeypatch):
    """What was saved before is untouched, and a resume goes on from it."""
    whole = start(config, "whole")
    with monkeypatch.context() as patch:
        patch.setattr(journal, "write_atomic", Failing(journal.write_atomic, lambda n: n > 2))
        run, said, error = run_with(config)
    assert (error.exit_code, len(said)) == (7, 2)
    assert run.read_info()["status"] == "failed"
    assert [path.name for path in run.checkpoint_files()] == [
        checkpoints.file_name(step) for step in (10, 5)
    ]
    for path in run.checkpoint_files():
        checkpoints.load(path)
    resume_run(run, reload_config(run), Session(say=said.append, quiet=True))
    assert run.model.read_bytes() == whole.model.read_bytes()
    assert lines_of(run.metrics) == list(range(1, 9))


def test_a_failed_last_save_ends_the_run(config, monkeypatch):
    """A run is not called finished when its end is not on disk."""
    monkeypatch.setattr(journal, "write_atomic", Failing(journal.write_atomic, lambda n: n >= 8))
    run, _, error = run_with(config)
    assert error is not None
    assert run.read_info()["status"] == "failed"
    assert not run.model.exists()


def test_the_best_on_disk_stays_when_a_better_one_could_not_be_saved(config, monkeypatch):
    """A name that was never written does not push the best that was."""
    failing = Failing(journal.write_atomic, lambda call: call == 4)
    monkeypatch.setattr(journal, "write_atomic", failing)
    words = ("checkpoint.keep=1", "checkpoint.best=train_loss", "stop.max_seconds=1000")
    run, _, _ = run_with(config, "run", *words)
    best = checkpoints.load(run.checkpoint_files()[0]).best_file
    assert best in {path.name for path in run.checkpoint_files()}


@pytest.mark.parametrize("failed", ["os.write", "os.fsync"])
@pytest.mark.parametrize("at", range(1, 13, 3))
def test_metrics_are_whole_after_any_refused_call(config, monkeypatch, failed, at):
    """Each epoch once, and the model as ever, wherever two calls in a row are refused."""
    whole = start(config, "whole")
    function = getattr(os, failed.removeprefix("os."))
    # The first calls write config.yaml and run.json; those that fail belong to the training.
    failing = Failing(function, lambda call: call - 8 in (at, at + 1))
    with monkeypatch.context() as patch:
        patch.setattr(failed, failing)
        run, _, error = run_with(config)
    if error is not None:
        resume_run(run, reload_config(run), Session(say=lambda text: None, quiet=True))
    assert lines_of(run.metrics) == list(range(1, 9))
    assert run.model.read_bytes() == whole.model.read_bytes()


def test_a_line_that_went_to_disk_in_part_is_cut_off(tmp_path, monkeypatch):
    """And written whole, once, later; even when it could not be cut at the time."""
    metrics = Metrics(tmp_path / "m.jsonl")
    metrics.append(record(1))
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", Half(write))
        patch.setattr(os, "ftruncate", Failing(os.ftruncate, lambda call: True))
        metrics.append(record(2))
    metrics.append(record(3))
    metrics.sync()
    metrics.close()
    assert lines_of(tmp_path / "m.jsonl") == [1, 2, 3]
    assert metrics.length == (tmp_path / "m.jsonl").stat().st_size


class Half:
    """Writes half of what it is given, and then fails."""

    def __init__(self, write):
        self.write, self.calls = write, 0

    def __call__(self, descriptor, content):
        self.calls += 1
        if self.calls > 1:
            raise OSError(errno.ENOSPC, "full")
        return self.write(descriptor, content[: len(content) // 2])


def test_after_a_failed_fsync_another_descriptor_writes_the_lines_again(tmp_path, monkeypatch):
    """The system may have dropped what it could not write, and would not say so twice."""
    path = tmp_path / "m.jsonl"
    metrics = Metrics(path)
    metrics.append(record(1))
    metrics.sync()
    metrics.append(record(2))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", Failing(os.fsync, lambda call: True))
        with pytest.raises(OSError, match="full"):
            metrics.sync()
    os.truncate(path, path.read_bytes().index(b"\n") + 1)
    metrics.sync()
    metrics.close()
    assert lines_of(path) == [1, 2]
    assert metrics.sha256 == sha256_file(path)


def test_metrics_are_durable_before_the_checkpoint_that_counts_them(config, monkeypatch):
    """Or a power loss would leave a checkpoint that knows more records than there are."""
    order = []
    sync, write = journal.Metrics.sync, journal.write_atomic

    def synced(self):
        order.append("sync")
        sync(self)

    def written(path, content):
        order.append("write")
        write(path, content)

    monkeypatch.setattr(journal.Metrics, "sync", synced)
    monkeypatch.setattr(journal, "write_atomic", written)
    start(config, "run")
    assert order == ["sync", "write"] * (len(order) // 2)
    assert order
