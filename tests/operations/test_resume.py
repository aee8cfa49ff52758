"""A run that was stopped and resumed equals the run that was not, byte for byte."""

import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from extent import extent
from small_runs import results

from svmtrain import interrupts
from svmtrain.config import load_config, parse_config
from svmtrain.errors import ConfigError, Interrupted, ModelError, ResumeError
from svmtrain.operations.fit import fit, reload_config, resume_run
from svmtrain.operations.identity import refuse_other
from svmtrain.operations.identity import settings as settings_of_steps
from svmtrain.operations.job import Session
from svmtrain.runs.directory import RunDirectory

QUIET = Session(say=lambda text: None, quiet=True)
EPOCHS = 4

SETTINGS = {
    "plain": {"averaging": "none", "schedule": "constant"},
    "momentum-tail": {"momentum": 0.9, "nesterov": "true"},
    "polyak-linear": {"averaging": "polyak", "schedule": "linear", "shuffle": "once"},
    "float32-cosine": {"dtype": "float32", "schedule": "cosine", "momentum": 0.5},
    "auto-lr": {"lr": "auto", "init": "normal"},
    "dual": {"name": "dual"},
    "dual-float32": {"name": "dual", "dtype": "float32", "shuffle": "once"},
}


def write_data(folder: Path) -> None:
    """Write 23 rows of 3 features and 3 classes, not separable."""
    lines = ["a,b,c,label"]
    for i in range(23):
        a, b, c = (i * 7) % 11, (i * 5) % 13 - i % 3, (i * i) % 7
        lines.append(f"{a + 2 * (i % 3)},{b},{c},{'xyz'[i % 3]}")
    (folder / "train.csv").write_text("\n".join(lines) + "\n")


def write_config(folder: Path, solver: dict[str, object], extra: str = "") -> Path:
    """Write a config with 4 epochs of 5 steps."""
    settings = {"epochs": EPOCHS, "batch_size": 4, "lr": 0.05, **solver}
    text = "data: {train: train.csv, validation: 0.2}\nsolver:\n"
    text += "".join(f"  {key}: {value}\n" for key, value in settings.items())
    path = folder / "c.yaml"
    path.write_text(text + extra)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_data(tmp_path)
    return tmp_path


def start(config: Path, name: str, *overrides: str, resume: bool = False) -> RunDirectory:
    """Fit under a name and return the run directory."""
    out = config.parent / "runs"
    settings = load_config(config, overrides, {"output.name": name, "output.dir": str(out)})
    fit(settings, QUIET, resume=resume)
    return RunDirectory(out / name)


def go_on(run: RunDirectory, *overrides: str) -> None:
    """Resume a run."""
    resume_run(run, reload_config(run, overrides), QUIET)


class Pull:
    """Pretends that a signal came at the n-th time somebody asks."""

    def __init__(self, at: int) -> None:
        self.left = at

    def pending(self) -> int | None:
        self.left -= 1
        return signal.SIGTERM if self.left < 0 else None


@pytest.mark.parametrize("name", SETTINGS)
def test_a_run_stopped_anywhere_and_resumed_gives_the_same_bytes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Every step boundary, and every moment of an evaluation, is a split point.

    In a normal run, every other one.
    """
    config = write_config(folder, SETTINGS[name])
    expected = results(start(config, "whole"))
    for at in range(0, 1000, extent(4, 1)):
        with monkeypatch.context() as patch:
            pull = Pull(at)
            patch.setattr(interrupts, "pending", pull.pending)
            code = None
            try:
                start(config, f"part{at}")
            except Interrupted as error:
                code = error.exit_code
        if code is None:
            break
        assert code == 128 + signal.SIGTERM
        run = RunDirectory(folder / "runs" / f"part{at}")
        if not run.exists():  # stopped while step sizes were tried: nothing was begun
            continue
        assert run.read_info()["status"] == "interrupted"
        assert not run.model.exists()
        go_on(run)
        assert results(run) == expected, f"stopped at {at}"
    assert at >= EPOCHS * 5


def test_early_stopping_and_class_weights_survive_every_stop(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Patience counts the epochs of all sessions."""
    extra = "stop: {patience: 2, min_delta: 0.01}\nobjective: {class_weight: balanced}\n"
    config = write_config(folder, {"epochs": 30, "momentum": 0.8}, extra)
    whole = start(config, "whole")
    expected = results(whole)
    assert len(expected[1]) < 30
    for at in range(0, 6 * len(expected[1]), extent(14, 7)):
        with monkeypatch.context() as patch:
            patch.setattr(interrupts, "pending", Pull(at).pending)
            with pytest.raises(Interrupted):
                start(config, f"part{at}")
        run = RunDirectory(folder / "runs" / f"part{at}")
        go_on(run)
        assert results(run) == expected


