"""Training along a path of lambdas: ordinary runs, each started from the one before."""

import signal

import numpy as np
import pytest
from extent import extent
from small_paths import DUAL, NAMES, results, settings, stopped, trained
from small_runs import QUIET, start, tree, write_config

from svmtrain.build import build, load_splits
from svmtrain.config import load_config
from svmtrain.errors import ModelError
from svmtrain.model import load_model
from svmtrain.objective.losses import LOSSES
from svmtrain.operations import path as paths
from svmtrain.operations.fit import fit, reload_config, resume_run
from svmtrain.operations.path import fit_path, plan_path, reload_path, resume_path
from svmtrain.runs.catalogue import find_runs, summarize
from svmtrain.runs.directory import RunDirectory
from svmtrain.runs.path import PathDirectory, runs_of

SOLVERS = {
    "dual": ("name: dual; epochs: 4", ()),
    "dual-float32": ("name: dual; epochs: 4; dtype: float32", ("objective.bias=none",)),
    "sgd": ("", ()),
    "sgd-auto": ("lr: auto; averaging: polyak", ()),
    "sparse": ("", ("data.sparse=true",)),
    "dual-sparse": (
        "name: dual; epochs: 4",
        ("data.sparse=true", "objective.loss=crammer_singer_squared"),
    ),
}


@pytest.mark.parametrize("name", SOLVERS)
def test_a_path_equals_the_same_runs_made_by_hand(tmp_path, name):
    """From the largest lambda on, each with the one before as its warm start, to the byte."""
    solver, overrides = SOLVERS[name]
    config = write_config(tmp_path, solver)
    found = results(trained(tmp_path, "path", *overrides))
    assert list(found) == NAMES
    warm, by_hand = "null", {}
    for one in NAMES:
        lam = one.partition("-")[2]
        own = (f"objective.lambda={lam}", f"solver.warm_start={warm}")
        run = start(config, one, *overrides, *own)
        by_hand[one] = (run.model.read_bytes(), results(PathDirectory(run.path))[one][1])
        warm = run.path
    assert found == by_hand


@pytest.mark.parametrize("name", SOLVERS)
def test_a_path_stopped_anywhere_and_resumed_gives_the_same_bytes(tmp_path, monkeypatch, name):
    """At steps and evaluations of every run; what was finished is not touched by the resume."""
    solver, overrides = SOLVERS[name]
    write_config(tmp_path, solver)
    expected = results(trained(tmp_path, "whole", *overrides))
    seen = set()
    for at in range(0, 1000, extent(29, 5)):
        config = settings(tmp_path, f"part{at}", *overrides)
        folder = PathDirectory(tmp_path / "runs" / f"part{at}")
        error = stopped(monkeypatch, at, lambda config=config: fit_path(config, QUIET))
        if error is None:
            break
        if not folder.exists():  # stopped while the first run was built: nothing was begun
            continue
        assert error.exit_code == 128 + signal.SIGTERM
        assert f"svmtrain resume {folder.path}" in error.problem
        done = [run for run in runs_of(folder.path) if paths.finished(run)]
        before = [tree(run.path) for run in done]
        seen.add(len(done))
        resume_path(folder, reload_path(folder), QUIET)
        assert results(folder) == expected, f"stopped at {at}"
        assert [tree(run.path) for run in done] == before
    assert at > 40
    assert seen == {0, 1, 2}


def test_a_path_may_be_stopped_again_and_again(tmp_path, monkeypatch):
    """Each session goes on where the last one stopped."""
    write_config(tmp_path, DUAL)
    expected = results(trained(tmp_path, "whole"))
    config = settings(tmp_path, "part")
    sessions = 1
    while stopped(monkeypatch, 12, lambda: fit_path(config, QUIET, resume=True)) is not None:
        sessions += 1
    assert sessions > 3
    assert results(PathDirectory(tmp_path / "runs" / "part")) == expected


