"""Links planted in a run directory: nothing elsewhere is ever written, cut, moved or deleted."""

import shutil

import pytest
from small_runs import start, tree, write_config

from svmtrain.runs.directory import RunDirectory

FOLDERS = ("checkpoints", "quarantine")
RECORDS = ("metrics.jsonl", "steps.f64")
REPLACED = ("model.npz", "run.json", "config.yaml")
COMMANDS = {
    "resume": ("resume", "runs/c", "-q", "--set", "solver.epochs=6"),
    "fit --force": ("fit", "c.yaml", "-q", "--force", "--set", "solver.epochs=6"),
    "runs show": ("runs", "show", "runs/c"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a folder with a finished run whose newest checkpoint is damaged."""
    folder = tmp_path_factory.mktemp("made")
    run = start(write_config(folder, "schedule: constant"), "c")
    newest = run.checkpoint_files()[0]
    newest.write_bytes(newest.read_bytes()[:-1])
    run.quarantine.mkdir()
    return folder


@pytest.fixture
def run(made, here):
    """Return a copy of that run."""
    shutil.copytree(made, here, dirs_exist_ok=True)
    return RunDirectory(here / "runs" / "c")


def planted(here, run, name, dangling):
    """Move a part of a run elsewhere, and put a link to it, or to nothing, in its place."""
    elsewhere = here / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious.txt").write_text("1\n")
    part = run.path / name
    if not part.exists():
        part.write_bytes(bytes(80))
    if dangling:
        shutil.rmtree(part) if part.is_dir() else part.unlink()
    else:
        part.rename(elsewhere / name)
        if name == "checkpoints":
            (elsewhere / name / ".step.01234567.svmtrain-tmp").write_text("of someone\n")
    part.symlink_to(elsewhere / name)
    return elsewhere


@pytest.mark.parametrize("dangling", [False, True], ids=["to what is there", "to nothing"])
@pytest.mark.parametrize("name", [*FOLDERS, *RECORDS, *REPLACED])
@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_what_a_planted_link_names_stays_as_it_is(here, run, call, name, dangling, words):
    """A folder or the records that are a link end the command; other files are replaced."""
    elsewhere = planted(here, run, name, dangling)
    before = tree(elsewhere)
    code, _, err = call(*words)
    assert tree(elsewhere) == before
    assert "internal error" not in err
    writes = words[0] in ("fit", "resume")
    if writes and name in (*FOLDERS, *RECORDS):
        assert code == 7, err
        assert err.endswith(f"runs/c/{name}: is a link, and a run writes through none\n")
        assert (run.path / name).is_symlink()
    elif writes and code == 0:
        assert not any((run.path / part).is_symlink() for part in REPLACED)


@pytest.mark.parametrize("name", [*FOLDERS, *RECORDS, *REPLACED, ".lock"])
def test_a_run_is_not_begun_through_links_that_wait_for_it(here, call, name):
    """In a folder that somebody prepared, before there was a run."""
    elsewhere = here / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious.txt").write_text("1\n")
    target = elsewhere if name in FOLDERS else elsewhere / "precious.txt"
    run = RunDirectory(here / "runs" / "c")
    run.path.mkdir(parents=True)
    (run.path / name).symlink_to(target)
    before = tree(elsewhere)
    for words in (("fit", "c.yaml", "-q"), ("fit", "c.yaml", "-q", "--force")):
        call(*words)
        assert tree(elsewhere) == before


PARTS = ("path.json", "config.yaml", "lambda-0.01/checkpoints", "lambda-0.1/metrics.jsonl")


@pytest.mark.parametrize("name", PARTS)
def test_a_path_of_runs_writes_through_no_link(here, call, name):
    """Neither its own files nor those of its runs."""
    words = ("fit", "c.yaml", "-q", "--set", "objective.lambda=[0.1, 0.01]")
    assert call(*words)[0] == 0
    part, moved = here / "runs" / "c" / name, here / "elsewhere"
    part.rename(moved)
    part.symlink_to(moved)
    before = tree(moved) if moved.is_dir() else moved.read_bytes()
    for mode in ("--resume", "--force"):
        call(*words, mode)
        assert (tree(moved) if moved.is_dir() else moved.read_bytes()) == before


def test_the_folder_of_a_run_may_be_a_link(here, call):
    """Who keeps runs on another disk said so himself."""
    (here / "disk").mkdir()
    (here / "runs").symlink_to(here / "disk")
    assert call("fit", "c.yaml", "-q")[0] == 0
    assert (here / "disk" / "c" / "model.npz").exists()
