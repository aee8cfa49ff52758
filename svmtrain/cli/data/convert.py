"""`svmtrain data convert`: any data into a store, to be trained on without reading it whole."""

from __future__ import annotations

import sys
from typing import Any

import click

from svmtrain.cli.groups import Command
from svmtrain.cli.options import (
    any_path,
    column,
    columns,
    json_option,
    known_format,
    limit_one_thread,
    note,
    reading,
    suggest,
)
from svmtrain.cli.output import print_json, tell
from svmtrain.errors import printable

EXAMPLES = """
svmtrain data convert train.csv train.store --target species
svmtrain data convert big.csv.gz big.store --dtype float32
svmtrain data convert 'parts/*.csv' all.store
svmtrain data convert train.csv train.store --force
"""
DTYPES = ("own", "float32", "float64")


@click.command("convert", cls=Command, examples=EXAMPLES, short_help="Make a store of data.")
@click.argument("source", type=any_path)
@click.argument("dest", type=any_path)
@reading
@columns
@click.option(
    "--dtype",
    type=click.Choice(DTYPES),
    default="own",
    show_default=True,
    help="Type of the values; own is that of the source.",
)
@click.option("--force", is_flag=True, help="Replace the store if it exists.")
@json_option
@click.option("-q", "--quiet", is_flag=True, help="No progress and no notes.")
def command(
    source: str,
    dest: str,
    format_: str,
    dtype: str,
    force: bool,
    as_json: bool,
    quiet: bool,
    text_columns: tuple[str, ...],
    drop: tuple[str, ...],
    **read: Any,
) -> None:
    """Convert SOURCE into a store at DEST: a folder to train on without reading it whole.

    SOURCE is a file or folder of data, or a pattern in quotes of several files, which become one
    store. The memory this takes does not depend on the size of SOURCE. DEST is there whole or
    not at all; a conversion that was stopped is begun again.
    """
    limit_one_thread()
    from svmtrain.operations.data.convert import convert

    done = convert(
        source,
        dest,
        format=known_format(format_),
        dtype=None if dtype == "own" else dtype,
        force=force,
        say=(lambda text: None) if quiet else note,
        stream=None if quiet else sys.stderr,
        text_columns=tuple(map(column, text_columns)),
        drop=tuple(map(column, drop)),
        **read,
    )
    if as_json:
        print_json(done.to_dict())
    else:
        tell(printable(str(done)))
        if not quiet:
            suggest("config", "init", dest, "-o", "config.yaml")
