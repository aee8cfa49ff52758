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


def test_rows_that_are_left_out_are_counted(folder, capsys):
    """By evaluate on a file and on the rows of a run alike, in text and in JSON."""
    run("fit", "c.yaml", "-q", "--set", "data.missing=drop")
    gaps = sum("?" in line or ",," in line for line in Path("test.csv").read_text().splitlines())
    for rest in (["test.csv"], ["--split", "test"]):
        capsys.readouterr()
        assert run("evaluate", "runs/c", *rest) == 0
        assert f"({gaps} more have gaps and are left out)" in capsys.readouterr().out
        assert run("evaluate", "runs/c", *rest, "--json") == 0
        assert json.loads(capsys.readouterr().out)["left_out"] == gaps


def test_a_dry_run_tells_of_the_columns(folder, capsys):
    """Beside the features that are made of them."""
    assert run("fit", "c.yaml", "--dry-run") == 0
    assert "X 48 x 5 of 3 columns (float64), W 5 x 2" in capsys.readouterr().out
    assert run("fit", "c.yaml", "--dry-run", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["columns"], document["features"]) == (3, 5)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["data.text=error", "data.text_columns=[age]"],
            "data.text_columns needs data.text to be onehot or ordinal, got error",
        ),
        (
            ["data.missing=mean", "data.missing_value=3"],
            "data.missing_value needs data.missing to be constant, got mean",
        ),
    ],
)
def test_a_setting_without_effect_is_refused(folder, capsys, overrides, message):
    """Text that is not allowed is never numbered in silence."""
    assert run("fit", "c.yaml", *(f"--set={one}" for one in overrides)) == 2
    assert message in capsys.readouterr().err


def test_a_class_that_only_rows_with_gaps_have_is_told(tmp_path, monkeypatch, capsys):
    """When such rows are left out, there is none to train on."""
    monkeypatch.chdir(tmp_path)
    rows = [f"{i},{'' if i % 3 == 2 else i},{'abc'[i % 3]}" for i in range(30)]
    Path("t.csv").write_text("\n".join(["p,q,y", *rows]) + "\n")
    Path("c.yaml").write_text(
        "data: {train: t.csv, missing: drop, validation: 0}\nobjective: {class_weight: balanced}\n"
    )
    assert run("fit", "c.yaml") == 3
    message = capsys.readouterr().err
    assert "no row of class 'c' is left to train on" in message
    assert "data.missing" in message


def test_a_held_out_row_is_named_by_its_place_in_the_file(tmp_path, monkeypatch, capsys):
    """Whatever row it is among those held out."""
    monkeypatch.chdir(tmp_path)
    Path("c.yaml").write_text("data: {train: t.csv, text: onehot}\nsolver: {epochs: 1}\n")
    named = 0
    for odd in range(1, 21):
        rows = [f"{'new' if i == odd else 'uv'[i % 2]},{i},{i % 4 // 2}" for i in range(1, 21)]
        Path("t.csv").write_text("\n".join(["t,x,y", *rows]) + "\n")
        if run("fit", "c.yaml", "-q", "--force"):
            assert f"t.csv: row {odd} has 'new' in column 't'" in capsys.readouterr().err
            named += 1
    assert named == 4


def positions(folder, chosen, target, header):
    """Train on columns chosen by position; column 2 is noise, and the label stands at `target`."""
    rows = []
    for i in range(60):
        row = [str(i % 2 * 7 + i % 3), str(i % 5), str(i * 37 % 100), str(i % 2 * 4)]
        rows.append([*row[:target], str(i % 2), *row[target:]])
    lines = [",".join(row) for row in rows]
    names = [*"abcd"[:target], "label", *"abcd"[target:]]
    Path("t.csv").write_text("\n".join([",".join(names)] * header + lines) + "\n")
    Path("c.yaml").write_text(
        f"data: {{train: t.csv, target: {target}, header: {str(header).lower()}, {chosen}}}\n"
        "solver: {epochs: 3}\n"
    )
    assert run("fit", "c.yaml", "-q", "--force") == 0
    return names, rows


