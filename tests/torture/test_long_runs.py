"""Long runs: memory stays flat, the folder stays small, and anybody may read along."""

import gc
import inspect
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path, PurePath

import pytest
from extent import extent, spread
from small_runs import QUIET, environment

from svmtrain.checkpoint import load
from svmtrain.config import load_config
from svmtrain.operations.fit import fit
from svmtrain.runs.catalogue import read_records
from svmtrain.runs.directory import RunDirectory
from svmtrain.runs.journal import RunJournal

ROOT = Path(__file__).resolve().parents[2]
EPOCHS = {"sgd": extent(100, 10_000), "dual": extent(100, 1_500)}
PAGE = os.sysconf("SC_PAGE_SIZE")
PATHLIB = inspect.getsourcefile(PurePath)
INTERNING = [
    tracemalloc.Filter(False, tracemalloc.__file__),
    *(
        tracemalloc.Filter(False, PATHLIB, number)
        for number, line in enumerate(Path(PATHLIB).read_text().splitlines(), 1)
        if "sys.intern(" in line
    ),
]
TRACED, RESIDENT = 64 << 10, 4 << 20
"""Bytes that Python's objects, and the process, may have grown by after the first tenth."""

# Reads the records again and again until it is told to stop; every complete line must parse, and
# what was there once must be there for good. Prints how often it looked.
READER = """
import json, sys, time
from svmtrain.runs.catalogue import read_records
from svmtrain.runs.directory import RunDirectory
run, looks, seen = RunDirectory(sys.argv[1]), 0, []
print("ready", flush=True)
while not run.model.exists():
    if run.metrics.exists():
        content = run.metrics.read_bytes()
        lines = content.split(b"\\n")
        epochs = [json.loads(line)["epoch"] for line in lines[:-1]]
        assert epochs == list(range(1, len(epochs) + 1)), epochs
        records = [record.epoch for record in read_records(run)]
        assert records[: len(seen)] == seen and len(records) >= len(epochs), (records, seen)
        looks, seen = looks + bool(records), records
    time.sleep(0.001 + len(seen) * 2e-5)
print(looks)
"""


def resident():
    """Return the bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def traced():
    """Return the bytes of Python's objects.

    The interpreter's one table of interned strings is left out. It is laid out anew now and then,
    at once as large as it is, whoever happens to intern a string just then, as pathlib does.
    """
    snapshot = tracemalloc.take_snapshot().filter_traces(INTERNING)
    return sum(trace.size for trace in snapshot.traces)


def watched(monkeypatch, epochs):
    """Have it noted, after the first tenth and at the end, what is traced and what is resident."""
    notes, save = {}, RunJournal.save

    def save_and_note(journal, state, **options):
        save(journal, state, **options)
        if state.epoch in (epochs // 20, epochs // 10, epochs):  # the first measures itself
            gc.collect()
            notes[state.epoch] = traced(), resident()

    monkeypatch.setattr(RunJournal, "save", save_and_note)
    return notes


@pytest.mark.parametrize("solver", spread(EPOCHS, 1))
def test_a_long_run_takes_no_more_memory_at_its_end_than_at_its_beginning(
    tmp_path, monkeypatch, figures, solver
):
    """A checkpoint every epoch; and while it is made, another process can read every record."""
    flags = {
        **{"output.dir": str(tmp_path), "output.name": "c", "solver.epochs": str(EPOCHS[solver])},
        **{"solver.lr": "0.05", "checkpoint.every": "1 epochs", "checkpoint.keep": "3"},
        **{"solver.name": solver, "solver.batch_size": "32"},
    }
    del flags["solver.lr" if solver == "dual" else "solver.name"]
    config, run = (
        load_config(ROOT / "configs" / "iris.yaml", (), flags),
        RunDirectory(tmp_path / "c"),
    )
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, run.path],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert reader.stdout.readline() == "ready\n"
    notes = watched(monkeypatch, EPOCHS[solver])
    tracemalloc.start()
    try:
        fit(config, QUIET)
    finally:
        tracemalloc.stop()
    out, err = reader.communicate(timeout=60)
    assert err == ""
    looks = int(out)
    assert looks >= 1
    early, late = notes[EPOCHS[solver] // 10], notes[EPOCHS[solver]]
    assert late[0] - early[0] < TRACED
    assert late[1] - early[1] < RESIDENT
    what_is_left(run, EPOCHS[solver])
    figures(f"{solver}: epochs, looks at the records meanwhile", f"{EPOCHS[solver]:,}, {looks:,}")
    figures(
        f"{solver}: growth of objects, of the process, in KiB",
        ", ".join(f"{(b - a) / 1024:.0f}" for a, b in zip(early, late, strict=True)),
    )


def what_is_left(run, epochs):
    """Assert that there are the last three checkpoints and the best, and every record."""
    files = run.checkpoint_files()
    records = read_records(run)
    assert [record.epoch for record in records] == list(range(1, epochs + 1))
    steps = [record.step for record in records]
    best = load(files[0]).best_file
    names = [path.name for path in files]
    assert names[:3] == [f"step-{step:08d}.npz" for step in steps[:-4:-1]]
    assert set(names[3:]) == {best} - set(names[:3])
    assert sorted(os.listdir(run.checkpoints)) == sorted(names)
