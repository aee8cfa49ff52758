"""The race: every contestant on every data set, in fresh processes, in turn.

`CONTESTANTS` is the table. Each minimises an objective of its own; those of one family, on one
data set and with one lambda, have the same optimum and are compared with one another. Two classes
make one family of all of them, `hinge`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks import ours
from benchmarks.children import ask, in_turn, installed
from benchmarks.datasets import Dataset

PROVEN = 5e-4
"""The gap at which svmtrain's dual ascent stops: half of the smallest that is asked about."""
PATIENCE = 3
"""A peer that has not ended after so many times its budget is left out."""
SHOWN = 1e-2
"""The gap whose epoch is the plain result of dual ascent."""


@dataclass(frozen=True)
class Contestant:
    """One way to train.

    Attributes
    ----------
    name : str
    loss : str
        What it minimises: a name in `objectives.LOSSES`.
    module : str
        The peer's script, or `ours`.
    needs : tuple of str
        Packages without which it is not run.
    settings : mapping
        The peer's settings, or sections of svmtrain's config.
    dense : bool
        Whether it takes dense rows alone.
    for_two : str or None
        What it minimises when there are two classes; None is not to run it.
    without : str
        A package that is hidden from it.
    """

    name: str
    loss: str
    module: str
    needs: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    dense: bool = False
    for_two: str | None = None
    without: str = "nothing"


def dual(loss: str, title: str, *, compiled: bool) -> Contestant:
    """Return svmtrain's dual ascent for a loss, with or without numba."""
    return Contestant(
        name=f"svmtrain dual, {title}{', numba' if compiled else ''}",
        loss=loss,
        module="ours",
        needs=("numba",) if compiled else (),
        settings={
            "objective": {"loss": loss},
            "solver": {"name": "dual", "epochs": 500, "dtype": "float32"},
            "stop": {"gap": PROVEN},
        },
        for_two=loss if loss == "weston_watkins" else None,
        without="nothing" if compiled else "numba",
    )


CONTESTANTS = (
    *(
        dual(loss, title, compiled=compiled)
        for loss, title in (
            ("weston_watkins", "Weston-Watkins"),
            ("crammer_singer", "Crammer-Singer"),
            ("one_vs_rest", "one against rest"),
        )
        for compiled in (False, True)
    ),
    Contestant(
        "svmtrain sgd, Weston-Watkins",
        "weston_watkins",
        "ours",
        settings={
            "objective": {"loss": "weston_watkins"},
            "solver": {"name": "sgd", "epochs": 10, "dtype": "float32"},
        },
        for_two="weston_watkins",
    ),
    Contestant(
        "LIBLINEAR -s 3, one against rest",
        "one_vs_rest",
        "liblinear_svm",
        ("liblinear", "scipy"),
        {"solver": 3},
        for_two="hinge",
    ),
    Contestant(
        "LIBLINEAR -s 4, Crammer-Singer",
        "crammer_singer",
        "liblinear_svm",
        ("liblinear", "scipy"),
        {"solver": 4},
        for_two="crammer_singer",
    ),
    Contestant(
        "LinearSVC, one against rest",
        "one_vs_rest",
        "linear_svc",
        ("sklearn",),
        for_two="hinge",
    ),
    Contestant(
        "SGDClassifier, one against rest",
        "one_vs_rest",
        "sgd_classifier",
        ("sklearn",),
        for_two="hinge",
    ),
    Contestant(
        "plain numpy loop, Weston-Watkins",
        "weston_watkins",
        "numpy_loop",
        dense=True,
        for_two="weston_watkins",
    ),
    Contestant(
        "torch SGD, Weston-Watkins",
        "weston_watkins",
        "torch_margin",
        ("torch",),
        dense=True,
        for_two="weston_watkins",
    ),
    Contestant(
        "mlpack L-BFGS, Weston-Watkins",
        "weston_watkins",
        "mlpack_svm",
        ("mlpack",),
        dense=True,
        for_two="weston_watkins",
    ),
)


