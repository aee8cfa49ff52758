"""Sparse files from fit to predict: no dense copy is ever made, and without scipy it is said."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from svmtrain.cli import main
from svmtrain.data import density

WIDE = 1_000_000
CAPPED = """
import resource, sys
from svmtrain.cli import main
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
sys.exit(main(sys.argv[1:]))
"""


def write(path, rows=600, width=WIDE, seed=0):
    """Write rows of about 20 of many features; which ones tells the class."""
    rng = np.random.default_rng(seed)
    lines = []
    for i in range(rows):
        label = i % 3
        own = rng.choice(50, 4, replace=False) + 60 * label
        at = np.unique(np.concatenate([own, rng.integers(200, width, 16)])) + 1
        values = rng.random(len(at)) + 0.5
        pairs = " ".join(f"{j}:{value:.3f}" for j, value in zip(at, values, strict=True))
        lines.append(f"{label + 1} {pairs}")
    lines[0] = f"1 1:1 {width}:1"
    Path(path).write_text("\n".join(lines) + "\n")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder to work in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def capped(*words):
    """Run a command line in a process whose address space is 3 GiB; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", CAPPED, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_run_on_wide_rows_never_makes_them_dense(folder):
    """They would take 4.8 GB; all commands do with an address space of 3. They are centred."""
    write("t.svm", 6_000, width=100_000)
    write("test.svm", 90, width=100_000, seed=1)
    Path("c.yaml").write_text(
        "data: {train: t.svm, test: test.svm}\nsolver: {epochs: 2, lr: 0.01}\n"
    )
    fitted = json.loads(capped("fit", "c.yaml", "--json"))
    assert fitted["chosen"]["train_accuracy"] > 0.9
    judged = json.loads(capped("evaluate", "runs/c", "test.svm", "--json"))
    assert judged["accuracy"] == fitted["test"]["accuracy"]
    assert len(capped("predict", "runs/c", "test.svm").split()) == 90
    assert "PASS" in capped("gradcheck", "c.yaml", "--samples", "5")
    capped("resume", "runs/c", "-q", "--set", "solver.epochs=3")


def test_the_sparse_gradient_is_among_those_that_are_compared(folder, capsys):
    """With the others, pair by pair, and for every loss."""
    write("t.svm", 60, width=3000)
    Path("c.yaml").write_text("data: {train: t.svm}\nsolver: {epochs: 1, lr: 0.01}\n")
    assert main(["gradcheck", "c.yaml", "--loss", "all", "--json", "--samples", "20"]) == 0
    reports = json.loads(capsys.readouterr().out)
    pairs = {f["pair"] for report in reports["losses"] for f in report["findings"]}
    assert {"analytic-sparse", "gates-sparse", "sparse-numeric"} <= pairs
    assert len(reports["losses"]) == 6


def test_a_doctor_looks_at_sparse_rows_too(folder, capsys):
    """Of a sample, with the features that occur."""
    write("t.svm", 200, width=2000)
    Path("c.yaml").write_text("data: {train: t.svm}\nsolver: {epochs: 1, lr: 0.01}\n")
    main(["doctor", "c.yaml"])
    printed = capsys.readouterr().out
    lines = {line[6:].split("  ")[0]: line for line in printed.splitlines()}
    assert lines["analytic, gate and numeric gradients agree"].startswith("OK")
    assert "0 of" in lines["duplicates of training rows in validation"]


@pytest.fixture
def no_scipy(monkeypatch):
    """Take scipy away."""
    monkeypatch.setattr(density, "has_scipy", lambda: False)
    monkeypatch.setitem(sys.modules, "scipy", None)
    monkeypatch.setitem(sys.modules, "scipy.sparse", None)


def test_without_scipy_small_sparse_data_are_made_dense_with_a_note(folder, no_scipy, capsys):
    """Trained on, judged and labelled all the same."""
    write("t.svm", 60, width=3000)
    Path("c.yaml").write_text("data: {train: t.svm}\nsolver: {epochs: 2, lr: 0.01}\n")
    assert main(["fit", "c.yaml"]) == 0
    assert "t.svm: made dense, 1 MiB, for want of scipy" in capsys.readouterr().err
    assert main(["evaluate", "runs/c", "t.svm"]) == 0
    assert main(["predict", "runs/c", "t.svm"]) == 0


def test_without_scipy_large_sparse_data_are_an_error_that_names_the_extra(
    folder, no_scipy, capsys
):
    """One sentence; nothing was begun."""
    write("t.svm")
    Path("c.yaml").write_text("data: {train: t.svm}\n")
    for more in ((), ("--set", "data.sparse=true")):
        assert main(["fit", "c.yaml", *more]) == 3
        message = capsys.readouterr().err
        assert "sparse data need scipy: pip install 'svmtrain[sparse]'" in message
        assert message.count("\n") == 1
    assert not Path("runs").exists()


def test_dense_is_refused_where_it_would_fill_the_memory(folder, capsys):
    """The sizes are told."""
    write("t.svm")
    Path("c.yaml").write_text("data: {train: t.svm, sparse: false}\n")
    assert main(["fit", "c.yaml"]) == 3
    assert "600 rows of 1,000,000 features need 4.5 GiB as a dense array" in capsys.readouterr().err
