"""`svmtrain data convert`: any data into a store, and the store as data."""

import io
import json
import sys

import numpy as np
import pytest
from small_runs import rows_of, run_command, write_table

from svmtrain.cli import main
from svmtrain.data.store import describe, open_store, verify


def test_a_table_becomes_a_store(call):
    """With its labels and names; one line says what was made."""
    code, out, err = call("data", "convert", "train.csv", "t.store", "--target", "kind")
    assert (code, err) == (0, "svmtrain: next: svmtrain config init t.store -o config.yaml\n")
    assert out.startswith("t.store: 60 rows x 3 features, dense float64, 3 classes, 0.0 MB in ")
    assert out.count("\n") == 1
    found = open_store("t.store")
    assert found.X.tolist() == [[float(v) for v in row[:3]] for row in rows_of(60)]
    assert list(found.labels) == [row[3] for row in rows_of(60)]
    assert found.feature_names == ("a", "b", "c")
    assert describe("t.store").source == "train.csv"


def test_the_json_has_the_same_figures(call):
    """One document."""
    words = ("--target", "-1", "--dtype", "float32", "--json", "-q")
    code, out, err = call("data", "convert", "train.csv", "t.store", *words)
    document = json.loads(out)
    assert (code, err) == (0, "")
    assert document["seconds"] >= 0
    del document["seconds"]
    assert document == {
        "store": "t.store",
        "rows": 60,
        "features": 3,
        "kind": "dense",
        "dtype": "float32",
        "classes": {"ash": 20, "elm": 20, "oak": 20},
        "text_columns": 0,
        "gaps": 0,
        "bytes": sum(describe("t.store").sizes().values()),
    }


def test_the_reader_is_told_what_is_asked_for(call, here):
    """Delimiter, header and target are those of the command line."""
    (here / "odd.txt").write_text("1|2|x\n3|4|y\n")
    words = ("--format", "csv", "--delimiter", "|", "--no-header", "--target", "2")
    code, _, err = call("data", "convert", "odd.txt", "t.store", *words)
    assert code == 0, err
    assert open_store("t.store").X.tolist() == [[1, 2], [3, 4]]


def test_several_files_become_one_store(call, here):
    """A pattern means the files that match it, in order; all have the columns of the first."""
    write_table(here / "p1.csv", 30)
    write_table(here / "p2.csv", 12, "cyab")
    code, out, err = call("data", "convert", "p*.csv", "t.store", "--target", "kind")
    assert code == 0, err
    assert out.startswith("t.store: 42 rows x 3 features")
    rows = rows_of(30) + rows_of(12)
    assert open_store("t.store").X.tolist() == [[float(v) for v in row[:3]] for row in rows]
    assert list(open_store("t.store").labels) == [row[3] for row in rows]
    assert describe("t.store").source == "p1.csv and 1 more"
    assert call("fit", "c.yaml", "-q", "--set", "data.train=t.store")[0] == 0


def test_sparse_rows_stay_sparse(call, here):
    """As wide as the widest row of all files, zeros before it included."""
    (here / "a.svm").write_text("1\n-1 2:0.5\n")
    (here / "b.svm").write_text("1 1:3 7:-1\n")
    code, out, err = call("data", "convert", "[ab].svm", "t.store")
    assert code == 0, err
    assert "3 rows x 7 features, csr float64, 2 classes" in out
    cells = [[0] * 7, [0, 0.5, 0, 0, 0, 0, 0], [3, 0, 0, 0, 0, 0, -1]]
    assert open_store("t.store").X.toarray().tolist() == cells
    assert list(open_store("t.store").labels) == [1, -1, 1]


def test_text_columns_and_gaps_are_kept_as_they_are(call, here):
    """The line tells of them; what becomes of them is for a training to say."""
    (here / "m.csv").write_text("kind,size,label\np,1,a\nq,?,b\n,3,a\np,4,b\n")
    code, out, err = call("data", "convert", "m.csv", "t.store")
    assert code == 0, err
    assert "4 rows x 2 features, dense float64, 2 classes, 1 text columns, 2 gaps" in out
    found = open_store("t.store")
    nan = np.nan
    assert np.array_equal(found.X, [[0, 1], [1, nan], [nan, 3], [0, 4]], equal_nan=True)
    assert dict(found.categories) == {0: ("p", "q")}


def test_texts_mean_the_same_from_a_file_and_from_a_store(call, here):
    """Whatever number a text has in each: evaluation and prediction agree with those of files."""
    rows = [("p", i, "a") if i % 2 else ("q", i % 5, "b") for i in range(60)]
    for name, order in (("m", 1), ("n", -1)):
        lines = [",".join(map(str, row)) for row in rows[::order]]
        (here / f"{name}.csv").write_text("\n".join(["kind,size,label", *lines]) + "\n")
        assert call("data", "convert", f"{name}.csv", f"{name}.store", "-q")[0] == 0
    words = ("--set", "data.text=onehot", "--set", "data.target=label", "--json")
    results = []
    for end in ("csv", "store"):
        held = ("--set", f"data.train=m.{end}", "--set", f"data.test=n.{end}")
        code, out, err = call("fit", "c.yaml", *words, *held, "--name", end)
        assert code == 0, err
        found = json.loads(out)
        results.append((found["chosen"]["objective"], found["test"]))
    assert results[0] == results[1]
    for command in ("evaluate", "predict"):
        outs = {
            call(command, f"runs/{run}", f"n.{end}")
            for run in ("csv", "store")
            for end in ("csv", "store")
        }
        assert len(outs) == 1


