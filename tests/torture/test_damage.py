"""Damaged files are found out, and forged ones break nothing: every byte, and 10,000 headers."""

import os
import random
import shutil
from collections import Counter
from types import SimpleNamespace

import pytest
from extent import extent, spread
from forged_parts import mutated
from real_runs import records_of, told
from small_runs import QUIET, start, write_config

import svmtrain
from svmtrain import checkpoint as checkpoints
from svmtrain.errors import CheckFailed, DivergedError, ModelError, ResumeError
from svmtrain.model import load_model
from svmtrain.operations.fit import reload_config, resume_run
from svmtrain.runs.directory import RunDirectory
from svmtrain.training.loop import ROUNDING
from tests.fuzz.judge import ACCEPTED, REFUSED, judge
from tests.fuzz.targets import Target

SECTOR = 512
MASKS = (*(1 << bit for bit in range(8)), 0xFF)
SOLVERS = {
    "sgd": ("momentum: 0.5; averaging: polyak", "validation: 0.2"),
    "lazy": ("averaging: tail", "sparse: true"),
    "dual": ("name: dual", "test: 0.2"),
}
KINDS = ("model", *SOLVERS)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return a finished run of 3 epochs for every solver, with a checkpoint in the second."""
    found = {}
    for name, (solver, data) in SOLVERS.items():
        here = tmp_path_factory.mktemp(name)
        config = write_config(here, f"epochs: 3; {solver}", data)
        found[name] = start(config, "c", "checkpoint.every=2 steps", "checkpoint.keep=99")
        for path in found[name].checkpoint_files():
            if checkpoints.load(path).state.epoch != 1:
                path.unlink()
    return found


@pytest.fixture(params=KINDS)
def kind(request, runs):
    """Return what a kind of file is called, is loaded by and packed by, and a good one."""
    is_model = request.param == "model"
    run = runs["sgd" if is_model else request.param]
    path = run.model if is_model else run.checkpoint_files()[0]
    return SimpleNamespace(
        name=request.param,
        run=run,
        pack=_pack_model if is_model else _pack_checkpoint,
        step=0 if is_model else int(path.name[5:-4]),
        content=path.read_bytes(),
    )


def _pack_model(path):
    return load_model(path).to_bytes()


def _pack_checkpoint(path):
    return checkpoints.to_bytes(checkpoints.load(path, svmtrain.ALGORITHM), load_model(path))


def verdict(kind, path):
    """Return whether a damaged file was refused, is as good as before, or was believed."""
    try:
        return "harmless" if kind.pack(path) == kind.content else "silent"
    except ModelError:
        return "refused"


def damages(content):
    """Yield a name, and what is written at which place of a file of that content."""
    for at in spread(range(len(content)), 30):
        for mask in MASKS:
            yield "flips", at, bytes([content[at] ^ mask])
    chance = random.Random(len(content))
    for at in spread(range(0, len(content), SECTOR), 4):
        size = min(SECTOR, len(content) - at)
        other = chance.randrange(0, len(content) - size)
        sectors = (bytes(size), b"\xff" * size, chance.randbytes(size), content[other:][:size])
        for sector in sectors:
            yield "sectors", at, sector
    for extra in (b"\0", b"\n", b"PK", bytes(71), bytes(SECTOR), content, content[-71:]):
        yield "appended", len(content), extra


def test_no_damage_is_silent(tmp_path, kind, figures):
    """Every byte, every length, every sector: refused, unless nothing was changed by it."""
    path, seen = tmp_path / "file.npz", Counter()
    path.write_bytes(kind.content)
    assert verdict(kind, path) == "harmless"
    descriptor = os.open(path, os.O_RDWR)
    for name, at, damage in damages(kind.content):
        os.pwrite(descriptor, damage, at)
        changed = name == "appended" or kind.content[at : at + len(damage)] != damage
        seen[name, verdict(kind, path) if changed else "harmless"] += 1
        os.ftruncate(descriptor, len(kind.content))
        os.pwrite(descriptor, kind.content[at : at + len(damage)], at)
    for length in reversed(spread(range(len(kind.content)), 30)):
        os.ftruncate(descriptor, length)
        seen["lengths", verdict(kind, path)] += 1
    os.close(descriptor)
    assert {name for name, end in seen if end == "refused"} == {
        *("flips", "sectors", "appended", "lengths")
    }
    silent = sum(n for (_, end), n in seen.items() if end == "silent")
    assert silent == 0
    total = {name: sum(n for (one, _), n in seen.items() if one == name) for name, _ in seen}
    figures(f"{kind.name}: silent of {total}", silent)


def is_whole(kind, content, path):
    """Assert that what is loaded comes back the same when it is packed and loaded again."""
    path.write_bytes(content)
    packed = kind.pack(path)
    path.write_bytes(packed)
    assert kind.pack(path) == packed


def resumed(kind, content, folder):
    """Go on from a forged checkpoint alone, and return how that ended."""
    shutil.copytree(kind.run.path, folder)
    run = RunDirectory(folder)
    for path in run.checkpoint_files():
        path.unlink()
    run.model.unlink()
    (run.checkpoints / checkpoints.file_name(kind.step)).write_bytes(content)
    try:
        resume_run(run, reload_config(run), QUIET)
    except (CheckFailed, DivergedError, ModelError, ResumeError) as error:
        assert not run.model.exists()
        return type(error).__name__
    return proven(run)


def proven(run):
    """Return that a run finished, after what must hold: no bound is above any objective."""
    load_model(run.model)
    assert run.read_info()["status"] == "finished"
    records = records_of(run)
    least = min(record["objective"] for record in records)
    bounds = [record["bound"] for record in records if record["bound"] is not None]
    assert max(bounds) <= (1 + ROUNDING) * least
    return "finished"


def test_no_forged_header_or_array_breaks_anything(tmp_path, kind, figures):
    """Signed again, it is refused, or is whole: in time, in bounds; and so is a resume from it."""
    errors = (ModelError, ResumeError)
    target = Target(kind.name, lambda folder: kind.pack(folder / "data"), errors, "")
    chance, seen, ends = random.Random(kind.name), Counter(), Counter()
    tries, resumes = extent(20, 2500), extent(3, 350) if kind.step else 0
    work = tmp_path / "work"
    work.mkdir()
    judge(target, kind.content, work, measured=False)
    while seen.total() < tries or ends.total() < resumes:
        content = mutated(kind.content, chance)
        outcome = judge(target, content, work)
        seen[outcome] += 1
        if outcome == ACCEPTED:
            is_whole(kind, content, tmp_path / "whole")
        if outcome == ACCEPTED and ends.total() < resumes:
            ends[resumed(kind, content, tmp_path / "resumed")] += 1
            shutil.rmtree(tmp_path / "resumed")
    assert set(seen) == {ACCEPTED, REFUSED}
    figures(f"{kind.name}: forged", told(seen.elements()))
    if resumes:
        assert ends["finished"]
        figures(f"{kind.name}: resumed from accepted forgeries", told(ends.elements()))
