"""Two real processes and one run directory: one wins, the other says so and changes nothing."""

import shutil
import signal
from collections import Counter
from pathlib import Path

import pytest
from extent import extent, spread
from real_runs import begin, ended, length_of, outcome_of, steps_of, told, wait_for
from small_runs import run_command, tree, write_config

from svmtrain.runs.directory import RunDirectory

SHORT = "epochs: 60; batch_size: 1"
FIT = ("fit", "c.yaml", "-q")
MODES = {
    "fit": FIT,
    "fit --resume": (*FIT, "--resume"),
    "fit --force": (*FIT, "--force"),
    "resume": ("resume", "runs/c", "-q"),
}
PATH_MODES = ("fit --force", "fit", "fit --resume")
IN_USE = "svmtrain: error: runs/c: another svmtrain is working on this run\n"
EXISTS = (
    "svmtrain: error: runs/c: this run exists already: --resume goes on with it, --force begins "
    "it again, --name makes another\n"
)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Return the outcome of a run that has its folder for itself."""
    here = tmp_path_factory.mktemp("undisturbed")
    write_config(here, SHORT)
    length_of(here, *FIT)
    return outcome_of(here / "runs" / "c")


def holder_of(processes):
    """Return which of some processes holds a lock on a file, by what the kernel says."""
    pids = {process.pid: process for process in processes}
    for line in Path("/proc/locks").read_text().splitlines():
        words = line.split()
        if words[1:2] == ["FLOCK"] and int(words[4]) in pids:
            return pids[int(words[4])]
    return None


def interrupted(here):
    """Leave a run that a signal stopped, for others to go on with."""
    process = begin(here, *FIT)
    assert wait_for(RunDirectory(here / "runs" / "c").checkpoint_files, process)
    process.send_signal(signal.SIGTERM)
    assert ended(process).returncode == 143


def lost(loser, mode):
    """Assert how the loser of two at once ended; return its code.

    A plain `fit` that came to see what the other one had begun says that it exists.
    """
    allowed = {8: IN_USE, 2: EXISTS} if mode == "fit" else {8: IN_USE}
    what = loser.stderr.replace("this path exists", "this run exists")
    assert what == allowed.get(loser.returncode), loser
    return f"exit {loser.returncode}"


def raced(here, words):
    """Start a command twice at once; return how the winner and the loser ended.

    Whoever has the lock is held until the other has ended, lest it be done before that begins.
    """
    both = [begin(here, *words) for _ in range(2)]
    assert wait_for(lambda: holder_of(both), both[0]) or holder_of(both)
    winner = holder_of(both)
    winner.send_signal(signal.SIGSTOP)
    loser = ended(next(process for process in both if process is not winner))
    winner.send_signal(signal.SIGCONT)
    return ended(winner), loser


@pytest.mark.parametrize("mode", spread(MODES, 1))
def test_of_two_that_start_at_once_one_wins(tmp_path, undisturbed, figures, mode):
    """The loser exits with 8; a plain `fit` that came to see the winner's run, with 2."""
    codes = Counter()
    for number in range(extent(1, 10)):
        here = tmp_path / str(number)
        here.mkdir()
        write_config(here, SHORT)
        if mode == "resume":
            interrupted(here)
        winner, loser = raced(here, MODES[mode])
        assert (winner.returncode, winner.stderr) == (0, "")
        codes[lost(loser, mode)] += 1
        assert outcome_of(here / "runs" / "c") == undisturbed
    figures(f"{mode}, both at once: races", told(codes.elements()))


@pytest.mark.parametrize("mode", spread(MODES, 1))
def test_who_comes_in_the_middle_loses_and_changes_nothing(tmp_path, undisturbed, figures, mode):
    """The run is there: a plain `fit` exits with 2, whatever would go on or begin again with 8."""
    write_config(tmp_path, SHORT)
    run = RunDirectory(tmp_path / "runs" / "c")
    interrupted(tmp_path)
    if mode == "fit":
        shutil.rmtree(run.path)
    winner = begin(tmp_path, *MODES[mode])
    assert wait_for(lambda: holder_of([winner]), winner)
    assert wait_for(lambda: run.info.exists() and steps_of(run) > 0, winner)
    winner.send_signal(signal.SIGSTOP)
    before, losers = tree(tmp_path), spread(MODES, 2)
    for other in losers:
        loser = run_command(*MODES[other], cwd=tmp_path)
        expected = (2, EXISTS) if other == "fit" else (8, IN_USE)
        assert (loser.returncode, loser.stderr) == expected
        assert tree(tmp_path) == before
    winner.send_signal(signal.SIGCONT)
    done = ended(winner)
    assert (done.returncode, done.stderr) == (0, "")
    assert outcome_of(run.path) == undisturbed
    figures(f"{mode}, another in the middle: races", len(losers))


@pytest.mark.parametrize("mode", spread(PATH_MODES, 1))
def test_of_two_for_one_path_one_wins(tmp_path, figures, mode):
    """As for a run, from its first run to its last."""
    write_config(tmp_path, "epochs: 9", more="objective: {lambda: [0.1, 0.01]}")
    length_of(tmp_path, *FIT, "--name", "whole")
    codes = Counter()
    for _ in range(extent(1, 5)):
        winner, loser = raced(tmp_path, MODES[mode])
        assert (winner.returncode, winner.stderr) == (0, "")
        codes[lost(loser, mode)] += 1
        assert outcome_of(tmp_path / "runs" / "c") == outcome_of(tmp_path / "runs" / "whole")
        shutil.rmtree(tmp_path / "runs" / "c")
    figures(f"{mode} of a path, both at once: races", told(codes.elements()))
