"""Whole processes on one job: from files as they are published to a model on disk.

svmtrain and scikit-learn read MNIST's compressed IDX files, LIBLINEAR an svmlight file of the same
numbers. The clock runs from the start of the process until the model is on disk; the peak is that
of the whole process up to then. Without MNIST the job is made pictures in the same files.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import ours
from benchmarks.children import ask, in_turn, installed
from benchmarks.datasets import (
    Dataset,
    NotThereError,
    find,
    idx,
    made,
    prepare,
    write_idx,
    write_svmlight,
)
from benchmarks.gaps import spread
from benchmarks.peers.base import rows
from svmtrain.model import load_model

IMAGES, LABELS = "images-idx3-ubyte.gz", "labels-idx1-ubyte.gz"
PARTS = {"train": "train", "test": "t10k"}
LAM = 1e-4
MADE_ROWS = 6_000
GAP = 1e-2
FIGURES = ("seconds", "peak", "accuracy")


def published(folders: Sequence[Path], source: Path) -> None:
    """Link MNIST's four files into a folder; NotThereError when one is missing."""
    for part in PARTS.values():
        for kind in (IMAGES, LABELS):
            name = f"{part}-{kind}"
            (source / name).symlink_to(find(folders, "mnist", name).resolve())


def made_up(source: Path) -> None:
    """Write made pictures into a folder as MNIST's four files."""
    X, y = made(MADE_ROWS + MADE_ROWS // 6)
    pictures = np.round(X * 255).reshape(-1, 28, 28)
    for part, chosen in (("train", slice(MADE_ROWS)), ("t10k", slice(MADE_ROWS, None))):
        write_idx(pictures[chosen], source / f"{part}-{IMAGES}")
        write_idx(y[chosen], source / f"{part}-{LABELS}")


@dataclass(frozen=True)
class Job:
    """The files of the job, and its rows as prepared for judging models."""

    source: Path
    dataset: Dataset
    real: bool
    budget: float
    epochs: int

    @property
    def svmlight(self) -> Path:
        """The training rows as LIBLINEAR reads them."""
        return self.dataset.folder / "train.svm"

    def file(self, part: str, kind: str) -> Path:
        """Return the images or labels of `train` or `test`."""
        return self.source / f"{PARTS[part]}-{kind}"


def job(folders: Sequence[Path], work: Path, options: Mapping[str, Any]) -> Job:
    """Return the job: MNIST where it is found and there is time for it."""
    source, real = work / "job", not options["quick"]
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    try:
        if real:
            published(folders, source)
    except NotThereError:
        real = False
    if not real:
        made_up(source)
    dataset = prepare("mnist", [source], work / "whole")
    X, y = rows(str(dataset.folder), "train")
    write_svmlight(X, y, dataset.folder / "train.svm")
    return Job(source, dataset, real, options["budget"], options["epochs"])


def svmtrain(job: Job, solver: dict[str, Any], stop: dict[str, Any]) -> dict[str, Any]:
    """Run `svmtrain fit` on the images, and judge its model."""
    settings = {
        "data": {"train": str(job.file("train", IMAGES)), "validation": 0},
        "preprocess": {"scale": "minmax"},
        "objective": {"loss": "crammer_singer", "lambda": LAM},
        "solver": {**solver, "dtype": "float32"},
        "stop": {**stop, "max_seconds": job.budget},
    }
    found = ours.fit(settings, job.dataset.folder / "svmtrain")
    model = load_model(found.model)
    X_test, y_test = idx(job.file("test", IMAGES)), idx(job.file("test", LABELS))
    X_test = X_test.reshape(len(X_test), -1)
    return {
        "seconds": found.saved,
        "peak": found.peak,
        "accuracy": float((model.predict_index(X_test) == y_test).mean()),
    }


def runners(job: Job) -> dict[str, Callable[[], dict[str, Any]]]:
    """Return what runs each contestant once."""
    folder = job.dataset.folder
    spec = {"folder": str(folder), "lam": LAM, "model": str(folder / "model"), "epochs": job.epochs}
    found: dict[str, Callable[[], dict[str, Any]]] = {
        f"svmtrain fit, dual to a gap of {GAP:.0%}, Crammer-Singer": partial(
            svmtrain, job, {"name": "dual", "epochs": 500}, {"gap": GAP}
        ),
        f"svmtrain fit, sgd, {job.epochs} epochs, Crammer-Singer": partial(
            svmtrain, job, {"name": "sgd", "epochs": job.epochs}, {}
        ),
    }
    if installed("liblinear"):
        read = {**spec, "file": str(job.svmlight)}
        for scipy, title in ((False, "lists"), (True, "scipy")):
            found[f"LIBLINEAR -s 4, svmlight through {title}"] = partial(
                ask, "benchmarks.peers.whole_liblinear", {**read, "scipy": scipy}
            )
    if installed("sklearn"):
        read = {
            **spec,
            "images": str(job.file("train", IMAGES)),
            "labels": str(job.file("train", LABELS)),
        }
        for which in ("LinearSVC", "SGDClassifier"):
            found[f"{which}, one against rest"] = partial(
                ask, "benchmarks.peers.whole_sklearn", {**read, "which": which}
            )
    return found


def measure(
    folders: Sequence[Path], work: Path, options: Mapping[str, Any], say: Callable[[str], None]
) -> dict[str, Any]:
    """Return the spreads of seconds and peak of each contestant, and what its model is worth."""
    this = job(folders, work, options)
    name = "MNIST" if this.real else "made pictures"
    say(f"whole processes on {name}, {options['repeats']} repeats")
    answers = in_turn(runners(this), options["repeats"], say)
    return {
        "data": name,
        "rows": this.dataset.rows,
        "lambda": LAM,
        "contestants": {
            name: {key: spread([one[key] for one in own]) for key in FIGURES}
            for name, own in answers.items()
        },
    }
