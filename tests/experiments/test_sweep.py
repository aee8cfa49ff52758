"""Sweeps: ordinary runs, the best by validation rows, made again exactly; halving and chains."""

import csv
import json

import pytest
from small_experiments import write_learnable
from small_paths import stopped
from small_runs import QUIET, start

from svmtrain.config import load_config
from svmtrain.errors import ConfigError
from svmtrain.experiments import sweep as sweeping
from svmtrain.experiments.board import standing
from svmtrain.experiments.halving import Rung, rungs_of
from svmtrain.experiments.points import Point, parse_axis, points_of
from svmtrain.experiments.sweep import Plan, sweep
from svmtrain.model import load_model
from svmtrain.operations import fit as fit_module
from svmtrain.operations.fit import fit
from svmtrain.operations.job import Session
from svmtrain.operations.verify import verify
from svmtrain.runs.directory import RunDirectory

LAMBDAS = "objective.lambda=0.01,1,0.1"
DUAL = "name: dual; epochs: 6"


def swept(folder, *grid, name="sweep", overrides=(), jobs=1, force=False, **plan):
    """Sweep over 60 rows in one process."""
    config = load_config(folder / "c.yaml", ["solver.gradcheck=false", *overrides])
    return sweep(config, folder / name, QUIET, Plan(grid, **plan), jobs=jobs, force=force)


def run_of(result, row):
    """Return the run directory of a row of the leaderboard."""
    return RunDirectory(result.path / "runs" / row["run"])


def left(result):
    """Return all that a sweep leaves, without times."""
    board = [{k: v for k, v in row.items() if k != "seconds"} for row in result.board]
    models = {row["run"]: run_of(result, row).model.read_bytes() for row in result.board}
    return board, models, (result.path / "best.yaml").read_text()


def made_again(result, folder):
    """Return the model that fit makes of best.yaml, and that of the best run."""
    config = load_config(result.best["config"], flags={"output.dir": str(folder / "again")})
    fit(config, QUIET)
    run = RunDirectory(folder / "again" / config.output.name)
    return run.model.read_bytes(), run_of(result, {"run": result.best["run"]}).model.read_bytes()


def test_a_point_is_the_run_that_fit_makes_with_its_settings(tmp_path):
    """Byte for byte, in an ordinary run directory."""
    path = write_learnable(tmp_path)
    result = swept(tmp_path, "solver.momentum=0,0.5", "solver.averaging=none,tail")
    assert len(result.board) == 4
    for row in result.board:
        settings = [f"{key}={value}" for key, value in row["settings"].items()]
        alone = start(path, "alone", *settings, "solver.gradcheck=false", force=True)
        assert alone.model.read_bytes() == run_of(result, row).model.read_bytes()
        info = run_of(result, row).read_info()
        assert info["chosen"]["validation_accuracy"] == row["validation_accuracy"]
    assert made_again(result, tmp_path)[0] == made_again(result, tmp_path / "b")[1]


