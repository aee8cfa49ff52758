"""The power may be lost after any call: no state of the disk that this allows loses a checkpoint.

The calls of a run are written down, and every state of the disk that they allow is looked at. A
write protocol that leaves something out, planted here, must be found out by the same look.
"""

import contextlib
import os
import shutil
from pathlib import Path

import pytest
from extent import TORTURE, spread
from small_runs import QUIET, results, settings_of, write_config
from system_calls import watched
from write_log import Recorder

from svmtrain import checkpoint as checkpoints
from svmtrain import files
from svmtrain.errors import ModelError, ResumeError
from svmtrain.operations.fit import fit
from svmtrain.runs import journal
from svmtrain.runs.directory import RunDirectory
from svmtrain.runs.journal import saved_metrics

SETTINGS = {
    "sgd": ("epochs: 3; momentum: 0.5", ("checkpoint.every=2 steps",)),
    "dual": ("epochs: 6; name: dual", ("checkpoint.keep=1",)),
}


class Saved:
    """Collects the states that a power loss may leave, with the checkpoint promised by then."""

    def __init__(self):
        self.promised, self.states, self.moments, self.last = -1, {}, 0, []

    def moment(self, disk):
        """Take in every state that the disk allows now."""
        self.moments += 1
        for state in disk.states():
            key = frozenset(state.items())
            if key not in self.states or self.states[key][1] < self.promised:
                self.states[key] = (state, self.promised)


def recorded(tmp_path, settings, monkeypatch):
    """Train and return the states; a checkpoint is promised when its save has returned."""
    saved = Saved()
    save = journal.RunJournal.save

    def promising(self, state, *, last=False, asked=False):
        save(self, state, last=last)
        saved.promised = state.solver.step

    with monkeypatch.context() as patch:
        patch.setattr(journal.RunJournal, "save", promising)
        recorder = Recorder(tmp_path / "runs", saved.moment)
        with watched(recorder):
            fit(settings, QUIET)
    saved.last = list(recorder.disk.states())
    return saved


def lay_out(state, runs):
    """Put a state on the disk, in the place of what is there."""
    shutil.rmtree(runs)
    runs.mkdir()
    for path, content in state.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(content)


def newest(run):
    """Return the step of the newest checkpoint that can be gone on with; -1 for none."""
    for path in run.checkpoint_files():
        with contextlib.suppress(ModelError, ResumeError):
            checkpoint = checkpoints.load(path)
            saved_metrics(run, checkpoint)
            return checkpoint.state.solver.step
    return -1


@pytest.fixture
def small(tmp_path):
    """Return a function from a name in SETTINGS to a config, its run, and what comes of it."""

    def make(name):
        solver, overrides = SETTINGS[name]
        config = write_config(tmp_path, solver)
        settings = settings_of(config, "run", *overrides)
        run = RunDirectory(tmp_path / "runs" / "run")
        fit(settings, QUIET)
        expected = results(run)
        shutil.rmtree(tmp_path / "runs")
        (tmp_path / "runs").mkdir()
        return settings, run, expected

    return make


@pytest.mark.parametrize("name", SETTINGS)
def test_no_power_loss_loses_a_finished_checkpoint(tmp_path, small, name, monkeypatch, figures):
    """In every state the newest promised checkpoint is there, and a resume ends in the same."""
    settings, run, expected = small(name)
    saved = recorded(tmp_path, settings, monkeypatch)
    assert results(run) == expected
    states = list(saved.states.values())
    assert saved.promised > 0
    assert {state.get(str(run.model)) for state in saved.last} == {expected[0]}
    for state, promised in states:
        lay_out(state, tmp_path / "runs")
        assert newest(run) >= promised
    for state, _ in spread(states, 10):
        lay_out(state, tmp_path / "runs")
        fit(settings, QUIET, resume=True)
        assert results(run) == expected
    figures(f"moments of a power loss, {name}", saved.moments)
    figures(f"states of the disk after one, {name}", len(states))
    assert len(states) > 50


def without_file_sync(patch):
    """Leave the content of files to chance."""
    sync = Recorder._fsync

    def folders_only(self, name, args):
        return 0 if args[0] in self.open else sync(self, name, args)

    patch.setattr(Recorder, "_fsync", folders_only)


def without_folder_sync(patch):
    """Leave the names to chance."""
    patch.setattr(files, "fsync_folder", lambda folder: None)


def deleting_first(patch):
    """Remove the old file, and then write the new one under its name."""
    write = files.write_atomic

    def replaced(path, content):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        for other in sorted(Path(path).parent.glob("step-*.npz")):
            os.unlink(other)
        write(path, content)

    patch.setattr(journal, "write_atomic", replaced)


def in_place(patch):
    """Write over the old file."""

    def written(path, content):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666)
        try:
            os.write(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    patch.setattr(journal, "write_atomic", written)


def metrics_after_the_checkpoint(patch):
    """Save a checkpoint that counts records which are not safe yet."""
    sync, write = journal.Metrics.sync, journal.write_atomic
    late = []

    def postponed(self):
        self._write_waiting()
        late[:] = [self]

    def written(path, content):
        write(path, content)
        sync(late[0])

    patch.setattr(journal.Metrics, "sync", postponed)
    patch.setattr(journal, "write_atomic", written)


MUTANTS = (
    without_file_sync,
    without_folder_sync,
    deleting_first,
    in_place,
    metrics_after_the_checkpoint,
)


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_protocol_that_leaves_something_out_is_found_out(
    tmp_path, small, mutant, monkeypatch, figures
):
    """Some state of the disk has no checkpoint as new as was promised, or none that is whole."""
    settings, run, _ = small("sgd")
    with monkeypatch.context() as patch:
        mutant(patch)
        saved = recorded(tmp_path, settings, patch)
    lost = 0
    for state, promised in saved.states.values():
        lay_out(state, tmp_path / "runs")
        lost += newest(run) < promised or not all(map(whole, run.checkpoint_files()))
        if lost and not TORTURE:
            break
    figures(f"states that betray {mutant.__name__}", lost)
    assert lost


def whole(path):
    """Return whether a checkpoint under its name can be loaded."""
    try:
        checkpoints.load(path)
    except ModelError:
        return False
    return True
