"""The commands that make many runs: streams, exit codes, one document, and help by example."""

import csv
import io
import json
import re

import pytest
from small_experiments import write_learnable

COMMANDS = {
    "cv": ("cv", "c.yaml", "--folds", "2"),
    "sweep": ("sweep", "c.yaml", "--grid", "solver.seed=0,1"),
    "curve": ("learning-curve", "c.yaml", "--shares", "0.5"),
}
FEW = ("--set", "solver.epochs=1", "--set", "solver.gradcheck=false", "--jobs", "1")


@pytest.fixture
def learnable(here):
    """Put rows from which something can be learned in the place of the others."""
    return write_learnable(here).parent


@pytest.mark.parametrize("name", COMMANDS)
def test_results_are_on_stdout_and_a_line_a_run_on_stderr(learnable, call, name):
    """With --json one document, with -q nothing more; the folder is named by the config."""
    words = (*COMMANDS[name], *FEW)
    code, out, err = call(*words)
    assert code == 0
    assert "accuracy" in out
    lines = [line for line in err.splitlines() if not line.startswith("svmtrain: next: ")]
    assert len(lines) == 2
    assert lines[0].startswith("svmtrain: 1 of 2: ")
    assert re.search(r"; about \d+:\d\d left$", lines[0])
    code, out, err = call(*words, "--json")
    assert code == 0
    document = json.loads(out)
    assert document["experiment"] == f"experiments/c-{name}"
    assert document["failed"] == {}
    assert len(err.splitlines()) == 2
    assert all(line.endswith(", as it was") for line in err.splitlines())
    code, out, err = call(*words, "-q")
    assert (code, err) == (0, "")
    assert json.loads((learnable / document["experiment"] / "summary.json").read_text()) == document
    info = json.loads(next(learnable.glob("experiments/*/runs/*/run.json")).read_text())
    assert info["command"][0] == "svmtrain"


@pytest.mark.parametrize("name", COMMANDS)
def test_failed_runs_are_told_and_end_with_1(learnable, call, name):
    """After what came of the others; where nothing did, no figure is told and nothing drawn."""
    words = (*COMMANDS[name], *FEW, "--set", "solver.lr=1e9", "--set", "solver.schedule=constant")
    code, out, err = call(*words)
    assert code == 1
    assert "interval" not in out
    assert "|" not in out
    assert ": failed: " in err
    assert err.splitlines()[-1].startswith("svmtrain: error: ")
    assert "runs failed, such as " in err.splitlines()[-1]


def test_the_leaderboard_is_a_table_for_programs_as_well(learnable, call):
    """A line a point, with its settings under their keys."""
    call(*COMMANDS["sweep"], *FEW)
    text = (learnable / "experiments/c-sweep/leaderboard.csv").read_text()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert sorted(row["solver.seed"] for row in rows) == ["0", "1"]
    assert [row["rank"] for row in rows] == ["1", "2"]


@pytest.mark.parametrize(
    ("words", "code", "telling"),
    [
        (("sweep", "c.yaml"), 2, "--grid"),
        (("sweep", "c.yaml", "--grid", "solver.lrr=1"), 2, "did you mean solver.lr?"),
        (("learning-curve", "c.yaml", "--shares", "half"), 2, "'half' is not a list of numbers"),
        (("cv", "c.yaml", "--jobs", "0"), 2, "--jobs"),
        (("cv", "c.yaml", "--set", "data.train=missing.csv"), 3, "missing.csv"),
        (("cv", "missing.yaml"), 2, "missing.yaml"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_a_code(learnable, call, words, code, telling):
    """Nothing is trained."""
    found, out, err = call(*words)
    assert (found, out) == (code, "")
    assert telling in err
    assert err.count("\n") == 1
    assert not list(learnable.glob("experiments/*/runs/*"))
