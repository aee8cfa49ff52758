"""The files for SLURM, as they are handed out, run by commands that stand in for SLURM's."""

import contextlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
from extent import extent
from fake_slurm import installed, processes_of
from real_clusters import CONFIGS, digest_of, in_process
from real_runs import LIMIT, steps_of
from small_runs import write_config

from svmtrain.runs.directory import RunDirectory

pytest.importorskip("distributed")
if sys.platform != "linux" or shutil.which("setsid") is None:
    pytest.skip("jobs are sessions, which need setsid", allow_module_level=True)
SOLVER = "name: dual; epochs: 4; batch_size: 16"


@pytest.fixture
def slurm(tmp_path):
    """Return a function that runs a command where SLURM is; its jobs end with the test."""
    variables = installed(tmp_path / "slurm")

    def run(*words):
        return subprocess.run(
            list(map(str, words)),
            cwd=tmp_path,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT,
        )

    yield run
    for session in processes_of(tmp_path / "slurm"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(session, signal.SIGKILL)


def until_the_queue_is_empty(slurm, log):
    """Wait until all jobs have ended."""
    until = time.monotonic() + LIMIT
    while slurm("squeue").stdout:
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.05)


def ends(session):
    """Return whether all processes of a job end."""
    until = time.monotonic() + 10
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < until:
            os.killpg(session, 0)
            time.sleep(0.05)
        return False
    return True


def disturbed(tmp_path, slurm, number, run, log):
    """Let the first job end by a signal in the middle of a run."""
    until = time.monotonic() + LIMIT
    while steps_of(run) < 1:
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.01)
    (session,) = processes_of(tmp_path / "slurm")
    if number == signal.SIGUSR1:
        os.kill(session, number)
    else:
        slurm("scancel", 1)
    until_the_queue_is_empty(slurm, log)
    assert not run.model.exists(), log.read_text()
    asked = tmp_path / "slurm" / "jobs" / "scontrol.log"
    assert asked.exists() == (number == signal.SIGUSR1)
    if asked.exists():
        assert asked.read_text() == "requeue 1\n"
        assert "SIGUSR1: saved at step" in log.read_text()


@pytest.mark.parametrize("number", [None, signal.SIGUSR1, signal.SIGTERM][: extent(1, 3)])
def test_the_batch_script_trains_on_a_worker_a_task_and_leaves_nothing_running(
    tmp_path, slurm, number
):
    """The script is the one in configs/cluster: a scheduler, workers by srun, and svmtrain.

    When its time is up, SIGUSR1 comes to the script alone; scancel ends all at once. The next job
    goes on with the run.
    """
    config = write_config(tmp_path, SOLVER if number is None else "epochs: 20; batch_size: 8")
    wanted = in_process(config, "wanted", 2)
    words = ("sbatch", "--ntasks=2", CONFIGS / "slurm.sbatch", "c.yaml", "--name", "run")
    assert slurm(*words).stdout == "Submitted batch job 1\n"
    run, log = RunDirectory(tmp_path / "runs" / "run"), tmp_path / "svmtrain-1.log"
    if number is not None:
        disturbed(tmp_path, slurm, number, run, log)
        slurm(*words)
        log = tmp_path / "svmtrain-2.log"
    until_the_queue_is_empty(slurm, log)
    assert run.model.exists(), log.read_text()
    assert digest_of(run) == digest_of(wanted)
    assert re.search(
        r"^svmtrain: plan: mode \w+, 2 shards on [12] workers?, ", log.read_text(), re.M
    )
    assert all(ends(session) for session in processes_of(tmp_path / "slurm")), "left running"


def test_the_python_file_trains_on_jobs_that_end_with_it(tmp_path, slurm):
    """By dask-jobqueue, which writes the scripts of the jobs itself."""
    if importlib.util.find_spec("dask_jobqueue") is None:
        pytest.skip("dask_jobqueue is not installed")
    config = write_config(tmp_path, SOLVER)
    wanted = in_process(config, "wanted", 2)
    words = ("svmtrain", "fit", "c.yaml", "-q", "--name", "run", "--set", "cluster.shards=2")
    words += ("--cluster", "scheduler.json")
    done = slurm(sys.executable, CONFIGS / "slurm_cluster.py", 2, *words)
    assert done.returncode == 0, done.stderr
    assert "2 workers; svmtrain fit CONFIG --cluster scheduler.json\n" in done.stdout
    assert digest_of(RunDirectory(tmp_path / "runs" / "run")) == digest_of(wanted)
    assert len(processes_of(tmp_path / "slurm")) == 2
    until_the_queue_is_empty(slurm, tmp_path / "slurm-1.out")
    assert not (tmp_path / "scheduler.json").exists()