@dataclass(frozen=True)
class Entry:
    """A contestant on a data set with a lambda."""

    contestant: Contestant
    dataset: Dataset
    lam: float
    budget: float
    epochs: int

    @property
    def kind(self) -> str:
        """What it minimises here."""
        two = self.dataset.classes == 2
        return (self.contestant.for_two or "") if two else self.contestant.loss

    @property
    def family(self) -> str:
        """The name of all objectives here that have the same optimum."""
        return "hinge" if self.dataset.classes == 2 else self.kind

    def possible(self) -> bool:
        """Return whether the contestant can be run here."""
        fits = bool(self.kind) and not (self.contestant.dense and self.dataset.sparse)
        return fits and all(installed(package) for package in self.contestant.needs)

    def runner(self) -> Callable[[], dict[str, Any]]:
        """Return what runs it once; svmtrain is first run once more than it is measured."""
        return Ours(self) if self.contestant.module == "ours" else self.peer

    def peer(self) -> dict[str, Any]:
        """Run a peer."""
        spec = {
            "folder": str(self.dataset.folder),
            "kind": self.kind,
            "lam": self.lam,
            "budget": self.budget,
            "epochs": self.epochs,
            "settings": dict(self.contestant.settings),
        }
        return ask(f"benchmarks.peers.{self.contestant.module}", spec, PATIENCE * self.budget + 60)


class Ours:
    """Runs of svmtrain. The first call makes one that is not measured.

    It has the test rows as validation rows and so finds the accuracy after each epoch, which the
    measured runs, that make the same steps, need not look for; it compiles what is compiled once.
    """

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.accuracies: list[float | None] | None = None

    def settings(self, validation: str | int, seconds: float) -> dict[str, dict[str, Any]]:
        """Return the config of a run that trains for so long at most."""
        entry, given = self.entry, self.entry.contestant.settings
        data = {"train": str(entry.dataset.train_file()), "validation": validation, "cache": "off"}
        return {
            "data": data,
            "preprocess": {"scale": "none"},
            "objective": {**given["objective"], "lambda": entry.lam},
            "solver": {**given["solver"], **self.few_epochs()},
            "stop": {**given.get("stop", {}), "max_seconds": seconds},
            "checkpoint": {"every": "none"},
        }

    def few_epochs(self) -> dict[str, int]:
        """Return how many epochs sgd makes: as many as the peers that count in epochs."""
        is_sgd = self.entry.contestant.settings["solver"]["name"] == "sgd"
        return {"epochs": self.entry.epochs} if is_sgd else {}

    def __call__(self) -> dict[str, Any]:
        """Run svmtrain once."""
        dataset, without = self.entry.dataset, self.entry.contestant.without
        folder = dataset.folder / "svmtrain"
        if self.accuracies is None:
            longer = self.settings(str(dataset.test_file()), 1.5 * self.entry.budget)
            watched = ours.fit(longer, folder, without)
            self.accuracies = [epoch["validation_accuracy"] for epoch in watched.epochs]
        found = ours.fit(self.settings(0, self.entry.budget), folder, without)
        is_dual = self.entry.contestant.settings["solver"]["name"] == "dual"
        return ours.told(found, self.accuracies, SHOWN if is_dual else None)


def race(
    dataset: Dataset, lam: float, options: Mapping[str, Any], say: Callable[[str], None]
) -> dict[str, Any]:
    """Run all contestants on a data set with a lambda; return every answer of every repeat."""
    entries = [
        Entry(contestant, dataset, lam, options["budget"], options["epochs"])
        for contestant in CONTESTANTS
    ]
    able = {
        entry.contestant.name: entry
        for entry in entries
        if entry.possible() and not (options["quick"] and entry.contestant.needs == ("numba",))
    }
    say(f"{dataset.name}, lambda {lam:g}: {len(able)} contestants, {options['repeats']} repeats")
    runners = {name: entry.runner() for name, entry in able.items()}
    answers = in_turn(runners, options["repeats"], say)
    return {
        "dataset": dataset.name,
        "lambda": lam,
        "rows": dataset.rows,
        "features": dataset.features,
        "classes": dataset.classes,
        "sparse": dataset.sparse,
        "contestants": {
            name: {"kind": able[name].kind, "family": able[name].family, "repeats": found}
            for name, found in answers.items()
        },
    }


def missing() -> list[str]:
    """Return a line for each package that a contestant needs and that is not installed."""
    needed = sorted({package for one in CONTESTANTS for package in one.needs})
    return [
        f"{package} is not installed: its rows are left out"
        for package in needed
        if not installed(package)
    ]
