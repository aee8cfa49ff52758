"""A path that exists: begun again, changed, prolonged, or left alone; never by accident."""

import pytest
from small_paths import DUAL, LIST, results, settings, stopped, trained
from small_runs import QUIET, start, tree, write_config, write_table

from svmtrain.config import load_config
from svmtrain.errors import ConfigError, DivergedError, ResumeError
from svmtrain.operations import changed, run_info
from svmtrain.operations.changed import fit_path_if_changed
from svmtrain.operations.path import fit_path, reload_path, resume_path
from svmtrain.runs.path import PathDirectory, runs_of


def test_an_existing_path_is_never_overwritten_by_accident(tmp_path):
    """The message names the ways out."""
    write_config(tmp_path, DUAL)
    folder = trained(tmp_path, "path")
    before = tree(folder.path)
    with pytest.raises(ConfigError, match=r"this path exists already: --resume .* --force"):
        trained(tmp_path, "path")
    trained(tmp_path, "path", resume=True)
    assert tree(folder.path) == before


def test_a_path_begun_again_has_the_runs_of_its_new_list_alone(tmp_path):
    """What else somebody put there stays."""
    write_config(tmp_path, DUAL)
    folder = trained(tmp_path, "path")
    expected = results(folder)
    (folder.path / "lambda-0.1" / "notes.txt").write_text("mine")
    trained(tmp_path, "path", "objective.lambda=[0.02, 0.01]", force=True)
    assert [run.path.name for run in runs_of(folder.path)] == ["lambda-0.02", "lambda-0.01"]
    assert not (folder.path / "lambda-0.03").exists()
    assert (folder.path / "lambda-0.1" / "notes.txt").read_text() == "mine"
    trained(tmp_path, "path", force=True)
    assert results(folder) == expected


def test_a_path_and_a_run_do_not_take_each_others_place(tmp_path):
    """Whatever they are told to do about what exists."""
    config = write_config(tmp_path, DUAL)
    start(config, "run")
    trained(tmp_path, "path")
    before = tree(tmp_path / "runs")
    for options in ({}, {"force": True}, {"resume": True}):
        with pytest.raises(ConfigError, match="is a run, and the config makes a path of several"):
            trained(tmp_path, "run", **options)
        with pytest.raises(ConfigError, match=r"is a path of several runs; name another run"):
            start(config, "path", **options)
    assert tree(tmp_path / "runs") == before
    (tmp_path / "runs" / "other").mkdir()
    (tmp_path / "runs" / "other" / "x").write_text("")
    with pytest.raises(ConfigError, match=r"is a folder with other files \(x\)"):
        trained(tmp_path, "other")


def test_a_config_left_by_a_kill_before_the_path_was_begun_is_no_hindrance(tmp_path):
    """path.json is written last."""
    write_config(tmp_path, DUAL)
    folder = trained(tmp_path, "whole")
    part = tmp_path / "runs" / "part"
    part.mkdir()
    (part / "config.yaml").write_bytes(folder.config.read_bytes())
    trained(tmp_path, "part")
    assert results(PathDirectory(part)) == results(folder)


def test_a_path_may_be_prolonged_to_weaker_penalties(tmp_path):
    """Its first runs stay as they are; the result is that of the longer list."""
    write_config(tmp_path, DUAL)
    long = trained(tmp_path, "long")
    short = trained(tmp_path, "short", "objective.lambda=[0.1, 0.03]")
    first = tree(short.path / "lambda-0.1")
    resume_path(short, reload_path(short, [LIST]), QUIET)
    assert results(short) == results(long)
    assert tree(short.path / "lambda-0.1") == first
    assert load_config(short.config).objective.lam == (0.01, 0.1, 0.03)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("solver.epochs=9", r"solver\.epochs was 4 and is now 9, which would make"),
        ("objective.lambda=[0.1, 0.02]", r"objective\.lambda was \[0\.01, 0\.1, 0\.03\] and is"),
        ("objective.lambda=[1, 0.1, 0.03, 0.01]", r"objective\.lambda was"),
        ("stop.gap=0.1", r"stop\.gap was None and is now 0\.1"),
        ("data.validation=0.4", r"data\.validation was 0\.2 and is now 0\.4"),
    ],
)
def test_a_change_that_would_make_the_runs_unequal_is_refused(tmp_path, change, problem):
    """Whether or not all of them are finished."""
    write_config(tmp_path, DUAL)
    folder = trained(tmp_path, "path")
    before = tree(folder.path)
    with pytest.raises(ResumeError, match=problem):
        resume_path(folder, reload_path(folder, [change]), QUIET)
    assert tree(folder.path) == before


