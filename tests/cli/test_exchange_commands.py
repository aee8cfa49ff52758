"""`svmtrain export` and `svmtrain import`: what they print, write and refuse."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from small_runs import start

from svmtrain.exchange.forms import EXPORTS
from svmtrain.model import load_model
from svmtrain.translate import PEERS

LIBLINEAR = "solver_type L2R_LR\nnr_class 2\nlabel 1 -1\nnr_feature 2\nbias -1\nw\n1.5 \n-2 \n"


@pytest.fixture
def run(here):
    """Return a small run."""
    return start(here / "c.yaml", "c")


@pytest.mark.parametrize("form", EXPORTS)
def test_a_model_is_exported_under_the_name_of_its_run(form, run, here, call):
    """With the first ending of the form, in the folder that one works in; what uses it is said."""
    assert set(EXPORTS[form].use) == set(EXPORTS[form].writers)
    code, out, err = call("export", run.path, "--to", form)
    assert code == 0, err
    ending = next(iter(EXPORTS[form].writers))
    written = here / f"c{ending}"
    expected = EXPORTS[form].writers[ending](load_model(run.model))
    assert written.read_bytes() == expected.content
    assert out == f"wrote c{ending} ({form}, {len(expected.content):,} bytes)\n"
    use = EXPORTS[form].use[ending].format(file=f"c{ending}")
    said = [line.removeprefix("svmtrain: ") for line in err.splitlines()]
    assert said == [*expected.notes, f"use it: {use}"]


def test_help_lists_every_form(call):
    """The table of them needs numpy, for which help does not wait: so they are named again."""
    out = " ".join(call("export", "--help")[1].split())
    *names, last = EXPORTS
    assert f"{', '.join(names)} or {last}." in out


def test_a_document_tells_what_was_written(run, here, call):
    """Path, form, size, digest, notes and use; nothing on stderr."""
    words = ("export", run.model, "--to", "liblinear", "--json", "-o", "m.txt")
    code, out, err = call(*words)
    content = Path("m.txt").read_bytes()
    assert (code, err) == (0, "")
    assert json.loads(out) == {
        "path": "m.txt",
        "form": "liblinear",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "notes": [
            "labels are numbers there: 0 is 'ash', 1 is 'elm', 2 is 'oak'",
            "probabilities stay behind, labels and scores travel; json, safetensors and a FILE.py "
            "for sklearn have the calibration",
        ],
        "use": "liblinear-predict ROWS m.txt LABELS",
    }


def test_the_ending_decides_between_source_and_skops(run, call):
    """Both are pipelines; another ending is neither."""
    for name, begins in (("a.py", b'"""A linear'), ("a.skops", b"PK")):
        assert call("export", run.path, "--to", "sklearn", "-o", name)[0] == 0
        assert Path(name).read_bytes().startswith(begins)
    code, out, err = call("export", run.path, "--to", "sklearn", "-o", "a.pkl")
    assert (code, out) == (2, "")
    assert "a.pkl: the name of an output for sklearn must end in .py or .skops" in err


def test_nothing_is_overwritten_by_accident(run, here, call):
    """A file that exists is left alone unless --force is given; the model itself always."""
    (here / "c.onnx").write_text("mine")
    code, _, err = call("export", run.path, "--to", "onnx")
    assert (code, (here / "c.onnx").read_text()) == (2, "mine")
    assert "c.onnx: exists already: --force replaces it, -o names another" in err
    assert call("export", run.path, "--to", "onnx", "--force")[0] == 0
    assert (here / "c.onnx").read_text(errors="replace") != "mine"
    before = run.model.read_bytes()
    code, _, err = call("export", run.path, "--to", "json", "-o", run.model, "--force")
    assert (code, run.model.read_bytes()) == (2, before)
    assert "is read and would be replaced" in err