def test_four_epochs_prolonged_to_ten_equal_ten(folder: Path) -> None:
    """Under a schedule without a horizon, a finished run can be prolonged."""
    config = write_config(folder, {})
    ten = results(start(config, "ten", "solver.epochs=10"))
    four = start(config, "four")
    assert len(results(four)[1]) == 4
    go_on(four, "solver.epochs=10")
    assert results(four) == ten
    assert "epochs: 10" in four.config.read_text()


def test_a_schedule_with_a_horizon_cannot_be_prolonged(folder: Path) -> None:
    """The message names the key, the old value and the new."""
    run = start(write_config(folder, {"schedule": "linear"}), "run")
    before = run.config.read_bytes()
    with pytest.raises(ResumeError, match=r"solver\.epochs was 4 and is now 10"):
        go_on(run, "solver.epochs=10")
    assert run.config.read_bytes() == before


@pytest.mark.parametrize(
    "change", ["solver.lr=0.1", "objective.lambda=0.5", "preprocess.scale=none", "data.seed=1"]
)
def test_a_setting_of_the_steps_already_made_cannot_change(folder: Path, change: str) -> None:
    """Such a resume is refused, whatever the setting."""
    run = start(write_config(folder, {}), "run")
    key, _, value = change.partition("=")
    with pytest.raises(ResumeError, match=rf"{key} was .* and is now '?{value}"):
        go_on(run, change)


def test_settings_of_saving_and_stopping_may_change(folder: Path) -> None:
    """They do not touch the steps already made."""
    run = start(write_config(folder, {}), "run")
    go_on(run, "checkpoint.keep=1", "stop.max_seconds=1000", "solver.epochs=6")
    assert len(results(run)[1]) == 6
    assert len(run.checkpoint_files()) <= 2


def test_changed_data_are_refused_with_both_digests(folder: Path) -> None:
    """The fingerprint of the training file is part of the run."""
    run = start(write_config(folder, {}), "run")
    data = folder / "train.csv"
    data.write_text(data.read_text().replace("0,", "1,", 1))
    with pytest.raises(ResumeError, match=r"SHA-256 was [0-9a-f]{64} and is now [0-9a-f]{64}"):
        go_on(run)


def test_several_files_are_the_run_in_their_order(folder: Path) -> None:
    """A list, or a pattern for the same files, goes on; another order does not."""
    config = write_config(folder, {})
    half = (folder / "train.csv").read_text().splitlines(keepends=True)
    (folder / "part-1.csv").write_text("".join(half[:13]))
    (folder / "part-2.csv").write_text("".join(half[:1] + half[13:]))
    parts = [str(folder / f"part-{number}.csv") for number in (1, 2)]
    run = start(config, "run", f"data.train=[{', '.join(parts)}]")
    assert load_config(run.config).data.train == tuple(parts)
    go_on(run, "solver.epochs=6")
    go_on(run, f"data.train={folder}/part-*.csv", "solver.epochs=7")
    assert len(results(run)[1]) == 7
    with pytest.raises(ResumeError, match="the train data changed"):
        go_on(run, f"data.train=[{', '.join(parts[::-1])}]")


