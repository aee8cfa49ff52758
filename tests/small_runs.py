"""Small data, configs and runs for the tests of the commands."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

from svmtrain.config import load_config
from svmtrain.operations.fit import fit
from svmtrain.operations.job import Session
from svmtrain.runs.directory import RunDirectory

CLASSES = ("ash", "elm", "oak")
QUIET = Session(say=lambda text: None, quiet=True)


def rows_of(count):
    """Return rows of three features and a label, not separable, the same every time."""
    rows = []
    for i in range(count):
        kind = i % 3
        a, b, c = (i * 7) % 11 + 3 * kind, (i * 5) % 13 - kind, (i * i) % 7
        rows.append((a / 2, b, c, CLASSES[kind]))
    return rows


def write_table(path, count=60, columns="abcy", header=("a", "b", "c", "kind")):
    """Write a CSV file; `columns` picks and orders the columns a, b, c and y (the label)."""
    index = ["abcy".index(column) for column in columns]
    lines = [",".join(header[i] for i in index)]
    lines += [",".join(str(row[i]) for i in index) for row in rows_of(count)]
    Path(path).write_text("\n".join(lines) + "\n")
    return Path(path)


def write_config(folder, solver="", data="validation: 0.2, test: 0.2", more=""):
    """Write `c.yaml`, with few epochs and a given step size, and its data if missing."""
    folder = Path(folder)
    if not (folder / "train.csv").exists():
        write_table(folder / "train.csv")
    keys = {"epochs": 4, "batch_size": 8, "lr": 0.05}
    lines = [f"  {key}: {value}" for key, value in keys.items() if f"{key}:" not in solver]
    lines += [f"  {part.strip()}" for part in solver.split(";") if part.strip()]
    text = f"data: {{train: train.csv, target: kind, {data}}}\nsolver:\n" + "\n".join(lines)
    (folder / "c.yaml").write_text(f"{text}\n{more}\n")
    return folder / "c.yaml"


def start(config, name, *overrides, **options):
    """Fit under a name and return the run directory."""
    settings = settings_of(config, name, *overrides)
    fit(settings, QUIET, **options)
    return RunDirectory(Path(settings.output.dir) / name)


def settings_of(config, name, *overrides):
    """Return the config of a run under a name, beside the config file."""
    flags = {"output.name": name, "output.dir": str(Path(config).parent / "runs")}
    return load_config(config, overrides, flags)


def records_of(run):
    """Return the records of a run, without their times."""
    records = [json.loads(line) for line in run.metrics.read_text().splitlines()]
    for record in records:
        del record["seconds"]
    return records


def results(run):
    """Return the bytes of a run's model, and its records without their times."""
    return run.model.read_bytes(), records_of(run)


def fit_small(folder, solver, *overrides):
    """Fit 60 rows under the name `run`, again if it was there, and return the result."""
    path = write_config(folder, solver)
    return fit(settings_of(path, "run", *overrides), QUIET, force=True)


def tree(folder):
    """Return what every path below a folder is: a digest for a file; locks left out."""
    return {
        str(path.relative_to(folder)): _what_is(path)
        for path in sorted(Path(folder).rglob("*"))
        if path.name != ".lock"
    }


def _what_is(path):
    """Return a digest of a file, the target of a link, and the kind of anything else."""
    if path.is_symlink():
        return f"link to {path.readlink()}"
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    return "folder" if path.is_dir() else "neither file nor folder"


def command(*words):
    """Return the words of the real command."""
    return [sys.executable, "-m", "svmtrain", *map(str, words)]


def environment():
    """Return an environment in which the real command is found from any folder."""
    return {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}


def run_command(*words, cwd, **options):
    """Run the real command and return what became of it."""
    settings = {"capture_output": True, "text": True, "timeout": 60, **options}
    return subprocess.run(command(*words), cwd=cwd, env=environment(), check=False, **settings)


def drained(descriptor):
    """Return all that comes out of a terminal."""
    out = b""
    while True:
        try:
            block = os.read(descriptor, 65536)
        except OSError:
            block = b""
        if not block:
            os.close(descriptor)
            return out
        out += block
