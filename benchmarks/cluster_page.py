"""Make docs/cluster/planning.md out of results/cluster.json.

    python -m benchmarks.cluster_page

Every figure of the page comes from the file, or is computed here from one that does.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results" / "cluster.json"
PAGE = ROOT / "docs" / "cluster" / "planning.md"

ROWS, FEATURES, CLASSES, MACHINES = 10**9, 10**4, 100, 100
CORES, LINK, DISK = 32, 10e9 / 8, 2e9
"""What a machine is supposed to be: its cores, and the bytes a second of its network and disk."""
DENSITY = 0.01
"""Of the sparse rows that are planned for beside dense ones."""
SYNC_BATCH, LOCAL_STEPS = 4096, 1000
"""Rows a shard of a batch for sync, and steps of 256 rows between averages for local."""
ROW_HERE, WIDTH = 40, 8
MB, GB, TB = 1e6, 1e9, 1e12


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table in Markdown."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(map(str, row)) + " |" for row in rows)])


def size(n_bytes: float) -> str:
    """Return bytes as people read them."""
    for unit, name in ((TB, "TB"), (GB, "GB"), (MB, "MB")):
        if n_bytes >= unit:
            return f"{n_bytes / unit:.3g} {name}"
    return f"{n_bytes / 1e3:.3g} kB"


def time(seconds: float) -> str:
    """Return a time as people read it."""
    for unit, name in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds:.3g} s"


def within(one: Mapping[str, Any], gap: float) -> str:
    """Return the rounds of a training, or how far it came: by its best epoch, where it has one."""
    told, reached = f"{one['rounds']:,}", one["gap"]
    if "bound" in one:
        reached = (one["objective"] - one["bound"]) / one["objective"]
    return told if reached <= gap else f"over {told} (gap {reached:.1%} after them)"


def rounds_tables(results: Mapping[str, Any]) -> str:
    """Return the rounds and bytes to the gap, a table for each data set."""
    parts = []
    for name, found in results["rounds"].items():
        rows = []
        for at, dual in enumerate(found["dual"]):
            each = [found[mode][at] for mode in ("sync", "local", "dual")]
            peer = found["partial_fit"][at]
            cells = [
                f"{within(one, 0.01)}, {size(one['sent_per_shard'] + one['received_per_shard'])}"
                for one in each
            ]
            hops = f"{within(peer, 0.01)}, {size(peer['bytes'])}"
            rows.append([dual["shards"], *cells, hops])
        head = ["shards", "sync", "local", "dual", "partial_fit, hops"]
        parts.append(f"### {name}, lambda {found['lambda']:g}\n\n{table(head, rows)}")
    return "\n\n".join(parts)


def spread(times: Sequence[float]) -> str:
    """Return a median with the range in brackets."""
    return f"{statistics.median(times):.3g} s [{min(times):.3g}, {max(times):.3g}]"


def workers_table(results: Mapping[str, Any]) -> str:
    """Return what two workers gain over one."""
    rows = [
        [mode, *(spread(found[k]) for k in ("0", "1", "2")), f"{found['efficiency']:.0%}"]
        for mode, found in results["workers"].items()
    ]
    head = ["mode", "without a cluster", "one worker", "two workers", "efficiency"]
    return table(head, rows)


def speed(results: Mapping[str, Any], mode: str) -> float:
    """Return the multiplications and additions a second that one worker made in a mode."""
    seconds = statistics.median(results["workers"][mode]["1"])
    passes = {"sync": 3, "local": 3, "dual": 4}[mode]
    return passes * 2 * results["rows"] * 784 * 10 / seconds


def round_trip(results: Mapping[str, Any]) -> float:
    """Return the seconds that a round of sync took beyond the same step without a cluster."""
    found = results["workers"]["sync"]
    extra = statistics.median(found["1"]) - statistics.median(found["0"])
    return max(extra / -(-results["rows"] // 4096), 1e-3)


def planned(results: Mapping[str, Any]) -> list[list[str]]:
    """Return, for each mode, what an epoch over the planned rows would take."""
    weights, each = FEATURES * CLASSES * WIDTH, ROWS / MACHINES
    rounds = {
        "sync": ROWS / (SYNC_BATCH * MACHINES),
        "local": each / (256 * LOCAL_STEPS),
        "dual": 1.0,
    }
    arrays = {"sync": 1, "local": 3, "dual": 1}
    passes = {"sync": 3, "local": 3, "dual": 4}
    found = []
    for mode in ("sync", "local", "dual"):
        flops = passes[mode] * 2 * each * FEATURES * CLASSES
        compute = flops / (speed(results, mode) * CORES)
        disk = each * FEATURES * 4 * 2 / DISK
        exchanged = 2 * arrays[mode] * weights * MACHINES
        network = rounds[mode] * (exchanged / LINK + round_trip(results))
        found.append(
            [
                mode,
                f"{rounds[mode]:,.0f}",
                size(exchanged),
                time(compute),
                time(disk),
                time(network),
                time(max(compute, disk) + network),
            ]
        )
    return found


def memory_rows() -> list[list[str]]:
    """Return what the planned rows take, on a machine and on the side of the command."""
    dense, each = ROWS * FEATURES * 4, ROWS / MACHINES
    sparse = ROWS * FEATURES * DENSITY * (4 + 4)
    weights = FEATURES * CLASSES * WIDTH
    dual = ROWS * CLASSES * WIDTH
    return [
        ["dense rows, float32, mapped from a store", size(dense / MACHINES), "0"],
        [f"sparse rows, {DENSITY:.0%} stored, float32", size(sparse / MACHINES), "0"],
        ["weights, six arrays of them", size(6 * weights), size(6 * weights)],
        ["classes, and the order of an epoch", "0", size(ROW_HERE * ROWS)],
        ["dual variables (mode dual)", size(2 * dual / MACHINES), size(2 * dual)],
        ["rows of a shard as they are sent by number (sync)", size(8 * each), "in the order"],
    ]


PAGE_TEXT = """# Planning a cluster

