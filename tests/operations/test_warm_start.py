"""A training that starts from another: from its weights, or from its dual variables."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_runs import QUIET, fit_small, start, tree, write_config, write_table

from svmtrain import checkpoint as checkpoints
from svmtrain import container
from svmtrain.build import WarmStart, build, load_splits
from svmtrain.build.warm_start import follow
from svmtrain.config import load_config
from svmtrain.data.scaling import Scaler
from svmtrain.errors import ConfigError, ModelError, ResumeError
from svmtrain.model import LinearClassifier, load_model
from svmtrain.objective.linear import LinearObjective
from svmtrain.objective.losses import LOSSES
from svmtrain.operations.describe import plan
from svmtrain.operations.fit import fit, reload_config, resume_run
from svmtrain.operations.warm_start import find_start
from svmtrain.runs.directory import RunDirectory
from svmtrain.solvers.dual import DualAscent
from svmtrain.training.sources import MemoryRows

DUAL = "name: dual; epochs: 8"
WEAK = "objective.lambda=0.001"


def built_from(folder, name, *overrides):
    """Return what a training would begin with that starts from a file in a folder."""
    config = load_config(folder / "c.yaml", [f"solver.warm_start={folder / name}", *overrides])
    splits = load_splits(config)
    return build(config, splits, start=find_start(config, splits))


def refusal(folder, name, *overrides):
    """Return the sentence that a start is refused with, and its exit code."""
    with pytest.raises((ConfigError, ModelError)) as caught:
        built_from(folder, name, *overrides)
    return str(caught.value), caught.value.exit_code


def epochs_to(folder, gap, *overrides):
    """Return the epochs that dual ascent takes to prove a gap on a thinned path."""
    result = fit_small(folder, "name: dual; epochs: 500", f"stop.gap={gap}", *overrides)
    assert result.records[-1].gap <= gap
    return len(result.records)


@pytest.mark.parametrize(("before", "now"), [("data.fold=1/3", ()), ((), "data.fold=1/3")])
def test_dual_variables_of_a_fold_are_of_other_rows(tmp_path, before, now):
    """Also where one of the two has no folds, and says nothing about them."""
    before, now = ((one,) if isinstance(one, str) else one for one in (before, now))
    held = "data.test=null"
    start(write_config(tmp_path, DUAL), "run", held, *before)
    message, code = refusal(tmp_path, "runs/run", held, *now)
    assert "holds the dual variables of other rows: data.fold was " in message
    assert code == 2


@pytest.mark.parametrize("sparse", ["false", "true"])
@pytest.mark.parametrize("averaging", ["none", "tail"])
def test_sgd_starts_from_the_weights_of_a_model(tmp_path, averaging, sparse):
    """Those that the run was judged by, whatever the solver keeps besides; also by checkpoint."""
    overrides = (f"solver.averaging={averaging}", f"data.sparse={sparse}")
    run = start(write_config(tmp_path), "run", *overrides)
    model = load_model(run.model)
    for name in ("runs/run", "runs/run/model.npz"):
        W, b = built_from(tmp_path, name, WEAK, *overrides).start.solver.weights
        np.testing.assert_array_equal(W, model.W)
        np.testing.assert_array_equal(b, model.b)
    newest = run.checkpoint_files()[0]
    W, _ = built_from(tmp_path, newest, WEAK, *overrides).start.solver.weights
    np.testing.assert_array_equal(W, load_model(newest).W)


def test_sgd_starts_from_a_run_by_dual_ascent_and_in_another_precision(tmp_path):
    """Weights are weights."""
    run = start(write_config(tmp_path, DUAL), "run")
    state = built_from(tmp_path, "runs/run", "solver.name=sgd", "solver.dtype=float32").start
    assert state.solver.W.dtype == np.float32
    np.testing.assert_array_equal(state.solver.W, load_model(run.model).W.astype(np.float32))


@pytest.mark.parametrize("bias", ["none", "regularized"])
@pytest.mark.parametrize("loss", LOSSES)
def test_dual_ascent_starts_feasible_and_not_below_a_cold_start(tmp_path, loss, bias):
    """For every pair of losses; the bound of the start is one: below every objective."""
    same = (f"objective.loss={loss}", f"objective.bias={bias}", "solver.epochs=3")
    for before in LOSSES:
        fit_small(tmp_path, DUAL, f"objective.loss={before}", f"objective.bias={bias}")
        built = built_from(tmp_path, "runs/run", WEAK, *same)
        state, objective = built.start.solver, built.problem.objective
        assert state.a.min() >= 0
        if loss in ("weston_watkins", "one_vs_rest"):
            assert state.a.max() <= 1
        if loss == "crammer_singer":
            assert state.a.sum(axis=1).max() <= 1 + 1e-12
        if not loss.startswith("one_vs_rest"):
            assert not state.a[np.arange(len(state.a)), built.problem.train.y].any()
        W, b = state.weights
        train = built.problem.train.measure(objective, W, b)
        assert 0 <= state.bound <= train.loss / train.count + objective.penalty(W, b)


def test_the_weights_and_the_bound_of_a_dual_start_follow_from_its_variables(tmp_path):
    """W(a) and D(a) as written down, at the new lambda, after the variables were shrunk."""
    run = start(write_config(tmp_path, DUAL), "run", "objective.lambda=0.1")
    before = checkpoints.load(run.checkpoint_files()[0]).state.solver
    built = built_from(tmp_path, "runs/run", WEAK)
    state, X, y = built.start.solver, built.problem.train.X, built.problem.train.y
    share = state.a.sum() / before.a.sum()
    assert 0 < share < 1
    np.testing.assert_allclose(state.a, share * before.a, rtol=1e-12)
    u = state.a.copy()
    u[np.arange(len(y)), y] = -u.sum(axis=1)
    W, b = -X.T @ u / (2 * 0.001 * len(y)), -u.sum(axis=0) / (2 * 0.001 * len(y))
    np.testing.assert_allclose(state.weights[0], W, atol=1e-12)
    np.testing.assert_allclose(state.weights[1], b, atol=1e-12)
    bounds = [
        t * state.a.sum() / len(y) - 0.001 * t * t * (np.vdot(W, W) + np.vdot(b, b))
        for t in (0.99, 1.0, 1.01)
    ]
    assert state.bound == pytest.approx(bounds[1], rel=1e-12)
    assert max(bounds) == bounds[1]


def test_a_warm_start_of_dual_ascent_takes_fewer_epochs_to_the_same_gap(tmp_path):
    """At a smaller lambda, on made data, and at the same one."""
    write_table(tmp_path / "train.csv", 300)
    cold = epochs_to(tmp_path, 0.01, "objective.lambda=0.001")
    start(
        write_config(tmp_path, "name: dual; epochs: 500"),
        "strong",
        *("stop.gap=0.01", "objective.lambda=0.003"),
    )
    warm = f"solver.warm_start={tmp_path / 'runs' / 'strong'}"
    assert epochs_to(tmp_path, 0.01, "objective.lambda=0.001", warm) < cold
    same = [epochs_to(tmp_path, 0.01, "objective.lambda=0.003", *one) for one in ((), (warm,))]
    assert same[1] < same[0]


@given(
    st.sampled_from(sorted(LOSSES)),
    st.sampled_from(["none", "regularized"]),
    st.floats(1e-6, 1e3),
    st.floats(0, 100),
    st.integers(0, 2**32 - 1),
)
def test_any_variables_make_a_start_whose_bound_is_valid_and_the_best_on_its_ray(
    loss, bias, lam, size, seed
):
    """Feasible or not, of any lambda: 0 <= D(a) <= P(W), and no shorter a has a larger D."""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(20, 4)), np.arange(20) % 3
    objective = LinearObjective(loss, lam=lam, bias=bias, class_weight=rng.uniform(0.1, 2, size=3))
    rows, a = MemoryRows(X, y), size * rng.normal(size=(20, 3))
    model = LinearClassifier(
        np.zeros((4, 3)), np.zeros(3), (0, 1, 2), Scaler.fit(X, "none", "none"), objective
    )
    state = DualAscent(20).start(model.W, model.b)
    WarmStart("a start", model, a).settle(state, objective, rows)
    assert state.bound >= 0
    for W, b in [state.weights, (rng.normal(size=(4, 3)), 0 * rng.normal(size=3))]:
        term = rows.measure(objective, W, b)
        value = term.loss / term.count + objective.penalty(W, b)
        assert state.bound <= value * (1 + 1e-9)
    for share in (0.5, 0.99):
        shorter = DualAscent(20).start(model.W, model.b)
        shorter.a[:] = share * state.a
        follow(shorter, objective, rows)
        assert shorter.bound <= state.bound * (1 + 1e-9)


@pytest.mark.parametrize("solver", ["", DUAL])
def test_a_resume_needs_its_start_no_more_and_refuses_another(tmp_path, solver):
    """All that came of it is in the checkpoint; its digest tells it from others."""
    config = write_config(tmp_path, solver)
    one = start(config, "one")
    start(config, "two", "objective.lambda=0.5")
    warm = f"solver.warm_start={one.path}"
    whole = start(config, "whole", warm, WEAK, "solver.epochs=6")
    part = start(config, "part", warm, WEAK, "solver.epochs=3")
    for other in ("two", "whole"):
        changed = reload_config(part, [f"solver.warm_start={tmp_path / 'runs' / other}"])
        with pytest.raises(ResumeError, match="is not what the run was started from: SHA-256"):
            resume_run(part, changed, QUIET)
    with pytest.raises(ResumeError, match=r"solver\.warm_start was 'a file' and is now None"):
        resume_run(part, reload_config(part, ["solver.warm_start=null"]), QUIET)
    copy = tmp_path / "copy"
    one.path.rename(copy)
    resume_run(part, reload_config(part, ["solver.epochs=4"]), QUIET)
    moved = [f"solver.warm_start={copy}", "solver.epochs=6"]
    resume_run(part, reload_config(part, moved), QUIET)
    assert part.model.read_bytes() == whole.model.read_bytes()
    assert part.read_info()["warm_start"] == "../../copy"


def test_a_run_that_died_before_its_first_checkpoint_reads_its_start_again(tmp_path):
    """It is begun again from it."""
    config = write_config(tmp_path)
    one = start(config, "one")
    run = start(config, "run", f"solver.warm_start={one.path}")
    model = run.model.read_bytes()
    killed = {**run.read_info(), "status": "running"}
    run.write_info(killed)
    for path in (*run.checkpoint_files(), run.model):
        path.unlink()
    resume_run(run, reload_config(run), QUIET)
    assert run.model.read_bytes() == model
    run.write_info(killed)
    for path in (*run.checkpoint_files(), run.model):
        path.unlink()
    one.model.unlink()
    for path in one.checkpoint_files():
        path.unlink()
    with pytest.raises(ConfigError, match=r"a run without a checkpoint"):
        resume_run(run, reload_config(run), QUIET)


def test_a_start_that_is_no_start_is_refused_in_a_sentence(tmp_path):
    """Not there, no run, no model, damaged."""
    run = start(write_config(tmp_path), "run")
    assert "there is no such file or folder for solver.warm_start" in refusal(tmp_path, "x")[0]
    assert refusal(tmp_path, "x")[1] == 2
    assert "is not a run directory" in refusal(tmp_path, "runs")[0]
    assert refusal(tmp_path, "train.csv")[1] == 4
    content = bytearray(run.model.read_bytes())
    content[len(content) // 2] ^= 1
    run.model.write_bytes(bytes(content))
    assert refusal(tmp_path, "runs/run")[1] == 4


@pytest.mark.parametrize(
    ("overrides", "problem"),
    [
        (["data.drop=[a]"], "has 3 features; these data have 2"),
        (["preprocess.scale=none"], "has features that are scaled otherwise"),
        (["data.seed=5"], "has features that are scaled otherwise"),
        (["objective.bias=none"], "has a bias, and objective.bias is none"),
    ],
)
def test_weights_that_do_not_fit_are_refused(tmp_path, overrides, problem):
    """What a weight means depends on the features and on their scaling."""
    start(write_config(tmp_path), "run")
    message, code = refusal(tmp_path, "runs/run", *overrides)
    assert f"model.npz: solver.warm_start {problem}" in message
    assert code == 2


def test_weights_of_other_columns_or_classes_are_refused(tmp_path):
    """By name, and in their order."""
    start(write_config(tmp_path), "run")
    table = tmp_path / "train.csv"
    text = table.read_text()
    table.write_text(text.replace("a,b,c", "c,b,a", 1))
    assert "features of other names" in refusal(tmp_path, "runs/run")[0]
    table.write_text(text.replace("oak", "yew"))
    message = refusal(tmp_path, "runs/run")[0]
    assert "has other classes than these data: 3 beginning with 'ash'" in message


@pytest.mark.parametrize(
    ("overrides", "problem"),
    [
        (["data.seed=5"], "holds the dual variables of other rows: data.seed was 0 and is now 5"),
        (["data.validation=0.5"], "other rows: data.validation was 0.2 and is now 0.5"),
        (["preprocess.scale=none"], "other rows: preprocess.scale was 'standard'"),
    ],
)
def test_dual_variables_of_other_rows_are_refused(tmp_path, overrides, problem):
    """A variable belongs to a row: the same rows of the same file, in the same order."""
    start(write_config(tmp_path, DUAL), "run")
    message, code = refusal(tmp_path, "runs/run", *overrides)
    assert problem in message
    assert code == 2
    table = tmp_path / "train.csv"
    table.write_text(table.read_text().replace("0.0,", "1.0,", 1))
    assert "SHA-256 of the train data was" in refusal(tmp_path, "runs/run")[0]


def test_what_has_no_dual_variables_is_no_start_for_dual_ascent(tmp_path):
    """A model, and a run by stochastic steps."""
    config = write_config(tmp_path, DUAL)
    run = start(config, "run")
    start(config, "sgd", "solver.name=sgd")
    message, code = refusal(tmp_path, "runs/run/model.npz")
    assert "holds no dual variables: is a 'svmtrain-model'; expected svmtrain-checkpoint" in message
    assert code == 2
    assert "holds no dual variables: it is of the solver sgd" in refusal(tmp_path, "runs/sgd")[0]
    for path in run.checkpoint_files():
        path.unlink()
    assert "needs one with solver.name dual" in refusal(tmp_path, "runs/run")[0]


def test_forged_dual_variables_are_refused_or_made_feasible(tmp_path):
    """A row too few is refused; numbers that no run would leave are moved to the nearest."""
    run = start(write_config(tmp_path, DUAL), "run")
    path = run.checkpoint_files()[0]
    header, arrays = container.read(path)
    name = f"{checkpoints.PREFIX}a"
    path.write_bytes(container.pack(header, {**arrays, name: arrays[name] * 1e9 - 1}))
    built = built_from(tmp_path, "runs/run")
    assert built.start.solver.a.min() >= 0
    assert built.start.solver.a.max() <= 1
    path.write_bytes(container.pack(header, {**arrays, name: arrays[name][1:]}))
    assert "for dual variables; this run has" in refusal(tmp_path, "runs/run")[0]


def test_a_run_says_what_it_was_started_from(tmp_path, monkeypatch):
    """In its config, relative to itself, and in run.json; a dry run builds the start too."""
    monkeypatch.chdir(tmp_path)
    config = write_config(".")
    one = start(config, "one")
    before = tree(one.path)
    run = start(config, "run", f"solver.warm_start={one.path}")
    assert "warm_start: ../one" in run.config.read_text()
    assert run.read_info()["warm_start"] == "../one"
    assert tree(one.path) == before
    again = fit(load_config(run.config, (), {"output.name": "again"}), QUIET)
    assert RunDirectory(again.job.run.path).model.read_bytes() == run.model.read_bytes()
    assert plan(load_config(run.config))[1]["steps"] > 0
