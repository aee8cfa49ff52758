"""Signals at any moment of real processes: saved, told in a line, and gone on with exactly."""

import itertools
import random
import re
import shlex
import shutil
import signal
import time
from collections import Counter
from signal import SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2

import pytest
from extent import extent, spread
from real_runs import (
    begin,
    ended,
    intact,
    length_of,
    outcome_of,
    steps_of,
    told,
    undisturbed_run,
    wait_for,
    wait_until,
)
from small_runs import records_of, run_command, tree, write_config, write_table

from svmtrain.interrupts import PREEMPTED
from svmtrain.runs.catalogue import read_records
from svmtrain.runs.directory import RunDirectory

EPOCHS = 60
LONG = f"epochs: {EPOCHS}; batch_size: 1; momentum: 0.5"
GOING_ON = ("fit", "c.yaml", "--resume", "-q")
ROWS = 39  # and steps an epoch
STOPS = (SIGINT, SIGTERM, SIGHUP, SIGUSR1)
SAVED = re.compile(r"svmtrain: (\w+): saved at step (\d+); go on with: ([^\n]+)\n")


def default_hangup():
    """Take SIGHUP as a terminal has it, though who runs the tests may have it ignored."""
    signal.signal(SIGHUP, signal.SIG_DFL)


def started(here, *words):
    """Start the real command with the default way to take SIGHUP."""
    return begin(here, *words, preexec_fn=default_hangup)


def code_of(number):
    """Return the exit code after a signal that saves and stops."""
    return PREEMPTED if number == SIGUSR1 else 128 + number