def test_standard_input_can_be_converted(call, monkeypatch):
    """Its name is no path."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"x,label\n1,a\n2,b\n")))
    assert call("data", "convert", "-", "t.store")[0] == 0
    assert open_store("t.store").X.tolist() == [[1], [2]]
    assert describe("t.store").source == "standard input"


@pytest.mark.parametrize(
    ("code", "words", "message"),
    [
        (2, ("train.csv", "c.yaml"), "c.yaml: exists and is no store; name another place"),
        (2, ("train.csv", ".", "--force"), ".: is not a possible name of a store"),
        (2, ("t.store", "t.store", "--force"), "is read and would be replaced"),
        (2, ("train.csv", "t.store", "--target", "kind"), "exists already (--force replaces it)"),
        (2, ("train.csv", "n", "--format", "arff"), "'arff' is not one of"),
        (3, ("none.csv", "n"), "none.csv: no such file"),
        (3, ("train.csv", "n"), "train.csv: no column is called label"),
        (3, ("train.csv", "n", "--target", "b", "--dtype", "float32"), ""),
        (7, ("train.csv", "none/n", "--target", "kind"), "No such file or directory"),
    ],
)
def test_what_cannot_be_is_one_line(call, here, code, words, message):
    """With the code of its kind, and nothing is left."""
    call("data", "convert", "train.csv", "t.store", "--target", "kind")
    (here / "train.csv").write_text((here / "train.csv").read_text().replace("ash", "1e39"))
    before = sorted(path.name for path in here.rglob("*"))
    found, out, err = call("data", "convert", *words)
    assert (found, out, err.count("\n")) == (code, "", 1), err
    assert message in err
    assert sorted(path.name for path in here.rglob("*")) == before


def test_force_replaces_a_store(call, here):
    """By one of other data."""
    write_table(here / "more.csv", 90)
    call("data", "convert", "train.csv", "t.store", "--target", "kind")
    code, _, err = call("data", "convert", "more.csv", "t.store", "--target", "kind", "--force")
    assert code == 0, err
    assert verify("t.store").rows == 90


def test_a_store_is_trained_on_like_its_file(call):
    """The model has the same weights; evaluate and predict take the store as data."""
    call("data", "convert", "train.csv", "t.store", "--target", "kind")
    call("fit", "c.yaml", "-q", "--name", "file")
    code, _, err = call("fit", "c.yaml", "-q", "--name", "store", "--set", "data.train=t.store")
    assert code == 0, err
    models = [np.load(f"runs/{name}/model.npz") for name in ("file", "store")]
    assert models[0]["W"].tobytes() == models[1]["W"].tobytes()
    for command in ("evaluate", "predict"):
        assert call(command, "runs/file", "t.store") == call(command, "runs/file", "train.csv")


def test_a_store_can_be_the_validation_or_the_test(call, here):
    """As any file can."""
    call("data", "convert", "train.csv", "t.store", "--target", "kind")
    words = ("--set", "data.test=t.store", "--set", "data.validation=t.store")
    code, out, err = call("fit", "c.yaml", *words)
    assert code == 0, err
    assert "held out: 60 validation, 60 test" in out


def test_the_real_command_stops_at_a_full_disk(here):
    """Exit code 7, and no store."""
    import resource

    done = run_command(
        *("data", "convert", "train.csv", "t.store", "--target", "kind"),
        cwd=here,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500)),
    )
    assert done.returncode == 7
    assert "EFBIG" in done.stderr
    assert sorted(path.name for path in here.iterdir()) == ["c.yaml", "train.csv"]


def test_a_model_of_a_store_reads_the_file_that_it_was_made_of(tmp_path, monkeypatch, capsys):
    """The store remembers the name of the label column."""
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{i},{i % 7},{'xy'[i % 2]}\n" for i in range(40))
    (tmp_path / "t.csv").write_text("a,b,kind\n" + rows)
    (tmp_path / "c.yaml").write_text("data: {train: t.store}\nsolver: {epochs: 2}\n")
    assert main(["data", "convert", "t.csv", "t.store", "--target", "kind", "-q"]) == 0
    assert main(["fit", "c.yaml", "-q"]) == 0
    capsys.readouterr()
    answers = []
    for source in ("t.csv", "t.store"):
        assert main(["predict", "runs/c", source]) == 0
        answers.append(capsys.readouterr().out)
        assert main(["evaluate", "runs/c", source]) == 0
        answers.append(capsys.readouterr().out)
    assert answers[:2] == answers[2:]


def test_a_damaged_store_is_not_used_by_any_command(tmp_path, monkeypatch, capsys):
    """Changed by a byte, its size as it was: exit 3, and a run is not resumed on it."""
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{i},{i % 7},{'xy'[i % 2]}\n" for i in range(40))
    (tmp_path / "t.csv").write_text("a,b,label\n" + rows)
    (tmp_path / "c.yaml").write_text("data: {train: t.store}\nsolver: {epochs: 2}\n")
    assert main(["data", "convert", "t.csv", "t.store", "-q"]) == 0
    assert main(["fit", "c.yaml", "-q"]) == 0
    content = bytearray((tmp_path / "t.store" / "X.npy").read_bytes())
    content[-2] ^= 1
    (tmp_path / "t.store" / "X.npy").write_bytes(content)
    for words in (
        ("fit", "c.yaml", "--name", "other"),
        ("resume", "runs/c", "--set", "solver.epochs=4"),
        ("evaluate", "runs/c", "--split", "train"),
        ("evaluate", "runs/c", "t.store"),
        ("predict", "runs/c", "t.store"),
        ("data", "convert", "t.store", "u.store"),
        ("data", "check", "t.store"),
    ):
        capsys.readouterr()
        assert main(list(words)) == 3, words
        printed = capsys.readouterr()
        assert "X.npy: damaged: the content does not match its digest" in printed.out + printed.err
