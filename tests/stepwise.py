"""Small runs that save at every step, and going on with them from any one of their checkpoints."""

import json
import shutil
from dataclasses import replace

from extent import extent
from small_runs import QUIET, results, settings_of, write_config

from svmtrain.operations.fit import fit
from svmtrain.runs.directory import RunDirectory

SGD = {
    "momentum none": ("momentum: 0.9; averaging: none; schedule: constant", ()),
    "nesterov tail": ("momentum: 0.8; nesterov: true; averaging: tail", ()),
    "polyak linear": ("averaging: polyak; schedule: linear; shuffle: once", ()),
    "float32 cosine": ("dtype: float32; momentum: 0.5; schedule: cosine; shuffle: blocks", ()),
    "auto lr": ("lr: auto; init: normal; averaging: tail", ()),
    "patience": (
        "momentum: 0.9; lr: 0.3; schedule: constant; averaging: none; epochs: 80",
        ("stop.patience=35", "objective.class_weight=balanced", "checkpoint.best=validation_loss"),
    ),
    "free bias": ("momentum: 0.3", ("objective.bias=free", "output.model=last")),
}
SPARSE = {
    "sparse tail": ("averaging: tail", ()),
    "sparse polyak": ("averaging: polyak; dtype: float32; schedule: inverse_scaling", ()),
    "sparse none": ("averaging: none; schedule: step", ("objective.class_weight=balanced",)),
    "sparse momentum": ("momentum: 0.9; averaging: polyak; shuffle: blocks", ()),
}
DUAL = {
    "dual": ("name: dual", ()),
    "dual float32": ("name: dual; dtype: float32; shuffle: once", ()),
    "dual balanced": ("name: dual", ("objective.class_weight=balanced", "stop.gap=1e-9")),
}
SETTINGS = {
    **SGD,
    **{name: (solver, (*more, "data.sparse=true")) for name, (solver, more) in SPARSE.items()},
    **DUAL,
    "dual sparse": ("name: dual", ("data.sparse=true",)),
}


def every_step(tmp_path, name, *overrides):
    """Train with a checkpoint at every step; return settings, run, what came, and how often."""
    solver, more = SETTINGS[name]
    epochs = "" if "epochs:" in solver else f"; epochs: {extent(12, 40)}"
    config = write_config(tmp_path, f"{solver}{epochs}")
    words = (*more, *overrides)
    undisturbed = RunDirectory(tmp_path / "runs" / "undisturbed")
    fit(settings_of(config, "undisturbed", *words, "checkpoint.every=none"), QUIET)
    expected = results(undisturbed)
    words = (*words, "checkpoint.every=1 steps", "checkpoint.keep=100000")
    settings = settings_of(config, "run", *words)
    fit(settings, QUIET)
    run = RunDirectory(tmp_path / "runs" / "run")
    assert results(run) == expected
    return settings, run, expected


def resumed_from(run, path, settings, target, session=QUIET):
    """Go on from one checkpoint of a run alone, in a folder of its own; return that run."""
    name = target.name
    settings = replace(settings, output=replace(settings.output, name=name))
    shutil.rmtree(target, ignore_errors=True)
    other = RunDirectory(target)
    other.checkpoints.mkdir(parents=True)
    for source in (run.config, run.metrics, run.trace):
        shutil.copy(source, target / source.name)
    info = {**run.read_info(), "status": "interrupted"}
    other.info.write_text(json.dumps(info))
    shutil.copy(path, other.checkpoints / path.name)
    fit(settings, session, resume=True)
    return other
