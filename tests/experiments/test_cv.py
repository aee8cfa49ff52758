"""Cross-validation: what is held out, what it is judged by, and going on after a stop."""

import csv
import json
import statistics
from dataclasses import replace

import numpy as np
import pytest
from small_paths import stopped
from small_runs import CLASSES, QUIET, rows_of, start, tree, write_config

from svmtrain.build import counts_to_deal, load_splits
from svmtrain.config import load_config
from svmtrain.errors import (
    ConfigError,
    DataError,
    InUseError,
    ModelError,
    ResumeError,
    StorageError,
)
from svmtrain.experiments import cv
from svmtrain.experiments.cv import cross_validate, parts_of, spread
from svmtrain.model import load_model
from svmtrain.operations.job import Session
from svmtrain.runs.directory import RunDirectory


def validated(folder, *overrides, name="cv", **options):
    """Cross-validate 60 rows, of which a fifth are set aside, in one process."""
    config = load_config(folder / "c.yaml", ["solver.epochs=2", *overrides])
    options = {"folds": 3, "jobs": 1, **options}
    return cross_validate(config, folder / name, QUIET, **options)


def out_of_fold(result):
    """Return the rows of the file with what was said of each row."""
    with open(result.path / "out_of_fold.csv", newline="") as file:
        return list(csv.DictReader(file))


def left(result):
    """Return all that a cross-validation leaves, without times."""
    folds = [{k: v for k, v in fold.items() if k != "seconds"} for fold in result.folds]
    models = [RunDirectory(result.path / "runs" / f["run"]).model.read_bytes() for f in folds]
    return folds, result.summary, models, out_of_fold(result)


def test_every_row_that_is_not_set_aside_is_judged_once_a_repeat(tmp_path):
    """By its number in the file, with its label there; a repeat deals the rows out anew."""
    result = validated(write_config(tmp_path).parent, repeats=2)
    aside = load_splits(load_config(tmp_path / "c.yaml")).test.places + 1
    rows = out_of_fold(result)
    for repeat in ("1", "2"):
        judged = [int(row["row"]) for row in rows if row["repeat"] == repeat]
        assert sorted([*judged, *aside]) == list(range(1, 61))
    known = [row[-1] for row in rows_of(60)]
    assert all(row["label"] == known[int(row["row"]) - 1] for row in rows)
    dealt = [{r["row"] for r in rows if (r["repeat"], r["fold"]) == (k, "1")} for k in "12"]
    assert dealt[0] != dealt[1]
    for row in rows:
        scores = [float(row[f"score_{label}"]) for label in CLASSES]
        assert row["predicted"] == CLASSES[int(np.argmax(scores))]
        assert (float(row["margin"]) > 0) == (row["predicted"] == row["label"])


def test_a_fold_is_the_run_that_fit_makes_of_its_config(tmp_path):
    """Byte for byte; its scaling is learned from the rows that it trains on alone."""
    path = write_config(tmp_path)
    result = validated(tmp_path)
    for which, fold in enumerate(result.folds, 1):
        run = RunDirectory(result.path / "runs" / fold["run"])
        alone = start(run.config, "alone", force=True)
        assert alone.model.read_bytes() == run.model.read_bytes()
        assert load_config(run.config).data.fold == f"{which}/3"
        splits, model = load_splits(load_config(run.config)), load_model(run.model)
        np.testing.assert_allclose(model.scaler.offset, splits.train.X.mean(axis=0))
        assert (len(splits.train), len(splits.test), splits.validation) == (32, 16, None)
    whole = load_splits(load_config(path, ["data.validation=0"])).train
    assert not np.allclose(model.scaler.offset, whole.X.mean(axis=0))


def test_the_figures_are_those_of_the_rows_that_were_held_out(tmp_path):
    """The accuracy of each fold is its share of right rows; mean and spread are of the folds."""
    result = validated(write_config(tmp_path).parent)
    rows = out_of_fold(result)
    for fold in result.folds:
        own = [row for row in rows if row["fold"] == str(fold["fold"])]
        right = sum(row["label"] == row["predicted"] for row in own)
        assert fold["accuracy"] == right / len(own)
    values = [fold["accuracy"] for fold in result.folds]
    assert len(set(values)) > 1
    found = result.summary["accuracy"]
    assert found["mean"] == pytest.approx(sum(values) / 3, rel=1e-15)
    assert found["sd"] == pytest.approx(np.std(values, ddof=1), rel=1e-12)
    error = np.std(values, ddof=1) * np.sqrt(1 / 3 + 16 / 32)
    assert found["standard_error"] == pytest.approx(error, rel=1e-12)
    assert found["standard_error"] > statistics.stdev(values) / 3**0.5
    pooled = result.summary["pooled"]
    assert (pooled["judged"], pooled["accuracy"]) == (48, pooled["right"] / 48)
    assert json.loads((result.path / "summary.json").read_text()) == result.to_dict()


