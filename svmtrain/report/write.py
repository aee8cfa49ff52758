"""Make the page about runs and put it into a file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from svmtrain import interrupts
from svmtrain.build import Splits
from svmtrain.errors import ConfigError
from svmtrain.files import open_regular, write_atomic
from svmtrain.report.experiment import read_experiment
from svmtrain.report.page import GENERATOR, page
from svmtrain.report.story import tell_story
from svmtrain.runs.directory import RunDirectory, is_path
from svmtrain.runs.path import runs_of

HEAD = 2048
"""How much of a file is looked at to see whether it is a page made before."""


def find_all(places: Sequence[str]) -> list[RunDirectory]:
    """Return the runs that some paths name: those of a path of several runs are all of them.

    Raises
    ------
    ConfigError
        When one is no run, or is named twice.
    """
    found: list[RunDirectory] = []
    for place in places:
        if is_path(place):
            found += [run for run in runs_of(Path(place)) if run.exists()]
        else:
            found.append(RunDirectory(place))
    for run in found:
        run.require()
    paths = [run.path.resolve() for run in found]
    twice = next((path for path in paths if paths.count(path) > 1), None)
    if twice is not None:
        raise ConfigError("is named twice", path=twice)
    return found


def _refuse_other_file(target: Path) -> None:
    """Raise ConfigError when a file would be replaced that is no page made before."""
    if not target.exists():
        return
    with open_regular(target, ConfigError) as file:
        if GENERATOR.encode() not in file.read(HEAD):
            raise ConfigError(
                "exists and is no page of svmtrain; name another file with -o", path=target
            )


def write_report(places: Sequence[str], to: str | None = None, image: str | None = None) -> Path:
    """Write the page about runs; return where it is.

    Parameters
    ----------
    places : sequence of str
        Run directories, paths of several runs, or one experiment.
    to : str, optional
        The file; report.html in the run or the experiment if there is one, else report.html.
    image : str, optional
        The shape of rows that are pictures, or `none`; see `images.parse_shape`.

    Raises
    ------
    ConfigError
        When there is no such run, the file is there and no page, or without Jinja2 and matplotlib.
    StorageError
        When the file cannot be written.
    """
    experiment = read_experiment(places[0]) if len(places) == 1 else None
    runs = find_all(places) if experiment is None else experiment.runs
    target = Path("report.html") if len(runs) > 1 else runs[0].report
    if len(places) == 1:
        target = Path(places[0]) / "report.html"
    target = Path(to) if to else target
    _refuse_other_file(target)
    known: dict[str, Splits] = {}
    stories = []
    for run in runs:
        interrupts.check()
        stories.append(tell_story(run, image, known))
    write_atomic(target, page(stories, experiment, Path(os.path.abspath(places[0])).name))
    return target
