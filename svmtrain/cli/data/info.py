"""`svmtrain data info`: what is in some data."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

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
)
from svmtrain.cli.output import facts, print_json, table, tell
from svmtrain.errors import printable

if TYPE_CHECKING:
    from svmtrain.operations.data.facts import DataInfo

EXAMPLES = """
svmtrain data info train.csv --target species
svmtrain data info images-idx3-ubyte.gz
svmtrain data info 'parts/*.csv' --json
"""
MOST_CLASSES = 30
HEADER = ("column", "kind", "gaps", "zeros", "low", "mean", "high", "deviation", "texts")


def _most(context: click.Context, parameter: click.Parameter, value: str) -> int:
    """Return the number of columns that is meant."""
    if value == "all":
        return sys.maxsize
    if not (value.isascii() and value.isdigit()):
        raise click.BadParameter(f"{value!r} is neither a number nor all")
    return int(value)


@click.command("info", cls=Command, examples=EXAMPLES, short_help="Tell what is in data.")
@click.argument("source", type=any_path)
@reading
@columns
@click.option(
    "--columns",
    "most",
    metavar="N|all",
    callback=_most,
    default="20",
    show_default=True,
    help="Most columns to list, the most telling ones; or all.",
)
@json_option
def command(source: str, format_: str, most: int, as_json: bool, **read: Any) -> None:
    """Tell what is in SOURCE (a file, a folder, a pattern in quotes), and what to look out for."""
    limit_one_thread()
    from svmtrain.operations.data.info import data_info

    info = data_info(source, known_format(format_), read_options(**read))
    if as_json:
        print_json(info.to_dict())
    else:
        tell(text(info, most))


def text(info: DataInfo, most: int) -> str:
    """Return what is known as text."""
    repeated = "too many rows to compare" if info.duplicate_rows is None else info.duplicate_rows
    base = f"from 1, the smallest is {info.smallest_index}"
    parts = [
        facts(
            [
                ("source", info.source),
                ("format", info.format + (f", {info.files} files" if info.files > 1 else "")),
                ("rows", f"{info.rows:,}"),
                ("features", f"{info.features:,}"),
                ("values", f"{info.dtype}, {info.density:.2%} of them not 0"),
                ("in memory", f"{info.memory:,} bytes, {info.held}"),
                ("repeated rows", repeated),
                *([("indices", base)] if info.smallest_index else []),
            ]
        )
    ]
    if info.classes is not None:
        counted = sorted(info.classes.items(), key=lambda pair: -pair[1])[:MOST_CLASSES]
        rows = [(label, count, count / info.rows) for label, count in counted]
        parts.append(table(("class", "rows", "share"), rows))
        if len(info.classes) > MOST_CLASSES:
            parts[-1] += f"\n... and {len(info.classes) - MOST_CLASSES:,} more classes"
    listed = [
        (c.name, c.kind, c.gaps, c.zeros, c.low, c.mean, c.high, c.deviation, _texts(c))
        for c in info.telling(most)
    ]
    if listed:
        parts.append(table(HEADER, listed))
        if len(info.columns) > most:
            parts[-1] += f"\n... and {len(info.columns) - most:,} more (--columns, --json)"
    parts.append(
        "\n".join(f"note: {printable(sentence)}" for sentence in info.warnings) or "no warnings"
    )
    return "\n\n".join(parts)


def _texts(column: Any) -> str | None:
    if column.texts is None:
        return None
    common = "" if column.commonest is None else f", mostly {column.commonest}"
    return f"{column.texts:,}{common}"
