"""A run is made again: what is equal, what differs, and where first."""

import json
import os
import shutil
import signal

import numpy as np
import pytest
from small_paths import trained
from small_runs import QUIET, start, write_config, write_table

from svmtrain import interrupts
from svmtrain.cli import main
from svmtrain.errors import Interrupted, ModelError, ResumeError
from svmtrain.operations import identity
from svmtrain.operations import path as paths
from svmtrain.operations.fit import reload_config, resume_run
from svmtrain.operations.job import Session
from svmtrain.operations.verify import verify
from svmtrain.runs.directory import RunDirectory
from svmtrain.runs.trace import Trace, read_trace

SETTINGS = {
    "plain": "",
    "float32": "dtype: float32; momentum: 0.5; averaging: polyak",
    "dual": "name: dual",
    "auto": "lr: auto; schedule: cosine",
}


@pytest.fixture
def run(tmp_path):
    """Return a finished run of 4 epochs of 5 steps."""
    return start(write_config(tmp_path), "run")


def changed_record(run, epoch, **values):
    """Write other figures into a line of metrics.jsonl."""
    lines = run.metrics.read_text().splitlines()
    lines[epoch - 1] = json.dumps({**json.loads(lines[epoch - 1]), **values})
    run.metrics.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("solver", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("sparse", ["false", "true"])
def test_a_run_that_was_not_touched_is_equal(tmp_path, solver, sparse):
    """All records, the loss of every step, and the model."""
    run = start(write_config(tmp_path, solver), "run", f"data.sparse={sparse}")
    found = verify(run, QUIET)
    assert found.difference is None
    assert (found.same_epochs, found.model) == (4, True)
    assert found.same_steps == found.steps == len(read_trace(run.trace)) > 0


def test_a_run_that_stopped_by_a_rule_was_resumed_and_prolonged_is_equal(tmp_path):
    """As many epochs are made as there are, whatever ended them."""
    run = start(write_config(tmp_path), "run", "stop.target=0", "stop.metric=train_accuracy")
    assert verify(run, QUIET).epochs == 1
    resume_run(run, reload_config(run, ("stop.target=null", "solver.epochs=9")), QUIET)
    found = verify(run, QUIET)
    assert (found.difference, found.epochs, found.same_steps) == (None, 9, 45)


def test_a_stopped_run_is_compared_as_far_as_it_came(tmp_path, monkeypatch):
    """It has no model, and its steps and records are there."""
    config = write_config(tmp_path)
    asked = iter([None] * 13 + [signal.SIGTERM] * 9)
    with monkeypatch.context() as patch:
        patch.setattr(interrupts, "pending", lambda: next(asked))
        with pytest.raises(Interrupted):
            start(config, "run")
    run = RunDirectory(tmp_path / "runs" / "run")
    found = verify(run, QUIET)
    assert (found.difference, found.model) == (None, False)
    assert 0 < found.epochs < 4
    assert found.same_steps == found.epochs * 5


@pytest.mark.parametrize("step", [1, 2, 5, 6, 7, 20])
def test_the_first_step_that_differs_is_named(run, step):
    """The loss of a step shows the step before it; the first of an epoch shows itself."""
    losses = read_trace(run.trace)
    losses[step - 1] = np.nextafter(losses[step - 1], 9)
    losses[step:] += 1
    losses.astype("<f8").tofile(run.trace)
    named = step if step % 5 == 1 else step - 1
    found = verify(run, QUIET)
    assert found.difference.startswith(f"step {named} of epoch {-(-named // 5)} is the first that")
    assert (found.same_steps, found.same_epochs) == (step - 1, (step - 1) // 5)


def test_an_epoch_that_differs_is_named_with_both_figures(run):
    """By its last step; the time of an epoch is not compared."""
    changed_record(run, 2, seconds=99.0)
    assert verify(run, QUIET).equal
    changed_record(run, 3, train_accuracy=0.25)
    found = verify(run, QUIET)
    assert found.difference.startswith("step 15, the last of epoch 3, is the first that differs")
    assert "train_accuracy was 0.25 and is 0." in found.difference


def test_records_that_are_missing_are_told(run):
    """Though those that are left are equal."""
    run.metrics.write_text("".join(run.metrics.read_text().splitlines(keepends=True)[:3]))
    assert "metrics.jsonl has 3 records, and run.json has 4 epochs" in verify(run, QUIET).difference


def test_a_model_that_is_not_of_the_run_is_told(tmp_path, run):
    """Every epoch is the same, but the model is another."""
    other = start(write_config(tmp_path), "other", "output.model=last", "checkpoint.best=objective")
    content = other.model.read_bytes()
    other = start(write_config(tmp_path, "epochs: 2"), "short")
    assert other.model.read_bytes() != content
    run.model.write_bytes(content)
    assert "the model says other things: ['trained']" in verify(run, QUIET).difference


def test_steps_whose_loss_was_lost_are_left_out(run):
    """After a crash the trace may have gaps, and what is known is compared."""
    losses = read_trace(run.trace)
    losses[3:7] = np.nan
    losses[:15].astype("<f8").tofile(run.trace)
    found = verify(run, QUIET)
    assert (found.difference, found.same_steps, found.steps) == (None, 11, 20)


def test_another_environment_is_named_before_the_run_is_blamed(run, monkeypatch):
    """As a warning, and in what is returned."""
    here = identity.environment()
    monkeypatch.setattr(identity, "environment", lambda: {**here, "blas": "other 1.0"})
    said = []
    changed_record(run, 3, train_accuracy=0.25)
    found = verify(run, Session(say=said.append, quiet=True))
    assert len(said) == len(found.environment) == 1
    assert f"blas was '{here['blas']}' and is now 'other 1.0'" in said[0]
    assert not found.equal


def test_an_environment_of_an_earlier_session_counts(run, monkeypatch):
    """A run that was resumed elsewhere had two."""
    here = identity.environment()
    with monkeypatch.context() as patch:
        patch.setattr(identity, "environment", lambda: {**here, "numpy": "1.0"})
        resume_run(run, reload_config(run, ("solver.epochs=6",)), QUIET)
    assert [one["numpy"] for one in run.read_info()["environments"]] == ["1.0", here["numpy"]]
    assert len(verify(run, QUIET).environment) == 1


def test_a_run_resumed_elsewhere_is_refused_where_bits_count(run, monkeypatch):
    """With --require-exact; without, a warning says what may differ."""
    here = identity.environment()
    monkeypatch.setattr(identity, "environment", lambda: {**here, "threads": "64"})
    said = []
    with pytest.raises(ResumeError, match=r"would not be resumed exactly: .*threads was") as caught:
        resume_run(run, reload_config(run), Session(quiet=True, exact=True))
    assert caught.value.exit_code == 5
    resume_run(run, reload_config(run), Session(say=said.append, quiet=True))
    assert ["threads was" in text for text in said] == [True]


def test_other_data_and_other_settings_are_refused(tmp_path, run):
    """They are no difference of the run: it is another run."""
    run.config.write_text(run.config.read_text().replace("momentum: 0.0", "momentum: 0.5"))
    with pytest.raises(ResumeError, match=r"solver\.momentum was 0\.0 and is now 0\.5"):
        verify(run, QUIET)
    write_table(tmp_path / "train.csv", 80)
    with pytest.raises(ResumeError):
        verify(run, QUIET)


def test_nothing_is_written(tmp_path, run):
    """Not a byte, and no name, anywhere."""
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    verify(run, QUIET)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_without_model_and_checkpoints_there_is_nothing_to_verify(run):
    """Exit code 4."""
    run.model.unlink()
    for path in run.checkpoint_files():
        path.unlink()
    with pytest.raises(ModelError, match="neither a model nor an intact checkpoint"):
        verify(run, QUIET)


def test_a_trace_goes_on_where_its_session_does(tmp_path):
    """Later steps are cut off, steps that never came to disk are NaN."""
    path = tmp_path / "steps.f64"
    for step, losses in ((0, [1.0, 2.0, 3.0]), (2, [4.0]), (5, [5.0])):
        trace = Trace(path, step)
        for loss in losses:
            trace.add(loss)
        trace.close()
    assert np.array_equal(read_trace(path), [1, 2, 4, np.nan, np.nan, 5], equal_nan=True)


def test_a_full_disk_ends_no_run_for_the_sake_of_a_trace(tmp_path, monkeypatch):
    """What could not be written waits, and is written whole when it can be."""
    trace = Trace(tmp_path / "steps.f64")
    trace.add(1.0)

    def full(*args):
        raise OSError(28, "full")

    with monkeypatch.context() as patch:
        patch.setattr("os.pwrite", full)
        trace.flush()
    trace.add(2.0)
    trace.close()
    assert read_trace(tmp_path / "steps.f64").tolist() == [1.0, 2.0]


def test_a_trace_takes_no_memory_without_end(tmp_path, monkeypatch):
    """Where the disk stays full, later losses are left out; they are NaN when it takes them."""
    monkeypatch.setattr("svmtrain.runs.trace.WAITING_LIMIT", 2)
    monkeypatch.setattr("svmtrain.runs.trace.GIVEN_UP", 4)
    trace, tries = Trace(tmp_path / "steps.f64"), []

    def full(*args):
        tries.append(args)
        raise OSError(28, "full")

    with monkeypatch.context() as patch:
        patch.setattr("os.pwrite", full)
        for loss in range(6):
            trace.add(float(loss))
    assert len(tries) == 2
    trace.flush()
    trace.add(6.0)
    trace.close()
    known = [0, 1, 2, 3, np.nan, np.nan, 6]
    assert np.array_equal(read_trace(tmp_path / "steps.f64"), known, equal_nan=True)


@pytest.mark.parametrize("name", ["metrics.jsonl", "steps.f64"])
def test_a_pipe_in_the_place_of_what_a_run_left_is_not_waited_for(run, name):
    """A pipe that nobody writes to would be waited for without end, and no signal would help."""
    (run.path / name).unlink()
    os.mkfifo(run.path / name)
    found = verify(run, QUIET)
    assert found.same_steps == 0
    assert found.equal == (name == "steps.f64")


def test_a_path_without_a_run_has_nothing_to_verify(tmp_path, run, capsys):
    """Exit code 4, and no word of success."""
    folder = trained(tmp_path, "p")
    for member in folder.members():
        shutil.rmtree(folder.run(member).path)
    assert main(["verify", str(folder.path), "--json"]) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert "no run of this path was begun" in err


def test_a_path_whose_finished_runs_are_from_elsewhere_is_refused_where_bits_count(
    tmp_path, run, monkeypatch
):
    """The next run starts from what they left; without --require-exact there is a warning."""
    folder = trained(tmp_path, "p")
    last = folder.run(folder.members()[-1])
    shutil.rmtree(last.path)
    here = identity.environment()
    monkeypatch.setattr(paths, "environment", lambda: {**here, "threads": "64"})
    with pytest.raises(ResumeError, match=r"would not be gone on from exactly: .*threads was"):
        paths.resume_path(folder, paths.reload_path(folder), Session(quiet=True, exact=True))
    assert not last.path.exists()
    said = []
    paths.resume_path(folder, paths.reload_path(folder), Session(say=said.append, quiet=True))
    assert len([text for text in said if "threads was" in text]) == 2


def test_a_finished_run_without_its_model_is_not_equal(run):
    """And it is not called unfinished."""
    run.model.unlink()
    found = verify(run, QUIET)
    assert found.difference == "run.json says that the run is finished, but it has no model"
