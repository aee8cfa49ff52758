"""Experiments whose runs are tasks for workers: the same folders, whatever is lost on the way."""

import os
import signal
import threading

import pytest
from extent import spread
from real_runs import begin
from small_experiments import write_learnable
from small_runs import records_of
from workers import until

from svmtrain import threads
from svmtrain.cli import main
from svmtrain.experiments import elsewhere
from svmtrain.runs.directory import RunDirectory

pytest.importorskip("distributed")

GRID = ("--grid", "objective.lambda=0.01,1,0.1", "--grid", "solver.averaging=none,tail")
EXPERIMENTS = {
    "sweep": ("sweep", "c.yaml", *GRID),
    "halving": ("sweep", "c.yaml", "--grid", "solver.lr=0.5,0.1,0.02", "--halving", "--eta", "2"),
    "cv": ("cv", "c.yaml", "--folds", "2"),
    "learning curve": ("learning-curve", "c.yaml", "--shares", "0.5"),
}
LONG = ("--grid", "solver.seed=0,1,2")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Work in a folder, which is another one than that of the workers."""
    for name in threads.VARIABLES:
        monkeypatch.setenv(name, "1")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def left(folder):
    """Return all that an experiment leaves, without times and which command it was."""
    files = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.name == "leaderboard.csv":
            files[name] = [line.rpartition(",")[0] for line in path.read_text().splitlines()]
        elif path.name == "metrics.jsonl":
            files[name] = records_of(RunDirectory(path.parent))
        elif path.is_file() and "checkpoints" not in path.parts:
            told = path.name in ("run.json", "summary.json")  # times, and the folder's name
            files[name] = None if told else path.read_bytes()
        else:
            files[name] = None
    return files


@pytest.mark.parametrize("kind", spread(EXPERIMENTS, 2))
def test_workers_leave_what_processes_leave(here, address, capsys, kind):
    """Configs, models, records, the leaderboard and best.yaml, byte for byte but for times."""
    write_learnable(here, "epochs: 3")
    assert main([*EXPERIMENTS[kind], "--out", "a", "-q", "--jobs", "1"]) == 0
    alone = capsys.readouterr().out
    assert main([*EXPERIMENTS[kind], "--out", "b", "-q", "--cluster", address]) == 0
    assert capsys.readouterr().out == alone.replace(" a/", " b/").replace("report a", "report b")
    assert left(here / "b") == left(here / "a")


def test_a_cluster_in_the_config_is_the_option(here, address, capsys):
    """It is in no run and in no best.yaml, and the experiment can be gone on with without it."""
    path = write_learnable(here, "epochs: 2")
    assert main(["sweep", "c.yaml", *GRID, "--out", "a", "-q", "--jobs", "1"]) == 0
    path.write_text(path.read_text() + f"cluster: {{at: {address}}}\n")
    assert main(["sweep", "c.yaml", *GRID, "--out", "b"]) == 0
    assert f"cluster: 2 workers at {address}" in capsys.readouterr().err
    assert left(here / "b") == left(here / "a")
    path.write_text(path.read_text().replace(address, "null"))
    before = left(here / "b")
    assert main(["sweep", "c.yaml", *GRID, "--out", "b", "--jobs", "1"]) == 0
    assert capsys.readouterr().err.count("as it was") == 6
    assert left(here / "b") == before


def test_runs_of_workers_that_are_killed_go_on_at_others(here, address, kill, capsys):
    """From their checkpoints, to the same end."""
    write_learnable(here, "epochs: 40")
    words = ("sweep", "c.yaml", *LONG, "--cold")
    assert main([*words, "--out", "a", "-q", "--jobs", "1"]) == 0
    runs, killed = here / "b" / "runs", []

    def kill_when_saved():
        until(lambda: list(runs.glob("*/checkpoints/step-*.npz")))
        killed.append(kill())

    killer = threading.Thread(target=kill_when_saved)
    killer.start()
    code = main([*words, "--out", "b", "--cluster", address])
    killer.join()
    err = capsys.readouterr().err
    assert (code, killed[0] >= 1) == (0, True)
    assert err.count("goes to another worker") == killed[0]
    assert "3 of 3: " in err
    assert left(here / "b") == left(here / "a")


def test_a_signal_stops_the_runs_and_names_the_command_that_goes_on(here):
    """As a terminal sends it, to all processes: runs are saved, and go on to the same end."""
    write_learnable(here, "epochs: 100000; schedule: constant")
    words = ("sweep", "c.yaml", *LONG, "--out", "b", "--cluster", "local:2")
    process = begin(here, *words, start_new_session=True)
    runs = here / "b" / "runs"
    until(lambda: len(list(runs.glob("*/metrics.jsonl"))) == 2)
    os.killpg(process.pid, signal.SIGINT)
    err = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    told = [line for line in err.splitlines(True) if not line.startswith("svmtrain: cluster: ")]
    assert "".join(told) == (
        f"svmtrain: SIGINT: saved; 0 of 3 runs are done; go on with: svmtrain {' '.join(words)}\n"
    )
    found = [RunDirectory(path) for path in sorted(runs.iterdir())]
    assert [run.read_info()["status"] for run in found] == ["interrupted"] * 2
    assert not any(run.is_locked() for run in found)
    saved = {run.path.name: len(records_of(run)) for run in found}
    grid = ("--set", f"solver.epochs={max(saved.values()) + 2}")
    for run in found:
        assert main(["resume", str(run.path), *grid, "-q"]) == 0
        name, again = run.path.name, here / "again"
        settings = (*grid, "--set", f"solver.seed={name[-1]}", "--out", str(again), "--name", name)
        assert main(["fit", "c.yaml", *settings, "-q"]) == 0
        assert run.model.read_bytes() == (again / name / "model.npz").read_bytes()


def test_runs_stop_with_the_command_that_is_killed(here, address):
    """Nobody waits for them any more; they are saved, and free to be gone on with."""
    write_learnable(here, "epochs: 100000")
    process = begin(here, "cv", "c.yaml", "--folds", "2", "--out", "b", "--cluster", address)
    runs = here / "b" / "runs"
    until(lambda: len(list(runs.glob("*/metrics.jsonl"))) == 2)
    process.kill()
    process.communicate(timeout=60)
    found = [RunDirectory(path) for path in sorted(runs.iterdir())]
    until(lambda: not any(run.is_locked() for run in found))
    assert [run.read_info()["status"] for run in found] == ["interrupted"] * 2


def test_one_failure_ends_no_experiment(here, address, capsys):
    """It is told as it is of processes."""
    write_learnable(here, "epochs: 4; schedule: constant")
    words = ("sweep", "c.yaml", "--grid", "solver.lr=1e9,0.05", "-q")
    assert main([*words, "--out", "a", "--jobs", "1"]) == 1
    alone = capsys.readouterr()
    assert main([*words, "--out", "b", "--cluster", address]) == 1
    assert capsys.readouterr().err.replace("b/runs", "a/runs") == alone.err
    assert "diverged" in alone.err


def test_a_folder_that_workers_do_not_see_is_refused(here, address, capsys, monkeypatch):
    """Before anything is trained; here they see another file in its place."""
    write_learnable(here)
    write = elsewhere.write_atomic
    monkeypatch.setattr(elsewhere, "write_atomic", lambda path, text: write(path, text[::-1]))
    assert main(["sweep", "c.yaml", *GRID, "--out", "b", "--cluster", address, "-q"]) == 7
    err = capsys.readouterr().err
    assert err.startswith("svmtrain: error: the worker tcp://")
    assert err.endswith(
        f" does not see the folder of the experiment, {here / 'b'}: it must be on storage that "
        "all workers share\n"
    )
    assert list((here / "b" / "runs").iterdir()) == []
    assert not list((here / "b").glob(f"{elsewhere.WITNESS}*"))


def test_where_runs_are_trained_is_no_setting_to_sweep(here, capsys):
    """All points are trained in the same place."""
    write_learnable(here)
    assert main(["sweep", "c.yaml", "--grid", "cluster.shards=1,2"]) == 2
    assert "where runs are trained is the same for all points" in capsys.readouterr().err
