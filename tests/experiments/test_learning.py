"""Learning curves: the same judges for all shares, ordinary runs, going on after a stop."""

import json

import numpy as np
import pytest
from small_experiments import write_learnable
from small_paths import stopped
from small_runs import QUIET, start

from svmtrain.build import load_splits
from svmtrain.config import load_config
from svmtrain.errors import ConfigError
from svmtrain.experiments.learning import CurvePoint, learning_curve, parts_of
from svmtrain.experiments.predictions import read_right, read_scores
from svmtrain.experiments.text_curve import drawn
from svmtrain.metrics.paired import wilson
from svmtrain.model import load_model
from svmtrain.runs.directory import RunDirectory


def curve(folder, *overrides, name="curve", **options):
    """Make a learning curve of a quarter, a half and all of 76 rows, in one process."""
    config = load_config(folder / "c.yaml", ["solver.epochs=2", *overrides])
    options = {"shares": (0.25, 0.5), "jobs": 1, **options}
    return learning_curve(config, folder / name, QUIET, **options)


def run_of(result, name):
    """Return the run directory of a part of a curve."""
    return RunDirectory(result.path / "runs" / name)


def test_growing_shares_are_judged_by_the_same_rows(tmp_path):
    """Each is the run that fit makes of its config, and part of the larger ones."""
    path = write_learnable(tmp_path)
    result = curve(tmp_path)
    parts = [load_splits(load_config(run_of(result, name).config)) for name in NAMES]
    places = [set(part.train.places.tolist()) for part in parts]
    assert places[0] < places[1] < places[2]
    assert all(np.array_equal(part.validation.places, parts[0].validation.places) for part in parts)
    assert [point.rows for point in result.points] == [len(part.train) for part in parts]
    for name, share in zip(NAMES, (0.25, 0.5, 1.0), strict=True):
        alone = start(path, "alone", f"data.train_share={share}", "solver.epochs=2", force=True)
        assert alone.model.read_bytes() == run_of(result, name).model.read_bytes()
    assert json.loads((result.path / "summary.json").read_text()) == result.to_dict()


NAMES = ("share-0.25", "share-0.5", "share-1")


def test_the_figures_are_those_of_the_runs(tmp_path):
    """Means over the draws of a share, an interval by the validation rows, and the advice."""
    write_learnable(tmp_path)
    result = curve(tmp_path, repeats=3)
    assert [point.runs for point in result.points] == [3, 3, 1]
    for point, share in zip(result.points, ("0.25", "0.5"), strict=False):
        names = [f"share-{share}-repeat-{repeat}" for repeat in (1, 2, 3)]
        chosen = [run_of(result, name).read_info()["chosen"] for name in names]
        values = [one["validation_accuracy"] for one in chosen]
        assert point.validation_accuracy == pytest.approx(np.mean(values), rel=1e-12)
        assert point.sd == pytest.approx(np.std(values, ddof=1), rel=1e-12)
        trained = [one["train_accuracy"] for one in chosen]
        assert point.train_accuracy == pytest.approx(np.mean(trained), rel=1e-12)
    last, rows = result.points[-1], result.validation_rows
    assert (last.low, last.high) == wilson(round(last.validation_accuracy * rows), rows)
    assert last.sd is None
    gain = last.validation_accuracy - result.points[1].validation_accuracy
    assert result.advice.gain == pytest.approx(gain, abs=1e-12)
    assert result.advice.validation_accuracy == last.validation_accuracy


def test_predictions_are_read_back_as_they_were_made(tmp_path):
    """Every score to the last bit, with the class of the row."""
    write_learnable(tmp_path)
    result = curve(tmp_path, shares=(0.5,))
    file = result.path / "predictions" / "share-1.csv"
    scores, y = read_scores(file)
    run = run_of(result, "share-1")
    splits = load_splits(load_config(run.config))
    known = load_model(run.model).decision_function(splits.validation.X)
    assert scores.tobytes() == known.tobytes()
    assert np.array_equal(y, splits.validation.y)
    assert np.array_equal(read_right(file), known.argmax(axis=1) == y)


@pytest.mark.parametrize("at", [0, 30])
def test_a_stopped_curve_goes_on_to_the_same_end(tmp_path, monkeypatch, at):
    """The file of predictions too, when the stop came before it was written."""
    write_learnable(tmp_path)
    whole = curve(tmp_path, name="whole")
    assert stopped(monkeypatch, at, lambda: curve(tmp_path)) is not None
    lost = tmp_path / "curve" / "predictions" / "share-0.25.csv"
    lost.unlink(missing_ok=True)
    again = curve(tmp_path)
    assert again.points == whole.points
    assert again.advice == whole.advice
    assert lost.read_bytes() == (whole.path / "predictions" / lost.name).read_bytes()


def test_a_share_that_fails_leaves_the_rest_of_the_curve(tmp_path):
    """Without all rows there is no advice."""
    write_learnable(tmp_path, "schedule: constant; lr: 1e9")
    result = curve(tmp_path)
    assert (result.points, result.advice, result.validation_rows) == ([], None, 0)
    assert len(result.problems) == 3
    assert result.failure.exit_code == 1


@pytest.mark.parametrize(
    ("overrides", "options", "telling"),
    [
        ((), {"shares": (0.0, 0.5)}, "--shares must be numbers above 0 and below 1"),
        ((), {"shares": (0.5, 2.0)}, "--shares must be numbers"),
        ((), {"shares": ()}, "--shares must be numbers"),
        ((), {"shares": (float("nan"),)}, "--shares must be numbers"),
        ((), {"shares": (0.1234567, 0.1234568)}, "0.1234567 and 0.1234568 are both share-0.123457"),
        ((), {"shares": (0.5, 0.9999999)}, "--shares must differ .* and 1.0 are both share-1"),
        ((), {"repeats": 0}, "--repeats must be from 1"),
        (("data.validation=0",), {}, "data.validation is 0: set a fraction"),
        (("data.train_share=0.5",), {}, "takes its own shares"),
        (("objective.lambda=[1, 2]",), {}, "takes one number for objective.lambda"),
        (("objective.lambda=0",), {}, "solver.schedule pegasos needs objective.lambda > 0"),
    ],
)
def test_what_is_no_curve_is_refused(tmp_path, overrides, options, telling):
    """Before anything is written."""
    write_learnable(tmp_path)
    with pytest.raises(ConfigError, match=telling):
        curve(tmp_path, *overrides, **options)
    assert not (tmp_path / "curve").exists()


def test_all_rows_are_trained_on_once_whatever_the_repeats():
    """There is nothing to draw."""
    names = [part.name for part in parts_of((0.5, 1.0), 2)]
    assert names == ["share-0.5-repeat-1", "share-0.5-repeat-2", "share-1"]


def test_the_curve_is_drawn_between_its_ends():
    """One line a point, the interval and both accuracies in their places; one point is no fault."""
    points = [
        CurvePoint(0.5, 500, 1, 1.0, 0.5, 0.4, 0.6, None),
        CurvePoint(1.0, 1000, 1, 0.9, 0.7, 0.6, 0.8, None),
    ]
    first, second, ends = drawn(points).splitlines()
    assert first == "  500 rows |" + "------v-------".ljust(39) + "t|"
    line = ("             ------v-------".ljust(32) + "t").ljust(40)
    assert second == f"1,000 rows |{line}|"
    assert ends.split() == ["0.4000", "1.0000"]
    assert drawn([CurvePoint(1.0, 3, 1, 1.0, 1.0, 1.0, 1.0, None)]).count("v") == 1