def test_one_fold_alone_has_no_spread():
    """As when all others failed."""
    found = spread([{"accuracy": 0.5, "rows": 10, "train_rows": 20}], "accuracy")
    assert (found["mean"], found["sd"], found["standard_error"]) == (0.5, None, None)


@pytest.mark.parametrize(
    ("overrides", "rows"),
    [
        ((), (32, 0)),
        (("stop.patience=9",), (26, 6)),
        (("stop.patience=9", "stop.metric=objective"), (32, 0)),
        (("checkpoint.best=validation_accuracy",), (26, 6)),
        (("stop.must_reach=0.5",), (26, 6)),
        (("stop.metric=validation_loss",), (26, 6)),
    ],
)
def test_validation_rows_are_held_out_only_where_they_decide_something(tmp_path, overrides, rows):
    """They are taken from what a fold trains on, never from the fold."""
    base = cv._base(load_config(write_config(tmp_path), overrides))
    splits = load_splits(replace(base, data=replace(base.data, fold="1/3")))
    assert (len(splits.train), len(splits.validation or ())) == rows
    assert len(splits.test) == 16


@pytest.mark.parametrize("at", [1, 20])
def test_a_stopped_cross_validation_goes_on_to_the_same_end(tmp_path, monkeypatch, at):
    """Whenever the signal came; what is finished is not trained again."""
    write_config(tmp_path)
    whole = validated(tmp_path, name="whole")
    error = stopped(monkeypatch, at, lambda: validated(tmp_path, name="parts"))
    assert error is not None
    again = validated(tmp_path, name="parts")
    first, second = left(whole), left(again)
    assert first == second
    before = [path.stat().st_mtime_ns for path in sorted(again.path.rglob("model.npz"))]
    assert left(validated(tmp_path, name="parts")) == first
    assert before == [path.stat().st_mtime_ns for path in sorted(again.path.rglob("model.npz"))]


def test_a_fold_that_fails_leaves_the_others_alone(tmp_path):
    """A class of one row is in no training rows once; the rest is judged, and the end is told."""
    path = write_config(tmp_path, data="test: null")
    table = tmp_path / "train.csv"
    table.write_text(table.read_text() + "1,2,3,yew\n")
    result = validated(path.parent)
    assert (len(result.folds), len(result.problems)) == (2, 1)
    told = "no row of class 'yew' is left to train on, of 1 in all; give the class more rows"
    assert next(iter(result.problems.values())).endswith(told)
    assert result.failure is not None
    assert result.failure.exit_code == 1
    assert "1 of 3 runs failed, such as fold-" in str(result.failure)
    assert len(out_of_fold(result)) == result.summary["pooled"]["judged"]


def test_more_folds_than_rows_are_refused(tmp_path):
    """Once, before anything is written: of 60 rows a fifth are set aside."""
    write_config(tmp_path)
    with pytest.raises(DataError, match=r"train\.csv: has 48 rows for 49 folds"):
        validated(tmp_path, folds=49)
    assert not (tmp_path / "cv").exists()


def test_a_class_that_is_not_in_every_fold_is_told(tmp_path):
    """Where each class is shared out: the smallest of the rows that are not set aside."""
    config, told = load_config(write_config(tmp_path)), []
    counts = counts_to_deal(config, 5)
    assert counts == dict.fromkeys(CLASSES, 16)
    cv._note_few({**counts, "yew": 1}, config, 2, Session(say=told.append))
    cv._note_few(counts, config, 16, Session(say=told.append))
    loose = replace(config, data=replace(config.data, stratified=False))
    cv._note_few(counts, loose, 17, Session(say=told.append))
    assert told == ["class 'yew' has 1 row, so that not all of 2 folds judge one of it"]


