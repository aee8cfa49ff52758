"""`svmtrain doctor`: the checklist before a long training."""

from __future__ import annotations

import click

from svmtrain.cli.groups import Command
from svmtrain.cli.options import any_path, json_option, limit_one_thread, set_option, suggest
from svmtrain.cli.output import print_json, table, tell

EXAMPLES = """
svmtrain doctor configs/digits.yaml
svmtrain doctor configs/digits.yaml --set preprocess.scale=none
"""


@click.command("doctor", cls=Command, examples=EXAMPLES, short_help="Examine a config.")
@click.argument("config", type=any_path)
@set_option
@json_option
def command(config: str, overrides: tuple[str, ...], as_json: bool) -> None:
    """Examine CONFIG and its data: each line is OK, WARN or FAIL, with the figure.

    Exit code 1 when a line is FAIL.
    """
    limit_one_thread()
    from svmtrain.errors import CheckFailed
    from svmtrain.operations.doctor import FAIL, examine

    lines = examine(config, overrides)
    if as_json:
        print_json([vars(line) for line in lines])
    else:
        rows = [[line.status, line.what, line.figure] for line in lines]
        tell(table(["", "examination", "figure"], rows))
    failed = [line.what for line in lines if line.status == FAIL]
    if failed:
        raise CheckFailed(f"failed: {'; '.join(failed)}")
    if not as_json:
        changes = [word for one in overrides for word in ("--set", one)]
        suggest("fit", config, *changes)
