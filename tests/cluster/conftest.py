"""A cluster of two workers that tests share, and reach by its address."""

import os
import signal
import time
from pathlib import Path

import pytest
from workers import local_cluster

from svmtrain.cluster.crew import crew_at
from svmtrain.config.cluster import Cluster

TESTS = str(Path(__file__).resolve().parents[1])


@pytest.fixture(scope="module")
def cluster():
    """Run two workers, replaced when killed; their threads end before other modules begin."""
    pytest.importorskip("distributed")
    path = os.pathsep.join([TESTS, *filter(None, [os.environ.get("PYTHONPATH")])])
    with local_cluster(2, env={"PYTHONPATH": path}) as found:
        yield found


@pytest.fixture
def address(cluster):
    """Return the address of a cluster with two workers."""
    deadline = time.monotonic() + 30
    while len(cluster.scheduler.workers) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return cluster.scheduler_address


@pytest.fixture
def said():
    """Return a list that takes what is said."""
    return []


@pytest.fixture
def crew(address, said):
    """Yield a crew of the two workers."""
    with crew_at(Cluster(at=address, wait=30), said.append) as found:
        yield found


@pytest.fixture
def kill(cluster):
    """Return a function that kills, with -9, all workers, or those that have a task in hand."""

    def killed(idle=False):
        known = cluster.scheduler.workers.values()
        names = {one.address for one in known if idle or one.processing}
        found = [n for n in cluster.workers.values() if n.worker_address in names]
        for nanny in found:
            os.kill(nanny.pid, signal.SIGKILL)
        return len(found)

    return killed
