"""The page about an experiment."""

import json

import pytest
from report.told import Page
from small_runs import write_config

from svmtrain.cli import main
from svmtrain.errors import ConfigError
from svmtrain.report import answers, experiment
from svmtrain.report.experiment import read_experiment
from svmtrain.report.figures import drawing
from svmtrain.report.ink import ON_PAPER
from svmtrain.report.write import write_report


@pytest.fixture(scope="module")
def experiments(tmp_path_factory):
    folder = tmp_path_factory.mktemp("experiments")
    config = str(write_config(folder))
    grid = ["--grid", "solver.lr=0.01,0.05,0.2", "--jobs", "1", "-q"]
    assert main(["sweep", config, *grid, "--out", str(folder / "sweep")]) == 0
    words = ["--folds", "2", "--jobs", "1", "-q"]
    assert main(["cv", config, *words, "--out", str(folder / "cv")]) == 0
    return folder


def summary_of(folder):
    """Return what an experiment wrote."""
    return json.loads((folder / "summary.json").read_text())


def test_a_sweep_is_told_with_what_it_chose(experiments):
    """Its best run first, compared on the rows that chose it; the test rows apart."""
    target = write_report([str(experiments / "sweep")])
    assert target == experiments / "sweep" / "report.html"
    best, page = summary_of(experiments / "sweep")["best"], Page(target.read_bytes())
    assert f"Of 3 runs “{best['run']}” has the highest validation accuracy" in page.shown
    assert f"Compared with {best['run']}" in page.shown
    assert "on the same validation rows" in page.shown
    assert "On the test rows, which chose nothing" in page.shown
    assert "What the settings do" in page.texts["h2"]


def test_a_cross_validation_is_told_by_its_folds(experiments):
    """With their mean; folds have other rows each, so there is no duel."""
    page = Page(write_report([str(experiments / "cv")]).read_bytes())
    folds = [fold["accuracy"] for fold in summary_of(experiments / "cv")["folds"]]
    assert "Over 2 folds, each judged by a model that never saw its rows" in page.shown
    assert f"the mean accuracy is {100 * sum(folds) / 2:.2f} %" in page.shown
    assert "Better, or a tie?" not in page.texts["h2"]
    found = summary_of(experiments / "cv")["summary"]
    low, high = (f"{100 * end:.2f} %" for end in found["pooled"]["interval"])
    assert f"(95 % interval {low} to {high})" in page.shown
    assert f"the standard error {100 * found['accuracy']['standard_error']:.2f} %" in page.shown
    assert f"the sample standard deviation {100 * found['accuracy']['sd']:.2f} %" in page.shown
    assert "Over the folds" in page.texts["h2"]
    spreads = [cell["data-value"] for cell in page.all("td") if "data-value" in cell][:5]
    assert spreads == [str(found["accuracy"][name]) for name in answers.SPREADS]


def test_folds_that_were_dealt_out_anew_are_not_more_folds(experiments):
    """Rows that were judged twice have no interval by their number."""
    summary = summary_of(experiments / "cv")
    summary["folds"] += [{**fold, "repeat": 2} for fold in summary["folds"]]
    del summary["summary"]["pooled"]["interval"]
    said = experiment._of_folds(summary)
    assert said[0].startswith("Over 2 folds dealt out 2 times, 4 runs, each judged by a model")
    assert said[-1].startswith("Of 48 judged rows ")
    assert "interval" not in said[-1]


@pytest.mark.parametrize("content", ["", "{", '{"best": 3, "leaderboard": {}, "folds": [1]}'])
def test_a_damaged_summary_is_not_believed(experiments, content):
    """The runs are told all the same."""
    file = experiments / "sweep" / "summary.json"
    before = file.read_text()
    file.write_text(content)
    try:
        found = read_experiment(experiments / "sweep")
    finally:
        file.write_text(before)
    assert (found.best, len(found.runs)) == (None, 3)
    assert found.said == ["It is not finished: call it again to go on."]


