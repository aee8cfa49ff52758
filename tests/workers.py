"""Real workers of Dask for tests, and what is done to them."""

import contextlib
import logging
import os
import random
import signal
import threading
import time


@contextlib.contextmanager
def local_cluster(workers, **options):
    """Yield a cluster of processes on this machine; workers that die are begun again."""
    import dask
    from distributed import LocalCluster

    from svmtrain.cluster.connection import NEVER_GIVEN_UP

    with (
        dask.config.set(NEVER_GIVEN_UP),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            dashboard_address=":0",
            silence_logs=logging.CRITICAL,
            **options,
        ) as cluster,
    ):
        yield cluster


def processes(cluster):
    """Return the process numbers of the workers that run.

    One that is still starting is left alone: whoever watches over it would give it up.
    """
    from distributed.core import Status

    known, watched = set(cluster.scheduler.workers), list(cluster.workers.values())
    return [
        one.pid
        for one in watched
        if one.status == Status.running
        and one.process is not None
        and one.process.status == Status.running
        and one.worker_address in known
    ]


class Killer:
    """Kills workers at random moments, for as long as the block lasts or until it has enough.

    Attributes
    ----------
    kills : int
        How many there were.
    """

    def __init__(self, cluster, most, seed, pause=(0.05, 0.6)):
        self.cluster, self.most, self.pause = cluster, most, pause
        self.random, self.kills = random.Random(seed), 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _work(self):
        while self.kills < self.most and not self._over.wait(self.random.uniform(*self.pause)):
            alive = processes(self.cluster)
            if alive:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.random.choice(alive), signal.SIGKILL)
                    self.kills += 1


def until(true, seconds=20):
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited for too long"
        time.sleep(0.02)
