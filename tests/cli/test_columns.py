"""Tables as people have them, from the command line: text, gaps, labels of any kind."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from svmtrain.cli import main

WORK = ("state", "private", "none")


def write(path, count=60, header=("age", "work", "id", "hours", "rich"), order=None, seed=0):
    """Write rows with a text column, gaps, a column to drop, and labels that are text."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(count):
        work, age = WORK[int(rng.integers(3))], int(rng.integers(20, 60))
        rich = "yes" if age + 20 * (work == "state") + rng.normal() * 5 > 45 else "no"
        hours = "?" if i % 7 == 3 else int(rng.integers(10, 50))
        rows.append((age, "" if i % 11 == 5 else work, f"r{i}", hours, rich))
    order = order or range(len(header))
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([header[at] for at in order])
        writer.writerows([[row[at] for at in order] for row in rows])
    return Path(path)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder to work in, with a table and a config."""
    monkeypatch.chdir(tmp_path)
    write("t.csv")
    write("test.csv", 40, seed=1)
    Path("c.yaml").write_text(
        "data: {train: t.csv, test: test.csv, target: rich, drop: [id], text: onehot,\n"
        "  missing: median}\nsolver: {epochs: 5}\n"
    )
    return tmp_path


def run(*words):
    """Run a command line; return its exit code."""
    return main(list(words))


def test_a_table_with_text_and_gaps_is_trained_on_judged_and_labelled(folder, capsys):
    """The features are those of the training rows' texts; the summary tells of the columns."""
    assert run("fit", "c.yaml") == 0
    assert "5 features of 3 columns" in capsys.readouterr().out
    assert run("evaluate", "runs/c", "test.csv", "--json") == 0
    whole = json.loads(capsys.readouterr().out)
    assert run("evaluate", "runs/c", "--split", "test", "--json") == 0
    assert json.loads(capsys.readouterr().out) == whole
    assert whole["rows"] == 40
    assert whole["accuracy"] > 0.7
    assert run("predict", "runs/c", "test.csv") == 0
    labels = capsys.readouterr().out.split()
    assert len(labels) == 40
    assert set(labels) == {"yes", "no"}
    assert run("model", "show", "runs/c") == 0
    shown = capsys.readouterr().out
    assert "onehot of 3 texts" in shown
    assert "work=private" in shown


def test_columns_go_by_name_wherever_they_stand(folder, capsys):
    """The dropped one may be missing or not, and so may the label when predicting."""
    run("fit", "c.yaml", "-q")
    capsys.readouterr()
    answers = []
    for name, order in (("a", None), ("b", [4, 2, 1, 3, 0]), ("c", [3, 1, 0]), ("d", [1, 0, 3, 4])):
        write(f"{name}.csv", 40, seed=1, order=order)
        assert run("predict", "runs/c", f"{name}.csv") == 0
        answers.append(capsys.readouterr().out)
    assert answers == answers[:1] * 4


@pytest.mark.parametrize(
    ("order", "header", "message"),
    [
        ([0, 3, 4], None, r"lacks columns that the model expects: 'work'"),
        (None, ("age", "work", "id2", "hours", "rich"), r"model does not know: 'id2'"),
    ],
)
def test_missing_and_extra_columns_are_named(folder, capsys, order, header, message):
    """By evaluate and predict alike."""
    run("fit", "c.yaml", "-q")
    write("x.csv", **({"order": order} if order else {}), **({"header": header} if header else {}))
    for command in ("predict", "evaluate"):
        capsys.readouterr()
        assert run(command, "runs/c", "x.csv") == 3
        assert message in capsys.readouterr().err


def test_a_text_that_is_new_is_refused_or_let_pass(folder, capsys):
    """With its row; also when it comes in a later chunk of a file."""
    lines = ["age,work,id,hours,rich"] + ["30,state,r,40,no"] * 5000 + ["30,abroad,r,40,no"]
    Path("new.csv").write_text("\n".join(lines) + "\n")
    run("fit", "c.yaml", "-q")
    capsys.readouterr()
    for command in ("predict", "evaluate"):
        assert run(command, "runs/c", "new.csv") == 3
        message = capsys.readouterr().err
        assert "new.csv: row 5001 has 'abroad' in column 'work'" in message
        assert "data.unseen: ignore" in message
    run("fit", "c.yaml", "-q", "--name", "lax", "--set", "data.unseen=ignore")
    capsys.readouterr()
    assert run("predict", "runs/lax", "new.csv") == 0
    assert len(capsys.readouterr().out.split()) == 5001


