"""`svmtrain data split`: rows held out into files of their own."""

from __future__ import annotations

from typing import Any

import click

from svmtrain.cli.groups import Command
from svmtrain.cli.options import (
    any_path,
    any_seed,
    json_option,
    known_format,
    limit_one_thread,
    read_options,
    reading,
    repeated,
    suggest,
)
from svmtrain.cli.output import print_json, table, tell

EXAMPLES = """
svmtrain data split all.csv --test 0.2 --stratify -o parts
svmtrain data split all.svm --test 0.1 --validation 0.1 -o parts
"""
MOST_CLASSES = 10
SHARE = click.FloatRange(0, 1, min_open=True, max_open=True)


@click.command("split", cls=Command, examples=EXAMPLES, short_help="Hold out rows into files.")
@click.argument("source", type=any_path)
@reading
@click.option("--test", type=SHARE, default=0.2, show_default=True, help="Share of the rows.")
@click.option("--validation", type=SHARE, help="Share of the rows that are left.")
@click.option(
    "--stratify/--no-stratify",
    default=True,
    show_default=True,
    help="Let each class keep its share.",
)
@click.option(
    "--seed", type=any_seed, metavar="N", default=0, show_default=True, help="Of the draw."
)
@click.option(
    "-o", "--out", type=any_path, metavar="DIR", help="Where to write.  [default: NAME-parts]"
)
@click.option("--force", is_flag=True, help="Replace files that are there.")
@json_option
def command(
    source: str,
    format_: str,
    test: float,
    validation: float | None,
    stratify: bool,
    seed: int,
    out: str | None,
    force: bool,
    as_json: bool,
    **read: Any,
) -> None:
    """Write the rows of SOURCE into files in DIR: train, test, and validation.

    The same rows are held out as by a config with these fractions and this seed. Text keeps its
    very lines, unpacked if they were compressed; stores become stores, and other formats npz
    files, or stores where npz cannot hold them.
    """
    limit_one_thread()
    from svmtrain.operations.data.split import default_folder, keeps_its_form, split_data

    parts = split_data(
        source,
        out or default_folder(source),
        format=known_format(format_),
        options=read_options(**read),
        test=test,
        validation=validation or 0.0,
        stratified=stratify,
        seed=seed,
        force=force,
    )
    if as_json:
        print_json([part.to_dict() for part in parts])
        return
    rows = [(part.name, part.rows, part.path, _classes(part.classes)) for part in parts]
    tell(table(("part", "rows", "file", "classes"), rows))
    paths = {part.name: part.path for part in parts}
    said = repeated(read, format_) if keeps_its_form(paths["train"]) else []
    suggest("config", "init", paths["train"], *said, "--test", paths["test"], "-o", "config.yaml")


def _classes(counts: dict[str, int]) -> str:
    """Return how many rows the first classes have, and how many more classes there are."""
    told = [f"{label}: {count}" for label, count in counts.items()]
    more = len(told) - MOST_CLASSES
    return ", ".join(told[:MOST_CLASSES]) + (f" and {more:,} more" if more > 0 else "")
