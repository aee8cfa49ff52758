"""Repairing and cleaning run directories: what is said, what is done, and that nothing is lost."""

import json
import shutil

import pytest
from small_paths import trained
from small_runs import QUIET, results, start, tree, write_config

from svmtrain.errors import InUseError
from svmtrain.operations.fit import reload_config, resume_run
from svmtrain.runs.clean import find_useless, remove
from svmtrain.runs.repair import examine, repair


@pytest.fixture
def run(tmp_path):
    """Return a finished run with three checkpoints."""
    return start(write_config(tmp_path), "run", "checkpoint.keep=3")


def damaged(path):
    """Flip a byte in the middle of a file; return what it holds then."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return bytes(content)


def harm_newest(run):
    """Damage the newest checkpoint."""
    damaged(run.checkpoint_files()[0])


def mix_in_another(run):
    """Put the newest checkpoint of another run in the place of the own."""
    config = run.path.parent.parent / "c.yaml"
    other = start(config, "other").checkpoint_files()[0]
    run.checkpoint_files()[0].write_bytes(other.read_bytes())


def cut_metrics(run):
    """Lose the last record and a half."""
    lines = run.metrics.read_bytes().splitlines(keepends=True)
    run.metrics.write_bytes(b"".join(lines[:-2]) + lines[-2][:40])


def cut_line_end(run):
    """Lose the last byte of the records, as an editor does that ends no line."""
    run.metrics.write_bytes(run.metrics.read_bytes()[:-1])


def lose_info(run):
    """Lose run.json."""
    run.info.unlink()


def harm_info(run):
    """Cut run.json off."""
    run.info.write_text(run.info.read_text()[:100])


def kill(run):
    """Leave run.json and a half-written file as a kill does."""
    run.write_info({**run.read_info(), "status": "running"})
    (run.checkpoints / ".step-00000099.npz.01234567.svmtrain-tmp").write_bytes(b"half")


def harm_model(run):
    """Damage the model."""
    damaged(run.model)


def lose_model(run):
    """Lose the model."""
    run.model.unlink()


def harm_all(run):
    """A bit of everything that can be mended."""
    for harm in (cut_metrics, harm_info, harm_model):
        harm(run)
    (run.path / ".model.npz.01234567.svmtrain-tmp").write_bytes(b"half")


HARMS = {
    harm_newest: ["does not match its digest"],
    mix_in_another: ["is of another run"],
    cut_metrics: ["does not fit metrics.jsonl, which has", "that was cut off"],
    cut_line_end: ["ends in a record without the end of its line"],
    lose_info: ["no such file"],
    harm_info: ["is not a JSON object"],
    kill: ["no process holds its lock", "had not finished writing"],
    lose_model: ["is missing, though the run is finished"],
    harm_model: ["does not match its digest"],
    harm_all: ["does not fit", "not a JSON object", "cut off", "not finished writing", "digest"],
}


@pytest.mark.parametrize("harm", HARMS)
def test_what_is_broken_is_said_then_mended_and_the_run_goes_on(run, harm):
    """Looking changes nothing; repairing deletes nothing; a resume ends in the same model."""
    expected = results(run)
    harm(run)
    before = tree(run.path)
    found = examine(run)
    assert tree(run.path) == before
    assert all(one.act for one in found)
    for words in HARMS[harm]:
        assert any(words in one.problem for one in found), words
    assert [one.problem for one in repair(run)] == [one.problem for one in found]
    kept = set(tree(run.path).values())
    lost = {name for name, digest in before.items() if digest not in kept}
    assert {name for name in lost if name.endswith((".npz", ".yaml"))} == set()
    assert examine(run) == []
    resume_run(run, reload_config(run), QUIET)
    assert results(run) == expected


def test_a_run_that_nothing_is_wrong_with_is_left_alone(run):
    """No finding, no change."""
    before = tree(run.path)
    assert examine(run) == repair(run) == []
    assert tree(run.path) == before


def test_when_no_checkpoint_is_left_all_stay_where_they_are(run):
    """Or the next `--resume` would begin the run again in silence."""
    for path in run.checkpoint_files():
        damaged(path)
    before = tree(run.path)
    found = repair(run)
    assert [one.act for one in found] == [None] * 3
    assert "--force begins the run again" in found[0].remedy
    assert tree(run.path) == before


def test_a_line_end_that_is_missing_costs_neither_a_record_nor_a_checkpoint(run):
    """Not even the only checkpoint: the line is ended, and all is as it was."""
    for path in run.checkpoint_files()[1:]:
        path.unlink()
    before = tree(run.path)
    cut_line_end(run)
    repair(run)
    after = tree(run.path)
    assert {name: after[name] for name in before} == before


def test_what_only_a_user_can_mend_is_said(run):
    """A config that is gone wrong; a model that is gone, and all checkpoints with it."""
    run.config.write_text("data: {train: [}\n")
    run.model.unlink()
    for path in run.checkpoint_files():
        path.unlink()
    found = examine(run)
    assert [one.act for one in found] == [None, None]
    assert "is missing, though the run is finished" in found[0].problem
    assert found[1].problem.startswith("line 1: ")


@pytest.mark.parametrize("name", ["checkpoints", "metrics.jsonl", "steps.f64"])
def test_a_link_that_a_run_would_write_through_is_told(run, name):
    """A resume refuses it; only the user knows what it is for."""
    (run.path / name).rename(run.path.parent / name)
    (run.path / name).symlink_to(run.path.parent / name)
    found = [one for one in examine(run) if one.path == run.path / name]
    assert [one.act for one in found] == [None]
    assert "is a link" in found[0].problem


def test_a_run_in_use_is_not_repaired(run):
    """Its temporary files are no leftovers."""
    kill(run)
    with run.locked(sweep=False), pytest.raises(InUseError):
        repair(run)
    assert len(run.leftovers()) == 1


def test_the_command_says_what_it_would_do_and_does_it_when_asked(run, call_in):
    """Dry by default; --json has the same; exit code 1 when something is left."""
    harm_newest(run)
    before = tree(run.path)
    code, out, _ = call_in("runs", "repair", run.path)
    assert (code, tree(run.path)) == (0, before)
    assert "would: move it to quarantine/" in out
    assert "nothing was changed; --yes does it" in out
    code, out, _ = call_in("runs", "repair", run.path, "--yes", "--json")
    assert (code, [one["done"] for one in json.loads(out)]) == (0, [True])
    assert len(list(run.quarantine.iterdir())) == 1
    assert "nothing is broken" in call_in("runs", "repair", run.path)[1]
    run.config.write_text("data: 1\n")
    assert call_in("runs", "repair", run.path)[0] == 1
    assert call_in("runs", "repair", run.path.parent)[0] == 2


@pytest.fixture
def call_in(capsys):
    """Return a function that runs a command line and returns (code, stdout, stderr)."""
    from svmtrain.cli import main

    def call(*words):
        capsys.readouterr()
        code = main([str(word) for word in words])
        return code, *capsys.readouterr()

    return call


def litter(run):
    """Leave files of our own patterns and of others; return those that may go, and the others."""
    run.quarantine.mkdir()
    own = [
        run.path / ".model.npz.01234567.svmtrain-tmp",
        run.quarantine / "step-00000005.npz",
        run.quarantine / "step-00000005.npz.1",
        run.quarantine / "model.npz",
    ]
    others = [
        run.quarantine / "notes.txt",
        run.quarantine / "step-5.npz",
        run.checkpoints / "step-00000005.npz.bak",
        run.path / "thesis.tex",
        run.path / ".notes.svmtrain-tmp",
    ]
    (run.path / ".folder.01234567.svmtrain-tmp").mkdir()
    for path in (*own, *others):
        path.write_text("x")
    return own, others


def test_only_names_of_our_own_go(run):
    """Dry by default; then temporary and set-aside files go, and all else stays."""
    own, others = litter(run)
    before = tree(run.path)
    found = find_useless(run)
    assert sorted(one.path for one in found) == sorted(own)
    assert tree(run.path) == before
    assert remove(found) == []
    assert not any(path.exists() for path in own)
    assert all(path.exists() for path in others)
    assert find_useless(run) == []


def test_checkpoints_of_finished_runs_go_when_asked_but_the_newest(run):
    """It can still be prolonged; those of a run that is not finished stay, all of them."""
    expected = results(run)
    files = run.checkpoint_files()
    found = find_useless(run, with_checkpoints=True)
    assert [one.path for one in found] == files[1:]
    remove(found)
    resume_run(run, reload_config(run), QUIET)
    assert results(run) == expected
    run.write_info({**run.read_info(), "status": "interrupted"})
    assert find_useless(run, with_checkpoints=True) == []


def test_an_older_checkpoint_stays_when_the_newest_is_damaged(run):
    """It is the newest that a resume can go on from; the damaged one is for a repair."""
    files = run.checkpoint_files()
    harm_newest(run)
    assert [one.path for one in find_useless(run, with_checkpoints=True)] == files[2:]
    damaged(files[1])
    damaged(files[2])
    assert find_useless(run, with_checkpoints=True) == []


def test_a_path_that_has_no_run_yet_does_not_stand_for_all_runs(
    tmp_path, run, call_in, monkeypatch
):
    """What is named is looked at, and nothing else in the folder."""
    folder = trained(tmp_path, "p")
    for member in folder.members():
        shutil.rmtree(folder.run(member).path)
    monkeypatch.chdir(tmp_path)
    before = tree(tmp_path)
    words = ("runs", "clean", folder.path, "--checkpoints", "--yes")
    assert call_in(*words)[:2] == (0, "there is nothing to clean\n")
    assert tree(tmp_path) == before


def test_a_run_in_use_is_not_cleaned(run, call_in):
    """Not even asked for by name."""
    own, _ = litter(run)
    found = find_useless(run)
    with run.locked(sweep=False):
        assert len(remove(found)) == 1
        assert call_in("runs", "clean", run.path, "--yes")[1] == "there is nothing to clean\n"
    assert all(path.exists() for path in own)


def test_the_clean_command_lists_and_deletes_over_many_runs(tmp_path, call_in):
    """Also the runs of a path."""
    write_config(tmp_path, "name: dual")
    folder = trained(tmp_path, "p", "checkpoint.keep=2")
    one = start(tmp_path / "c.yaml", "one", "checkpoint.keep=2")
    words = ("runs", "clean", "--dir", tmp_path / "runs", "--checkpoints")
    before = tree(tmp_path)
    code, out, _ = call_in(*words)
    assert (code, tree(tmp_path)) == (0, before)
    runs = [*(folder.run(member) for member in folder.members()), one]
    spare = sum(len(run.checkpoint_files()) - 1 for run in runs)
    assert out.splitlines()[-1].startswith(f"{spare} files, ")
    assert "nothing was deleted" in out
    code, out, _ = call_in(*words, "--yes", "--json")
    assert len(json.loads(out)["files"]) == spare >= 4
    assert len(set(before) - set(tree(tmp_path))) == spare