def test_without_settings_text_and_gaps_are_errors_that_say_what_to_do(folder, capsys):
    """Nothing is guessed."""
    assert run("fit", "c.yaml", "--set", "data.text=error") == 3
    assert "t.csv:2:2: column 2 ('work') is " in capsys.readouterr().err
    assert run("fit", "c.yaml", "--set", "data.missing=error") == 3
    message = capsys.readouterr().err
    assert "t.csv:5:4: column 4 ('hours') is '?'" in message
    assert "data.missing" in message
    assert not Path("runs").exists()


def test_rows_with_gaps_can_be_left_out(folder, capsys):
    """Told by fit and evaluate; predict names the line, since every row gets a label."""
    assert run("fit", "c.yaml", "--set", "data.missing=drop") == 0
    printed = capsys.readouterr()
    assert "of 48 train rows have gaps and are left out" in printed.err
    assert run("evaluate", "runs/c", "test.csv", "--json") == 0
    gaps = sum("?" in line or ",," in line for line in Path("test.csv").read_text().splitlines())
    assert json.loads(capsys.readouterr().out)["rows"] == 40 - gaps
    assert run("predict", "runs/c", "test.csv") == 3
    assert "test.csv:5:4: column 4 ('hours') is '?'" in capsys.readouterr().err


def test_rows_come_from_standard_input_too(folder, capsys, monkeypatch):
    """With their header."""
    run("fit", "c.yaml", "-q")
    run("predict", "runs/c", "test.csv")
    want = capsys.readouterr().out.splitlines()[1:]
    stream = io.TextIOWrapper(io.BytesIO(Path("test.csv").read_bytes()))
    monkeypatch.setattr("sys.stdin", stream)
    assert run("predict", "runs/c", "-") == 0
    assert capsys.readouterr().out.splitlines() == want


def test_a_starter_config_knows_what_the_table_has(folder, capsys):
    """Text and gaps get their keys, and the config trains."""
    assert run("config", "init", "t.csv", "--target", "rich", "-o", "s.yaml") == 0
    text = Path("s.yaml").read_text()
    assert "\n  text: onehot\n" in text
    assert "\n  missing: median\n" in text
    assert run("fit", "s.yaml", "-q", "--set", "solver.epochs=2") == 0


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (("yes", "no"), ["no", "yes"]),
        (("True", "False"), ["False", "True"]),
        (("-1", "1"), [-1, 1]),
        (("+1", "-1"), ["+1", "-1"]),
        (("7", "-300"), [-300, 7]),
        (("ä", "1"), ["1", "ä"]),
    ],
)
def test_labels_of_any_kind_come_back_as_they_were(tmp_path, monkeypatch, capsys, labels, classes):
    """Sorted in the model; predict prints what the file had."""
    monkeypatch.chdir(tmp_path)
    rows = [f"{i},{(i * 7) % 5},{labels[i % 2]}" for i in range(40)]
    Path("t.csv").write_text("\n".join(["a,b,label", *rows]) + "\n", encoding="utf-8")
    Path("c.yaml").write_text("data: {train: t.csv}\nsolver: {epochs: 2}\n")
    assert run("fit", "c.yaml", "-q") == 0
    capsys.readouterr()
    assert run("model", "show", "runs/c", "--json") == 0
    assert json.loads(capsys.readouterr().out)["classes"] == classes
    assert run("predict", "runs/c", "t.csv") == 0
    assert set(capsys.readouterr().out.split()) <= set(labels)


def test_a_table_of_text_resumes_exactly(folder, capsys):
    """The same model as a run that was not stopped."""
    assert run("fit", "c.yaml", "-q", "--name", "whole", "--set", "solver.epochs=8") == 0
    assert run("fit", "c.yaml", "-q", "--name", "part") == 0
    assert run("resume", "runs/part", "-q", "--set", "solver.epochs=8") == 0
    assert Path("runs/part/model.npz").read_bytes() == Path("runs/whole/model.npz").read_bytes()
    assert run("resume", "runs/part", "--set", "data.missing=mean") == 5
    assert "data.missing was 'median' and is now 'mean'" in capsys.readouterr().err


def test_sparse_features_of_text_give_the_same_objective(folder, capsys):
    """At 1e-10."""
    values = []
    for sparse in ("false", "true"):
        run("fit", "c.yaml", "--json", "--name", f"s{sparse}", "--set", f"data.sparse={sparse}")
        values.append(json.loads(capsys.readouterr().out)["chosen"]["objective"])
    assert values[0] == pytest.approx(values[1], rel=1e-10)