def test_the_best_has_the_most_validation_rows_right_and_test_rows_have_no_say(tmp_path):
    """Ties go to the smaller validation loss, then to the stronger penalty."""
    write_learnable(tmp_path, "epochs: 3")
    result = swept(tmp_path, LAMBDAS, "solver.seed=0,1", cold=True)
    keys = [
        (
            -row["validation_accuracy"],
            row["validation_loss"],
            -float(row["settings"]["objective.lambda"]),
        )
        for row in result.board
    ]
    assert keys == sorted(keys)
    assert 1 < len({accuracy for accuracy, _, _ in keys}) < 6
    assert [row["rank"] for row in result.board] == list(range(1, 7))
    info = run_of(result, result.board[0]).read_info()
    assert result.best["run"] == result.board[0]["run"]
    assert result.best["test_accuracy"] == info["test"]["accuracy"]
    with open(result.path / "leaderboard.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["run"] for row in rows] == [row["run"] for row in result.board]
    assert float(rows[0]["validation_accuracy"]) == result.board[0]["validation_accuracy"]
    assert json.loads((result.path / "summary.json").read_text()) == result.to_dict()


@pytest.mark.parametrize("halving", [False, True])
def test_the_leaderboard_grows_as_runs_end(tmp_path, halving):
    """It has what has ended so far, ranked, and what is told to be done stands on it already."""
    path = write_learnable(tmp_path, "epochs: 4")
    found, board = [], tmp_path / "sweep" / "leaderboard.csv"

    def say(text):
        if board.exists():
            found.append((text, list(csv.DictReader(board.read_text().splitlines()))))

    plan = Plan(("solver.lr=0.1,0.01,0.4",), halving=halving, eta=2)
    config = load_config(path, ["solver.gradcheck=false"])
    result = sweep(config, tmp_path / "sweep", Session(say=say), plan, jobs=1)
    told = [(text.split(": ")[1], rows) for text, rows in found if "validation" in text]
    assert [len(rows) for _, rows in told] == [1, 2, 3, *[3, 3, 3] * halving]
    for name, rows in told:
        assert name in {row["run"] for row in rows}
        assert [row["rank"] for row in rows] == [str(k + 1) for k in range(len(rows))]
    assert {row["status"] for row in told[2][1]} == {"at 1 epoch" if halving else "finished"}
    with open(board, newline="") as file:
        assert [row["run"] for row in csv.DictReader(file)] == [row["run"] for row in result.board]


def test_equal_runs_stand_in_the_order_of_their_points(tmp_path):
    """Here a setting that changes nothing: dual ascent has no momentum."""
    write_learnable(tmp_path, DUAL)
    result = swept(tmp_path, "solver.momentum=0.5,0.9,0")
    assert [row["settings"]["solver.momentum"] for row in result.board] == ["0.5", "0.9", "0"]
    assert result.best["ties"] == 2


def test_runs_along_lambda_start_each_from_the_one_before(tmp_path):
    """From the strongest penalty on, one chain for each of the other settings."""
    write_learnable(tmp_path, "epochs: 1")
    result = swept(tmp_path, LAMBDAS, "objective.delta=1,2")
    starts = {}
    for row in result.board:
        config = load_config(run_of(result, row).config)
        start_of = config.solver.warm_start and config.solver.warm_start.rpartition("/")[2]
        starts[row["run"]] = start_of
    assert starts == {
        "3-lambda-1-delta-1": None,
        "5-lambda-0.1-delta-1": "3-lambda-1-delta-1",
        "1-lambda-0.01-delta-1": "5-lambda-0.1-delta-1",
        "4-lambda-1-delta-2": None,
        "6-lambda-0.1-delta-2": "4-lambda-1-delta-2",
        "2-lambda-0.01-delta-2": "6-lambda-0.1-delta-2",
    }
    cold = swept(tmp_path, LAMBDAS, name="cold", cold=True)
    assert all(load_config(run_of(cold, r).config).solver.warm_start is None for r in cold.board)


@pytest.mark.parametrize(
    ("grid", "order"),
    [
        ("objective.lambda=null,0.1,0.01", ["2-lambda-0.1", "1-lambda-null", "3-lambda-0.01"]),
        ("objective.C=null,0.1,10,1", ["2-C-0.1", "1-C-null", "4-C-1", "3-C-10"]),
    ],
)
def test_a_chain_is_in_the_order_of_what_the_strengths_mean(tmp_path, grid, order):
    """null is 0.03, and C is 1 / (2 lambda rows): of 78 rows 0.1 is lambda 0.064, and 1 0.0064."""
    path = write_learnable(tmp_path)
    axis = parse_axis(grid)
    (task,) = sweeping._tasks(points_of(load_config(path), [axis]), [axis], Plan((grid,)))
    assert [config.output.name for config in task.configs] == order


@pytest.mark.parametrize("solver", [DUAL, "epochs: 3"])
def test_the_best_of_a_chain_is_made_again_without_the_others(tmp_path, solver):
    """best.yaml brings what the best was started from, also when all runs are gone."""
    write_learnable(tmp_path, solver)
    result = swept(tmp_path, "objective.lambda=0.1,50")
    best = run_of(result, result.board[0])
    assert result.best["run"] == "1-lambda-0.1"
    known = best.model.read_bytes()
    assert load_model(best.model).trained["start"] is not None
    (result.path / "runs").rename(tmp_path / "gone")
    config = load_config(result.best["config"], flags={"output.dir": str(tmp_path / "again")})
    assert config.solver.warm_start == str(result.path / "best-start.npz")
    fit(config, QUIET)
    assert (tmp_path / "again" / "best" / "model.npz").read_bytes() == known


def test_giving_up_what_cannot_win_changes_no_winner(tmp_path):
    """Fewer epochs, the same best run byte for byte; what was given up is told and verifies."""
    write_learnable(tmp_path, "name: dual; epochs: 60", noise=1.6)
    exact = ("stop.gap=1e-7", "data.validation=0.4", "checkpoint.every=none")
    grid = "objective.lambda=0.03,1,0.1"
    early = swept(tmp_path, grid, overrides=exact)
    full = swept(tmp_path, grid, name="full", overrides=exact, full=True)
    assert early.best["run"] == full.best["run"]
    models = [run_of(one, one.board[0]).model.read_bytes() for one in (early, full)]
    assert models[0] == models[1]
    given_up = [row for row in early.board if row["status"].startswith("given up at ")]
    assert given_up
    assert all(row["status"] == "finished" for row in full.board)
    epochs = [{row["run"]: row["epochs"] for row in one.board} for one in (early, full)]
    for row in early.board:
        name = row["run"]
        assert (epochs[0][name] < epochs[1][name]) == (row in given_up)
    assert verify(run_of(early, given_up[0]), QUIET).equal
    first, second = made_again(early, tmp_path)
    assert first == second


@pytest.mark.parametrize("setting", ["objective.bias=free", "output.model=last"])
def test_nothing_is_given_up_where_nothing_can_be_proven(tmp_path, setting):
    """Every run goes to its end, as each of its settings says."""
    write_learnable(tmp_path, "epochs: 2")
    result = swept(tmp_path, LAMBDAS, overrides=(setting,))
    configs = [load_config(run_of(result, row).config) for row in result.board]
    assert [config.stop.must_reach for config in configs] == [None] * 3
    assert [row["status"] for row in result.board] == ["finished"] * 3


def test_survivors_of_halving_are_the_runs_that_went_straight_to_the_end(tmp_path):
    """Resumed from their checkpoints, byte for byte; the others end where they were dropped."""
    path = write_learnable(tmp_path, "epochs: 9")
    result = swept(
        tmp_path, "solver.lr=0.5,0.1,0.02,0.004", "solver.averaging=none,tail", halving=True
    )
    assert [row["epochs"] for row in result.board] == [9, 3, 3, 1, 1, 1, 1, 1]
    assert [row["status"] for row in result.board] == [
        *("finished", "dropped at 3 epochs", "dropped at 3 epochs"),
        *["dropped at 1 epoch"] * 5,
    ]
    for row, epochs in zip(result.board, [9, 3, 3, 1, 1, 1, 1, 1], strict=True):
        settings = [f"{key}={value}" for key, value in row["settings"].items()]
        settings += [f"solver.epochs={epochs}", "solver.gradcheck=false"]
        alone = start(path, "alone", *settings, force=True)
        assert alone.model.read_bytes() == run_of(result, row).model.read_bytes()
    first, second = made_again(result, tmp_path)
    assert first == second


def test_a_stage_ranks_by_what_its_epochs_came_to(tmp_path):
    """However many a run has made since, as when the sweep is gone on with."""
    path = write_learnable(tmp_path, "epochs: 5; averaging: none")
    long, short = start(path, "long"), start(path, "short", "solver.epochs=2")
    point = Point("p", {}, load_config(path))
    assert standing(long, point, 2).order == standing(short, point).order
    assert standing(long, point).order != standing(short, point).order


@pytest.mark.parametrize(
    ("points", "epochs", "eta", "rungs"),
    [
        (9, 9, 3, [(9, 1), (3, 3), (1, 9)]),
        (9, 30, 3, [(9, 3), (3, 10), (1, 30)]),
        (5, 30, 2, [(5, 3), (3, 7), (2, 15), (1, 30)]),
        (27, 3, 3, [(27, 1), (9, 3)]),
        (2, 1, 3, [(2, 1)]),
        (1, 10, 3, [(1, 10)]),
        (100, 81, 3, [(100, 1), (34, 3), (12, 9), (4, 27), (2, 81)]),
    ],
)
def test_stages_share_the_epochs_out(points, epochs, eta, rungs):
    """The last makes all of them, and none fewer than one."""
    assert rungs_of(points, epochs, eta) == [Rung(*rung) for rung in rungs]


@pytest.mark.parametrize(
    ("plan", "at"), [({}, 20), ({"halving": True, "eta": 2}, 30), ({"cold": True}, 0)]
)
def test_a_stopped_sweep_goes_on_to_the_same_end(tmp_path, monkeypatch, plan, at):
    """Along a chain, by halving and at single points; a second call finds nothing to do."""
    write_learnable(tmp_path, "epochs: 4")
    grid = (LAMBDAS,)
    whole = swept(tmp_path, *grid, name="whole", **plan)
    assert stopped(monkeypatch, at, lambda: swept(tmp_path, *grid, **plan)) is not None
    again = swept(tmp_path, *grid, **plan)
    assert left(again)[:2] == left(whole)[:2]
    before = [path.stat().st_mtime_ns for path in sorted(again.path.rglob("model.npz"))]
    swept(tmp_path, *grid, **plan)
    assert before == [path.stat().st_mtime_ns for path in sorted(again.path.rglob("model.npz"))]


@pytest.mark.parametrize("plan", [{}, {"halving": True, "eta": 2}])
def test_one_failure_ends_no_sweep(tmp_path, plan):
    """It comes last without a rank; the end is told, and the best is among the others."""
    write_learnable(tmp_path, "epochs: 4; schedule: constant")
    result = swept(tmp_path, "solver.lr=1e9,0.05,0.01", **plan)
    assert result.board[-1]["status"] == "failed"
    assert result.board[-1]["rank"] is None
    assert result.board[-1]["settings"] == {"solver.lr": "1e9"}
    assert "diverged" in next(iter(result.problems.values()))
    assert result.failure is not None
    assert str(result.failure).startswith("1 of ")
    assert result.best["run"] in {"2-lr-0.05", "3-lr-0.01"}


def test_a_chain_goes_on_from_the_last_that_was_finished(tmp_path):
    """Where one fails, the next starts from the one before that."""
    write_learnable(tmp_path, "epochs: 2; schedule: constant; averaging: none; lr: 0.9")
    result = swept(tmp_path, "objective.lambda=1e6,0.5,1e5,0.1")
    assert sorted(result.problems) == ["1-lambda-1e6", "3-lambda-1e5"]
    found = {
        row["run"]: load_config(run_of(result, row).config).solver.warm_start
        for row in result.board[:2]
    }
    assert found["2-lambda-0.5"] is None
    assert found["4-lambda-0.1"].endswith("2-lambda-0.5")


@pytest.mark.parametrize(
    ("grid", "overrides", "plan", "telling"),
    [
        (("solver.lr=1,2",), ("data.validation=0",), {}, "data.validation is 0: set a fraction"),
        (("solver.lr=1,2",), ("objective.lambda=[1, 2]",), {}, "of a sweep go into --grid"),
        (("solver.schedule=cosine",), (), {"halving": True}, "solver.schedule cosine plans every"),
        (("solver.epochs=1,2",), (), {"halving": True}, "which --grid has, too"),
        (("solver.lr=1,2",), (), {"halving": True, "eta": 1}, "--eta must be at least 2, got 1"),
        (
            ("objective.lambda=0.1,0", "solver.lr=1"),
            *((), {}),
            "^--grid objective.lambda=0 --grid solver.lr=1: solver.schedule pegasos needs object",
        ),
        (("solver.name=sgd,dual",), ("objective.bias=free",), {}, "dual has nothing to ascend"),
        (("objective.bias=none,free",), ("stop.gap=1e-3",), {}, "stop.gap cannot be proven"),
    ],
)
def test_what_cannot_be_swept_is_refused(tmp_path, grid, overrides, plan, telling):
    """Before anything is trained."""
    write_learnable(tmp_path)
    with pytest.raises(ConfigError, match=telling):
        swept(tmp_path, *grid, overrides=overrides, **plan)
    assert not list(tmp_path.rglob("run.json"))


def test_rows_are_read_once_for_points_that_share_them(tmp_path, monkeypatch):
    """And again where a setting changes them; the models are those of runs alone."""
    path, reads = write_learnable(tmp_path, "epochs: 1"), []
    known = fit_module.load_splits

    def counted(config, *others):
        reads.append((config.data.missing, config.preprocess.scale))
        return known(config, *others)

    monkeypatch.setattr(fit_module, "load_splits", counted)
    result = swept(tmp_path, "preprocess.scale=none,standard", "solver.lr=0.1,0.2,0.3")
    assert reads == [("error", "none"), ("error", "standard")]
    for row in result.board:
        settings = [f"{key}={value}" for key, value in row["settings"].items()]
        alone = start(path, "alone", *settings, "solver.gradcheck=false", force=True)
        assert alone.model.read_bytes() == run_of(result, row).model.read_bytes()