def test_how_often_is_saved_may_change(tmp_path, monkeypatch):
    """It touches no step; the order of the list says nothing either."""
    write_config(tmp_path, DUAL)
    expected = results(trained(tmp_path, "whole"))
    config = settings(tmp_path, "part")
    assert stopped(monkeypatch, 40, lambda: fit_path(config, QUIET)) is not None
    folder = PathDirectory(tmp_path / "runs" / "part")
    changed = ["checkpoint.keep=1", "objective.lambda=[0.1, 0.03, 0.01]"]
    resume_path(folder, reload_path(folder, changed), QUIET)
    assert results(folder) == expected
    assert load_config(folder.config).checkpoint.keep == 1


def test_changed_data_are_refused_though_the_next_run_was_not_begun(tmp_path, monkeypatch):
    """All runs of a path have the same rows, also where no scaling would tell."""
    write_config(tmp_path)
    config = settings(tmp_path, "path", "preprocess.scale=none")
    assert stopped(monkeypatch, 50, lambda: fit_path(config, QUIET)) is not None
    write_table(tmp_path / "train.csv", 66)
    folder = PathDirectory(tmp_path / "runs" / "path")
    with pytest.raises(ResumeError, match="the train data changed: SHA-256 was"):
        resume_path(folder, reload_path(folder), QUIET)


def test_a_path_that_fails_in_a_run_names_the_run(tmp_path):
    """And keeps what was finished before."""
    write_config(tmp_path, "lr: 1e30; schedule: constant; averaging: none")
    with pytest.raises(DivergedError, match=r"path/lambda-0\.1: diverged"):
        trained(tmp_path, "path")


def again(folder, *overrides, session=QUIET):
    """Train along the path if something changed; None when nothing had."""
    return fit_path_if_changed(settings(folder, "path", *overrides), session)


def test_a_path_is_trained_again_when_something_changed(tmp_path, monkeypatch):
    """Settings, the list, data, code, or a lost file; the order of the list is no change."""
    write_config(tmp_path, DUAL)
    assert again(tmp_path) is not None
    before = tree(tmp_path / "runs")
    assert again(tmp_path) is None
    assert again(tmp_path, "objective.lambda=[0.1, 0.03, 0.01]") is None
    assert tree(tmp_path / "runs") == before
    for changes in (["solver.epochs=5"], ["objective.lambda=[0.1, 0.01]"], []):
        assert again(tmp_path, *changes) is not None
        assert again(tmp_path, *changes) is None
    (tmp_path / "runs" / "path" / "lambda-0.03" / "run.json").unlink()
    assert again(tmp_path) is not None
    write_table(tmp_path / "train.csv", 66)
    assert again(tmp_path) is not None
    assert again(tmp_path) is None
    for module in (changed, run_info):
        monkeypatch.setattr(module, "source_digest", lambda: "f" * 64)
    assert again(tmp_path) is not None


def test_a_stopped_path_goes_on_when_nothing_changed(tmp_path, monkeypatch):
    """What is finished is not trained again."""
    write_config(tmp_path, DUAL)
    expected = results(trained(tmp_path, "whole"))
    assert stopped(monkeypatch, 40, lambda: again(tmp_path)) is not None
    folder = PathDirectory(tmp_path / "runs" / "path")
    first = tree(folder.path / "lambda-0.1")
    assert again(tmp_path) is not None
    assert tree(folder.path / "lambda-0.1") == first
    assert results(folder) == expected
