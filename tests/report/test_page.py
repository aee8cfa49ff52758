"""The page: it holds all it shows, says what is so, and obeys nothing that comes from a file."""

import base64
import hashlib
import json
import shutil

import numpy as np
import pytest
from report.told import HOSTILE, page_of, picture_run, small_run
from small_runs import start, write_config, write_table

from svmtrain.cli import main
from svmtrain.errors import ConfigError
from svmtrain.operations.evaluate import evaluate_split
from svmtrain.report import sections, several, words
from svmtrain.report.comparison import compare_stories
from svmtrain.report.story import tell_story
from svmtrain.report.write import write_report


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return [
        small_run(folder, "first"),
        small_run(folder, "second", "solver.epochs=5"),
        small_run(folder, "third", "objective.lambda=100", "solver.epochs=6"),
    ]


@pytest.fixture(scope="module")
def one(runs):
    return page_of(runs[0])


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return page_of(picture_run(tmp_path_factory.mktemp("pictures")))


@pytest.fixture(scope="module")
def many(runs):
    return page_of(*runs)


@pytest.fixture(params=["one", "pictures", "many"])
def any_page(request):
    return request.getfixturevalue(request.param)


def test_a_page_refers_to_nothing_outside_itself(any_page):
    """Every address is data or a place in the page; the policy forbids all others."""
    content, page = any_page
    for _, attributes in page.elements:
        for name in ("src", "href", "xlink:href", "action", "data", "poster", "srcset"):
            address = attributes.get(name)
            assert address is None or address.startswith(("data:", "#")), address
    assert b"url(http" not in content
    assert b"@import" not in content
    policy = next(m["content"] for m in page.all("meta") if "http-equiv" in m)
    script = "".join(page.texts["script"])
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.startswith("default-src 'none';")
    assert f"script-src 'sha256-{digest}'" in policy


def test_pictures_have_text_alternatives(any_page):
    """A title and a description for each drawing, an alternative for each image."""
    _, page = any_page
    drawings = page.all("svg")
    assert drawings
    assert len(page.texts["title"]) == len(drawings) + 1
    assert len(page.texts["desc"]) == len(drawings)
    assert all(text.strip() for text in (*page.texts["title"], *page.texts["desc"]))
    assert all(image["alt"] for image in page.all("img"))
    assert all(drawing["role"] == "img" for drawing in drawings)


def test_ids_are_given_once_and_links_lead_somewhere(any_page):
    """Several drawings in one page do not take each other's parts."""
    _, page = any_page
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = [a[key][1:] for _, a in page.elements for key in ("href", "xlink:href")
               if a.get(key, "").startswith("#")]  # fmt: skip
    assert targets
    assert set(targets) <= set(ids)


def test_headings_and_tables_are_marked_up(any_page):
    """One h1, sections in order below it; captions and scopes for who hears the page."""
    _, page = any_page
    assert len(page.all("h1")) == 1
    assert len(page.all("table")) == len(page.all("caption"))
    assert all(head.get("scope") in ("col", "row") for head in page.all("th"))
    assert page.all("html") == [{"lang": "en"}]


def test_all_sections_are_there(one, many):
    """A walk over both tables; only what a run has nothing of is left out."""
    for page, table in ((one[1], sections.SECTIONS), (many[1], several.SECTIONS)):
        titles = page.texts["h2"]
        assert titles == [title for _, title in table.values()]


def test_the_summary_has_the_figures_of_the_run(runs, one):
    """Those of `evaluate` and of run.json, in words."""
    said, evaluation = one[1].shown, evaluate_split(str(runs[0].path), "test")
    info = json.loads(runs[0].info.read_text())
    share = words.percent(evaluation.report.accuracy).replace("\N{NO-BREAK SPACE}", " ")
    assert f"labels {share} of the {evaluation.rows} rows that had no part" in said
    assert f"objective is {info['chosen']['objective']:.4f}" in said
    assert f"at {info['gradcheck']['compared']:,} entries" in said
    assert info["data"][0]["sha256"] in said
    assert "svmtrain verify" in said


def test_the_confusion_matrix_is_that_of_the_test_rows(runs, one):
    """Every count stands in the drawing."""
    counts = evaluate_split(str(runs[0].path), "test").report.confusion
    texts = one[1].texts["text"]
    for count in counts.ravel():
        assert not count or str(count) in texts


