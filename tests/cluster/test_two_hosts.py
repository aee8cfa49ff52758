"""Two hosts, as network namespaces, whose link is cut while they train, and restored."""

import os
import shutil
import subprocess
import sys
import time

import pytest
from extent import spread
from real_clusters import Processes, digest_of, in_process
from real_runs import begin, ended, steps_of, wait_for
from small_runs import records_of, write_config

from svmtrain.runs.directory import RunDirectory

pytest.importorskip("distributed")
HERE, THERE = "10.77.0.1", "10.77.0.2"
SOLVERS = {
    "local": "epochs: 16; batch_size: 4",
    "sync": "epochs: 16; batch_size: 12",
    "dual": "name: dual; epochs: 100; batch_size: 8",
}
GAP = 1e-3
"""What dual ascent stops at."""
SHORT = 2.0
"""Seconds of a short cut: less than what Dask has patience for."""
IMPATIENT = {
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "11s",  # the least that Dask takes
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "3s",
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "4s",
}
CUTS = [(mode, length, 0) for length in ("short", "long") for mode in SOLVERS]
CUTS += [(mode, "short", 1) for mode in SOLVERS]


def ip(*words):
    """Run the program that makes networks."""
    return subprocess.run(["ip", *words], capture_output=True, text=True, check=True)


class Hosts:
    """Two network namespaces with a link between them."""

    def __init__(self):
        self.names = [f"svmtrain-{os.getpid()}-{which}" for which in "ab"]

    def __enter__(self):
        try:
            for name in self.names:
                ip("netns", "add", name)
            one, two = self.names
            ip(
                *("link", "add", "veth", "netns", one),
                *("type", "veth", "peer", "veth"),
                *("netns", two),
            )
            for name, address in zip(self.names, (HERE, THERE), strict=True):
                ip("-n", name, "addr", "add", f"{address}/24", "dev", "veth")
                for device in ("veth", "lo"):
                    ip("-n", name, "link", "set", device, "up")
        except subprocess.CalledProcessError as error:
            self.__exit__()
            pytest.skip(f"no network namespaces can be made here: {error.stderr.strip()}")
        return self

    def __exit__(self, *_):
        for name in self.names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)

    def inside(self, which):
        """Return the words that run a command in one of them."""
        return ("ip", "netns", "exec", self.names[which])

    def link(self, state):
        """Cut the link (down), or restore it (up)."""
        ip("-n", self.names[0], "link", "set", "veth", state)


@pytest.fixture
def hosts():
    """Return two hosts with a link; skip where they cannot be made."""
    if not sys.platform.startswith("linux") or shutil.which("ip") is None:
        pytest.skip("network namespaces need Linux and the program ip")
    if os.geteuid() != 0:
        pytest.skip("network namespaces can be made by root alone")
    with Hosts() as made:
        yield made


def proven(run):
    """Return how far the best epoch of a run is from the optimum, at most."""
    records = records_of(run)
    best = min(record["objective"] for record in records)
    return 1 - max(record["bound"] for record in records) / best


def cut_and_restore(hosts, run, process, length):
    """Cut the link of hosts in the middle of a run, and restore it."""
    assert wait_for(lambda: steps_of(run) > 0, process), process.communicate()
    hosts.link("down")
    if length == "short":
        time.sleep(SHORT)
    else:
        before = steps_of(run)
        assert wait_for(lambda: steps_of(run) > before + 2, process), process.communicate()
    assert process.poll() is None
    hosts.link("up")


@pytest.mark.parametrize(("mode", "length", "side"), spread(CUTS, 1))
def test_a_cut_link_between_two_hosts_changes_nothing_about_the_model(
    tmp_path, hosts, mode, length, side, figures
):
    """A short cut is waited out; after a long one the shard beyond is made anew on this side.

    svmtrain is on the side of the scheduler (0), or beyond the link (1). The variables of dual
    ascent that were on a lost worker are those of the last checkpoint: there the gap is the same.
    """
    settings = (f"cluster.mode={mode}", "cluster.interval=2", "cluster.wait=10")
    settings += (f"stop.gap={GAP}",) if mode == "dual" else ()
    config = write_config(tmp_path, SOLVERS[mode])
    wanted = in_process(config, "undisturbed", 2, *settings)
    flags = [word for one in (*settings, "cluster.shards=2") for word in ("--set", one)]
    here, there = hosts.inside(0), hosts.inside(1)
    with Processes(tmp_path, **(IMPATIENT if length == "long" else {})) as cluster:
        _, at = cluster.scheduler(host=HERE, prefix=here)
        cluster.worker(at, "--host", HERE, prefix=here)
        cluster.worker(at, "--host", THERE, prefix=there)
        cluster.ready()
        run, began = RunDirectory(tmp_path / "runs" / "c"), time.monotonic()
        process = begin(
            tmp_path, "fit", "c.yaml", "--cluster", at, *flags, prefix=hosts.inside(side)
        )
        cut_and_restore(hosts, run, process, length)
        done = ended(process)
    assert done.returncode == 0, done.stderr
    if mode == "dual":
        assert proven(run) <= GAP
        assert proven(wanted) <= GAP
    if (mode, length) != ("dual", "long"):
        assert digest_of(run) == digest_of(wanted)
    assert " 2 workers, " in done.stderr
    assert (f"cluster: tcp://{THERE}:" in done.stderr) == (length == "long")
    figures(
        f"link cut ({length}), mode {mode}, side {side}: seconds of the run",
        f"{time.monotonic() - began:.1f}",
    )