def test_a_path_reaches_a_small_lambda_in_fewer_epochs_than_a_cold_start(tmp_path):
    """On the digits, to the same gap; the larger lambdas come with it."""
    overrides = ["solver.name=dual", "solver.epochs=100", "stop.gap=0.01"]
    flags = {"output.name": "path", "output.dir": str(tmp_path)}
    path = load_config(
        "configs/digits.yaml", [*overrides, "objective.lambda=[0.1, 0.03, 0.015, 0.01]"], flags
    )
    flags["output.name"] = "cold"
    cold = load_config("configs/digits.yaml", [*overrides, "objective.lambda=0.01"], flags)
    last = fit_path(path, QUIET).runs[-1]
    alone = fit(cold, QUIET)
    assert last["lambda"] == 0.01
    assert max(last["gap"], alone.gap) <= 0.01
    assert last["epochs"] < len(alone.records)


@pytest.mark.parametrize("solver", ["", DUAL])
@pytest.mark.parametrize("loss", LOSSES)
def test_every_bound_of_a_path_is_below_the_objective_of_any_weights(tmp_path, loss, solver):
    """Weak duality: at its lambda, those of the other runs, zero and random ones."""
    write_config(tmp_path, solver)
    config = settings(tmp_path, "path", f"objective.loss={loss}")
    runs = fit_path(config, QUIET).runs
    weights = [(model.W, model.b) for model in (load_model(run["model"]) for run in runs)]
    rng = np.random.default_rng(0)
    W, b = weights[0]
    weights += [(size * rng.normal(size=W.shape), b) for size in (0.0, 0.1, 1.0)]
    splits = load_splits(config)
    for run, one in zip(runs, paths.member_configs(config), strict=True):
        one = load_config(RunDirectory(run["run"]).config, ["solver.warm_start=null"])
        problem = build(one, splits).problem
        assert problem.objective.lam == run["lambda"]
        for W, b in weights:
            term = problem.train.measure(problem.objective, W, b)
            assert run["bound"] <= term.loss / term.count + problem.objective.penalty(W, b)
        gap = 1 - run["bound"] / run["objective"]
        assert run["gap"] == (pytest.approx(gap) if run["bound"] >= 0 else None)


def test_each_run_of_a_path_ends_by_itself(tmp_path):
    """`stop.gap` and `solver.epochs` count for every lambda anew."""
    write_config(tmp_path, "name: dual; epochs: 300")
    runs = fit_path(settings(tmp_path, "path", "stop.gap=0.02"), QUIET).runs
    assert all(run["gap"] <= 0.02 for run in runs)
    assert len({run["epochs"] for run in runs}) > 1


def test_a_run_of_a_path_is_an_ordinary_run(tmp_path):
    """It has its one lambda, can be repeated from its config, and be prolonged alone."""
    write_config(tmp_path, DUAL)
    folder = trained(tmp_path, "path")
    run = RunDirectory(folder.path / "lambda-0.01")
    config = load_config(run.config, (), {"output.name": "again"})
    assert config.objective.lam == 0.01
    assert config.solver.warm_start == str(folder.path / "lambda-0.03")
    again = fit(config, QUIET)
    assert again.job.run.model.read_bytes() == run.model.read_bytes()
    resume_run(run, reload_config(run, ["solver.epochs=6"]), QUIET)
    assert run.read_info()["epochs"] == 6
    others = [one.path.name for one in runs_of(folder.path)]
    assert others == NAMES


def test_the_config_of_a_path_repeats_it(tmp_path):
    """With its list; the rows are read once for all runs."""
    write_config(tmp_path, DUAL)
    folder = trained(tmp_path, "path")
    again = load_config(folder.config, (), {"output.name": "again"})
    fit_path(again, QUIET)
    assert results(PathDirectory(tmp_path / "runs" / "again")) == results(folder)