def test_an_experiment_without_runs_is_refused(experiments, tmp_path):
    """There is nothing to tell."""
    info = (experiments / "cv" / "experiment.json").read_text()
    (tmp_path / "experiment.json").write_text(info)
    with pytest.raises(ConfigError, match="without runs yet"):
        read_experiment(tmp_path)


def test_a_learning_curve_is_told_with_its_advice(experiments):
    """The same sentences as on the terminal; nothing else is made of them."""
    config, place = str(experiments / "c.yaml"), experiments / "curve"
    words = ["--shares", "0.5", "--jobs", "1", "-q", "--out", str(place)]
    assert main(["learning-curve", config, *words]) == 0
    advice, found = summary_of(place)["advice"], read_experiment(place)
    told = [advice[key] for key in ("more_rows", "fit", "labels")]
    assert found.said == [f"{one[0].upper()}{one[1:]}." for one in told]
    assert [run.path.name for run in found.runs] == ["share-0.5", "share-1"]
    page = Page(write_report([str(place)]).read_bytes())
    assert "What more rows bring" in page.texts["h2"]
    assert "What the settings do" not in page.texts["h2"]
    first = summary_of(place)["points"][0]
    told = f"{first['rows']} rows: {100 * first['validation_accuracy']:.2f} %"
    assert told in page.shown
    assert str(first["low"]) in [cell.get("data-value") for cell in page.all("td")]


def test_the_curve_is_drawn_through_its_points():
    """Both accuracies over the rows, the interval from its low end to its high one."""
    points = [
        {"rows": 10, "train_accuracy": 1.0, "validation_accuracy": 0.5, "low": 0.25, "high": 0.75},
        {"rows": 400, "train_accuracy": 0.9, "validation_accuracy": 0.7, "low": 0.6, "high": 0.8},
    ]
    with drawing(ON_PAPER, "learning") as figure_of:
        axes = figure_of().add_subplot()
        answers.draw_learning(points, axes, ON_PAPER)
    train, held = (line.get_xydata().tolist() for line in axes.lines[:2])
    assert train == [[10, 1.0], [400, 0.9]]
    assert held == [[10, 0.5], [400, 0.7]]
    (bars,) = axes.collections
    ends = [segment[:, 1].tolist() for segment in bars.get_segments()]
    assert ends == [pytest.approx([0.25, 0.75]), pytest.approx([0.6, 0.8])]
    assert axes.get_xscale() == "log"


@pytest.mark.parametrize(
    "wrong",
    [{}, {"rows": 0}, {"low": -1}, {"high": 2}, {"train_accuracy": "1"}, {"rows": 10**400}],
)
def test_a_point_that_is_none_is_not_drawn(wrong):
    """Whatever stands in a summary."""
    right = {"rows": 9, "train_accuracy": 1, "validation_accuracy": 0.5, "low": 0.4, "high": 0.6}
    assert answers._point(right) == right
    assert answers._point({**right, **wrong} if wrong else {}) is None


def test_runs_that_were_dropped_are_not_called_finished(experiments):
    """The status of the leaderboard; and of the settings only those that were tried are drawn."""
    place = experiments / "halved"
    grid = ["--grid", "solver.lr=0.01,0.05,0.2", "--halving", "--jobs", "1", "-q"]
    assert main(["sweep", str(experiments / "c.yaml"), *grid, "--out", str(place)]) == 0
    page = Page(write_report([str(place)]).read_bytes())
    assert page.shown.count("dropped at 1 epoch") == 2
    assert "Validation accuracy over solver.lr." in page.texts["desc"]
    assert "Validation accuracy over solver.epochs." not in page.texts["desc"]


def test_what_a_chain_hands_on_is_no_column(experiments):
    """It stands among the differences, and the table keeps the settings that were tried."""
    place = experiments / "chain"
    grid = ["--grid", "objective.lambda=0.01,1,0.1", "--jobs", "1", "-q"]
    assert main(["sweep", str(experiments / "c.yaml"), *grid, "--out", str(place)]) == 0
    page = Page(write_report([str(place)]).read_bytes())
    heads = page.texts["th"]
    assert heads.count("objective.lambda") == 2
    assert heads.count("solver.warm_start") == heads.count("stop.must_reach") == 1
