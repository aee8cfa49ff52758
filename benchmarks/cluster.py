"""What a cluster costs and gains: rounds and bytes to a gap, and two workers against one.

    python -m benchmarks.cluster FOLDER [--out FILE] [--only rounds|workers] [--seconds S]

FOLDER holds `a9a` and the files of MNIST. Writes benchmarks/results/cluster.json;
`python -m benchmarks.cluster_page` makes the page of the documentation out of it.

Rounds and bytes are counted over shards in one process, one after the other, which changes
neither: what a shard is sent and returns is the same wherever it lives. Two workers against one
are real processes of Dask on this machine.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import describe

OUT = Path(__file__).parent / "results" / "cluster.json"
SHARDS = (2, 4, 8, 16, 64)
GAP = 0.01
MODES = ("sync", "local", "dual")
SMALL_MNIST = 10_000
"""Rows of MNIST that rounds are counted on: 64 shards have 156 each."""
EPOCHS = {"sync": 6, "local": 6, "dual": 6}
"""Epochs of each run of real workers; the first is left out of the median."""


def prepared(folder: Path, scratch: Path) -> dict[str, str]:
    """Convert the data to stores; return config texts by name."""
    from svmtrain.operations.data.convert import convert

    mnist = folder / "mnist" if (folder / "mnist").is_dir() else folder
    images = mnist / "train-images-idx3-ubyte.gz"
    from svmtrain.data.readers import read_table

    table = read_table(str(images))
    X, y = np.asarray(table.X), np.asarray(table.labels)
    np.savez(scratch / "small.npz", X=X[:SMALL_MNIST] / 255.0, y=y[:SMALL_MNIST])
    np.savez(scratch / "mnist.npz", X=X / 255.0, y=y)
    convert(str(scratch / "small.npz"), str(scratch / "small.store"))
    convert(str(scratch / "mnist.npz"), str(scratch / "mnist.store"))
    text = (
        "data: {{train: {train}, validation: 0}}\n"
        "preprocess: {{scale: {scale}}}\n"
        "objective: {{loss: one_vs_rest, lambda: {lam}, bias: none}}\n"
        "solver: {{epochs: 100000, gradcheck: false}}\n"
    )
    return {
        "a9a": text.format(train=folder / "a9a", scale="none", lam=1e-4),
        "mnist-10k": text.format(train=scratch / "small.store", scale="none", lam=1e-3),
        "mnist": text.format(train=scratch / "mnist.store", scale="none", lam=1e-3),
    }


class Out(Exception):
    """The seconds of a training are over."""


class Counting:
    """A journal that ends a training after so many seconds, and keeps the records."""

    def __init__(self, seconds: float) -> None:
        self.records: list[Any] = []
        self.until = time.monotonic() + seconds

    def step(self, state: Any) -> None:
        pass

    def save(self, state: Any, **how: Any) -> None:
        pass

    def epoch(self, record: Any) -> None:
        pass

    def close(self) -> None:
        pass

    def record(self, record: Any) -> None:
        self.records.append(record)
        if time.monotonic() > self.until:
            raise Out


def words_of(mode: str) -> list[str]:
    """Return the settings of a mode."""
    return {
        "sync": ["cluster.mode=sync", "solver.batch_size=1024"],
        "local": ["cluster.mode=local", "solver.batch_size=16"],
        "dual": ["solver.name=dual"],
    }[mode]


def train_in_process(text: str, shards: int, words: list[str], seconds: float) -> dict[str, Any]:
    """Train over shards in this process until the gap is proven; return what it took."""
    from svmtrain.build import best_metric, build, load_splits, stop_rules
    from svmtrain.cluster.engine import InProcess, Traffic
    from svmtrain.cluster.files import ClusterFiles
    from svmtrain.config import parse_config
    from svmtrain.training.loop import Cadence, Training
    from svmtrain.training.stopping import BestEpoch, Stopping

    config = parse_config(text, "c.yaml", overrides=[*words, f"stop.gap={GAP}"])
    config = replace(config, cluster=replace(config.cluster, at="local:1", shards=shards))
    engine = InProcess(tempfile.gettempdir())
    splits = load_splits(config, read=ClusterFiles(engine, shards, lambda text: None))
    built, journal = build(config, splits), Counting(seconds)
    engine.traffic = Traffic()
    began = time.monotonic()
    with contextlib.suppress(Out):
        Training(
            built.problem,
            built.start,
            stopping=Stopping(stop_rules(config, False)),
            best=BestEpoch(best_metric(config, False)),
            journal=journal,
            progress=journal,
            cadence=Cadence(unit="none"),
        ).run()
    last, W = journal.records[-1], built.start.best_W
    return {
        "shards": shards,
        "rounds": last.step,
        "epochs": last.epoch,
        "gap": last.gap,
        "objective": min(record.objective for record in journal.records),
        "bound": last.bound,
        "sent_per_shard": engine.traffic.sent / shards,
        "received_per_shard": engine.traffic.received / shards,
        "weights": W.nbytes,
        "seconds": time.monotonic() - began,
    }


def optimum_of(text: str, seconds: float) -> dict[str, float]:
    """Return the best objective and the best bound of dual ascent on one shard."""
    found = train_in_process(
        text, 1, ["solver.name=dual", "stop.gap=1e-6", "solver.epochs=2000"], seconds
    )
    return {name: found[name] for name in ("objective", "bound")}


def by_partial_fit(
    text: str, shards: int, optimum: float, lam: float, seconds: float
) -> dict[str, Any]:
    """Return what the better of plain and averaged SGDClassifier took to the gap."""
    found = [
        hand_on(text, shards, optimum, lam, seconds / 2, average=average)
        for average in (False, True)
    ]
    return min(found, key=lambda one: (one["gap"] > GAP, one["rounds"], one["gap"]))


def hand_on(
    text: str, shards: int, optimum: float, lam: float, seconds: float, *, average: bool
) -> dict[str, Any]:
    """Hand SGDClassifier from part to part until it is within the gap; return what it took."""
    from sklearn.linear_model import SGDClassifier

    from svmtrain.build import build, load_splits
    from svmtrain.config import parse_config

    built = build(config := parse_config(text, "c.yaml"), load_splits(config))
    rows = built.problem.train
    X, y = rows.batch(np.arange(len(rows)))
    X = X.Z.to_scipy() if hasattr(X, "Z") else np.array(X)
    objective, y = replace(built.problem.objective, paired=False), y.copy()
    n, classes = len(y), np.arange(len(built.classes))
    cuts = [n * k // shards for k in range(shards + 1)]
    model = SGDClassifier(
        loss="hinge", alpha=2 * lam, random_state=0, average=average, fit_intercept=False
    )
    began, hops, best = time.monotonic(), 0, 1e300
    while (best - optimum) / best > GAP and time.monotonic() - began < seconds:
        for a, b in itertools.pairwise(cuts):
            model.partial_fit(X[a:b], y[a:b], classes=classes)
            hops += 1
        best = min(best, peer_objective(model, X, y, objective))
    size = model.coef_.nbytes
    return {
        "shards": shards,
        "rounds": hops,
        "epochs": hops // shards,
        "averaged": average,
        "gap": float((best - optimum) / best),
        "bytes": 2 * hops * size,
        "seconds": time.monotonic() - began,
    }


def peer_objective(model: Any, X: Any, y: Any, objective: Any) -> float:
    """Return the objective of a model of scikit-learn, computed by one formula for all."""
    W = model.coef_.T
    W = np.hstack([-W, W]) if W.shape[1] == 1 else W
    losses, _ = objective.losses(np.asarray(X @ W), y)
    return float(losses.mean()) + objective.penalty(W, np.zeros(W.shape[1]))


def rounds(texts: dict[str, str], seconds: float) -> dict[str, Any]:
    """Count rounds and bytes to the gap for each data set, mode and number of shards."""
    found: dict[str, Any] = {}
    for name, lam in (("a9a", 1e-4), ("mnist-10k", 1e-3)):
        best = optimum_of(texts[name], 2 * seconds)
        found[name] = {"optimum": best, "lambda": lam}
        for mode in MODES:
            found[name][mode] = []
            for shards in SHARDS:
                one = train_in_process(texts[name], shards, words_of(mode), seconds)
                print(name, mode, {key: one[key] for key in ("shards", "rounds", "gap", "seconds")})
                found[name][mode].append(one)
        found[name]["partial_fit"] = [
            by_partial_fit(texts[name], shards, best["objective"], lam, seconds)
            for shards in SHARDS
        ]
        print(name, "partial_fit", found[name]["partial_fit"])
    return found


def timed(folder: Path, text: str, mode: str, workers: int) -> float:
    """Return the seconds of an epoch of `svmtrain fit`, without a cluster for 0 workers."""
    config = folder / "timed.yaml"
    config.write_text(text)
    words = [*words_of(mode), f"solver.epochs={EPOCHS[mode]}", "stop.gap=null"]
    words = [word for word in words if word != "solver.batch_size=1024"]
    words += ["solver.batch_size=4096"] if mode == "sync" else []
    words += ["solver.lr=0.01", f"cluster.at={f'local:{workers}' if workers else 'null'}"]
    options = [option for word in words for option in ("--set", word)]
    command = [sys.executable, "-m", "svmtrain", "fit", str(config), "--name", "timed", "--force"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    subprocess.run(
        [*command, "-q", "--threads", "1", "--out", str(folder), *options],
        check=True,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    lines = (folder / "timed" / "metrics.jsonl").read_text().splitlines()
    at = [json.loads(line)["seconds"] for line in lines]
    return statistics.median(b - a for a, b in itertools.pairwise(at))


def two_workers(texts: dict[str, str], scratch: Path, repeats: int) -> dict[str, Any]:
    """Time an epoch of MNIST without a cluster, with one worker and with two, in turn."""
    found: dict[str, Any] = {}
    for mode in MODES:
        times: dict[int, list[float]] = {0: [], 1: [], 2: []}
        for _ in range(repeats):
            for workers in times:
                times[workers].append(timed(scratch, texts["mnist"], mode, workers))
        found[mode] = {str(workers): sorted(seconds) for workers, seconds in times.items()}
        one, two = (statistics.median(times[k]) for k in (1, 2))
        found[mode]["efficiency"] = one / (2 * two)
        print(mode, found[mode])
    return found


@contextlib.contextmanager
def kept(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the results that are there, and write them again."""
    known = json.loads(path.read_text()) if path.exists() else {}
    yield known
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(known, indent=1) + "\n")


def main() -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--only", choices=("rounds", "workers"))
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, kept(asked.out) as results:
        texts = prepared(asked.folder, Path(place))
        results["machine"] = describe()
        if asked.only in (None, "rounds"):
            results["rounds"] = rounds(texts, asked.seconds)
        if asked.only in (None, "workers"):
            results["workers"] = two_workers(texts, Path(place), asked.repeats)
            results["rows"], results["repeats"] = 60_000, asked.repeats


if __name__ == "__main__":
    main()
