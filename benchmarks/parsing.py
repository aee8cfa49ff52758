"""How fast are data files read, and in how much memory, beside the readers of others?

    python benchmarks/parsing.py [FILE ...] [--repeats 7]

The format of a file is known by its ending: .csv (of numbers, no header, the label last), .npy,
or an IDX file's (-ubyte); any other is svmlight. Without files, some are made. Each measurement is
a process of its own, that of one reader after that of another, over and over. Seconds are those
of the reading alone, median (least - most); memory is the peak above that before, over the bytes
of the arrays read. `same` compares every number with those of the first reader of the file.
Other readers come from the packages that are here (the extra `bench`); one that is not is left out.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from svmtrain.data.dataset import ReadOptions
from svmtrain.data.readers import READERS, read_table
from svmtrain.data.sparse import Csr

MISSING = 77


def ours(path):
    """Read a file with svmtrain and numpy alone."""
    sys.modules["pyarrow"] = None  # as when it is not installed
    return reading(path)


def ours_and_arrow(path):
    """Read a file with svmtrain, which takes pyarrow to a large one."""
    importlib.import_module("pyarrow.csv")  # not while the time is taken, as for the peer

    return reading(path)


def reading(path):
    """Return a function that reads a file with svmtrain."""
    kind = format_of(path)
    labelled = kind in ("csv", "svmlight")
    return lambda: (
        read_table(
            path, kind, ReadOptions(target=-1 if kind == "csv" else None, labels_required=labelled)
        ).X
    )


def load_svmlight_file(path):
    """Read svmlight with scikit-learn."""
    from sklearn.datasets import load_svmlight_file

    return lambda: load_svmlight_file(path, zero_based=False)[0]


def loadtxt(path):
    """Read CSV with numpy."""
    return lambda: np.loadtxt(path, delimiter=",", ndmin=2)


def arrow(path):
    """Read CSV with pyarrow, and put its columns into one array."""
    import pyarrow.csv

    names = pyarrow.csv.ReadOptions(autogenerate_column_names=True)

    def read():
        table = pyarrow.csv.read_csv(path, names)
        X = np.empty((table.num_rows, table.num_columns))
        for column in range(table.num_columns):
            X[:, column] = table.column(column).to_numpy()
        return X

    return read


def file_bytes(path):
    """Read nothing but the bytes of a file."""
    return lambda: np.frombuffer(Path(path).read_bytes(), dtype=np.uint8)


WAYS = {
    "svmlight": {"svmtrain": ours, "load_svmlight_file": load_svmlight_file},
    "csv": {
        "svmtrain": ours,
        "numpy.loadtxt": loadtxt,
        "svmtrain, arrow": ours_and_arrow,
        "pyarrow read_csv": arrow,
    },
    "npy": {"svmtrain": ours, "bytes": file_bytes},
    "idx": {"svmtrain": ours, "bytes": file_bytes},
}


def format_of(path):
    """Return the format that a file is measured as."""
    name = str(path).lower()
    if name.endswith((".csv", ".npy")):
        return name[-3:]
    return "idx" if name.endswith("-ubyte") else "svmlight"


def digest(X, kind, columns):
    """Return a hash of all numbers; of a table's, without the label column."""
    if isinstance(X, Csr) or hasattr(X, "indptr"):
        parts = [X.data, X.indices.astype(np.int64), X.indptr.astype(np.int64)]
    else:
        parts = [X[:, :columns] if kind == "csv" else X]
    return hashlib.sha256(b"".join(np.ascontiguousarray(part) for part in parts)).hexdigest()


