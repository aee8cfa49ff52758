"""`circuit`, `gradcheck` and `doctor`, as a user calls them."""

import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from small_runs import write_config

from svmtrain.cli import main
from svmtrain.objective import linear, losses
from svmtrain.operations.doctor import EXAMINATIONS


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_config(tmp_path)
    return tmp_path


def test_circuit_prints_the_stages_and_the_gradients_of_the_inputs(capsys):
    """A table in forward order, and then what everybody came for."""
    assert main(["circuit", "(x + y) * z", "x=-2", "y=5", "z=-4"]) == 0
    out = capsys.readouterr().out
    assert "n1    add(x, y)        3      -4" in out
    assert "f     multiply(n1, z)  -12    1" in out
    for line in ("df/dx = -4", "df/dy = -4", "df/dz = 3"):
        assert line in out


def test_circuit_takes_matrices_and_an_upstream_gradient(capsys):
    """dW = dD X^T, printed whole."""
    words = ["W @ X", "W=[[1, 2]]", "X=[[3], [4]]", "--upstream", "[[2]]", "--check", "--json"]
    assert main(["circuit", *words]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["gradients"] == {"W": [[6.0, 8.0]], "X": [[2.0], [4.0]]}
    assert all(check["worst"] < 1e-8 for check in document["check"])


@pytest.mark.parametrize("name", ["c.svg", "c.dot"])
def test_circuit_draws(here, capsys, name):
    """The ending of the name says what is drawn."""
    assert main(["circuit", "x * x", "x=3", "--draw", name]) == 0
    text = (here / name).read_text()
    if name.endswith("svg"):
        ET.fromstring(text)
    else:
        assert text.startswith("digraph")


def test_a_png_without_matplotlib_names_the_extra(here, capsys, monkeypatch):
    """One clear sentence; nothing is written."""
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.backends.backend_agg", None)
    assert main(["circuit", "x * x", "x=3", "--draw", "c.png"]) == 2
    assert "svmtrain[plot]" in capsys.readouterr().err
    assert not (here / "c.png").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["log(x)", "x=-1"], "expression: log at n1: the logarithm of -1"),
        (["x +* y", "x=1"], "expression:1:4: not an expression"),
        (["x + y", "x=1"], "expression:1:5: 'y' has no value"),
        (["x", "x=one"], "x=one: expected a number"),
        (["x", "nonsense"], "'nonsense' is not NAME=VALUE"),
        ([], "give an expression, --file or --loss"),
        (["--file", "none.txt"], "none.txt: no such file"),
        (["x", "x=1", "--draw", "c.gif"], "c.gif: the name must end in one of .svg, .dot, .png"),
        (["--loss", "hinge", "--config", "c.yaml"], "--loss must be one of weston_watkins"),
        (["--loss", "weston_watkins"], "--loss and --config go together"),
        (["--loss", "config", "--config", "c.yaml", "--row", "99"], "--row must be from 0 to"),
        (["x", "x=1", "--seed", "-1"], "Invalid value for '--seed'"),
    ],
)
def test_circuit_refuses_with_one_line(here, capsys, words, message):
    """Exit code 2, and the place."""
    assert main(["circuit", *words]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("loss", losses.LOSSES)
def test_circuit_shows_the_loss_of_a_real_row(here, capsys, loss):
    """Scores, margins, active hinges, and what arrives at each class's weights."""
    words = ["--loss", loss, "--config", "c.yaml", "--row", "3", "--check", "--json"]
    assert main(["circuit", *words]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [c["class"] for c in document["classes"]] == ["ash", "elm", "oak"]
    assert document["label"] in ("ash", "elm", "oak")
    assert document["objective"] >= document["loss"] > 0
    assert any(c["active"] for c in document["classes"])
    assert main(["circuit", *words[:-2]]) == 0
    assert "(true)" in capsys.readouterr().out


def test_gradcheck_passes_and_says_so_in_its_last_line(here, capsys):
    """A table a loss, a verdict, exit code 0."""
    assert main(["gradcheck", "c.yaml", "--loss", "all"]) == 0
    out = capsys.readouterr().out
    assert all(f"\n{name}\n" in f"\n{out}" for name in losses.LOSSES)
    assert out.splitlines()[-1].startswith("PASS: ")
    assert "FAIL" not in out


def test_gradcheck_of_a_run_checks_its_weights(here, capsys):
    """At the weights of the model, besides random and zero ones."""
    assert main(["fit", "c.yaml", "-q"]) == 0
    capsys.readouterr()
    assert main(["gradcheck", "runs/c", "--samples", "all", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    points = {finding["point"] for finding in document["losses"][0]["findings"]}
    assert points == {"random", "zero", "near zero", "trained", "on kinks"}


def test_gradcheck_self_test_prints_what_caught_what(here, capsys):
    """All planted faults are caught."""
    assert main(["gradcheck", "c.yaml", "--self-test"]) == 0
    assert "18 of 18 faults caught" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [["--samples", "0"], ["--samples", "x"], ["--tol", "2"], ["--seed", "-1"]]
)
def test_gradcheck_refuses_wrong_options(here, capsys, words):
    """One line, exit code 2."""
    assert main(["gradcheck", "c.yaml", *words]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.fixture
def wrong_gradient(monkeypatch):
    """Make the analytic gradient of the default loss wrong by one per mille."""
    right = losses.LOSSES["weston_watkins"]

    def wrong(scores, y, delta, work=None):
        values, dscores = right.function(scores, y, delta, work)
        return values, (dscores * 1.001).astype(dscores.dtype)

    broken = losses.Loss(wrong, right.formula, right.source)
    monkeypatch.setitem(linear.LOSSES, "weston_watkins", broken)


@pytest.mark.usefixtures("wrong_gradient")
def test_gradcheck_fails_for_a_wrong_gradient(here, capsys):
    """Exit code 1, FAIL in the table and in the last line."""
    assert main(["gradcheck", "c.yaml"]) == 1
    captured = capsys.readouterr()
    assert captured.out.splitlines()[-1].startswith("FAIL: ")
    assert "the gradients disagree for weston_watkins" in captured.err


@pytest.mark.usefixtures("wrong_gradient")
def test_fit_refuses_to_train_with_a_wrong_gradient(here, capsys):
    """Nothing is trained and nothing written, unless the check is switched off."""
    assert main(["fit", "c.yaml", "-q"]) == 1
    assert "the gradient check failed" in capsys.readouterr().err
    assert not (here / "runs" / "c" / "model.npz").exists()
    assert main(["fit", "c.yaml", "-q", "--force", "--set", "solver.gradcheck=false"]) == 0


def test_fit_records_the_figures_of_its_check(here):
    """run.json keeps them."""
    assert main(["fit", "c.yaml", "-q"]) == 0
    figures = json.loads((here / "runs/c/run.json").read_text())["gradcheck"]
    assert figures["passed"] is True
    assert figures["exact"] is True
    assert figures["compared"] > 100
    assert max(figures["largest_error"].values()) < 1e-6


def test_doctor_goes_through_its_list(here, capsys):
    """A line an examination, with its figure; the start is delta (K - 1)."""
    assert main(["doctor", "c.yaml", "--json"]) == 0
    lines = json.loads(capsys.readouterr().out)
    assert len(lines) == len(EXAMINATIONS)
    assert {line["status"] for line in lines} <= {"OK", "WARN"}
    figures = {line["what"]: line["figure"] for line in lines}
    assert figures["objective at W = 0"] == "2, expected 2"


@pytest.mark.parametrize(
    ("change", "examination"),
    [
        ("a constant and a huge column", "feature scales"),
        ("every row twice", "duplicates of training rows in validation"),
        ("one class rare", "class balance"),
    ],
)
def test_doctor_warns_of_what_is_wrong_with_the_data(here, capsys, change, examination):
    """Each fault is planted in the data, and its line says WARN."""
    lines = (here / "train.csv").read_text().splitlines()
    head, body = lines[0], lines[1:]
    if change.startswith("a constant"):
        body = [f"{1e9 * i},{line.partition(',')[2]}" for i, line in enumerate(body)]
    elif change.startswith("every"):
        body = body * 2
    else:
        body = [line for i, line in enumerate(body) if not line.endswith("oak") or i < 8]
    (here / "train.csv").write_text("\n".join([head, *body]) + "\n")
    assert main(["doctor", "c.yaml", "--set", "preprocess.scale=none", "--json"]) in (0, 1)
    found = {line["what"]: line["status"] for line in json.loads(capsys.readouterr().out)}
    assert found[examination] == "WARN"


@pytest.mark.usefixtures("wrong_gradient")
def test_doctor_fails_when_the_gradients_disagree(here, capsys):
    """A FAIL is exit code 1."""
    assert main(["doctor", "c.yaml"]) == 1
    captured = capsys.readouterr()
    assert "FAIL  analytic, gate and numeric gradients agree" in captured.out
    assert captured.err.startswith("svmtrain: error: failed: analytic")


def test_doctor_judges_the_step_size(here, capsys):
    """One far too large for its schedule is told from auto."""
    words = ["--set", "solver.lr=1000", "--set", "solver.schedule=constant", "--json"]
    assert main(["doctor", "c.yaml", *words]) in (0, 1)
    lines = json.loads(capsys.readouterr().out)
    step = next(line for line in lines if line["what"] == "step size")
    assert step["status"] in ("WARN", "FAIL")
    assert np.isfinite(float(step["figure"].split()[0]))
