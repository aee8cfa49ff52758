"""Train only what changed."""

import signal

import pytest
from small_runs import QUIET, start, write_config, write_table

from svmtrain import interrupts
from svmtrain.config import load_config
from svmtrain.errors import Interrupted
from svmtrain.operations import changed, run_info
from svmtrain.operations.changed import fit_if_changed
from svmtrain.operations.job import Session
from svmtrain.runs.directory import RunDirectory


@pytest.fixture
def folder(tmp_path):
    """Return a folder with a config and its data."""
    write_config(tmp_path)
    return tmp_path


def run_of(folder):
    """Return the run that the config of a folder makes."""
    return RunDirectory(folder / "runs" / "run")


def again(folder, *overrides, session=QUIET):
    """Train if something changed; None when nothing had."""
    flags = {"output.name": "run", "output.dir": str(folder / "runs")}
    return fit_if_changed(load_config(folder / "c.yaml", overrides, flags), session)


def untouched(folder):
    """Return what no second training could leave as it is."""
    run = run_of(folder)
    return [(path.read_bytes(), path.stat().st_mtime_ns) for path in (run.info, run.model)]


def test_a_finished_run_is_left_alone(folder):
    """Not a byte of it is written."""
    assert again(folder) is not None
    before = untouched(folder)
    assert again(folder) is None
    assert untouched(folder) == before


def test_a_comment_in_the_config_is_no_change(folder):
    """What counts is what it says."""
    again(folder)
    config = folder / "c.yaml"
    config.write_text("# a thought\n" + config.read_text())
    assert again(folder) is None


@pytest.mark.parametrize(
    "change", ["solver.epochs=5", "objective.lambda=0.5", "output.model=last", "checkpoint.keep=1"]
)
def test_another_config_is_trained_again(folder, change):
    """From the start, under the new config."""
    again(folder)
    result = again(folder, change)
    assert result is not None
    assert again(folder, change) is None
    assert again(folder) is not None


def test_changed_data_are_trained_again(folder):
    """By content, not by time."""
    again(folder)
    table = folder / "train.csv"
    table.write_text(table.read_text())
    assert again(folder) is None
    write_table(table, 90)
    assert again(folder) is not None
    assert run_of(folder).read_info()["shape"]["train"] > 39


def test_changed_code_trains_again(folder, monkeypatch):
    """Every file of the package counts."""
    again(folder)
    for module in (changed, run_info):
        monkeypatch.setattr(module, "source_digest", lambda: "f" * 64)
    assert again(folder) is not None
    assert again(folder) is None


def test_an_interrupted_run_goes_on(folder, monkeypatch):
    """From its checkpoint, to the model of an undisturbed run."""
    whole = start(folder / "c.yaml", "whole")
    answers = iter([None] * 8 + [signal.SIGTERM] * 100)
    with monkeypatch.context() as patch:
        patch.setattr(interrupts, "pending", lambda: next(answers))
        with pytest.raises(Interrupted):
            again(folder)
    said = []
    assert again(folder, session=Session(say=said.append)) is not None
    assert "stands at step" in said[0]
    assert run_of(folder).model.read_bytes() == whole.model.read_bytes()


def test_an_interrupted_run_that_cannot_be_resumed_begins_again(folder, monkeypatch):
    """It says so, and why."""
    again(folder)
    run = run_of(folder)
    run.write_info({**run.read_info(), "status": "interrupted"})
    for path in run.checkpoint_files():
        path.write_bytes(b"")
    said = []
    assert again(folder, session=Session(say=said.append, quiet=True)) is not None
    assert "beginning again" in said[0]
    assert run.read_info()["status"] == "finished"


@pytest.mark.parametrize("name", ["run.json", "config.yaml", "model.npz"])
def test_a_run_with_a_lost_file_is_trained_again(folder, name):
    """A finished run has all of them."""
    again(folder)
    (run_of(folder).path / name).unlink()
    assert again(folder) is not None
    assert again(folder) is None
