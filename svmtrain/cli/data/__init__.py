"""`svmtrain data`: the table of its commands. To add one is a module and a line."""

from __future__ import annotations

import click

from svmtrain.cli.groups import LazyGroup

COMMANDS = {
    "fetch": "svmtrain.cli.data.fetch",
    "info": "svmtrain.cli.data.info",
    "check": "svmtrain.cli.data.check",
    "split": "svmtrain.cli.data.split",
    "convert": "svmtrain.cli.data.convert",
}

EXAMPLES = """
svmtrain data fetch
svmtrain data fetch mnist
svmtrain data info train.csv
svmtrain data convert train.csv train.store
"""


@click.group(
    "data",
    cls=LazyGroup,
    commands_at=COMMANDS,
    examples=EXAMPLES,
    short_help="Get data, look at them, split and convert them.",
)
def command() -> None:
    """Work with data before training."""