@pytest.mark.parametrize(
    ("words", "code", "problem"),
    [
        (("runs/c", "--to", "pmml"), 2, "--to must be one of liblinear, sklearn, onnx, safetens"),
        (("runs/none", "--to", "c"), 4, "runs/none: no such file"),
        (("train.csv", "--to", "c"), 4, "train.csv: "),
        (("runs/c", "--to", "c", "-o", "runs"), 2, "runs: is a folder; name a file"),
        (("runs/c", "--to", "c", "-o", "no/x.c"), 7, "no/x.c: cannot write"),
        (("runs/c",), 2, "Missing option '--to'"),
    ],
)
def test_what_cannot_be_exported_is_refused(words, code, problem, run, call):
    """One line, and the code of its kind."""
    found, out, err = call("export", *words)
    assert (found, out) == (code, "")
    assert problem in err
    assert err.count("\n") == 1


def test_a_form_that_cannot_carry_the_model_names_the_model(here, call):
    """And writes nothing."""
    run = start(here / "c.yaml", "unit", "preprocess.row_norm=l2")
    code, _, err = call("export", run.path, "--to", "liblinear")
    assert code == 2
    assert "model.npz: rows are divided by their length (preprocess.row_norm), which" in err
    assert not list(here.glob("*.liblinear"))


def test_a_model_of_liblinear_is_imported_and_used(here, call):
    """It shows, and labels rows; what was not known is said."""
    (here / "m").write_text(LIBLINEAR)
    code, out, err = call("import", "m", "-o", "m.npz")
    assert (code, out) == (0, f"wrote m.npz ({(here / 'm.npz').stat().st_size:,} bytes)\n")
    assert err.startswith("svmtrain: L2R_LR minimised the logistic loss")
    np.testing.assert_array_equal(load_model("m.npz").W, [[-1.5, 1.5], [2, -2]])
    (here / "rows").write_text("0 1:2\n0 2:2\n")
    assert call("predict", "m.npz", "rows") == (0, "1\n-1\n", "")
    assert call("model", "show", "m.npz")[0] == 0
    assert call("import", "m", "-o", "m.npz")[0] == 2
    code, out, _ = call("import", "m", "-o", "m.npz", "--force", "--json")
    assert (code, json.loads(out)["form"]) == (0, "svmtrain")


def test_a_model_of_liblinear_that_is_wrong_is_refused(here, call):
    """With its line, as a model that cannot be used; nothing is written."""
    (here / "m").write_text(LIBLINEAR.replace("1.5", "1,5"))
    code, out, err = call("import", "m", "-o", "m.npz")
    assert (code, out) == (4, "")
    assert err == "svmtrain: error: m:7: weight '1,5'; expected a finite number\n"
    assert not (here / "m.npz").exists()
    assert call("import", "none", "-o", "m.npz")[0] == 4


def test_the_same_optimum_elsewhere_is_told_before_and_after_training(run, call):
    """By `fit --dry-run` and `model show`, in words and as plain values."""
    words = ("--set", "objective.loss=crammer_singer", "--set", "objective.lambda=0.05")
    # 39 rows: C = 1 / (2 * 0.05 * 39)
    told = "train -s 4 -c 0.2564102564 -B 1; labels are numbered from 0"
    text = call("fit", "c.yaml", "--dry-run", *words)[1]
    assert f"LIBLINEAR      {told}" in text.splitlines()
    document = json.loads(call("fit", "c.yaml", "--dry-run", "--json", *words)[1])
    assert call("fit", "c.yaml", "-q", "--name", "cs", *words)[0] == 0
    assert f"LIBLINEAR      {told}" in call("model", "show", "runs/cs")[1].splitlines()
    shown = json.loads(call("model", "show", "runs/cs", "--json")[1])
    assert document["elsewhere"] == shown["elsewhere"]
    assert [one["peer"] for one in shown["elsewhere"]] == list(PEERS)
    assert shown["elsewhere"][0]["settings"] == {"s": 4, "c": pytest.approx(1 / 3.9), "B": 1}
    first = call("fit", "c.yaml", "--dry-run", "--set", "objective.lambda=[0.1, 0.01]")[1]
    assert "mlpack         linear_svm(lambda_=0.2, delta=1)" in first.splitlines()
