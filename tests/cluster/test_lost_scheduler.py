"""The scheduler of a cluster, or the client, is killed: the run goes on where it stopped."""

import re
import signal
import time

import pytest
from extent import spread
from real_clusters import Processes, digest_of, in_process, kill
from real_runs import begin, ended, steps_of, wait_for
from small_runs import write_config

from svmtrain.runs.directory import RunDirectory

pytest.importorskip("distributed")
SOLVERS = {
    "local": "epochs: 12; batch_size: 4",
    "sync": "epochs: 12; batch_size: 12",
    "dual": "name: dual; epochs: 12; batch_size: 8",
}
LOSSES = [(mode, who) for who in ("scheduler", "client") for mode in SOLVERS]
SHARDS, WAIT = 3, 30
GONE = re.compile(
    r"svmtrain: error: tcp://[0-9.:]+: the scheduler of the cluster is gone \([^\n]+\); svmtrain "
    r"resume runs/c --cluster WHERE goes on at another\n"
)


def until_killed(scheduler, begun, run, who):
    """Kill the scheduler or the client in the middle of a run, and see how the run ends."""
    assert wait_for(lambda: steps_of(run) > 0, begun), begun.communicate()
    assert not run.model.exists()
    if who == "client":
        begun.kill()
        assert ended(begun).returncode == -signal.SIGKILL
        return
    kill(scheduler)
    killed = time.monotonic()
    done = ended(begun)
    assert time.monotonic() - killed < WAIT, "a killed scheduler is waited for"
    assert done.returncode == 7
    assert GONE.fullmatch(done.stderr), done.stderr


@pytest.mark.parametrize(("mode", "who"), spread(LOSSES, 1))
def test_a_run_whose_scheduler_or_client_was_killed_goes_on_with_other_workers(
    tmp_path, mode, who, figures
):
    """The same model in the end; the shards stay, by whatever number of workers they are held."""
    settings = (f"cluster.mode={mode}", "cluster.interval=2", f"cluster.wait={WAIT}")
    config = write_config(tmp_path, SOLVERS[mode])
    undisturbed = in_process(config, "undisturbed", SHARDS, *settings)
    words = ["fit", "c.yaml", "-q"]
    words += [w for one in (*settings, f"cluster.shards={SHARDS}") for w in ("--set", one)]
    run = RunDirectory(tmp_path / "runs" / "c")
    with Processes(tmp_path) as cluster:
        scheduler, at = cluster.scheduler()
        for _ in range(2):
            cluster.worker(at)
        cluster.ready()
        until_killed(scheduler, begin(tmp_path, *words, "--cluster", at), run, who)
        step = steps_of(run)
        if who == "scheduler":
            _, at = cluster.scheduler(name="another.json")
            cluster.worker(at)
        done = ended(begin(tmp_path, *words, "--resume", "--cluster", at))
    assert done.returncode == 0, done.stderr
    assert digest_of(run) == digest_of(undisturbed)
    figures(f"{who} killed, mode {mode}: gone on with from step", step)
