"""Schedulers and workers of Dask as processes of their own, as a user starts them."""

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from real_runs import wait_for
from small_runs import QUIET, environment, settings_of

from svmtrain.cluster.engine import InProcess
from svmtrain.cluster.files import ClusterFiles
from svmtrain.operations.fit import fit
from svmtrain.runs.directory import RunDirectory

CONFIGS = Path(__file__).resolve().parent.parent / "configs" / "cluster"
"""The files for copying."""
PARTS = {
    name: (sys.executable, "-m", f"distributed.cli.dask_{name}") for name in ("scheduler", "worker")
}
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


class Processes:
    """Processes of a cluster in a folder; all that are left end with the block.

    Each writes into a file of its own. `prefix` are words that run a command elsewhere, such as
    in a network namespace.
    """

    def __init__(self, folder, **variables):
        self.folder = folder
        self.variables = variables
        self.begun = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.begun:
            kill(process)

    def start(self, part, *words, prefix=()):
        """Start a scheduler or a worker."""
        log = self.folder / f"{part}-{len(self.begun)}.log"
        with open(log, "wb") as out:
            process = subprocess.Popen(
                [*prefix, *PARTS[part], *map(str, words)],
                cwd=self.folder,
                env={**environment(), **THREADS, **self.variables},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        process.log = log
        self.begun.append(process)
        return process

    def scheduler(self, *words, name="scheduler.json", host="127.0.0.1", prefix=()):
        """Start a scheduler; return the process and its address."""
        file = self.folder / name
        words = ("--host", host, "--port", 0, "--no-dashboard", "--scheduler-file", file, *words)
        process = self.start("scheduler", *words, prefix=prefix)
        assert wait_for(lambda: self.address(name), process, 0.05), process.log.read_text()
        return process, self.address(name)

    def address(self, name="scheduler.json"):
        """Return the address in the file of a scheduler; None where there is none yet."""
        with contextlib.suppress(OSError, ValueError):
            return json.loads((self.folder / name).read_text())["address"]

    def worker(self, at, *words, prefix=()):
        """Start a worker of one thread, without anybody who starts it again."""
        words = (at, "--no-nanny", "--nthreads", 1, "--no-dashboard", *words)
        return self.start("worker", *words, "--local-directory", self.folder, prefix=prefix)

    def ready(self):
        """Wait until all workers have found their scheduler."""
        for process in self.begun:
            if process.log.name.startswith("worker"):
                found = wait_for(
                    lambda log=process.log: "Registered to" in log.read_text(), process
                )
                assert found, process.log.read_text()


def kill(process):
    """Kill a process and those of its session, and wait until it is gone."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def in_process(config, name, shards, *overrides):
    """Train with shards in this process, where nothing is lost; return the run directory."""
    settings = settings_of(config, name, f"cluster.shards={shards}", *overrides)
    scratch = str(Path(config).parent)
    files = ClusterFiles(InProcess(scratch), shards, lambda line: None)
    fit(settings, replace(QUIET, files=files))
    return RunDirectory(Path(settings.output.dir) / name)


def digest_of(run):
    """Return the digest of the model of a run."""
    return hashlib.sha256(run.model.read_bytes()).hexdigest()
