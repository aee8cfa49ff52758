"""What `svmtrain runs list` and `compare` share: how their tables are sorted and printed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from svmtrain.cli.output import print_csv, print_json, table, tell

NONE = "no runs yet"

sort_option = click.option(
    "--sort", metavar="FIGURE", help="Sort by a figure, such as objective; the best first."
)
csv_option = click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")


def print_runs(
    header: Sequence[str],
    rows: Sequence[Sequence[object]],
    document: Any,
    folder: str,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Print figures of the runs in a folder as a table, as JSON or as CSV."""
    if as_json:
        print_json(document)
    elif as_csv:
        print_csv(header, rows)
    elif rows:
        tell(table(header, rows))
    else:
        from svmtrain.runs.other_place import runs_below

        below = runs_below(folder)
        tell(f"no runs here; look below: svmtrain runs list --dir {below}" if below else NONE)
