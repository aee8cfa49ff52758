"""`svmtrain runs`: list, show and compare runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from svmtrain.cli.groups import Command, LazyGroup
from svmtrain.cli.options import any_path, json_option, runs_option
from svmtrain.cli.output import facts, print_csv, print_json, table

if TYPE_CHECKING:
    from svmtrain.runs.catalogue import RunSummary

EXAMPLES = """
svmtrain runs list --sort objective
svmtrain runs show runs/digits
svmtrain runs compare runs/digits runs/digits-weak
"""
SHOWN_EPOCHS = 10

sort_option = click.option(
    "--sort", metavar="FIGURE", help="Sort by a figure, such as objective; the best first."
)
csv_option = click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")


@click.group("runs", cls=LazyGroup, examples=EXAMPLES, short_help="List and compare runs.")
def command() -> None:
    """List, show and compare runs."""


@command.command(
    "list",
    cls=Command,
    examples="svmtrain runs list --sort objective",
    short_help="A line a run: status, epochs, objective, accuracies, time.",
)
@runs_option
@sort_option
@json_option
@csv_option
def list_(folder: str, sort: str | None, as_json: bool, as_csv: bool) -> None:
    """List the runs in a folder."""
    from svmtrain.runs.catalogue import FIGURES, find_runs, sort_runs, summarize

    runs = sort_runs([summarize(run) for run in find_runs(folder)], sort)
    rows = [[run.name, *(run.figures[name] for name in FIGURES)] for run in runs]
    document = [run.to_dict() for run in runs]
    _print(["run", *FIGURES], rows, document, as_json, as_csv)


@command.command(
    "compare",
    cls=Command,
    examples="svmtrain runs compare runs/digits runs/digits-weak --sort validation_accuracy",
    short_help="Figures of several runs beside the settings they differ in.",
)
@click.argument("runs", nargs=-1, type=any_path)
@runs_option
@sort_option
@json_option
@csv_option
def compare(
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
    _print(header, rows, document, as_json, as_csv)


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


def _print(
    header: Sequence[str],
    rows: Sequence[Sequence[object]],
    document: Any,
    as_json: bool,
    as_csv: bool,
) -> None:
    if as_json:
        print_json(document)
    elif as_csv:
        print_csv(header, rows)
    elif rows:
        click.echo(table(header, rows))
    else:
        click.echo("no runs yet")


@command.command(
    "show",
    cls=Command,
    examples="svmtrain runs show runs/digits",
    short_help="What a run is and how it went.",
)
@click.argument("run", type=any_path)
@json_option
def show(run: str, as_json: bool) -> None:
    """Show what RUN is, how it went, and what it left."""
    from dataclasses import asdict

    from svmtrain.runs.catalogue import read_records, status, summarize
    from svmtrain.runs.directory import RunDirectory

    directory = RunDirectory(run)
    directory.require()
    summary, info, records = summarize(directory), directory.read_info(), read_records(directory)
    if as_json:
        print_json({**info, "settings": summary.settings, "records": list(map(asdict, records))})
        return
    lines = [
        ("run", summary.path),
        ("status", status(directory, info)),
        ("reason", info.get("reason")),
        ("started", info.get("started")),
        ("ended", info.get("ended")),
        ("command", " ".join(map(str, info.get("command", [])))),
        *((name, summary.figures[name]) for name in summary.figures if name != "status"),
        ("checkpoints", ", ".join(path.name for path in directory.checkpoint_files()) or "none"),
        ("model", directory.model if directory.model.exists() else "none yet"),
    ]
    click.echo(facts(lines))
    if records:
        click.echo("\n" + _epochs([asdict(record) for record in records]))


def _epochs(records: Sequence[dict[str, Any]]) -> str:
    """Return a table of at most `SHOWN_EPOCHS` epochs, evenly spread, the last among them."""
    stride = -(-len(records) // SHOWN_EPOCHS)
    shown = list(records[::-1][::stride])[::-1]
    names = (
        "epoch",
        "lr",
        "train_loss",
        "objective",
        "train_accuracy",
        "validation_loss",
        "validation_accuracy",
        "active_margins",
    )
    return table(names, [[record[name] for name in names] for record in shown])
