"""`predict` beyond labels, `calibrate`, and what `evaluate` says of probabilities."""

import csv
import io
import json

import numpy as np
import pytest
from small_runs import start, write_config, write_table

from svmtrain.build import load_splits
from svmtrain.calibration import fit
from svmtrain.cli import main
from svmtrain.config import load_config
from svmtrain.model import load_model
from svmtrain.operations import calibrate
from svmtrain.operations.predictions import FORMS


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return start(write_config(folder), "r")


@pytest.fixture(scope="module")
def uncalibrated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain")
    return start(write_config(folder, data="validation: 0"), "plain")


@pytest.fixture
def table(capsys):
    """Return a function that runs a command and returns its CSV: header, rows, and stderr."""

    def read(*words):
        code = main([*map(str, words)])
        out, err = capsys.readouterr()
        assert code == 0, err
        header, *rows = csv.reader(io.StringIO(out))
        return header, rows, err

    return read


def data_of(run):
    """Return the file that a run was trained on."""
    return run.path.parent.parent / "train.csv"


def test_a_run_is_calibrated_on_its_validation_rows_alone(run):
    """The curve is the one that these rows give, and says how many they were."""
    model, splits = load_model(run.model), load_splits(load_config(run.config))
    again = fit(model.decision_function(splits.validation.X), splits.validation.y, "sigmoid")
    assert model.calibration.rows == again.rows == len(splits.validation)
    assert model.calibration.curve.x == again.curve.x
    assert model.calibration.curve.y == again.curve.y


def test_of_very_many_rows_evenly_spread_ones_are_taken(run, monkeypatch):
    """As many as the scores that are held at once allow: here 5 rows of 3 classes."""
    monkeypatch.setattr(calibrate, "MOST_SCORES", 15)
    model, rows = load_model(run.model), load_splits(load_config(run.config)).train
    found = calibrate.calibrated(model, rows, "sigmoid").calibration
    taken = np.linspace(0, len(rows) - 1, 5).round().astype(int)
    again = fit(model.decision_function(rows.take(taken)), rows.y[taken], "sigmoid")
    assert found.rows == 5
    assert found.curve.x == again.curve.x


def test_without_validation_rows_there_are_no_probabilities(uncalibrated, capsys):
    """One sentence says how to get some; nothing else misses them."""
    assert load_model(uncalibrated.model).calibration is None
    data = data_of(uncalibrated)
    for words in (["--proba"], ["--threshold", "0.9"]):
        assert main(["predict", str(uncalibrated.path), str(data), *words]) == 4
        assert "svmtrain calibrate" in capsys.readouterr().err
    assert main(["predict", str(uncalibrated.path), str(data), "--top-k", "2"]) == 0
    assert capsys.readouterr().out.startswith("label,class_1,score_1,class_2,score_2\n")


def test_proba_writes_what_the_model_says(run, table):
    """Every digit of it, beside the label."""
    header, rows, _ = table("predict", run.path, data_of(run), "--proba")
    model = load_model(run.model)
    assert header == ["label", "proba_ash", "proba_elm", "proba_oak"]
    X = np.array([row[:3] for row in csv.reader(data_of(run).read_text().splitlines()[1:])], float)
    assert [list(map(float, row[1:])) for row in rows] == model.predict_proba(X).tolist()
    assert [row[0] for row in rows] == model.predict(X)


def test_top_k_lists_the_likeliest_classes_in_order(run, table):
    """With their probabilities, which are those of --proba."""
    _, whole, _ = table("predict", run.path, data_of(run), "--proba")
    header, rows, _ = table("predict", run.path, data_of(run), "--top-k", "2")
    assert header == ["label", "class_1", "proba_1", "class_2", "proba_2"]
    for row, (label, *values) in zip(rows, whole, strict=True):
        known = dict(zip(("ash", "elm", "oak"), map(float, values), strict=True))
        assert row[0] == row[1] == label
        assert [float(row[2]), float(row[4])] == sorted(known.values(), reverse=True)[:2]
        assert known[row[3]] == float(row[4])


def test_the_likeliest_class_need_not_be_the_label(tmp_path, table, capsys):
    """Weights pull labels to a rare class; --top-k goes by the probabilities all the same."""
    rows = [
        f"{(i * 7) % 10 + (i % 10 == 0)},{'rare' if i % 10 == 0 else 'usual'}" for i in range(300)
    ]
    (tmp_path / "train.csv").write_text("a,kind\n" + "\n".join(rows) + "\n")
    made = start(write_config(tmp_path), "w", "objective.class_weight=balanced")
    _, whole, _ = table("predict", made.path, tmp_path / "train.csv", "--proba")
    _, best, _ = table("predict", made.path, tmp_path / "train.csv", "--top-k", "1")
    for (label, *values), (same, likeliest, probability) in zip(whole, best, strict=True):
        assert same == label
        assert float(probability) == max(map(float, values))
        assert likeliest == ("rare", "usual")[values.index(probability)]
    assert any(row[0] != row[1] for row in best)


