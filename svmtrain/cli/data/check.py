"""`svmtrain data check`: every fault of some data, with file and line."""

from __future__ import annotations

from typing import Any

import click

from svmtrain.cli.groups import Command
from svmtrain.cli.options import (
    any_path,
    columns,
    json_option,
    known_format,
    limit_one_thread,
    read_options,
    reading,
    repeated,
    suggest,
)
from svmtrain.cli.output import counted, print_json, tell

EXAMPLES = """
svmtrain data check train.csv
svmtrain data check train.svm --limit 100
svmtrain data check adult.csv --target income --text --gaps
"""


@click.command("check", cls=Command, examples=EXAMPLES, short_help="List the faults of data.")
@click.argument("source", type=any_path)
@reading
@columns
@click.option("--text", is_flag=True, help="Columns may hold text.")
@click.option("--gaps", is_flag=True, help="Cells may be gaps.")
@click.option(
    "--limit", type=click.IntRange(1), default=20, show_default=True, help="Most faults to list."
)
@json_option
def command(
    source: str, format_: str, text: bool, gaps: bool, limit: int, as_json: bool, **read: Any
) -> int:
    """List every fault of SOURCE, a line each; exit 3 when there is one."""
    limit_one_thread()
    from dataclasses import replace

    from svmtrain.errors import printable
    from svmtrain.operations.data.check import check_data

    options = replace(read_options(**read), text=text, gaps=gaps)
    found = check_data(source, known_format(format_), options, limit)
    if as_json:
        print_json(found.to_dict())
    else:
        for fault in found.faults:
            tell(printable(str(fault)))
        for fault in found.unread:
            tell(printable(f"{fault.path}: cannot be read past line {fault.line}"))
        for sentence in found.warnings:
            tell(f"note: {printable(sentence)}")
        if not found.complete:
            tell(f"stopped after {counted(len(found.faults), 'fault')} (--limit)")
        elif not found.faults:
            rows, files = counted(found.rows, "row"), counted(found.files, "file")
            tell(f"{rows} in {files}, no fault")
            suggest("config", "init", source, *repeated(read, format_), "-o", "config.yaml")
    return 3 if found.faults else 0