def catches(process, number):
    """Return whether a process has a handler for a signal."""
    with open(f"/proc/{process.pid}/status") as file:
        caught = next(line for line in file if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Return the outcome of a run that nobody disturbed, and the seconds that it took."""
    return undisturbed_run(tmp_path_factory.mktemp("undisturbed"), LONG)


def saved_at_least(run, epochs, process):
    """Wait until a run saved after more than so many epochs; False when its process ended."""
    return wait_for(lambda: steps_of(run) > epochs * ROWS, process)


def files(folder):
    """Return the digest of every file below a folder; the lock, and folders, hold nothing."""
    return {name: digest for name, digest in tree(folder).items() if digest != "folder"}


def moments(run, seconds, chance):
    """Yield for ever what waits for a moment; each returns False when the process ended first."""

    def after_a_save(process):
        return saved_at_least(run, chance.randrange(EPOCHS - 25), process)

    def at_random(process):
        return wait_until(time.monotonic() + seconds * chance.random(), process)

    def at_the_beginning(process):
        return wait_for(run.path.exists, process)

    def at_the_end(process):
        return wait_for(lambda: run.model.exists() or any(run.path.glob(".model.npz*")), process)

    while True:
        yield from (after_a_save, at_random, at_the_beginning, at_random, at_the_end, at_random)


def finished(run, outcome):
    """Return whether a run is finished; its outcome must be the right one then."""
    if not run.info.exists() or run.read_info()["status"] != "finished":
        return False
    assert outcome_of(run.path) == outcome
    return True


def judged(done, number, run, outcome, before):
    """Return how a process ended that got a signal, after all that must hold for it."""
    if finished(run, outcome):
        assert done.returncode in (0, code_of(number), -number), done.stderr
        return "finished"
    if saved := SAVED.fullmatch(done.stderr):
        assert done.returncode == code_of(number)
        assert saved[1] == number.name
        assert intact(run)[0] == int(saved[2])
        assert run.read_info()["status"] == "interrupted"
        assert shlex.split(saved[3]) == ["svmtrain", "resume", "my runs/c"]
        return "saved"
    assert done.returncode in (code_of(number), -number), done.stderr
    assert files(run.path.parent.parent) == before
    return "nothing begun"


def stopped(here, number, outcome, wait):
    """Send a signal at a moment of a new run, go on as it says, and return how it had ended."""
    run, before = RunDirectory(here / "my runs" / "c"), files(here)
    process = started(here, *GOING_ON, "--out", "my runs")
    if wait_for(lambda: catches(process, SIGUSR1), process) and wait(process):
        process.send_signal(number)
    done = ended(process)
    end, words = judged(done, number, run, outcome, before), (*GOING_ON, "--out", "my runs")
    if end == "saved":
        assert done.stdout == ""
        words = ("resume", "my runs/c", "-q")
    again = run_command(*words, cwd=here)
    assert again.returncode == 0, again.stderr
    assert finished(run, outcome)
    shutil.rmtree(run.path.parent)
    return end


@pytest.mark.parametrize("number", spread(STOPS, 2), ids=lambda number: number.name)
def test_a_signal_at_any_moment_saves_and_the_printed_command_goes_on(
    tmp_path, undisturbed, figures, number
):
    """Or nothing was begun, or it was done already; the end is always that of a run undisturbed."""
    outcome, seconds = undisturbed
    write_config(tmp_path, LONG)
    run = RunDirectory(tmp_path / "my runs" / "c")
    waits = itertools.islice(moments(run, seconds, random.Random(number.name)), extent(1, 36))
    ends = Counter(stopped(tmp_path, number, outcome, wait) for wait in waits)
    assert ends["saved"] >= 1
    figures(f"{number.name}: moments", told(ends.elements()))


def test_a_signal_during_evaluation_saves_all_the_steps_of_the_epoch(tmp_path, figures):
    """Where most of the time is evaluation; it is made anew when the run goes on."""
    write_table(tmp_path / "held.csv", 4000)
    write_config(tmp_path, "epochs: 50; batch_size: 20", "validation: held.csv")
    length_of(tmp_path, "fit", "c.yaml", "-q")
    outcome = outcome_of(tmp_path / "runs" / "c")
    run, chance = RunDirectory(tmp_path / "my runs" / "c"), random.Random(6)

    def in_the_middle(process):
        epochs = chance.randrange(35)
        return wait_for(lambda: steps_of(run) > 3 * epochs, process, pause=0.0003)

    ends = Counter(
        stopped(tmp_path, STOPS[number % 4], outcome, in_the_middle)
        for number in range(extent(1, 30))
    )
    assert set(ends) == {"saved"}
    figures("during evaluation: moments", told(ends.elements()))


@pytest.mark.parametrize("epochs", spread(range(30), 2))
def test_sigusr2_saves_and_goes_on(tmp_path, undisturbed, epochs):
    """While data are loaded or at any later moment: one checkpoint more, and the same end."""
    write_config(tmp_path, LONG, more="checkpoint: {every: none}")
    run = RunDirectory(tmp_path / "runs" / "c")

    def reached():
        return not epochs or (run.metrics.exists() and len(read_records(run)) > epochs)

    process = started(tmp_path, "fit", "c.yaml", "-q")
    assert wait_for(lambda: catches(process, SIGUSR2), process)
    assert wait_for(reached, process)
    assert not run.checkpoint_files()
    process.send_signal(SIGUSR2)
    assert wait_for(run.checkpoint_files, process)
    done = ended(process)
    assert done.returncode == 0
    assert re.fullmatch(r"svmtrain: SIGUSR2: saved at step [0-9]+\n", done.stderr), done.stderr
    assert len(intact(run)) == 2
    assert records_of(run) == undisturbed[0][2][0]


def test_a_second_sigint_ends_at_once_and_loses_no_checkpoint(tmp_path, undisturbed, figures):
    """Exit code 130, though the save that the first one asked for may be cut off."""
    outcome, _ = undisturbed
    chance, ends = random.Random(2), Counter()
    write_config(tmp_path, LONG)
    run = RunDirectory(tmp_path / "runs" / "c")
    for _ in range(extent(1, 30)):
        process = started(tmp_path, *GOING_ON)
        assert saved_at_least(run, chance.randrange(EPOCHS - 25), process)
        newest = steps_of(run)
        process.send_signal(SIGINT)
        time.sleep(0.01 * chance.random())
        process.send_signal(SIGINT)
        done = ended(process)
        ends["cut off" if not done.stderr else "saved"] += 1
        assert done.returncode in (130, -SIGINT), done.stderr  # for a shell they are the same
        assert not done.stderr or SAVED.fullmatch(done.stderr)
        assert intact(run)[0] >= newest
        again = run_command(*GOING_ON, cwd=tmp_path)
        assert again.returncode == 0, again.stderr
        assert finished(run, outcome)
        shutil.rmtree(run.path)
    figures("two SIGINT: ends", told(ends.elements()))
