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


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store")
    parser.add_argument("--limit-mb", type=int, default=1024)
    parser.add_argument("--epochs", type=int, default=2)
    given = parser.parse_args()
    store = Path(given.store).resolve()
    whole = open_store(store)
    rows, size = len(whole.X), whole.X.nbytes
    print(
        f"{rows:,} rows x {whole.X.shape[1]} of {whole.X.dtype}, {size / 1e9:.2f} GB, "
        f"limit {given.limit_mb} MB\n\n| what | seconds | rows a second | peak resident MB |"
        "\n|---|---|---|---|"
    )
    program = [sys.executable, "-m", "svmtrain"]
    with tempfile.TemporaryDirectory() as place, limited(given.limit_mb) as prefix:
        folder = Path(place)

        def line(what, seconds, count, peak):
            print(f"| {what} | {seconds:.1f} | {count / seconds:,.0f} | {peak:.0f} |", flush=True)

        def fit(name, path, shuffle, inside, count):
            text = CONFIG.format(path=path, shuffle=shuffle, epochs=given.epochs)
            (folder / f"{name}.yaml").write_text(text)
            _, peak, _ = timed(inside, [*program, "fit", f"{name}.yaml", "-q"], folder)
            epochs = training_seconds(folder, name)
            line(f"an epoch, shuffle {shuffle}, {name}", min(epochs), count, peak)

        seconds, peak, _ = timed(
            prefix, ["dd", f"if={store}/X.npy", "of=/dev/null", "bs=1M"], folder
        )
        line("dd reads the file", seconds, rows, peak)
        fit("store", store, "blocks", prefix, rows * 0.98)
        seconds, peak, _ = timed(
            prefix,
            [*program, "resume", "runs/store", "-q", "--set", f"solver.epochs={given.epochs + 1}"],
            folder,
        )
        line("resume for an epoch, whole command", seconds, rows * 0.98, peak)
        seconds, peak, out = timed(prefix, [*program, "evaluate", "runs/store", str(store)], folder)
        line("evaluate, whole command", seconds, rows, peak)
        print(f"(accuracy over all rows: {re.search(r'accuracy +([0-9.]+)', out)[1]})")
        words = [*program, "predict", "runs/store", str(store), "-o", "labels.txt"]
        seconds, peak, _ = timed(prefix, words, folder)
        line("predict, whole command", seconds, rows, peak)
        small = min(SMALL_ROWS, rows)
        names = np.asarray(whole.labels.names)[whole.labels.codes[:small]]
        np.savez(folder / "small.npz", X=whole.X[:small], y=names)
        for shuffle in ("blocks", "full"):
            fit(
                f"{small // 1000}k-in-memory-{shuffle}",
                folder / "small.npz",
                shuffle,
                [],
                small * 0.98,
            )


if __name__ == "__main__":
    main()
