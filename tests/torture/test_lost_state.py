"""A checkpoint that lost a part of the state is found out: by a refusal, or by other bytes."""

import copy

import numpy as np
import pytest
from extent import spread
from small_runs import results
from stepwise import every_step, resumed_from

from svmtrain import container
from svmtrain.checkpoint import load, state_arrays
from svmtrain.errors import SvmtrainError
from svmtrain.operations import train
from svmtrain.operations.job import Session
from svmtrain.training import stopping

EARLY_BEST = ("checkpoint.best=validation_accuracy",)
LOSING = {
    "sgd": [("nesterov tail", EARLY_BEST), ("momentum none", EARLY_BEST)],
    "lazy_sgd": [("sparse tail", EARLY_BEST), ("sparse none", ("checkpoint.best=train_accuracy",))],
    "dual": [("dual", EARLY_BEST), ("dual float32", ("checkpoint.best=train_accuracy",))],
}
COUNTERS = ("step", "epoch", "position", "online_loss", "certified")
EXACT = Session(say=lambda text: None, quiet=True, exact=True)


def array_lost(name):
    """Return what sets an array to zero."""

    def lose(header, arrays):
        arrays[name] = np.zeros_like(arrays[name])

    return lose


def header_lost(section, key, value=None):
    """Return what sets a field to what it was at the start, or removes it."""

    def lose(header, arrays):
        if value is None and key in ("certified",):
            header[section][key] = False
            for name in [name for name in arrays if name.startswith("certificate_")]:
                del arrays[name]
        elif section == "identity":
            del header[section][key]
        else:
            header[section][key] = type(header[section][key])()

    return lose


def best_file_lost(header, arrays):
    """Forget which checkpoint is the best."""
    header["best_file"] = None


def parts_of(path, kind):
    """Return (name, how to lose it) for every part of the state in a checkpoint file."""
    header, _ = container.read(path)
    certified = header["state"]["certified"]
    parts = {name: array_lost(name) for name in state_arrays(kind, certified=certified)}
    counters = [key for key in COUNTERS if header["state"][key]]
    parts |= {f"state.{key}": header_lost("state", key) for key in counters}
    parts |= {f"metrics.{key}": header_lost("metrics", key) for key in header["metrics"]}
    known = [key for key, value in header["identity"].items() if value is not None]
    parts |= {f"identity.{key}": header_lost("identity", key) for key in known}
    return {**parts, "best_file": best_file_lost}


def weakened(path, lose, place):
    """Write a checkpoint that lost a part, signed; None where there was nothing to lose."""
    header, arrays = container.read(path)
    header, arrays = copy.deepcopy(header), dict(arrays)
    lose(header, arrays)
    content = container.pack(header, arrays)
    if content == path.read_bytes():
        return None
    place.mkdir(exist_ok=True)
    (place / path.name).write_bytes(content)
    return place / path.name


def last_best(run):
    """Return which checkpoint the last one names as the best."""
    return load(run.checkpoint_files()[0]).best_file


def betrayed(run, path, settings, target, expected):
    """Return whether a resume from one checkpoint is refused, or comes to something else."""
    try:
        other = resumed_from(run, path, settings, target, EXACT)
    except SvmtrainError:
        return True
    return results(other) != expected or last_best(other) != last_best(run)


@pytest.mark.parametrize("kind", LOSING)
def test_no_part_of_the_state_can_be_lost_unnoticed(tmp_path, kind, figures):
    """Over the settings of a solver, each array, counter and fact of its checkpoints is missed."""
    missed, tried = set(), set()
    for number, (name, overrides) in enumerate(LOSING[kind]):
        place = tmp_path / str(number)
        place.mkdir()
        settings, run, expected = every_step(place, name, *overrides)
        files = run.checkpoint_files()[::-1]
        assert not betrayed(run, files[37], settings, place / "runs" / "other", expected)
        parts = parts_of(files[12], kind)
        for part in [part for part in spread(parts, 3) if part not in missed]:
            for path in [*files[12:40:9], *files[43::11], *files[-3:]]:
                forged = weakened(path, parts[part], place / "forged")
                if forged is None:
                    continue
                tried.add(part)
                if betrayed(run, forged, settings, place / "runs" / "other", expected):
                    missed.add(part)
                    break
    figures(f"parts of the state lost and missed, {kind}", f"{len(missed)} of {len(tried)}")
    assert missed == tried


@pytest.mark.parametrize("forgotten", [stopping.Stopping, stopping.BestEpoch])
def test_rules_that_forget_the_epochs_before_are_found_out(tmp_path, forgotten, monkeypatch):
    """Patience and the best epoch follow from the records, which a resume goes over again."""
    words = (*EARLY_BEST, "stop.patience=6", "stop.metric=validation_accuracy")
    settings, run, expected = every_step(tmp_path, "momentum none", *words)
    update, run_loop, asleep = forgotten.update, train.Training.run, [True]

    def forgetful(self, record):
        return None if asleep[0] else update(self, record)

    def awake(self, *args):
        asleep[0] = False
        return run_loop(self, *args)

    monkeypatch.setattr(forgotten, "update", forgetful)
    monkeypatch.setattr(train.Training, "run", awake)
    found = []
    for path in spread(run.checkpoint_files()[3:-10:5], 4):
        asleep[0] = True
        found.append(betrayed(run, path, settings, tmp_path / "runs" / "other", expected))
    assert any(found)
