"""The page about an experiment."""

import json

import pytest
from report.told import Page
from small_runs import write_config

from svmtrain.cli import main
from svmtrain.errors import ConfigError
from svmtrain.report.experiment import read_experiment
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