What a cluster costs and gains, measured, and what follows for {rows} rows x {features} features x
{classes} classes on {machines} machines. The page is written by `python -m
benchmarks.cluster_page` from what `python -m benchmarks.cluster` measured on {processor}, {cores}
cores, on {date}.

## Rounds and bytes to a gap of 1 %

Rounds until the proven gap is at most 1 %, and the bytes that a shard was sent and returned for
that, the measuring after each epoch included. Counted with all shards in one process, one after
the other: what is exchanged is the same wherever they live. One against rest; a cell that says
"over" is where the time for it was over. `sync` has batches of 1,024 rows and makes the same
steps for any number of shards; `local` averages after 32 steps of 16 rows; `dual` goes over all
rows in a round.

The peer is scikit-learn's `SGDClassifier.partial_fit` (the same loss and penalty; plain or
averaged, whichever took fewer hops) over the same parts: the model is handed from part to part,
which is what dask-ml's `Incremental` does. A hop is not done side by side with others, and
nothing is proven: its hops are counted until its objective is within 1 % of the optimum that is
known from elsewhere.

{rounds}

So: `dual` needs the fewest rounds while shards are few, and the more, the more shards there are,
for the safe scaling takes every other shard to pull the same way. `local` needs many rounds for a
gap that small, since the bound of an epoch is made of gradients at weights that are far apart. A
cell had 30 seconds, and each of the two ways of the peer 15.

## Two workers against one

Seconds of an epoch over MNIST (60,000 x 784, ten classes, one against rest, from a store),
medians of {repeats} runs each in turn with least and most, one thread a process, on two cores
that others use too. Efficiency is the time of one worker over twice that of two.

{workers}

## {rows} rows x {features} features x {classes} classes on {machines} machines

Supposed are machines of {cpus} cores that each do as much as one of those here, with 10 Gbit/s
and disks of 2 GB/s. Nothing of this size was run.

### Memory

{memory}

### Time of an epoch

Batches of {batch:,} rows a shard for sync, {steps:,} steps of 256 rows between averages for
local, one round for dual. Every array goes from the scheduler's machine to every worker and back,
over its one link. Rows are read twice an epoch, for the steps and to measure.

{planned}

A round trip of Dask took {trip:.0f} ms here beyond the computing, which is what sync pays for
every batch. The computing of dual is that of later epochs, in which most rows rest; the first
take several times as long.

### Where it breaks

- The side of the command holds every row's class and sorts an order of all rows for each epoch:
  {here} for {rows} rows. That is the first wall, at some {wall} rows in 64 GB.
- Dual variables are brought there for a checkpoint: {dual} here. With 100 classes `dual` ends at
  some {dual_wall} rows in 64 GB; take `local` beyond.
- All weights pass through the scheduler's link: {exchange} a round and way for {machines} shards.
  Beyond some hundreds of machines a round of `sync` is all network.
- A store is verified by its digests once, by the worker that looks it through: rows of this size
  belong into many stores (`data.train` takes a list), so that each machine verifies its own.
- {machines} shards of `dual` need many rounds for a small gap (see above); fewer, larger shards
  need fewer.
- Probabilities are fitted on at most 20,000,000 scores: with 100 classes on 200,000 validation
  rows, which is plenty.
"""


def page(results: Mapping[str, Any]) -> str:
    """Return the page."""
    machine = results["machine"]
    weights = FEATURES * CLASSES * WIDTH
    return PAGE_TEXT.format(
        rows="10^9",
        features="10^4",
        classes=CLASSES,
        machines=MACHINES,
        processor=machine["processor"],
        cores=machine["cores"],
        date=str(machine["date"])[:10],
        rounds=rounds_tables(results),
        repeats=results["repeats"],
        workers=workers_table(results),
        cpus=CORES,
        memory=table(["what", "on each machine", "where the command runs"], memory_rows()),
        batch=SYNC_BATCH,
        steps=LOCAL_STEPS,
        planned=table(
            ["mode", "rounds", "exchanged a round", "computing", "disk", "network", "together"],
            planned(results),
        ),
        trip=1000 * round_trip(results),
        here=size(ROW_HERE * ROWS),
        wall=f"{64e9 / ROW_HERE:.1e}".replace("e+0", " x 10^"),
        dual=size(2 * ROWS * CLASSES * WIDTH),
        dual_wall=f"{64e9 / (2 * CLASSES * WIDTH):.0e}".replace("e+0", " x 10^"),
        exchange=size(weights * MACHINES),
    )


if __name__ == "__main__":
    PAGE.write_text(page(json.loads(RESULTS.read_text())))