def test_another_request_is_refused_and_force_begins_again(tmp_path):
    """It names the setting; what touches no result may change; changed data are exit 5."""
    write_config(tmp_path)
    validated(tmp_path, "checkpoint.keep=2")
    with pytest.raises(ConfigError, match=r"cv: holds another cross-validation: folds was 3 and"):
        validated(tmp_path, folds=4)
    with pytest.raises(ConfigError, match=r"objective\.lambda was 0\.03 and is now 0\.5; --force"):
        validated(tmp_path, "objective.lambda=0.5")
    assert len(validated(tmp_path, "objective.lambda=0.5", folds=4, force=True).folds) == 4
    assert len(list((tmp_path / "cv" / "runs").iterdir())) == 4
    assert len(validated(tmp_path, "objective.lambda=0.5", folds=2, force=True).folds) == 2
    assert len(list((tmp_path / "cv" / "predictions").iterdir())) == 2
    table = tmp_path / "train.csv"
    table.write_text(table.read_text() + "1,2,3,oak\n")
    with pytest.raises(ResumeError, match="the data of this cross-validation changed"):
        validated(tmp_path, "objective.lambda=0.5", folds=2)


@pytest.mark.parametrize("name", ["notes.txt", "runs/mine/run.json", "predictions"])
def test_other_files_are_never_in_the_way_of_an_experiment(tmp_path, name):
    """A folder that is something else, with runs of its own maybe, is refused and left alone."""
    write_config(tmp_path)
    other = tmp_path / "cv" / name
    other.parent.mkdir(parents=True)
    other.write_text("mine")
    before = tree(tmp_path)
    told = name.partition("/")[0]
    with pytest.raises(ConfigError, match=rf"cv: is a folder with other files \('{told}'\)"):
        validated(tmp_path)
    assert tree(tmp_path) == before


def test_what_a_kill_leaves_before_the_first_word_is_no_other_file(tmp_path):
    """Empty folders, the lock, and a file that was not finished."""
    write_config(tmp_path)
    for name in ("runs", "predictions"):
        (tmp_path / "cv" / name).mkdir(parents=True)
    (tmp_path / "cv" / ".lock").touch()
    (tmp_path / "cv" / ".experiment.json.0a1b2c3d.svmtrain-tmp").touch()
    assert len(validated(tmp_path, folds=2).folds) == 2
    assert not list((tmp_path / "cv").glob(".experiment*"))


@pytest.mark.parametrize(
    ("overrides", "options", "telling"),
    [
        ((), {"folds": 1}, "--folds must be from 2 to 9999, got 1"),
        ((), {"repeats": 0}, "--repeats must be from 1 to 1,000,000, got 0"),
        (("data.fold=1/3",), {}, "cross-validation makes folds of its own"),
        (("objective.lambda=[0.1, 0.2]",), {}, "takes one number for objective.lambda"),
        (("objective.lambda=0",), {}, "solver.schedule pegasos needs objective.lambda > 0"),
    ],
)
def test_what_cannot_be_cross_validated_is_refused(tmp_path, overrides, options, telling):
    """Before anything is written."""
    write_config(tmp_path)
    with pytest.raises(ConfigError, match=telling):
        validated(tmp_path, *overrides, **options)
    assert not (tmp_path / "cv").exists()


def test_the_runs_are_named_by_fold_and_repeat():
    """The repeat is told where there are several."""
    assert [part.name for part in parts_of(2, 1)] == ["fold-1", "fold-2"]
    assert parts_of(2, 2)[2].name == "repeat-2-fold-1"


def test_a_damaged_experiment_is_told(tmp_path):
    """Exit code 4, and --force begins it again."""
    write_config(tmp_path)
    validated(tmp_path, folds=2)
    wrong = (b"", b"{}", b"[1]", b'{"format": "svmtrain-experiment", "version": 1}', b"[" * 9999)
    for content in wrong:
        (tmp_path / "cv" / "experiment.json").write_bytes(content)
        with pytest.raises(ModelError, match=r"experiment\.json: does not describe an experiment"):
            validated(tmp_path, folds=2)
    assert len(validated(tmp_path, folds=2, force=True).folds) == 2


@pytest.mark.parametrize("name", ["runs", "predictions"])
def test_an_experiment_writes_through_no_link(tmp_path, name):
    """Neither runs nor predictions land elsewhere, and nothing there is deleted."""
    write_config(tmp_path)
    validated(tmp_path, folds=2)
    (tmp_path / "cv" / name).rename(tmp_path / "elsewhere")
    (tmp_path / "cv" / name).symlink_to(tmp_path / "elsewhere")
    before = tree(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match="is a link, and an experiment writes through none"):
        validated(tmp_path, folds=2, force=True)
    assert tree(tmp_path / "elsewhere") == before


def test_an_experiment_holds_its_folder(tmp_path):
    """Another process is refused while one works there."""
    write_config(tmp_path)
    validated(tmp_path, folds=2)
    with RunDirectory(tmp_path / "cv").locked(), pytest.raises(InUseError):
        validated(tmp_path, folds=2)
