"""A path of lambdas on the command line: what each command does with it, or says."""

import json
import signal

import pytest

from svmtrain import interrupts

LIST = "objective.lambda=[0.1, 0.01]"
FIT = ("fit", "c.yaml", "-q", "--set", "solver.name=dual", "--set", LIST, "--name", "path")


@pytest.fixture
def path(call):
    """Train along a path and return what was printed."""
    code, out, err = call(*FIT)
    assert (code, err) == (0, "")
    return out


def test_fit_prints_a_line_a_lambda(path):
    """The largest first, with the proven gap."""
    header, *lines = path.splitlines()
    assert header.split()[:4] == ["lambda", "epochs", "objective", "gap"]
    assert [line.split()[:2] for line in lines] == [["0.1", "4"], ["0.01", "4"]]


def test_json_is_one_document_that_says_the_same(call, path):
    """Of fit, of resume when nothing is left to do, and of --if-changed."""
    code, out, _ = call("resume", "runs/path", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["path"] == "runs/path"
    assert [run["lambda"] for run in document["runs"]] == [0.1, 0.01]
    for run in document["runs"]:
        assert run["gap"] == pytest.approx(1 - run["bound"] / run["objective"])
        assert run["nonzero"] == 9
    code, out, err = call(*FIT, "--json", "--if-changed")
    assert json.loads(out) == {"path": "runs/path", "reason": "up to date"}
    assert "runs/path is up to date" in err
    assert json.loads(call(*FIT, "--json", "--force")[1])["runs"][0]["epochs"] == 4


def test_a_signal_names_the_command_that_goes_on(call, monkeypatch):
    """And that command ends with the table."""
    answers = iter([None] * 20 + [signal.SIGINT] * 100)
    with monkeypatch.context() as patch:
        patch.setattr(interrupts, "pending", lambda: next(answers))
        code, out, err = call(*FIT)
    assert (code, out) == (130, "")
    assert err == (
        "svmtrain: SIGINT: saved; 0 of 2 runs are done; go on with: svmtrain resume runs/path\n"
    )
    code, out, err = call("resume", "runs/path", "-q")
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == 3


def test_the_tables_of_runs_have_the_runs_of_a_path(call, path):
    """By the name of the path and theirs; the path stands for its runs in a comparison."""
    call("fit", "c.yaml", "-q", "--name", "alone")
    names = ["alone", "path/lambda-0.1", "path/lambda-0.01"]
    listed = json.loads(call("runs", "list", "--json")[1])
    assert [run["run"] for run in listed] == names
    compared = json.loads(call("runs", "compare", "runs/alone", "runs/path", "--json")[1])
    assert [run["run"] for run in compared] == names
    assert call("runs", "show", "runs/path/lambda-0.1")[0] == 0


@pytest.mark.parametrize(
    "words",
    [
        ("runs", "show", "runs/path"),
        ("evaluate", "runs/path"),
        ("predict", "runs/path", "train.csv"),
        ("model", "show", "runs/path"),
        ("gradcheck", "runs/path"),
        ("circuit", "--loss", "weston_watkins", "--config", "runs/path"),
        ("fit", "c.yaml", "--set", "solver.warm_start=runs/path", "--name", "x"),
    ],
)
def test_a_command_for_one_run_says_which_to_name(call, path, words):
    """In a sentence, with exit code 2."""
    code, out, err = call(*words)
    assert (code, out) == (2, "")
    assert "is a path of several runs; name one of them, such as runs/path/lambda-0.01" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        ("gradcheck", "c.yaml"),
        ("doctor", "c.yaml"),
        ("circuit", "--loss", "weston_watkins", "--config", "c.yaml"),
    ],
)
@pytest.mark.parametrize("key", ["lambda", "C"])
def test_a_command_for_one_objective_refuses_a_list(call, words, key):
    """In a sentence, with exit code 2."""
    with open("c.yaml", "a") as file:
        file.write(f"objective: {{{key}: [0.1, 0.01]}}\n")
    code, out, err = call(*words)
    assert (code, out) == (2, "")
    assert f"objective.{key} is a list" in err
    assert f"--set objective.{key}=0.1" in err


def test_a_config_with_a_list_can_be_shown_and_tried(call):
    """A dry run writes nothing."""
    assert "lambda: [0.1, 0.01]" in call("config", "show", "c.yaml", "--set", LIST)[1]
    code, out, _ = call(*FIT, "--dry-run", "--json")
    assert code == 0
    assert [one["run"] for one in json.loads(out)["path"]] == ["lambda-0.1", "lambda-0.01"]
    assert "# path" in call(*FIT, "--dry-run")[1]
    assert call("runs", "list")[0] == 2


def test_compare_shows_what_is_proven_and_calls_settings_by_their_whole_name(call, path):
    """A column `gap` beside the figures would be read as the gap of the run."""
    for name, gap in (("loose", 0.5), ("tight", 0.4)):
        call(*FIT[:5], "--set", f"stop.gap={gap}", "--name", name)
    code, out, _ = call("runs", "compare", "runs/loose", "runs/tight")
    header, *lines = out.splitlines()
    assert code == 0
    assert "stop.gap" in header.split()
    assert "proven" in header.split()
    at = header.split().index("proven")
    assert [0 <= float(line.split()[at]) <= 0.5 for line in lines] == [True, True]