def peak():
    """Return the largest memory that this process has had, in bytes."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


def size_of(X):
    """Return the bytes that arrays take, dense or sparse."""
    return (
        X.nbytes
        if isinstance(X, (Csr, np.ndarray))
        else sum(part.nbytes for part in (X.data, X.indices, X.indptr))
    )


def measure(way, path, columns):
    """Print what one reading of a file takes, as JSON."""
    kind = format_of(path)
    try:
        read = WAYS[kind][way](path)
    except ImportError:
        return MISSING
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget the peak of imports
    before, began = peak(), time.perf_counter()
    X = read()
    seconds = time.perf_counter() - began
    memory = (peak() - before) / size_of(X)
    print(json.dumps({"seconds": seconds, "memory": memory, "hash": digest(X, kind, columns)}))
    return 0


def compare(path, repeats):
    """Print the lines of the table for one file."""
    kind, content = format_of(path), Path(path).read_bytes()  # which also warms the cache
    if kind not in READERS:
        print(f"{path}: this version does not read {kind}", file=sys.stderr)
        return
    columns = content[: content.find(b"\n")].count(b",")
    runs = {way: [] for way in WAYS[kind]}
    for _ in range(repeats):
        for way in list(runs):
            done = subprocess.run(
                [sys.executable, __file__, str(path), "--way", way, "--columns", str(columns)],
                stdout=subprocess.PIPE,
                text=True,
            )
            if done.returncode:
                reason = "is not here" if done.returncode == MISSING else "cannot read it"
                print(f"{path}: {way} {reason}", file=sys.stderr)
                del runs[way]
            else:
                runs[way].append(json.loads(done.stdout))
    first = next(iter(runs.values()))
    base = statistics.median(run["seconds"] for run in first)
    for way, found in runs.items():
        seconds = [run["seconds"] for run in found]
        middle = statistics.median(seconds)
        memory = statistics.median(run["memory"] for run in found)
        same = "" if way == "bytes" else found[0]["hash"] == first[0]["hash"]
        print(
            f"| {Path(path).name} | {len(content) / 1e6:.1f} | {way} | {middle:.3f} "
            f"({min(seconds):.3f} - {max(seconds):.3f}) | {middle / base:.2f} | {memory:.2f} "
            f"| {same} |",
            flush=True,
        )


def make_files(folder):
    """Write files of several kinds of numbers, and return their paths."""
    rng = np.random.default_rng(0)
    whole = rng.integers(0, 17, (100_000, 64))
    normal = rng.standard_normal((100_000, 40))
    sparse = rng.random((40_000, 300))
    sparse[rng.random(sparse.shape) < 0.8] = 0
    texts = {
        "whole.svm": ((row, "{}:{:d}") for row in whole),
        "scaled.svm": ((row, "{}:{:.6g}") for row in sparse),
        "repr.svm": ((row, "{}:{!r}") for row in sparse[:20_000]),
        "whole.csv": ((row, "{:d}") for row in whole),
        "six_digits.csv": ((row, "{:.6g}") for row in normal),
        "repr.csv": ((row, "{!r}") for row in normal),
    }
    for name, rows in texts.items():
        with open(folder / name, "w", encoding="ascii") as file:
            for number, (row, form) in enumerate(rows):
                label = str(number % 10)
                if name.endswith(".csv"):
                    cells = [*map(form.format, row.tolist()), label]
                    file.write(",".join(cells) + "\n")
                else:
                    at = np.flatnonzero(row)
                    pairs = map(form.format, (at + 1).tolist(), row[at].tolist())
                    file.write(" ".join([label, *pairs]) + "\n")
    np.save(folder / "normal.npy", normal)
    images = rng.integers(0, 256, (20_000, 28, 28), dtype=np.uint8)
    head = b"\x00\x00\x08\x03" + b"".join(size.to_bytes(4, "big") for size in images.shape)
    (folder / "images-idx3-ubyte").write_bytes(head + images.tobytes())
    return [folder / name for name in (*texts, "normal.npy", "images-idx3-ubyte")]


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--way", help=argparse.SUPPRESS)
    parser.add_argument("--columns", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        return measure(given.way, str(given.files[0]), given.columns)
    print("| file | MB | reader | s, median (least - most) | times the first | memory | same |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for path in given.files or make_files(Path(folder)):
            compare(path, given.repeats)
    return 0


if __name__ == "__main__":
    sys.exit(main())
