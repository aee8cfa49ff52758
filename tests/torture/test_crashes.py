"""Kill -9 between any two calls that change the disk, and again while recovering."""

import shutil

import pytest
from extent import TORTURE, spread
from small_paths import results as results_of_path
from small_runs import QUIET, results, settings_of, write_config
from system_calls import killed_at, points

from svmtrain.operations.fit import fit
from svmtrain.operations.path import fit_path
from svmtrain.runs.directory import RunDirectory
from svmtrain.runs.path import PathDirectory

SETTINGS = {
    "sgd": ("epochs: 4; momentum: 0.9; averaging: polyak", ("checkpoint.every=1 steps",)),
    "sparse": ("epochs: 3; averaging: tail", ("checkpoint.every=2 steps", "data.sparse=true")),
    "dual": ("epochs: 12; name: dual", ("checkpoint.keep=1",)),
}
LEAST = 500


@pytest.mark.parametrize("name", SETTINGS)
def test_a_run_killed_at_any_call_and_again_ends_in_the_same_bytes(tmp_path, name, figures):
    """The second kill hits the recovery, at a point that moves with the first."""
    solver, overrides = SETTINGS[name]
    config = write_config(tmp_path, solver)
    run = RunDirectory(tmp_path / "runs" / "run")
    settings = settings_of(config, "run", *overrides)

    def work():
        fit(settings, QUIET, resume=True)

    (tmp_path / "runs").mkdir(exist_ok=True)
    total = points(work)
    expected = results(run)
    kills = 0
    for at in spread(range(total + 1), 4):
        shutil.rmtree(run.path)
        survived = not killed_at(at, work)
        assert survived == (at == total)
        kills += not survived
        kills += killed_at((at * 7) % 40, work)
        work()
        assert results(run) == expected, f"killed at {at}"
        assert not list(run.path.rglob("*svmtrain-tmp"))
    figures(f"kills between calls, {name}", kills)
    assert kills >= (min(LEAST // 3, total) if TORTURE else 7)


def test_a_path_killed_at_any_call_ends_in_the_same_bytes(tmp_path, figures):
    """Also between its runs, and while its own file is written."""
    config = write_config(tmp_path, "epochs: 3; name: dual")
    settings = settings_of(config, "run", "objective.lambda=[0.1, 0.05, 0.02]")
    folder = PathDirectory(tmp_path / "runs" / "run")

    def work():
        fit_path(settings, QUIET, resume=True)

    (tmp_path / "runs").mkdir(exist_ok=True)
    total = points(work)
    expected = results_of_path(folder)
    assert len(expected) == 3
    kills = 0
    for at in spread(range(total), 5):
        shutil.rmtree(folder.path)
        kills += killed_at(at, work)
        kills += killed_at((at * 7) % 60, work)
        work()
        assert results_of_path(folder) == expected, f"killed at {at}"
    figures("kills between calls, path", kills)
    assert kills >= (total if TORTURE else 5)


def test_a_run_begun_again_by_force_and_killed_is_one_of_the_two(tmp_path, figures):
    """`--force` deletes in an order that leaves the old run, or what begins the new one."""
    config = write_config(tmp_path, "epochs: 2")
    old = settings_of(config, "run", "solver.epochs=1")
    new = settings_of(config, "run")
    run = RunDirectory(tmp_path / "runs" / "run")
    fit(old, QUIET)

    def work():
        fit(new, QUIET, force=True)

    (tmp_path / "runs").mkdir(exist_ok=True)
    total = points(work)
    expected = results(run)
    kills = 0
    for at in spread(range(total), 6):
        shutil.rmtree(run.path)
        fit(old, QUIET)
        kills += killed_at(at, work)
        work()
        assert results(run) == expected, f"killed at {at}"
    figures("kills between calls, force", kills)
    assert kills >= (total if TORTURE else 6)
