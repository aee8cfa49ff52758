"""The scripts of `examples/`, by which a user has a training started again until it is done."""

import contextlib
import itertools
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from extent import extent
from real_runs import ended, outcome_of, steps_of, told, undisturbed_run, wait_for, wait_until
from small_runs import environment, write_config

from svmtrain.runs.directory import RunDirectory

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
README = EXAMPLES.parent / "README.md"
RESTART, SBATCH = EXAMPLES / "restart.sh", EXAMPLES / "slurm.sbatch"
TRAINING = "epochs: 60; batch_size: 1; momentum: 0.5"
AGAIN = (75, 138)
REAL = f'echo $$ >> pids\nexec {sys.executable} -m svmtrain "$@"\n'


@pytest.fixture
def here(tmp_path):
    """Return a folder with a config, and with `bin`, where the commands are found."""
    write_config(tmp_path, TRAINING)
    (tmp_path / "bin").mkdir()
    put(tmp_path, "scontrol", 'echo "$@" >> requeued\n')
    put(tmp_path, "svmtrain", REAL)
    return tmp_path


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Return the outcome of a run that nobody disturbed, and the seconds that it took."""
    return undisturbed_run(tmp_path_factory.mktemp("undisturbed"), TRAINING)


def put(here, name, text):
    """Write a command for the scripts to find."""
    path = here / "bin" / name
    path.write_text(f"#!/bin/sh\n{text}")
    path.chmod(0o755)


def lines_of(path):
    """Return the lines of a file that a command writes; none where it has not begun."""
    return path.read_text().splitlines() if path.exists() else []


def script(here, shell, path, **variables):
    """Start a script with the words `c.yaml -q`, in a session of its own."""
    search = os.pathsep.join([str(here / "bin"), os.environ["PATH"]])
    return subprocess.Popen(
        [shell, path, "c.yaml", "-q"],
        cwd=here,
        env={**environment(), "PATH": search, "SLURM_JOB_ID": "7", "PAUSE": "0", **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def codes(here, *codes):
    """Let the command be one that exits with these codes, one after the other."""
    cases = "".join(f"{at}) exit {code};;\n" for at, code in enumerate(codes, 1))
    put(here, "svmtrain", f'echo "$@" >> calls\ncase $(wc -l < calls) in\n{cases}esac\nexit 99\n')


STOPS = (*range(9), 129, 130, 141, 143)


@pytest.mark.parametrize("code", STOPS)
def test_the_loop_goes_on_after_preemptions_and_ends_with_anything_else(here, code):
    """75, and kills, are gone on with; done, every real error and Ctrl-C end it, with that code."""
    codes(here, code)
    assert ended(script(here, "sh", RESTART)).returncode == code
    (here / "calls").unlink()
    codes(here, 75, 137, 138, 75, code)
    assert ended(script(here, "sh", RESTART)).returncode == code
    assert lines_of(here / "calls") == ["fit c.yaml -q --resume"] * 5


@pytest.mark.parametrize(("ends", "calls"), [((75, 75, 0), 3), ((75, 5), 2), ((0,), 1)])
def test_the_loop_of_the_readme_ends_when_it_should(here, ends, calls):
    """Done, or with an error that would come again."""
    loop = re.search(r"^```sh\n(until svmtrain .*?)^```$", README.read_text(), re.M | re.S)[1]
    (here / "loop.sh").write_text(loop)
    codes(here, *ends)
    ended(script(here, "sh", "loop.sh"))
    assert lines_of(here / "calls") == ["fit flowers.yaml --resume"] * calls


def test_the_loop_gives_up_when_nothing_but_kills_comes(here):
    """What is killed again and again may never fit into the memory; a preemption in between can."""
    codes(here, 137, 137, 75, 137, 137, 137)
    done = ended(script(here, "sh", RESTART, KILLS="3"))
    assert done.returncode == 137
    assert done.stderr.endswith("restart.sh: killed 3 times in a row; giving up\n")
    assert len(lines_of(here / "calls")) == 6


@pytest.mark.parametrize("code", STOPS)
def test_the_job_is_requeued_for_preemptions_alone(here, code):
    """By its number; a failed job stays failed, and a done one done."""
    for one in (code, *AGAIN):
        codes(here, one)
        assert ended(script(here, "bash", SBATCH)).returncode == one
        assert lines_of(here / "calls") == ["fit c.yaml -q --resume"]
        (here / "calls").unlink()
    assert lines_of(here / "requeued") == ["requeue 7", "requeue 7"]


def a_moment(here, process, began, seconds, chance):
    """Wait for a moment of the newest session: soon after a new checkpoint, or any.

    Returns False when the script ended first.
    """
    run = RunDirectory(here / "runs" / "c")
    newest = steps_of(run)
    if not wait_for(lambda: len(lines_of(here / "pids")) > began, process):
        return False
    if chance.random() < 0.6:
        return wait_for(lambda: steps_of(run) > newest or run.model.exists(), process)
    return wait_until(chance.uniform(0, seconds), process)


def test_the_loop_trains_to_the_end_through_kills_and_preemptions(here, undisturbed, figures):
    """The very script, and the real command: the model is the one that nobody disturbed."""
    outcome, seconds = undisturbed
    chance, sent, runs = random.Random(5), [], 0
    while len(sent) < extent(3, 40):
        shutil.rmtree(here / "runs", ignore_errors=True)
        (here / "pids").unlink(missing_ok=True)
        process = script(here, "sh", RESTART, KILLS="1000")
        for number in itertools.cycle((signal.SIGKILL, signal.SIGUSR1)):
            begun = len(lines_of(here / "pids"))
            if len(sent) == extent(3, 40) or not a_moment(here, process, begun, seconds, chance):
                break
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                os.kill(int(lines_of(here / "pids")[-1]), number)
                sent.append(number.name)
        done = ended(process)
        assert done.returncode == 0, done.stderr
        assert outcome_of(here / "runs" / "c") == outcome
        again = re.findall(r"^restart\.sh: exit code \d+; going on$", done.stderr, re.M)
        assert len(again) == len(lines_of(here / "pids")) - 1
        runs += 1
    figures("restart.sh: signals", told(sent))
    figures("restart.sh: finished runs, all like the undisturbed one", runs)


class Slurm:
    """As much of SLURM as a batch script meets: its directives, signals and the queue."""

    def __init__(self, here):
        self.here = here
        text = SBATCH.read_text()
        to, name, _ = re.search(r"^#SBATCH --signal=(B:)?(\w+)@(\d+)$", text, re.M).groups()
        assert to, "without B: the signal goes to job steps alone, and here are none"
        self.warning = signal.Signals[f"SIG{name}"]
        self.requeues = re.search(r"^#SBATCH --requeue$", text, re.M) is not None
        self.jobs = 0

    def job(self, trouble, wait):
        """Run the job once, with some trouble at a moment; return its code and whether it waits
        in the queue again.
        """
        before = len(lines_of(self.here / "requeued"))
        self.jobs += 1
        process = script(self.here, "bash", SBATCH)
        if trouble and wait(process):
            if trouble == "lost node":
                os.killpg(process.pid, signal.SIGKILL)
            else:
                number = self.warning if trouble == "time limit" else signal.SIGTERM
                process.send_signal(number)
        code = ended(process).returncode
        asked = len(lines_of(self.here / "requeued")) > before
        assert asked == (code in AGAIN)
        again = asked or (self.requeues and trouble != "time limit" and code != 0)
        return code, again


TROUBLES = {
    "time limit": (0, *AGAIN),
    "preemption": (0, 143),
    "lost node": (0, -signal.SIGKILL),
}


def test_jobs_train_to_the_end_through_limits_preemptions_and_lost_nodes(
    here, undisturbed, figures
):
    """Every signal of SLURM ends a job as it should, and the last one has the right model."""
    outcome, seconds = undisturbed
    chance, met, slurm, runs, again = random.Random(4), [], Slurm(here), 0, False
    run = RunDirectory(here / "runs" / "c")
    while len(met) < extent(3, 45) or again:
        trouble = [*TROUBLES][len(met) % 3] if len(met) < extent(3, 45) else None
        begun = len(lines_of(here / "pids"))
        code, again = slurm.job(
            trouble, lambda process, begun=begun: a_moment(here, process, begun, seconds, chance)
        )
        assert code in (TROUBLES[trouble] if trouble else (0,))
        if again:
            met.append(trouble)
            continue
        assert code == 0
        assert outcome_of(run.path) == outcome
        shutil.rmtree(run.path)
        runs += 1
    figures("slurm.sbatch: jobs that ended early", told(met))
    figures("slurm.sbatch: finished runs, all like the undisturbed one", runs)