def test_changed_labels_are_refused(folder: Path) -> None:
    """Labels beside the features are part of the run, whether or not they are named."""
    config = write_config(folder, {})
    y = np.arange(40) % 3
    np.save(folder / "X.npy", np.arange(80.0).reshape(40, 2) % 7)
    np.save(folder / "y.npy", y)
    named = f"data.labels={folder / 'y.npy'}"
    run = start(config, "run", f"data.train={folder / 'X.npy'}")
    go_on(run, named, "solver.epochs=6")
    np.save(folder / "y.npy", y[::-1])
    with pytest.raises(ResumeError, match="the train labels data changed"):
        go_on(run)


@pytest.mark.parametrize("key", ["settings", "data", "start"])
def test_what_a_forged_checkpoint_says_is_quoted_harmlessly(key: str) -> None:
    """Cut and escaped, keys too, and no more of them than a config has."""
    now: dict[str, Any] = {"run": "1", "settings": {}, "data": {}, "start": None}
    now |= dict.fromkeys(("algorithm", "scheme", "shape", "batch_size", "lr"))
    bad = "\x1b[2J" * 500
    forged = {f"{bad}{number}": {"sha256": bad} for number in range(1000)}
    saved = {**now, key: bad if key == "start" else {**forged, bad: {"sha256": bad}}}
    with pytest.raises(ResumeError) as caught:
        refuse_other(saved, now, "run")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 60 * 400


def test_a_checkpoint_of_another_run_is_refused(folder: Path) -> None:
    """Even when it has the same config and data."""
    config = write_config(folder, {})
    one, two = start(config, "one"), start(config, "two")
    for path in two.checkpoint_files():
        (one.checkpoints / path.name).write_bytes(path.read_bytes())
    with pytest.raises(ResumeError, match="another run"):
        go_on(one)


def test_metrics_that_were_cut_or_changed_are_refused(folder: Path) -> None:
    """The checkpoint knows the length and the digest of the records before it."""
    run = start(write_config(folder, {}), "run")
    content = run.metrics.read_bytes()
    run.metrics.write_bytes(content[:-5])
    with pytest.raises(ResumeError, match="bytes"):
        go_on(run)
    run.metrics.write_bytes(content.replace(b'"epoch": 1', b'"epoch": 9', 1))
    with pytest.raises(ResumeError, match="was changed"):
        go_on(run)


def test_records_after_the_checkpoint_are_cut_off(folder: Path) -> None:
    """A kill between a record and its checkpoint loses nothing and doubles nothing."""
    config = write_config(folder, {})
    expected = results(start(config, "whole"))
    run = start(config, "run")
    run.checkpoint_files()[0].unlink()
    run.model.unlink()
    go_on(run)
    assert results(run) == expected


def test_a_damaged_checkpoint_is_set_aside_and_the_one_before_it_used(folder: Path) -> None:
    """It is moved to quarantine/, not deleted."""
    config = write_config(folder, {})
    expected = results(start(config, "whole"))
    run = start(config, "run")
    newest = run.checkpoint_files()[0]
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(bytes(content))
    go_on(run)
    assert results(run) == expected
    assert (run.quarantine / newest.name).read_bytes() == bytes(content)


def test_when_no_checkpoint_is_intact_nothing_starts_over(folder: Path) -> None:
    """All damaged: exit code 4, and the model stays."""
    run = start(write_config(folder, {}), "run")
    for path in run.checkpoint_files():
        path.write_bytes(b"")
    model = run.model.read_bytes()
    with pytest.raises(ModelError, match="none of the checkpoints is intact") as caught:
        go_on(run)
    assert caught.value.exit_code == 4
    assert run.model.read_bytes() == model