def test_a_wrong_label_is_found(pictures):
    """The one row whose label was changed is first among those to look at."""
    said = pictures[1].shown
    assert "1 row may carry a wrong label" in said
    parts = ("train", "validation", "test")
    expected = {f"Row 1 of the {part} rows, labelled {HOSTILE}" for part in parts}
    assert expected & {image["alt"] for image in pictures[1].all("img")}


def test_rows_of_pixels_are_shown_as_pictures(pictures, one):
    """With the weights of each class as one; a table of features has names instead."""
    alternatives = [image["alt"] for image in pictures[1].all("img")]
    assert "Weights of class dark as a picture" in alternatives
    assert not one[1].all("img")
    assert "what speaks for" in one[1].shown


@pytest.mark.parametrize("scale", ["none", "minmax", "standard"])
def test_a_picture_of_weights_shows_what_pixels_usually_do(tmp_path, scale):
    """The change of the score when a feature grows by its deviation over the training rows."""
    story = tell_story(small_run(tmp_path, "run", f"preprocess.scale={scale}"))
    X = np.asarray(story.judged["train"].rows.X, np.float64)
    middle, model = X.mean(axis=0), story.model
    for j, spread in enumerate(X.std(axis=0)):
        moved = middle.copy()
        moved[j] += spread
        before, after = (model.decision_function(row[np.newaxis])[0] for row in (middle, moved))
        assert story.effects[j] == pytest.approx(after - before, rel=1e-9, abs=1e-12)


def test_names_from_files_are_shown_and_not_obeyed(pictures):
    """A class called like a script is text, in the page and in its drawings."""
    content, page = pictures
    assert HOSTILE.encode() not in content
    assert HOSTILE in page.shown
    assert len(page.all("script")) == 1


def test_equal_runs_have_equal_pages(runs, one):
    """Byte for byte: no time, no random names."""
    assert page_of(runs[0])[0] == one[0]


def test_without_its_data_a_run_is_still_told(tmp_path):
    """What cannot be had is said; the curves are there."""
    run = small_run(tmp_path)
    (tmp_path / "train.csv").unlink()
    _, page = page_of(run)
    assert "train.csv" in page.shown
    assert "How it was trained" in page.shown
    assert "What is taken for what" not in page.shown


def test_changed_data_are_not_judged(tmp_path):
    """The figures would be of other rows."""
    run = small_run(tmp_path)
    write_table(tmp_path / "train.csv", 61)
    _, page = page_of(run)
    assert "changed" in page.shown
    assert "What is taken for what" not in page.shown


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *(
            (name, b"\0damaged")
            for name in ("model.npz", "metrics.jsonl", "run.json", "config.yaml")
        ),
        ("model.npz", None),
        ("run.json", None),
    ],
)
def test_a_damaged_run_has_a_page(runs, tmp_path, name, content):
    """Whatever is lost, the rest is told."""
    path = tmp_path / "run"
    shutil.copytree(runs[0].path, path)
    (path / name).unlink()
    if content is not None:
        (path / name).write_bytes(content)
    target = write_report([str(path)], str(tmp_path / "page.html"))
    assert b"</html>" in target.read_bytes()


@pytest.mark.parametrize("info", [
    {"gradcheck": [], "data": "x", "environment": 3, "command": {}},
    {"gradcheck": {"passed": "yes", "largest_error": [1]}, "data": [1, {"name": 5}]},
    {"gradcheck": {"passed": False}, "command": [["a"], 1], "chosen": [], "last": 7},
])  # fmt: skip
def test_a_run_json_of_other_types_is_not_believed(runs, tmp_path, info):
    """It has been edited, and the page comes all the same."""
    path = tmp_path / "run"
    shutil.copytree(runs[0].path, path)
    (path / "run.json").write_text(json.dumps(info))
    assert b"</html>" in write_report([str(path)]).read_bytes()


def test_several_runs_are_compared_with_the_best(runs, many):
    """On rows that they share: a tie is called a tie, and a difference by its winner."""
    comparison = compare_stories([tell_story(run) for run in runs])
    assert comparison.keys == ["objective.lambda", "solver.epochs"]
    assert comparison.split == "test"
    assert [duel.first for duel in comparison.duels] == [comparison.duels[0].first] * 2
    for duel in comparison.duels:
        assert duel.pair.difference == pytest.approx(duel.accuracies[0] - duel.accuracies[1])
    assert "that is a tie" in many[1].shown


