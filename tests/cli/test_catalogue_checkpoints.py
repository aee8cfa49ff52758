"""Bad checkpoints through the command line: set aside, or refused with code 4 or 5."""

import os
import re
import shutil

import pytest
from bad_checkpoints import (
    BY_ANOTHER_NAME,
    CHECKPOINTS,
    MAY_CHANGE,
    OF_FILES,
    SETTINGS,
    SURROUNDINGS,
    lay,
)
from small_runs import start, tree, write_config
from tone import faults_of

from svmtrain import threads
from svmtrain.config.keys import KEYS
from svmtrain.operations.identity import SECTIONS
from svmtrain.runs.directory import RunDirectory

KILLED_AT = 12
SOLVER = "epochs: 4; momentum: 0.5; averaging: polyak; schedule: constant"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a folder with a run that was killed half way, and the model it would have ended in."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        for name in threads.VARIABLES:
            patch.setenv(name, "1")
        return folder, killed(folder)


def killed(folder):
    """Leave a run as a kill half way would; return the model it would have ended in."""
    run = start(
        write_config(folder, SOLVER), "run", "checkpoint.every=1 steps", "checkpoint.keep=20"
    )
    model = run.model.read_bytes()
    run.model.unlink()
    for path in run.checkpoint_files():
        if int(path.stem.partition("-")[2]) > KILLED_AT:
            path.unlink()
    assert len(run.checkpoint_files()) == KILLED_AT
    return model


@pytest.fixture
def run(made, here):
    """Return a copy of the run that was killed."""
    shutil.copytree(made[0] / "runs", here / "runs")
    for name in ("c.yaml", "train.csv"):
        shutil.copy(made[0] / name, here / name)
    copy = RunDirectory(here / "runs" / "run")
    copy.config.write_text(copy.config.read_text().replace(str(made[0]), str(here)))
    return copy


def test_the_run_that_was_killed_ends_in_the_model_of_the_undisturbed_one(run, made, call):
    """That is what every bad checkpoint starts from."""
    code, _, err = call("resume", "runs/run", "-q")
    assert (code, err) == (0, "")
    assert run.model.read_bytes() == made[1]
    assert not run.quarantine.exists()


def what_is(path):
    """Return what a path holds, without following or opening what is no regular file."""
    if path.is_symlink():
        return path.readlink()
    return path.read_bytes() if path.is_file() else oct(path.lstat().st_mode)


@pytest.mark.parametrize("case", CHECKPOINTS)
def test_a_bad_newest_checkpoint_is_set_aside_and_nothing_is_lost(run, made, here, call, case):
    """It is told and kept as it was; the run goes on from the one before, to the same model."""
    newest, (forgery, message) = run.checkpoint_files()[0], CHECKPOINTS[case]
    if forgery is None:
        lay(newest, here / "elsewhere.npz", case.partition("-")[2])
    else:
        newest.write_bytes(forgery(newest.read_bytes()))
    before, bad = tree(here), what_is(newest)
    code, out, err = call("resume", "runs/run", "-q")
    assert (code, out.count("\n")) == (0, 1), err
    place = re.escape(f"runs/run/checkpoints/{newest.name}")
    aside = re.escape(f"runs/run/quarantine/{newest.name}")
    told = rf"svmtrain: warning: {place}: ([^\n]+); moved to {aside}\n"
    assert re.fullmatch(told, err), err
    assert message in err
    assert what_is(run.quarantine / newest.name) == bad
    assert run.model.read_bytes() == made[1]
    kept = {name: what for name, what in tree(here).items() if name in before}
    rewritten = ("run.json", "config.yaml", "metrics.jsonl", newest.name)
    assert not [n for n in kept if kept[n] != before[n] and not n.endswith(rewritten)]
    assert set(before) - set(kept) <= {str(newest.relative_to(here))}


@pytest.mark.parametrize(("change", "code", "message"), SURROUNDINGS.values(), ids=SURROUNDINGS)
def test_what_does_not_belong_together_is_refused(run, here, call, change, code, message):
    """Code 4 or 5, one line, nothing changed; and the same again the next time."""
    change(run)
    refused(here, call, code, message, ("resume", "runs/run"))
    refused(here, call, code, message, ("fit", "c.yaml", "--name", "run", "--resume"))


def refused(here, call, code, message, words):
    """Run a command that must fail with a code and a line, and change nothing."""
    before = tree(here)
    found, out, err = call(*words)
    assert (found, out) == (code, ""), err
    assert tree(here) == before
    assert re.fullmatch(r"svmtrain: error: runs/run[^\n:]*: [^\n]+\n", err), err
    assert re.search(message, err), err
    assert faults_of(err) == []


def test_105_when_all_but_one_are_bad_that_one_is_gone_on_from(run, made, call):
    """All others are set aside in their order."""
    *bad, last = run.checkpoint_files()
    for path in bad:
        path.write_bytes(b"")
    code, _, err = call("resume", "runs/run", "-q")
    assert code == 0
    assert [os.path.basename(line.partition("; moved to ")[2]) for line in err.splitlines()] == [
        path.name for path in bad
    ]
    assert sorted(os.listdir(run.quarantine)) == sorted(path.name for path in bad)
    assert run.model.read_bytes() == made[1]
    assert last.exists()


def test_110_every_setting_of_the_steps_is_in_one_of_the_tables():
    """A new key takes its place there."""
    keys = {key.dotted for key in KEYS.values() if key.section in SECTIONS} | {"checkpoint.best"}
    changed = [name.removeprefix("110-") for name in SETTINGS]
    assert len(changed) == len(set(changed)) == len(SETTINGS)
    assert keys == {*changed, *OF_FILES, *MAY_CHANGE}


@pytest.mark.parametrize("case", SETTINGS)
def test_110_a_setting_of_the_steps_cannot_change(run, here, call, case):
    """Each is named, with what it was and what it is now; nothing is changed."""
    key = case.removeprefix("110-")
    first, *more = SETTINGS[case].split("; ")
    words = [word for text in (f"{key}={first}", *more) for word in ("--set", text)]
    message = rf"{re.escape(BY_ANOTHER_NAME.get(key, key))} was [^;]+ and is now "
    refused(here, call, 5, message, ("resume", "runs/run", *words))