def test_an_existing_run_is_never_overwritten_by_accident(folder: Path) -> None:
    """The message names the ways out."""
    config = write_config(folder, {})
    run = start(config, "run")
    model = run.model.read_bytes()
    with pytest.raises(ConfigError, match=r"--resume .* --force"):
        start(config, "run", "solver.epochs=9")
    assert run.model.read_bytes() == model


def test_resume_of_a_missing_run_begins_it(folder: Path) -> None:
    """`fit --resume` can be repeated until it is done."""
    config = write_config(folder, {})
    first = results(start(config, "run", resume=True))
    assert results(start(config, "run", resume=True)) == first


SPARSE = {
    "sparse": {"averaging": "tail"},
    "sparse-plain": {"averaging": "none", "schedule": "constant"},
    "sparse-momentum": {"averaging": "polyak", "momentum": 0.9, "shuffle": "blocks"},
}


@pytest.mark.parametrize("name", SPARSE)
def test_a_run_on_sparse_rows_resumes_exactly_and_equals_the_dense_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """With the factors of the lazy weights in the checkpoint; the dense run agrees at 1e-10."""
    config = write_config(folder, SPARSE[name])
    dense = results(start(config, "dense"))[1]
    expected = results(start(config, "whole", "data.sparse=true"))
    for one, other in zip(dense, expected[1], strict=True):
        for key, value in one.items():
            assert other[key] == pytest.approx(value, rel=1e-10, abs=1e-10)
    for at in range(0, 1000, extent(7, 3)):
        with monkeypatch.context() as patch:
            patch.setattr(interrupts, "pending", Pull(at).pending)
            try:
                start(config, f"part{at}", "data.sparse=true")
                break
            except Interrupted:
                pass
        run = RunDirectory(folder / "runs" / f"part{at}")
        go_on(run)
        assert results(run) == expected, f"stopped at {at}"
    assert at >= EPOCHS * 5


def test_a_sparse_run_is_not_resumed_as_a_dense_one(folder: Path) -> None:
    """The last bits would differ."""
    config = write_config(folder, {})
    run = start(config, "run", "data.sparse=true")
    with pytest.raises(ResumeError, match=r"data\.sparse was True and is now 'auto'"):
        go_on(run, "data.sparse=auto", "solver.epochs=9")


def test_a_run_that_lost_its_checkpoints_is_not_begun_again_in_silence(folder: Path) -> None:
    """It was finished, or stopped with a checkpoint: exit code 4, and its records stay."""
    run = start(write_config(folder, {}), "run")
    run.model.unlink()
    for path in run.checkpoint_files():
        path.unlink()
    records = run.metrics.read_bytes()
    for status in ("finished", "interrupted"):
        run.write_info({**run.read_info(), "status": status})
        with pytest.raises(ModelError, match="has no checkpoint to go on from"):
            go_on(run)
    assert run.metrics.read_bytes() == records


def test_a_forced_beginning_that_was_killed_is_gone_on_with(folder: Path) -> None:
    """What it had cleared, and what it had not, it had said that it would."""
    config = write_config(folder, {})
    expected = results(start(config, "whole"))
    run = start(config, "run")
    config_text, info = run.config.read_text(), run.info.read_text()
    run.clear()
    run.config.write_text(config_text)
    run.info.write_text(info.replace('"finished"', '"begun again"'))
    go_on(run)
    assert results(run) == expected


def test_folds_and_shares_that_are_not_used_are_no_part_of_a_run():
    """A run without them is the one that it was before there were such keys."""
    plain = parse_config("data: {train: x.csv}\n")
    keys = {"data.fold", "data.train_share", "data.repeat"}
    assert not keys & set(settings_of_steps(plain, 0.1, "objective"))
    for one in ("data.fold=1/5", "data.train_share=0.5"):
        config = parse_config("data: {train: x.csv}\n", overrides=[one, "data.repeat=2"])
        found = settings_of_steps(config, 0.1, "objective")
        assert found["data.repeat"] == 2
        assert one.partition("=")[0] in found