def test_runs_on_other_rows_are_not_compared(runs, tmp_path):
    """The page says which, and why."""
    other = small_run(tmp_path, "other", "data.seed=5")
    comparison = compare_stories([tell_story(run) for run in (*runs, other)])
    assert comparison.apart == ["other: its test rows are others"]


def test_without_rows_held_out_nothing_is_said_of_new_rows(tmp_path):
    """No interval from training rows, and no run is called better by them."""
    pair = [
        start(write_config(tmp_path, data="validation: 0"), f"r{seed}", f"solver.seed={seed}")
        for seed in (1, 2)
    ]
    _, alone = page_of(pair[0])
    assert "how it does on new rows is not known" in alone.shown
    assert "95 %" not in alone.shown
    _, both = page_of(*pair)
    assert "No two of these runs have the same rows held out" in both.shown
    assert "no rows are held out" in both.shown
    assert "is better" not in both.shown


def test_a_page_replaces_pages_alone(runs, tmp_path, capsys):
    """Whatever else has the name stays: a model, a note, a folder."""
    page, note = tmp_path / "page.html", tmp_path / "note.html"
    for _ in range(2):
        write_report([str(runs[0].path)], str(page))
    note.write_text("mine")
    before = runs[0].model.read_bytes()
    for target in (note, runs[0].model, tmp_path):
        assert main(["report", str(runs[0].path), "-o", str(target)]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert note.read_text() == "mine"
    assert runs[0].model.read_bytes() == before


def test_very_many_classes_are_told_in_words(tmp_path):
    """A matrix of 130 by 130 is no picture; the errors are named all the same."""
    lines = ["a,b,kind", *(f"{i % 130},{i // 130},c{i % 130:03}" for i in range(650))]
    (tmp_path / "train.csv").write_text("\n".join(lines) + "\n")
    _, page = page_of(start(write_config(tmp_path), "many", "solver.epochs=1"))
    assert "The matrix of 130 classes is too large to show" in page.shown
    assert "Most frequent errors" in page.shown
    assert "The weights of 130 classes are too many to show" in page.shown


def test_a_dual_run_has_no_learning_rate_to_draw(tmp_path):
    """And is not told to use dual ascent."""
    run = start(write_config(tmp_path, solver="name: dual"), "dual", "solver.epochs=1")
    _, page = page_of(run)
    assert len([text for text in page.texts["title"] if text == "Learning rate"]) == 0
    assert "solver.name=dual," not in page.shown


def test_numbers_of_any_size_fit_a_table():
    """Not with three hundred digits, and not with none."""
    assert words.figure(1e300) == "1e+300"
    assert words.figure(0.0) == "0.0000"
    assert words.figure(1234.5) == "1,234.5000"
    assert words.figure(2e-7) == "2e-07"


def test_a_run_named_twice_is_refused(runs):
    """It would tie with itself."""
    with pytest.raises(ConfigError, match="is named twice"):
        write_report([str(runs[0].path), str(runs[0].path)])


def test_a_path_of_runs_is_all_of_them(tmp_path):
    """Their name has that of the path before it."""
    from small_runs import QUIET, settings_of

    from svmtrain.operations.path import fit_path

    config = write_config(tmp_path)
    fit_path(settings_of(config, "p", "objective.lambda=[0.1, 0.01]"), QUIET)
    target = write_report([str(tmp_path / "runs" / "p")], str(tmp_path / "page.html"))
    assert b"p/lambda" in target.read_bytes()


@pytest.mark.parametrize(("code", "said"), [(0, ""), (1, "no browser could be started")])
def test_open_shows_the_page(runs, tmp_path, monkeypatch, capsys, code, said):
    """By what the system opens pages with; where that fails, it says so, and the page is there."""
    opened = []
    monkeypatch.setattr("click.launch", lambda url: opened.append(url) or code)
    target = tmp_path / "page.html"
    assert main(["report", str(runs[0].path), "-o", str(target), "--open"]) == 0
    assert opened == [target.as_uri()]
    assert said in capsys.readouterr().err
    assert target.exists()


@pytest.mark.parametrize("module", ["jinja2", "matplotlib"])
def test_without_a_library_the_extra_is_named(runs, monkeypatch, tmp_path, module):
    """And nothing is written."""
    monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(ConfigError, match=r"svmtrain\[plot\]"):
        write_report([str(runs[0].path)], str(tmp_path / "page.html"))
    assert not list(tmp_path.iterdir())
