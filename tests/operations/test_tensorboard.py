"""Records for TensorBoard, read back with its own reader."""

import numpy as np
import pytest
from small_runs import QUIET, records_of, settings_of, write_config

from svmtrain.errors import ConfigError
from svmtrain.operations import tensorboard
from svmtrain.operations.fit import fit, reload_config, resume_run
from svmtrain.operations.job import Session
from svmtrain.runs.directory import RunDirectory


def scalars(folder):
    """Return what TensorBoard reads: by tag, the steps and the values."""
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = reader.EventAccumulator(str(folder))
    found.Reload()
    return {
        tag: [(event.step, event.value) for event in found.Scalars(tag)]
        for tag in found.Tags()["scalars"]
    }


def session(folder, say=lambda text: None):
    """Return a session that writes for TensorBoard."""
    return Session(say=say, quiet=True, tensorboard=str(folder))


def test_tensorboard_reads_the_records_of_every_session(tmp_path):
    """As float32, each epoch once, also those of sessions before; what is None is left out."""
    config = write_config(tmp_path, data="validation: 0")
    fit(settings_of(config, "r", "solver.epochs=2"), QUIET)
    run = RunDirectory(tmp_path / "runs" / "r")
    for epochs in (3, 5):
        more = reload_config(run, [f"solver.epochs={epochs}"])
        resume_run(run, more, session(tmp_path / "tb"))
    read, records = scalars(tmp_path / "tb" / "r"), records_of(run)
    assert set(read) == {
        tag
        for tag, field in tensorboard.TAGS.items()
        if field == "seconds" or records[-1][field] is not None
    }
    assert "loss/validation" not in read
    for tag, points in read.items():
        field = tensorboard.TAGS[tag]
        known = [r for r in records if field == "seconds" or r[field] is not None]
        assert [step for step, _ in points] == [r["epoch"] for r in known]
        if field != "seconds":
            assert [value for _, value in points] == [np.float32(r[field]) for r in known]


def test_writing_for_tensorboard_changes_nothing_else(tmp_path):
    """The model has the same bytes."""
    config = write_config(tmp_path)
    fit(settings_of(config, "a"), QUIET)
    fit(settings_of(config, "b"), session(tmp_path / "tb"))
    models = [(tmp_path / "runs" / name / "model.npz").read_bytes() for name in "ab"]
    assert models[0] == models[1]


def test_a_folder_that_cannot_be_written_warns_once_and_training_goes_on(tmp_path):
    """A file stands where the folder should be."""
    (tmp_path / "tb").write_text("mine")
    said = []
    result = fit(settings_of(write_config(tmp_path), "r"), session(tmp_path / "tb", said.append))
    assert result.outcome.finished
    assert [text for text in said if "TensorBoard" in text] == said
    assert len(said) == 1
    assert (tmp_path / "tb").read_text() == "mine"


def test_without_the_library_the_extra_is_named(monkeypatch):
    """Before anything is written."""
    monkeypatch.setitem(__import__("sys").modules, "tensorboardX", None)
    with pytest.raises(ConfigError, match=r"svmtrain\[tensorboard\]"):
        tensorboard.require_library()
