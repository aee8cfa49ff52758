"""Train on a store that is larger than the memory that may be used, beside rows in memory.

    python benchmarks/make_store.py IMAGES.gz LABELS.gz big.store 6.2
    python benchmarks/large.py big.store [--limit-mb 1024] [--epochs 2]

Every command runs in a process of its own. As root on a machine with memory cgroups (version 1),
it runs inside a group that may use no more than the limit, the system's cache of file pages
included; elsewhere the peak of its resident memory is only measured. `dd` reads the file once
under the same limit, for comparison; a copy of the first rows is trained on in memory (npz).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np

from svmtrain.data.store import open_store

GROUP = Path("/sys/fs/cgroup/memory/svmtrain-benchmark")
SMALL_ROWS = 200_000
CONFIG = """
data: {{train: "{path}", validation: 0.02}}
preprocess: {{scale: minmax}}
objective: {{lambda: 1e-3}}
solver: {{epochs: {epochs}, shuffle: {shuffle}, dtype: float32, lr: 0.05, gradcheck: false}}
"""


@contextlib.contextmanager
def limited(megabytes):
    """Yield a command that starts another inside the limit, or nothing where that cannot be."""
    try:
        GROUP.mkdir(exist_ok=True)
        (GROUP / "memory.limit_in_bytes").write_text(str(megabytes << 20))
    except OSError as error:
        print(f"(no limit: {error})")
        yield []
        return
    yield ["sh", "-c", f'echo $$ > {GROUP}/cgroup.procs; exec "$@"', "sh"]
    with contextlib.suppress(OSError):
        GROUP.rmdir()


def peak_mb(path):
    """Return the peak of resident memory that GNU time wrote."""
    return int(re.search(r"(\d+)", path.read_text())[1]) / 1024


def timed(prefix, words, folder):
    """Run a command; return (seconds, peak resident MB, its output), or its failure."""
    note = folder / "peak"
    began = time.perf_counter()
    done = subprocess.run(
        [*prefix, "/usr/bin/time", "-f", "%M", "-o", str(note), *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    seconds = time.perf_counter() - began
    if done.returncode not in (0, 130):
        raise SystemExit(f"{' '.join(words)}: exit {done.returncode}\n{done.stderr[-2000:]}")
    return seconds, peak_mb(note), done.stdout


def training_seconds(folder, name):
    """Return the seconds of each epoch of a run, from its records."""
    lines = (folder / "runs" / name / "metrics.jsonl").read_text().splitlines()
    ends = [float(re.search(r'"seconds": ([0-9.]+)', line)[1]) for line in lines]
    return [end - start for start, end in zip([0.0, *ends], ends, strict=False)]


class Trial:
    """Commands on a store in a folder, inside a limit, a line of the table each."""

    def __init__(self, store, folder, prefix, epochs):
        self.store, self.folder, self.prefix, self.epochs = store, folder, prefix, epochs
        self.program = [sys.executable, "-m", "svmtrain"]

    def line(self, what, rows, words):
        """Time a command, print its line, and return what it printed."""
        seconds, peak, out = timed(self.prefix, words, self.folder)
        show(what, seconds, rows, peak)
        return out

    def fit(self, name, path, shuffle, rows, prefix):
        """Train, and print the line of its fastest epoch."""
        text = CONFIG.format(path=path, shuffle=shuffle, epochs=self.epochs)
        (self.folder / f"{name}.yaml").write_text(text)
        _, peak, _ = timed(prefix, [*self.program, "fit", f"{name}.yaml", "-q"], self.folder)
        epochs = training_seconds(self.folder, name)
        show(f"an epoch, shuffle {shuffle}, {name}", min(epochs), rows, peak)

    def of_the_store(self, rows):
        """Read, train, resume, evaluate and predict from the store."""
        words = ["dd", f"if={self.store}/X.npy", "of=/dev/null", "bs=1M"]
        self.line("dd reads the file", rows, words)
        self.fit("store", self.store, "blocks", rows * 0.98, self.prefix)
        more = ["-q", "--set", f"solver.epochs={self.epochs + 1}"]
        words = [*self.program, "resume", "runs/store", *more]
        self.line("resume for an epoch, whole command", rows * 0.98, words)
        words = [*self.program, "evaluate", "runs/store", str(self.store)]
        out = self.line("evaluate, whole command", rows, words)
        print(f"(accuracy over all rows: {re.search(r'accuracy +([0-9.]+)', out)[1]})")
        words = [*self.program, "predict", "runs/store", str(self.store), "-o", "labels.txt"]
        self.line("predict, whole command", rows, words)

    def in_memory(self, whole):
        """Train on the first rows in memory."""
        small = min(SMALL_ROWS, len(whole.X))
        names = np.asarray(whole.labels.names)[whole.labels.codes[:small]]
        np.savez(self.folder / "small.npz", X=whole.X[:small], y=names)
        for shuffle in ("blocks", "full"):
            name = f"{small // 1000}k-in-memory-{shuffle}"
            self.fit(name, self.folder / "small.npz", shuffle, small * 0.98, [])


def show(what, seconds, rows, peak):
    print(f"| {what} | {seconds:.1f} | {rows / seconds:,.0f} | {peak:.0f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store")
    parser.add_argument("--limit-mb", type=int, default=1024)
    parser.add_argument("--epochs", type=int, default=2)
    given = parser.parse_args()
    store = Path(given.store).resolve()
    whole = open_store(store)
    print(
        f"{len(whole.X):,} rows x {whole.X.shape[1]} of {whole.X.dtype}, "
        f"{whole.X.nbytes / 1e9:.2f} GB, limit {given.limit_mb} MB\n\n"
        "| what | seconds | rows a second | peak resident MB |\n|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as place, limited(given.limit_mb) as prefix:
        trial = Trial(store, Path(place), prefix, given.epochs)
        trial.of_the_store(len(whole.X))
        trial.in_memory(whole)


if __name__ == "__main__":
    main()
