"""`svmtrain config`: show, explain and begin configs."""

from __future__ import annotations

from typing import Any

import click

from svmtrain.cli.groups import Command, LazyGroup
from svmtrain.cli.options import (
    any_path,
    columns,
    json_option,
    known_format,
    read_options,
    reading,
    set_option,
)
from svmtrain.cli.output import print_json, tell
from svmtrain.errors import printable

EXAMPLES = """
svmtrain config init data.csv -o data.yaml
svmtrain config show configs/digits.yaml --set solver.epochs=50
svmtrain config schema
"""


@click.group("config", cls=LazyGroup, examples=EXAMPLES, short_help="Show or begin a config.")
def command() -> None:
    """Show, explain and begin configs."""


@command.command(
    "show",
    cls=Command,
    examples="svmtrain config show configs/digits.yaml --set solver.epochs=50",
    short_help="Print a config with everything filled in.",
)
@click.argument("config", type=any_path)
@set_option
@json_option
def show(config: str, overrides: tuple[str, ...], as_json: bool) -> None:
    """Print CONFIG with every default filled in and every --set applied."""
    from svmtrain.config import load_config, to_dict, to_yaml

    loaded = load_config(config, overrides)
    if as_json:
        print_json(to_dict(loaded))
    else:
        tell(to_yaml(loaded), nl=False)


@command.command(
    "schema",
    cls=Command,
    examples="svmtrain config schema",
    short_help="List every key with type, default and meaning.",
)
@json_option
def schema(as_json: bool) -> None:
    """List every key with its type, its default and one line of help."""
    from svmtrain.config import schema_json, schema_text

    tell(schema_json() if as_json else schema_text())


@command.command(
    "init",
    cls=Command,
    examples="svmtrain config init data.csv --target species -o iris.yaml",
    short_help="Write a commented starter config for a data file.",
)
@click.argument("data", type=any_path)
@reading
@columns
@click.option("--test", metavar="FILE", type=any_path, help="A file of test rows.")
@click.option("-o", "--output", type=any_path, help="File to write; stdout if not given.")
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
def init(
    data: str,
    test: str | None,
    format_: str,
    output: str | None,
    force: bool,
    **read: Any,
) -> None:
    """Write a commented starter config for DATA, after reading it."""
    from svmtrain.operations.data.starter import starter_config

    text = starter_config(data, read_options(**read), test, known_format(format_), output)
    if output is None:
        tell(text, nl=False)
        return
    from pathlib import Path

    from svmtrain.errors import ConfigError
    from svmtrain.files import refuse_same_file, write_atomic

    refuse_same_file(output, [data, *([test] if test else [])])
    if Path(output).exists() and not force:
        raise ConfigError("exists already (--force replaces it)", path=output)
    write_atomic(output, text.encode())
    tell(printable(f"wrote {output}; next: svmtrain fit {output}"))
