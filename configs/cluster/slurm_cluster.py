"""Workers of Dask in SLURM jobs of their own, for as long as a command runs.

    pip install 'svmtrain[cluster]' dask-jobqueue
    python slurm_cluster.py 4 svmtrain fit configs/digits.yaml --cluster scheduler.json

The first word is the number of jobs, one worker each. The scheduler runs here, on the login node
or in an interactive job, and writes scheduler.json; without a command it stays until Ctrl-C, and
any number of commands may use it from other terminals. A job that ends is begun again by itself.
"""

import contextlib
import os
import signal
import subprocess
import sys

from dask_jobqueue import SLURMCluster
from distributed import Client

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
FILE = "scheduler.json"
PATIENCE = 600  # seconds that the queue may take


def main(workers: int, command: list[str]) -> int:
    """Return the exit code of a command that has so many workers."""
    cluster = SLURMCluster(
        cores=1,
        processes=1,
        memory="4GiB",
        walltime="04:00:00",
        # queue="compute", account="mine",  # as your site asks for
        # interface="ib0",  # the network between the nodes, as `ip address` calls it
        job_script_prologue=[f"export {name}=1" for name in THREADS],
        scheduler_options={"dashboard_address": ":0"},
    )
    with cluster, Client(cluster) as client:
        # As many as asked for at all times: one that is lost is asked for again.
        cluster.adapt(minimum=workers, maximum=workers)
        client.wait_for_workers(workers, timeout=PATIENCE)
        client.write_scheduler_file(FILE)
        print(f"{workers} workers; svmtrain fit CONFIG --cluster {FILE}", flush=True)
        try:
            return run(command) if command else wait()
        finally:
            os.unlink(FILE)


def run(command: list[str]) -> int:
    """Run a command to its end, which may save first when it is told to stop."""
    process = subprocess.Popen(command)
    signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C reaches the command by itself
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    return process.wait()


def wait() -> int:
    """Wait for Ctrl-C; SIGTERM is the same, so that no job is left behind."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            signal.pause()
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python slurm_cluster.py WORKERS [COMMAND ...]")
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
