"""`svmtrain runs list`: a line a run."""

from __future__ import annotations

import click

from svmtrain.cli.groups import Command
from svmtrain.cli.options import json_option, runs_option
from svmtrain.cli.runs.tables import csv_option, print_runs, sort_option


@click.command(
    "list",
    cls=Command,
    examples="svmtrain runs list --sort objective",
    short_help="A line a run: status, epochs, objective, accuracies, time.",
)
@runs_option
@sort_option
@json_option
@csv_option
def command(folder: str, sort: str | None, as_json: bool, as_csv: bool) -> None:
    """List the runs in a folder, and those of paths that are still to come."""
    from svmtrain.runs.catalogue import FIGURES, find_runs, sort_runs, summarize, to_come

    begun = [summarize(run) for run in find_runs(folder)]
    runs = sort_runs([*begun, *to_come(folder)], sort)
    rows = [[run.name, *(run.figures[name] for name in FIGURES)] for run in runs]
    document = [run.to_dict() for run in runs]
    print_runs(["run", *FIGURES], rows, document, folder, as_json, as_csv)
