"""Signals as a flag, and the threads of the linear algebra."""

import os
import signal
import subprocess
import sys
import threading

import pytest
from real_runs import intact
from small_runs import QUIET, start, tree, write_config

from svmtrain import interrupts, threads
from svmtrain.cli import main
from svmtrain.errors import Interrupted
from svmtrain.operations import fit as fits
from svmtrain.operations.fit import reload_config, resume_run
from svmtrain.runs.directory import RunDirectory
from svmtrain.training.ways import Descent

TWICE = """
import os, signal, time
from svmtrain import interrupts
with interrupts.watching():
    os.kill(os.getpid(), signal.SIGINT)
    assert interrupts.pending() == signal.SIGINT
    print("first", flush=True)
    os.kill(os.getpid(), signal.SIGINT)
    print("second", flush=True)
"""


def test_a_second_sigint_ends_the_process_at_once():
    """The first is a flag; the second does not wait for anybody to look at it."""
    done = subprocess.run(
        [sys.executable, "-c", TWICE], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (130, "first\n")


AT_THE_END = """
import atexit, os, signal
from svmtrain import __main__, cli
cli.main = lambda: 6
atexit.register(os.kill, os.getpid(), signal.SIGUSR1)
__main__.run()
"""


def test_sigusr1_after_the_end_does_not_change_the_exit_code():
    """A scheduler would start a command again that has failed for good."""
    done = subprocess.run([sys.executable, "-c", AT_THE_END], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (6, b"")


@pytest.mark.parametrize("number", interrupts.STOP_SIGNALS, ids=lambda number: number.name)
def test_a_stop_is_a_flag_with_an_exit_code(number):
    """75 for the signal of a scheduler, which is to start again; else 128 and the number."""
    with interrupts.watching():
        assert interrupts.pending() is None
        interrupts.check()
        signal.raise_signal(number)
        assert interrupts.pending() == number
        with pytest.raises(Interrupted, match=f"^{number.name}: stopped; no file was") as caught:
            interrupts.check()
    assert caught.value.exit_code == (75 if number == signal.SIGUSR1 else 128 + number)
    assert interrupts.pending() is None


def test_a_thread_can_be_told_to_stop_without_a_signal():
    """As by SIGTERM, and no other thread with it."""
    told, found = threading.Event(), []

    def work():
        with interrupts.asking(told.is_set):
            found.append(interrupts.pending())
            interrupts.check()
            told.set()
            found.append(interrupts.pending())
            with pytest.raises(Interrupted, match=r"^SIGTERM: stopped") as caught:
                interrupts.check()
            found.append(caught.value.exit_code)
        found.append(interrupts.pending())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [None, signal.SIGTERM, 143, None]
    assert interrupts.pending() is None


def test_sigusr2_is_asked_for_once_and_stops_nothing():
    """Several before anybody looks are one; none is left for the next command."""
    with interrupts.watching():
        assert not interrupts.save_asked()
        signal.raise_signal(signal.SIGUSR2)
        signal.raise_signal(signal.SIGUSR2)
        interrupts.check()
        assert interrupts.pending() is None
        assert [interrupts.save_asked(), interrupts.save_asked()] == [True, False]
        signal.raise_signal(signal.SIGUSR2)
    with interrupts.watching():
        assert not interrupts.save_asked()


def test_sigusr1_while_data_are_loaded_is_75_and_writes_nothing(tmp_path, monkeypatch, capsys):
    """There is nothing to save yet, and the scheduler is to start the same command again."""
    write_config(tmp_path)
    monkeypatch.chdir(tmp_path)
    before, load = tree(tmp_path), fits.load_splits

    def load_and_signal(*args):
        signal.raise_signal(signal.SIGUSR1)
        return load(*args)

    monkeypatch.setattr(fits, "load_splits", load_and_signal)
    assert main(["fit", "c.yaml", "-q"]) == 75
    assert capsys.readouterr() == ("", "svmtrain: SIGUSR1: stopped; no file was changed\n")
    assert tree(tmp_path) == before
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert main(["fit", "c.yaml", "-q", "--resume"]) == 0


@pytest.mark.parametrize(("number", "saved"), [(signal.SIGUSR1, [7]), (signal.SIGUSR2, [7, 20])])
def test_a_signal_in_a_step_saves_right_after_it(tmp_path, monkeypatch, number, saved):
    """Where only the end is saved otherwise: SIGUSR1 stops there, SIGUSR2 goes on."""
    config, step = write_config(tmp_path), Descent.step

    def step_and_signal(way, state, rows):
        if state.solver.step == 6:
            signal.raise_signal(number)
        return step(way, state, rows)

    monkeypatch.setattr(Descent, "step", step_and_signal)
    monkeypatch.chdir(tmp_path)
    code = main(["fit", str(config), "-q", "--set", "checkpoint.every=none"])
    assert code == (75 if number == signal.SIGUSR1 else 0)
    run = RunDirectory(tmp_path / "runs" / "c")
    assert sorted(intact(run)) == saved
    monkeypatch.undo()
    resume_run(run, reload_config(run), QUIET)
    assert run.model.read_bytes() == start(config, "whole").model.read_bytes()


def test_the_threads_are_set_before_numpy_is_imported(monkeypatch):
    """Every variable that a linear algebra listens to, and whether it was in time."""
    for name in threads.VARIABLES:
        monkeypatch.setenv(name, "7")
    assert threads.limit(threads.resolve("auto")) is ("numpy" not in sys.modules)
    assert {os.environ[name] for name in threads.VARIABLES} == {"1"}
    assert threads.in_force() == "1"
    assert threads.resolve(3) == 3