def test_a_threshold_rejects_the_rows_that_are_less_sure(run, table, capsys):
    """Just those, and it says how many."""
    _, whole, _ = table("predict", run.path, data_of(run), "--proba")
    sure = [max(map(float, values)) for _, *values in whole]
    limit = sorted(sure)[len(sure) // 2]
    words = ["predict", str(run.path), str(data_of(run)), "--threshold", str(limit)]
    assert main(words) == 0
    out, err = capsys.readouterr()
    expected = [
        label if p >= limit else "rejected" for (label, *_), p in zip(whole, sure, strict=True)
    ]
    assert out.split() == expected
    assert f"{expected.count('rejected')} of 60 rows rejected" in err
    _, rows, _ = table(*words, "--proba", "--reject-as", "?")
    assert [row[0] for row in rows] == [e.replace("rejected", "?") for e in expected]


def test_explanations_add_up(run, table):
    """All features of a row and the biases are the difference of two scores."""
    _, scores, _ = table("predict", run.path, data_of(run), "--scores")
    header, rows, _ = table("predict", run.path, data_of(run), "--explain", "3")
    assert header == ["row", "label", "against", "feature", "value", "gradient", "part"]
    model, classes = load_model(run.model), ("ash", "elm", "oak")
    for number, (label, *values) in enumerate(scores, start=1):
        own = [row for row in rows if int(row[0]) == number]
        against = classes.index(own[0][2])
        best = classes.index(label)
        assert {row[1] for row in own} == {label}
        parts = sum(float(row[6]) for row in own) + model.b[best] - model.b[against]
        assert parts == pytest.approx(float(values[best]) - float(values[against]))
    assert {row[3] for row in rows} == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--proba", "--scores"], 2, "exclude each other"),
        (["--explain", "2", "--threshold", "0.5"], 2, "exclude each other"),
        (["--top-k", "0"], 2, "top-k"),
        (["--top-k", "4"], 2, "at most 3"),
        (["--threshold", "1.5"], 2, "threshold"),
        (["--reject-as", "?"], 2, "--reject-as goes with --threshold"),
        (["--threshold", "0.5", "--reject-as", "elm"], 2, "is a class of the model"),
    ],
)
def test_what_cannot_be_written_is_said(run, capsys, words, code, said):
    """In one sentence."""
    assert main(["predict", str(run.path), str(data_of(run)), *words]) == code
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_every_form_can_be_asked_for():
    """The options and the table have the same names."""
    assert list(FORMS) == ["labels", "scores", "proba", "top", "explain"]


def test_calibrate_writes_another_model(run, tmp_path, capsys, table):
    """With the same weights and labels; the run itself stays as it was."""
    before = run.model.read_bytes()
    target = tmp_path / "isotonic.npz"
    assert main(["calibrate", str(run.path), "--method", "isotonic", "-o", str(target)]) == 0
    assert "svmtrain predict" in capsys.readouterr().out
    found, model = load_model(target), load_model(run.model)
    assert found.calibration.method == "isotonic"
    assert np.array_equal(found.W, model.W)
    assert run.model.read_bytes() == before
    assert table("predict", target, data_of(run), "--proba")[1]


def test_calibrate_takes_rows_that_trained_nothing(uncalibrated, tmp_path, capsys):
    """Those of another file; the file it was trained on is refused."""
    target, held_out = tmp_path / "m.npz", write_table(tmp_path / "held.csv", 30)
    assert main(["calibrate", str(uncalibrated.model), str(held_out), "-o", str(target)]) == 0
    assert load_model(target).calibration.rows == 30
    other = tmp_path / "other.npz"
    capsys.readouterr()
    words = ["calibrate", str(uncalibrated.model)]
    assert main([*words, str(data_of(uncalibrated)), "-o", str(other)]) == 3
    assert "was trained on" in capsys.readouterr().err
    assert main(["calibrate", str(uncalibrated.path), "-o", str(other)]) == 2
    assert "no validation rows" in capsys.readouterr().err
    assert main([*words, str(held_out), "-o", str(uncalibrated.model)]) == 2
    assert "would be replaced" in capsys.readouterr().err
    alone, lines = tmp_path / "alone.csv", held_out.read_text().splitlines()
    alone.write_text("\n".join(line for line in lines if line.endswith(("kind", "oak"))) + "\n")
    assert main([*words, str(alone), "-o", str(other)]) == 3
    assert "all of one class" in capsys.readouterr().err
    assert not other.exists()


def test_calibration_can_be_left_out(tmp_path):
    """Then the model is what it was before there was such a thing."""
    run = start(write_config(tmp_path), "r", "output.calibration=none")
    assert load_model(run.model).calibration is None


def test_evaluate_has_the_brier_score(run, uncalibrated, capsys):
    """In text and in JSON; null without probabilities."""
    assert main(["evaluate", str(run.path)]) == 0
    assert "Brier score" in capsys.readouterr().out
    for model, known in ((run, True), (uncalibrated, False)):
        assert main(["evaluate", str(model.path), str(data_of(model)), "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        assert (document["brier"] is not None) == known
        assert (document["calibration_error"] is not None) == known
