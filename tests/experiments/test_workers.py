"""Processes side by side: the same results, failures told, and one end for all at a signal."""

import os
import signal
import time
from dataclasses import replace

import pytest
from real_runs import begin
from small_runs import results, settings_of, start, write_config

from svmtrain import interrupts
from svmtrain.errors import Interrupted
from svmtrain.experiments import workers
from svmtrain.experiments.tasks import Task
from svmtrain.runs.directory import RunDirectory


def tasks_of(path, names, *overrides):
    """Return a task for each name."""
    return [Task((settings_of(path, name, *overrides),)) for name in names]


def test_processes_side_by_side_leave_what_one_leaves(tmp_path):
    """Byte for byte; one that fails is told, and one that dies is, and the rest goes on."""
    path, ended = write_config(tmp_path), []
    tasks = tasks_of(path, ["a", "b"])
    bad = settings_of(path, "bad")
    tasks.insert(1, Task((replace(bad, data=replace(bad.data, train="missing.csv")),)))
    workers.carry_out_all(tasks, 2, ended.append)
    assert {one.name: one.code for one in ended} == {"a": 0, "b": 0, "bad": 3}
    assert "missing.csv" in next(one.problem for one in ended if one.name == "bad")
    alone = start(path, "alone")
    for name in "ab":
        assert results(RunDirectory(tmp_path / "runs" / name)) == results(alone)


def test_a_process_that_dies_is_told_and_replaced(tmp_path):
    """Its run has failed; those that wait are trained by another."""
    path, ended = write_config(tmp_path), []
    long = tasks_of(path, ["long"], "solver.epochs=1000000", "checkpoint.every=none")
    with workers._Pool([*long, *tasks_of(path, ["next"])], 1, ended.append) as pool:
        pool._next(pool.workers[0])
        deadline = time.monotonic() + 30
        while not (tmp_path / "runs" / "long" / "run.json").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.kill(pool.workers[0].process.pid, signal.SIGKILL)
        while pool.workers[0].task is not None:
            pool._hear(pool.workers[0])
    assert [(one.name, one.problem) for one in ended] == [
        ("long", "the process that trained it ended with -9"),
        ("next", None),
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_all_processes_and_names_the_command_that_goes_on(tmp_path, number):
    """All save; nothing is left running; the exit code is that of the signal."""
    write_config(tmp_path, "epochs: 1000000")
    words = ("cv", "c.yaml", "--folds", "2", "--jobs", "2", "--out", "cv")
    process = begin(tmp_path, *words, start_new_session=True)
    runs = [RunDirectory(tmp_path / "cv" / "runs" / name) for name in ("fold-1", "fold-2")]
    expected = min(2, workers.cores())
    deadline = time.monotonic() + 30
    while sum(run.info.exists() for run in runs) < expected:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    err = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + number
    assert err == (
        f"svmtrain: {signal.Signals(number).name}: saved; 0 of 2 runs are done; go on with: "
        f"svmtrain {' '.join(words)}\n"
    )
    assert [run.read_info()["status"] for run in runs[:expected]] == ["interrupted"] * expected
    assert not any(run.is_locked() for run in runs)


def test_a_signal_before_the_first_run_starts_none(tmp_path, monkeypatch):
    """Nothing is written."""
    monkeypatch.setattr(interrupts, "_received", [signal.SIGTERM])
    with pytest.raises(Interrupted):
        workers.carry_out_all(tasks_of(write_config(tmp_path), ["a"]), 1, lambda ended: None)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("asked", "threads", "cores", "jobs"),
    [(None, 1, 8, 8), (None, 3, 8, 2), (4, 1, 8, 4), (9, 1, 8, 8), (9, 4, 8, 2), (1, 16, 8, 1)],
)
def test_jobs_and_threads_never_ask_for_more_cores_than_there_are(
    monkeypatch, asked, threads, cores, jobs
):
    """One process is always allowed."""
    monkeypatch.setattr(workers, "cores", lambda: cores)
    notes = []
    assert workers.how_many(asked, threads, notes.append) == jobs
    assert bool(notes) == (asked is not None and asked > jobs)
