"""`svmtrain runs compare`: figures of several runs beside the settings they differ in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from svmtrain.cli.groups import Command
from svmtrain.cli.options import any_path, json_option, runs_option
from svmtrain.cli.runs.tables import csv_option, print_runs, sort_option

if TYPE_CHECKING:
    from svmtrain.runs.catalogue import RunSummary


@click.command(
    "compare",
    cls=Command,
    examples="svmtrain runs compare runs/digits runs/weak --sort validation_accuracy",
    short_help="Figures of several runs beside the settings they differ in.",
)
@click.argument("runs", nargs=-1, type=any_path)
@runs_option
@sort_option
@json_option
@csv_option
def command(
    runs: tuple[str, ...], folder: str, sort: str | None, as_json: bool, as_csv: bool
) -> None:
    """Compare RUNS, or all runs in the folder: their figures, and where their configs differ.

    The folder of a path stands for its runs.
    """
    from svmtrain.runs.catalogue import differing_settings, find_runs, sort_runs, summarize
    from svmtrain.runs.path import runs_of

    directories = [run for path in runs for run in runs_of(path)]
    if not runs:
        directories = find_runs(folder)
    for directory in directories:
        directory.require()
    found = sort_runs([summarize(directory) for directory in directories], sort)
    keys = differing_settings(found) if found else []
    document = [
        {**run.to_dict(), "settings": {key: run.settings.get(key) for key in keys}} for run in found
    ]
    header, rows = _comparison(found, keys)
    print_runs(header, rows, document, folder, as_json, as_csv)


def _comparison(
    runs: Sequence[RunSummary], keys: Sequence[str]
) -> tuple[list[str], list[list[object]]]:
    """Return a table with the differing settings between the name and the figures."""
    from svmtrain.runs.catalogue import FIGURES

    short = [key.partition(".")[2] for key in keys]
    taken = [*short, *FIGURES, "gap", "name"]  # read alone, those would be the run's
    names = [s if taken.count(s) == 1 else key for s, key in zip(short, keys, strict=True)]
    rows: list[list[object]] = [
        [
            run.name,
            *(_setting(run.settings.get(key)) for key in keys),
            *(run.figures[name] for name in FIGURES),
        ]
        for run in runs
    ]
    return ["run", *names, *FIGURES], rows


def _setting(value: object) -> str | None:
    return None if value is None else str(value)