def test_the_rows_are_read_and_scaled_once(tmp_path, monkeypatch):
    """Whatever the number of runs."""
    from svmtrain.build import place
    from svmtrain.operations import fit as fits

    write_config(tmp_path, DUAL)
    counts = {"read": 0, "scaled": 0}

    def counting(name, function):
        def counted(*words):
            counts[name] += 1
            return function(*words)

        return counted

    monkeypatch.setattr(fits, "load_splits", counting("read", fits.load_splits))
    monkeypatch.setattr(place, "training_rows", counting("scaled", place.training_rows))
    trained(tmp_path, "path")
    assert counts == {"read": 1, "scaled": 1}


def test_a_path_of_C_is_one_of_lambda(tmp_path):
    """From the smallest C on; lambda is 1 / (2 C rows)."""
    write_config(tmp_path, DUAL)
    runs = fit_path(settings(tmp_path, "path", "objective.C=[1, 0.1]"), QUIET).runs
    assert [run["run"].rpartition("/")[2] for run in runs] == ["C-0.1", "C-1.0"]
    rows = RunDirectory(runs[0]["run"]).read_info()["shape"]["train"]
    assert [run["lambda"] for run in runs] == [1 / (2 * C * rows) for C in (0.1, 1.0)]


def test_a_path_may_start_from_a_run(tmp_path):
    """Its first lambda, that is; the others from the one before all the same."""
    config = write_config(tmp_path, DUAL)
    one = start(config, "one", "objective.lambda=0.3")
    folder = trained(tmp_path, "path", f"solver.warm_start={one.path}")
    infos = [run.read_info()["warm_start"] for run in runs_of(folder.path)]
    assert infos == ["../../one", "../lambda-0.1", "../lambda-0.03"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"format": "svmtrain-path", "version": 2, "runs": []}',
        '{"format": "svmtrain-path", "version": 1, "runs": [{"lambda": 0.1, "run": "../x"}]}',
        '{"format": "svmtrain-path", "version": 1, "runs": [{"C": -0.1, "run": "C--0.1"}]}',
        '{"format": "svmtrain-path", "version": 1, "runs": [{"C": NaN, "run": "C-nan"}]}',
    ],
)
def test_a_damaged_or_forged_path_json_is_refused_and_lists_its_runs_still(tmp_path, content):
    """Nothing outside the folder is ever named by it."""
    write_config(tmp_path, DUAL)
    folder = trained(tmp_path, "path")
    folder.info.write_text(content)
    for options in ({"resume": True}, {"force": True}):
        with pytest.raises(ModelError, match="does not describe a path of runs"):
            trained(tmp_path, "path", **options)
    listed = [summarize(run).name for run in find_runs(tmp_path / "runs")]
    assert listed == [f"path/{name}" for name in sorted(NAMES)]


@pytest.mark.parametrize(
    "change",
    [
        {"chosen": None},
        {"last": []},
        {"last": {"bound": "x"}},
        {"chosen": {"objective": 0}, "last": {"bound": 0}},
        {"test": 5},
    ],
)
def test_a_forged_run_json_of_a_finished_path_is_refused(tmp_path, change):
    """A run of a path that says other than a finished run does is named, and not believed."""
    write_config(tmp_path, DUAL)
    folder = trained(tmp_path, "path")
    run = folder.run(folder.members()[0])
    run.write_info({**run.read_info(), **change})
    with pytest.raises(ModelError, match="does not describe a finished run"):
        trained(tmp_path, "path", resume=True)


def test_a_plan_of_a_path_describes_its_first_run_and_names_the_rest(tmp_path):
    """Nothing is written."""
    write_config(tmp_path, DUAL)
    text, document = plan_path(settings(tmp_path, "path"))
    assert "the first of 3 runs" in text
    assert "lambda 0.03, 0.01" in text
    assert [one["lambda"] for one in document["path"]] == [0.1, 0.03, 0.01]
    assert document["lambda"] == 0.1
    assert not (tmp_path / "runs").exists()
