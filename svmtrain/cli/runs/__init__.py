"""`svmtrain runs`: the table of its commands. To add one is a module and a line."""

from __future__ import annotations

import click

from svmtrain.cli.groups import LazyGroup

COMMANDS = {
    "list": "svmtrain.cli.runs.list",
    "show": "svmtrain.cli.runs.show",
    "compare": "svmtrain.cli.runs.compare",
    "repair": "svmtrain.cli.runs.repair",
    "clean": "svmtrain.cli.runs.clean",
}

EXAMPLES = """
svmtrain runs list --sort objective
svmtrain runs show runs/digits
svmtrain runs compare runs/digits runs/weak
svmtrain runs repair runs/digits
svmtrain runs clean --yes
"""


@click.group(
    "runs",
    cls=LazyGroup,
    commands_at=COMMANDS,
    examples=EXAMPLES,
    short_help="List, compare, repair and clean runs.",
)
def command() -> None:
    """List, show and compare runs; mend and tidy their folders."""
