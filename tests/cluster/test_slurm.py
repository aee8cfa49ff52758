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
from small_runs import records_of, write_config

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


def test_the_batch_script_trains_on_a_worker_a_task_and_leaves_nothing_running(tmp_path, slurm):
    """The script is the one in configs/cluster: a scheduler, workers by srun, and svmtrain."""
    config = write_config(tmp_path, SOLVER)
    wanted = in_process(config, "wanted", 2)
    done = slurm("sbatch", "--ntasks=2", CONFIGS / "slurm.sbatch", "c.yaml", "--name", "run")
    assert done.stdout == "Submitted batch job 1\n", done.stderr
    log = tmp_path / "svmtrain-1.log"
    until_the_queue_is_empty(slurm, log)
    run = RunDirectory(tmp_path / "runs" / "run")
    assert run.model.exists(), log.read_text()
    assert digest_of(run) == digest_of(wanted)
    assert re.search(
        r"^svmtrain: plan: mode dual, 2 shards on [12] workers?, ", log.read_text(), re.M
    )
    assert [record["epoch"] for record in records_of(run)] == [1, 2, 3, 4]
    (session,) = processes_of(tmp_path / "slurm")
    assert ends(session), "processes of the job are left"


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTERM][: extent(0, 2)])
def test_a_job_whose_time_is_up_is_queued_again_and_goes_on(tmp_path, slurm, number):
    """SIGUSR1 comes to the script alone; after scancel the user begins it again."""
    config = write_config(tmp_path, "epochs: 20; batch_size: 8")
    wanted = in_process(config, "wanted", 2)
    words = ("sbatch", "--ntasks=2", CONFIGS / "slurm.sbatch", "c.yaml", "--name", "run")
    slurm(*words)
    run, log = RunDirectory(tmp_path / "runs" / "run"), tmp_path / "svmtrain-1.log"
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
    assert ends(session), "processes of the job are left"
    assert not run.model.exists(), log.read_text()
    asked = tmp_path / "slurm" / "jobs" / "scontrol.log"
    assert asked.exists() == (number == signal.SIGUSR1)
    if asked.exists():
        assert asked.read_text() == "requeue 1\n"
        assert "SIGUSR1: saved at step" in log.read_text()
    slurm(*words)
    until_the_queue_is_empty(slurm, log)
    assert digest_of(run) == digest_of(wanted), (tmp_path / "svmtrain-2.log").read_text()


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
