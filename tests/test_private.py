"""Models and checkpoints tell nothing of whose machine they were made on."""

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from small_runs import QUIET, write_table

from svmtrain import threads
from svmtrain.cli import main
from svmtrain.config import load_config
from svmtrain.exchange.forms import EXPORTS
from svmtrain.model import load_model
from svmtrain.operations.fit import fit
from svmtrain.runs.directory import RunDirectory

SECRET = "environment-of-someone"
HOST, USER = "host-of-someone", "name-of-someone"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Work in the home folder of someone, with a variable in the environment that is nobody's."""
    folder = tmp_path / "home-of-someone"
    folder.mkdir()
    for name in ("USER", "LOGNAME", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, USER)
    for name in threads.VARIABLES:
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("HOSTNAME", HOST)
    monkeypatch.setenv("SVMTRAIN_SECRET", SECRET)
    real = os.uname()
    machine = os.uname_result((real.sysname, HOST, real.release, real.version, real.machine))
    monkeypatch.setattr(os, "uname", lambda: machine)
    monkeypatch.chdir(folder)
    return folder


def csv(home):
    """Write rows for training, validation and test."""
    for name in ("train", "validation", "test"):
        write_table(home / f"{name}.csv")
    parts = ", ".join(f"{n}: {home / n}.csv" for n in ("train", "validation", "test"))
    return f"{parts}, target: kind"


def several(home):
    """Write rows in two files that a pattern in the home folder finds."""
    for number in (1, 2):
        write_table(home / f"part-{number}.csv")
    return f"train: '{home}/part-*.csv', target: kind"


def svmlight(home):
    """Write sparse rows."""
    lines = [f"{i % 3} 1:{i % 7} 3:{i % 5}" for i in range(60)]
    (home / "train.svm").write_text("\n".join(lines) + "\n")
    return f"train: {home / 'train.svm'}, sparse: true"


def labels_apart(home):
    """Write features and labels in files of their own, the latter named."""
    np.save(home / "X.npy", np.arange(180.0).reshape(60, 3) % 7)
    np.save(home / "these.npy", np.arange(60) % 3)
    return f"train: {home / 'X.npy'}, labels: {home / 'these.npy'}"


def store(home):
    """Convert rows into a store."""
    write_table(home / "train.csv")
    words = ("data", "convert", home / "train.csv", home / "t.store", "--target", "kind", "-q")
    assert main([str(word) for word in words]) == 0
    return f"train: {home / 't.store'}"


def text(home):
    """Write rows with a column of text and gaps."""
    lines = [f"{i % 7 or ''},{'uvw'[i % 3]},{'xy'[i % 2]}" for i in range(60)]
    (home / "t.csv").write_text("\n".join(["a,b,kind", *lines]) + "\n")
    return f"train: {home / 't.csv'}, target: kind, text: onehot, missing: mean"


SOURCES = {f.__name__: f for f in (csv, several, svmlight, labels_apart, store, text)}
SOLVERS = {
    "sgd": "lr: 0.05",
    "averaging": "lr: 0.05; momentum: 0.5; averaging: polyak",
    "float32": "lr: auto; dtype: float32",
    "dual": "name: dual",
    "warm start": "lr: 0.05; warm_start: {runs}/first",
    "dual warm start": "name: dual; warm_start: {runs}/first-dual",
}


def train(home, data, solver, name):
    """Train on data in the home folder, by a config there; return the run."""
    lines = [f"  {part}" for part in solver.format(runs=home / "runs").split("; ")]
    config = home / f"{name}.yaml"
    config.write_text("\n".join([f"data: {{{data}}}", "solver:", "  epochs: 2", *lines]) + "\n")
    out = home / "runs"
    fit(load_config(config, (), {"output.name": name, "output.dir": str(out)}), QUIET)
    return RunDirectory(out / name)


@pytest.mark.parametrize("source", SOURCES)
def test_no_model_and_no_checkpoint_names_a_place_or_a_person(home, source):
    """For every solver: the raw bytes hold no path, host, user or environment."""
    data = SOURCES[source](home)
    train(home, data, "lr: 0.05", "first")
    train(home, data, "name: dual", "first-dual")
    private = [str(home), str(home.parent), home.name, HOST, USER, SECRET]
    private += [str(Path(__file__).parent), "/home/", "/root/", ".yaml"]
    for number, solver in enumerate(SOLVERS.values()):
        run = train(home, data, solver, f"run{number}")
        assert run.read_info()["host"] == HOST
        files = [run.model, *run.checkpoint_files()]
        assert len(files) >= 2
        for path in files:
            content = path.read_bytes()
            found = [word for word in private if word.encode() in content]
            assert found == [], (solver, path.name)


def test_no_export_names_a_place_or_a_person(home):
    """In the form of any program, unpacked where it is an archive."""
    model = load_model(train(home, csv(home), "lr: 0.05", "first").model)
    private = [str(home), home.name, HOST, USER, SECRET, "/home/", "/root/", ".yaml"]
    for form in EXPORTS.values():
        for ending, write in form.writers.items():
            content = write(model).content
            if ending == ".skops":
                with zipfile.ZipFile(io.BytesIO(content)) as archive:
                    content = b"".join(map(archive.read, archive.namelist()))
            assert [word for word in private if word.encode() in content] == [], ending


def test_a_path_in_a_model_would_be_found(home):
    """What is looked for is there where it may be: in the config and the account of the run."""
    run = train(home, csv(home), "lr: 0.05", "run")
    told = run.config.read_bytes() + run.info.read_bytes()
    assert str(home).encode() in told
    assert HOST.encode() in told
