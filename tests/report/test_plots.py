"""Single pictures of a run, in files."""

import xml.etree.ElementTree as ET

import pytest
from report.told import picture_run, small_run

from svmtrain.cli import main
from svmtrain.cli.plot import KINDS
from svmtrain.report.plots import PLOTS


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return {"table": small_run(folder), "pictures": picture_run(folder / "more")}


def test_the_command_knows_every_plot():
    """It repeats the names, so that help needs no numpy."""
    assert tuple(PLOTS) == KINDS


@pytest.mark.parametrize(
    ("kind", "name"), [*((kind, "table") for kind in KINDS), ("templates", "pictures")]
)
def test_every_plot_is_drawn_as_svg(runs, tmp_path, capsys, kind, name):
    """Well-formed, and the same bytes every time."""
    drawn = []
    for number in (1, 2):
        target = tmp_path / f"{number}.svg"
        assert main(["plot", kind, str(runs[name].path), "-o", str(target)]) == 0
        drawn.append(target.read_bytes())
    assert drawn[0] == drawn[1]
    assert ET.fromstring(drawn[0]).tag.endswith("svg")
    assert str(tmp_path) in capsys.readouterr().out


def test_a_png_is_one(runs, tmp_path):
    """By its first bytes."""
    target = tmp_path / "x.PNG"
    assert main(["plot", "templates", str(runs["pictures"].path), "-o", str(target)]) == 0
    assert target.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["curves", "RUN", "-o", "x.jpg"], 2, "must end in .png or .svg"),
        (["curves", "nowhere", "-o", "x.png"], 2, "is not a run directory"),
        (["templates", "RUN", "-o", "x.png", "--image", "5x5"], 2, "25 values"),
        (["confusion", "RUN", "-o", "nowhere/x.png"], 7, "cannot"),
        (["shapes", "RUN", "-o", "x.png"], 2, "confusion"),
    ],
)
def test_what_cannot_be_drawn_is_said(runs, tmp_path, capsys, monkeypatch, words, code, said):
    """In one sentence, with its exit code, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    words = [str(runs["table"].path) if word == "RUN" else word for word in words]
    assert main(["plot", *words]) == code
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_run_without_its_data_has_no_confusion_to_draw(tmp_path, capsys):
    """It says what is missing; the curves can be drawn all the same."""
    run = small_run(tmp_path)
    (tmp_path / "train.csv").unlink()
    assert main(["plot", "confusion", str(run.path), "-o", str(tmp_path / "x.png")]) == 3
    assert "train.csv" in capsys.readouterr().err
    assert main(["plot", "curves", str(run.path), "-o", str(tmp_path / "x.png")]) == 0