@pytest.mark.parametrize(
    ("chosen", "target"),
    [
        *(("drop: [3]", 0), ("drop: [-2]", 0), ("keep: [1, 2, 4]", 0)),
        *(("drop: [2]", 4), ("drop: [-3]", 4), ("keep: [0, 1, 3]", 4)),
        *(("drop: [3]", 1), ("keep: [0, 2, 4]", 1), ("drop: [-2, 3]", 1)),
    ],
)
def test_positions_mean_the_same_columns_in_a_file_without_labels(
    tmp_path, monkeypatch, capsys, chosen, target
):
    """Also where the labels stood before them, and where positions count from the end."""
    monkeypatch.chdir(tmp_path)
    _, rows = positions(tmp_path, chosen, target, header=False)
    bare = [row[:target] + row[target + 1 :] for row in rows]
    Path("bare.csv").write_text("\n".join(map(",".join, bare)) + "\n")
    answers = []
    for name in ("t.csv", "bare.csv"):
        capsys.readouterr()
        assert run("predict", "runs/c", name, "--scores") == 0
        answers.append(capsys.readouterr().out)
    assert answers[0] == answers[1]
    Path("narrow.csv").write_text("\n".join(",".join(row[:2]) for row in rows) + "\n")
    assert run("predict", "runs/c", "narrow.csv") == 3


@pytest.mark.parametrize("chosen", ["drop: [3]", "keep: [1, 2, 4]", "keep: [a, -3, d]"])
def test_positions_become_names_where_there_are_names(tmp_path, monkeypatch, capsys, chosen):
    """Other files may have the columns in another order, and need no column that was dropped."""
    monkeypatch.chdir(tmp_path)
    target = 1 if "a" in chosen else 0
    names, rows = positions(tmp_path, chosen, target, header=True)
    answers, moved = [], [*"dcba"]
    moved.insert(target, "label")
    for order in (names, moved, ["d", "b", "a"]):
        lines = [[row[names.index(name)] for name in order] for row in rows]
        Path("o.csv").write_text("\n".join(map(",".join, [order, *lines])) + "\n")
        capsys.readouterr()
        assert run("predict", "runs/c", "o.csv", "--scores") == 0
        answers.append(capsys.readouterr().out)
    assert answers == answers[:1] * 3


def test_all_columns_to_keep_that_are_missing_are_named(folder, capsys):
    """Not only the first."""
    run("fit", "c.yaml", "-q", "--set", "data.drop=[]", "--set", "data.keep=[age, hours]")
    Path("x.csv").write_text("work,rich\nstate,no\n")
    for command in ("predict", "evaluate"):
        capsys.readouterr()
        assert run(command, "runs/c", "x.csv") == 3
        assert "lacks columns that the model expects: 'age', 'hours'" in capsys.readouterr().err


def test_no_row_of_text_is_taken_for_a_header(tmp_path, monkeypatch, capsys):
    """A model that never saw a header labels the first row, though no cell of it is a number."""
    monkeypatch.chdir(tmp_path)
    rows = [f"{'uv'[i % 2]},{i},{i % 4 // 2}" for i in range(40)]
    Path("t.csv").write_text("\n".join(rows) + "\n")
    Path("c.yaml").write_text(
        "data: {train: t.csv, target: -1, header: false, text: onehot, missing: median}\n"
        "solver: {epochs: 2}\n"
    )
    assert run("fit", "c.yaml", "-q") == 0
    Path("n.csv").write_text("u,?\nv,3\nu,4\n")
    capsys.readouterr()
    assert run("predict", "runs/c", "n.csv") == 0
    assert len(capsys.readouterr().out.split()) == 3


def test_no_header_is_taken_for_a_row_of_text(tmp_path, monkeypatch, capsys):
    """A column of another name is missed, even where every column is of text."""
    monkeypatch.chdir(tmp_path)
    rows = [f"{'uv'[i % 2]},{'pq'[i % 3 % 2]},{i % 4 // 2}" for i in range(40)]
    Path("t.csv").write_text("\n".join(["a,b,label", *rows]) + "\n")
    Path("c.yaml").write_text(
        "data: {train: t.csv, text: onehot, unseen: ignore}\nsolver: {epochs: 2}\n"
    )
    assert run("fit", "c.yaml", "-q") == 0
    Path("n.csv").write_text("a,renamed\nu,p\nv,q\n")
    assert run("predict", "runs/c", "n.csv") == 3
    assert "lacks columns that the model expects: 'b'" in capsys.readouterr().err
