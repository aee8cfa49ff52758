"""Checkpoints: all that a resume needs comes back, and what contradicts itself is refused."""

import copy
import os
import re

import numpy as np
import pytest
from small_runs import QUIET, start, write_config

from svmtrain import checkpoint as checkpoints
from svmtrain import container
from svmtrain.build import load_splits
from svmtrain.errors import ModelError, ResumeError
from svmtrain.files import sha256_bytes
from svmtrain.model import load_model
from svmtrain.operations import run_info
from svmtrain.operations.fit import reload_config, resume_run


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a finished run, with momentum and averaging, of 2 epochs of 5 steps."""
    monkeypatch.setenv("SVMTRAIN_SECRET", "environment-of-someone")
    monkeypatch.setattr(run_info, "host", lambda: "host-of-someone")
    config = write_config(tmp_path, "epochs: 2; momentum: 0.5; averaging: polyak")
    return start(config, "run", "checkpoint.every=1 steps", "checkpoint.keep=20")


def resume(run):
    """Resume a run in silence."""
    return resume_run(run, reload_config(run), QUIET)


def forge(run, change):
    """Change header and arrays of the newest checkpoint, sign it again and make it the only one."""
    newest, *others = run.checkpoint_files()
    header, arrays = container.read(newest)
    header, arrays = copy.deepcopy(header), dict(arrays)
    change(header, arrays)
    for path in others:
        path.unlink()
    newest.write_bytes(container.pack(header, arrays))
    return newest


def test_the_state_survives_a_round_trip(run):
    """Loaded and packed again, every checkpoint has the same bytes."""
    assert len(run.checkpoint_files()) == 10
    for path in run.checkpoint_files():
        loaded, model = checkpoints.load(path), load_model(path)
        assert checkpoints.to_bytes(loaded, model) == path.read_bytes()
        assert checkpoints.file_name(loaded.state.solver.step) == path.name


@pytest.mark.parametrize("name", ["W", "b", "velocity_W", "velocity_b", "mean_W", "mean_b"])
def test_a_state_that_is_not_finite_is_never_saved(run, name):
    """Neither NaN nor infinity, in any array."""
    path = run.checkpoint_files()[0]
    loaded, model = checkpoints.load(path), load_model(path)
    setattr(loaded.state.solver, name, np.full((3, 3) if name.endswith("W") else 3, np.nan))
    with pytest.raises(ValueError, match="not finite"):
        checkpoints.to_bytes(loaded, model)


def test_a_checkpoint_under_the_name_of_another_step_is_refused(run):
    """Name and header must say the same."""
    path = run.checkpoint_files()[0]
    other = path.with_name(checkpoints.file_name(99))
    path.rename(other)
    with pytest.raises(ModelError, match="holds step 10, not the one it is named for"):
        checkpoints.load(other)


@pytest.mark.parametrize("kind", ["symlink", "fifo", "folder"])
def test_what_is_no_regular_file_is_set_aside(run, tmp_path, kind):
    """A link, a pipe or a folder in checkpoints/ is never followed, opened or waited for."""
    whole = run.model.read_bytes()
    odd = run.checkpoints / checkpoints.file_name(99)
    if kind == "symlink":
        (tmp_path / "elsewhere.npz").write_bytes(run.checkpoint_files()[0].read_bytes())
        odd.symlink_to(tmp_path / "elsewhere.npz")
    elif kind == "fifo":
        os.mkfifo(odd)
    else:
        odd.mkdir()
    with pytest.raises(ModelError, match="not a regular file"):
        checkpoints.load(odd)
    resume(run)
    assert not os.path.lexists(odd)
    assert os.path.lexists(run.quarantine / odd.name)
    assert run.model.read_bytes() == whole


@pytest.mark.parametrize("name", checkpoints.state_arrays("sgd"))
@pytest.mark.parametrize("how", ["shape", "dtype", "nan", "missing"])
def test_arrays_that_do_not_agree_are_refused(run, name, how):
    """Signed again, so that only the checks after the digest can tell."""

    def change(header, arrays):
        if how == "missing":
            del arrays[name]
        elif how == "shape":
            arrays[name] = np.zeros((4, 3) if name.endswith("W") else 5)
        elif how == "dtype":
            arrays[name] = arrays[name].astype(np.float32)
        else:
            arrays[name] = np.full_like(arrays[name], np.nan)

    with pytest.raises(ModelError):
        checkpoints.load(forge(run, change))


def test_weights_without_columns_are_refused(run):
    """Shapes that other shapes are derived from may be any."""

    def change(header, arrays):
        arrays["W"], arrays["best_b"] = arrays["W"][:, 0], arrays["best_b"][:1]

    with pytest.raises(ModelError, match="has shape"):
        checkpoints.load(forge(run, change))


def test_an_array_too_many_is_named_briefly(run):
    """A long name from the file is cut, and the arrays that belong there are not listed."""

    def change(header, arrays):
        arrays["x" * 5000] = np.zeros(1)

    with pytest.raises(
        ModelError, match=re.escape("unexpected or missing arrays: ['xxx")
    ) as caught:
        checkpoints.load(forge(run, change))
    assert len(caught.value.problem) < 100


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("position", position) for position in (1, 8, 38, 39, 40, -1, 2.0, True, None)),
        *(("epoch", epoch) for epoch in (0, 1, 3, -1, "2")),
        *(("step", step) for step in (-1, 10.0, None)),
        *(("online_loss", loss) for loss in ("0", None, True)),
    ],
)
def test_counters_that_disagree_are_refused(run, key, value):
    """Step, epoch and position belong together, and to the records."""
    forge(run, lambda header, arrays: header["state"].update({key: value}))
    model = run.model.read_bytes()
    with pytest.raises((ModelError, ResumeError)):
        resume(run)
    assert run.model.read_bytes() == model


def test_a_position_inside_a_batch_is_refused(run):
    """No step ends there, though the number of steps agrees."""
    for path in run.checkpoint_files():
        if checkpoints.load(path).state.solver.step > 7:
            path.unlink()
    forge(run, lambda header, arrays: header["state"].update(position=13))
    with pytest.raises(ResumeError, match="do not agree"):
        resume(run)


def test_records_that_are_fewer_than_the_epochs_are_refused(run):
    """A length and a digest that fit each other do not make up for an epoch."""

    def change(header, arrays):
        first = run.metrics.read_bytes().splitlines(keepends=True)[0]
        header["metrics"] = {"length": len(first), "sha256": sha256_bytes(first)}

    forge(run, change)
    with pytest.raises(ResumeError, match="epochs are not those"):
        resume(run)


@pytest.mark.parametrize("value", [{}, ["objective"], None, "", "os.system"])
def test_a_metric_that_is_none_is_another_setting(run, value):
    """Whatever stands in its place, it is compared and not looked up."""
    forge(run, lambda header, _: header["identity"]["settings"].update({"checkpoint.best": value}))
    with pytest.raises(ResumeError, match=r"checkpoint\.best was"):
        resume(run)


@pytest.mark.parametrize("points", [-1.0, 1.5, 2.0**54, 1e300])
def test_a_certificate_of_no_number_of_epochs_is_refused(run, points):
    """It could not be saved again."""
    path = forge(run, lambda header, arrays: arrays["certificate_factors"].put(2, points))
    with pytest.raises(ModelError, match="damaged or forged: a certificate of"):
        checkpoints.load(path)


@pytest.mark.parametrize(("place", "value"), [(0, 0.0), (0, -1e-9), (2, 0.0), (2, -1.0), (2, 1.5)])
def test_factors_that_no_step_leaves_are_refused(tmp_path, place, value):
    """Weights of sparse rows are products with them, and the next step would divide by them."""
    run = start(write_config(tmp_path, "averaging: tail", "sparse: true"), "run")
    forge(run, lambda header, arrays: arrays["solver_factors"].put(place, value))
    with pytest.raises(ResumeError, match=r"factors .* which no step leaves"):
        resume(run)


def test_a_checkpoint_is_a_model_with_the_weights_of_its_step(run):
    """Here the average: what the run would be judged by at that step."""
    rows = load_splits(reload_config(run)).train
    for path in run.checkpoint_files():
        state, model = checkpoints.load(path).state, load_model(path)
        W, b = state.solver.weights
        scores = model.scaler.transform(rows.X, np.float64) @ W + b
        assert model.predict(rows.X) == [model.classes[i] for i in scores.argmax(axis=1)]
        assert not np.array_equal(W, state.solver.W) or state.solver.step == 1


def test_files_hold_nothing_of_the_place_they_were_made_in(run, tmp_path):
    """No path, no host, no user, no environment: in no checkpoint and not in the model."""
    private = [str(tmp_path), os.path.expanduser("~") + "/", os.getcwd()]
    private += ["environment-of-someone", "host-of-someone"]
    assert run.read_info()["host"] == "host-of-someone"
    for path in [run.model, *run.checkpoint_files()]:
        content = path.read_bytes()
        assert not [word for word in private if word.encode() in content]
