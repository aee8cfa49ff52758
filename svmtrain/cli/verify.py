"""`svmtrain verify`: make a run again and compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from svmtrain.cli.groups import Command
from svmtrain.cli.options import any_path, json_option, limit_threads, loudness, threads_option
from svmtrain.cli.output import facts, print_json, tell

if TYPE_CHECKING:
    from svmtrain.operations.verify import Verification

EXAMPLES = """
svmtrain verify runs/digits
svmtrain verify runs/path
"""


@click.command("verify", cls=Command, examples=EXAMPLES, short_help="Make a run again, compare.")
@click.argument("run", type=any_path)
@threads_option
@json_option
@loudness
def command(run: str, threads: str | None, as_json: bool, quiet: bool, verbose: bool) -> None:
    """Make RUN again from its config and data, in memory, and compare all that it left.

    The epochs' figures, the loss of each step and the bytes of the model must be the same; if
    not, the first step that differs is named and the exit code is 1. A RUN that was stopped is
    compared as far as it came. Of a path, each run is made again. Nothing is written.
    """
    from pathlib import Path

    from svmtrain.config import load_config
    from svmtrain.errors import CheckFailed, ModelError

    stored = Path(run) / "config.yaml"
    if stored.exists():
        flags = {} if threads is None else {"solver.threads": threads}
        limit_threads(load_config(stored, flags=flags))
    from svmtrain.cli.fit import make_session
    from svmtrain.operations.verify import verify
    from svmtrain.runs.path import runs_of

    session = make_session(quiet, verbose)
    runs = runs_of(run)
    if not runs:
        raise ModelError("no run of this path was begun, so there is nothing to verify", path=run)
    found = [verify(one, session) for one in runs]
    if as_json:
        print_json([one.to_dict() for one in found] if len(found) > 1 else found[0].to_dict())
    else:
        tell("\n\n".join(_told(one) for one in found))
    for one in found:
        if one.difference is not None:
            because = "; the environment is another, as said above" if one.environment else ""
            raise CheckFailed(f"{one.difference}{because}", path=one.run)


def _told(found: Verification) -> str:
    """Return what was compared, in a few lines."""
    if not found.model:
        model = "not compared: the run is not finished"
    elif found.same_epochs < found.epochs:
        model = "not compared: the epochs differ"
    else:
        model = "equal, byte for byte" if found.equal else "different"
    lost = ""
    if found.equal and found.same_steps < found.steps:
        lost = "; steps.f64 does not have the others"
    lines = [
        ("run", found.run),
        ("epochs", f"{found.same_epochs:,} of {found.epochs:,} equal"),
        ("steps", f"{found.same_steps:,} of {found.steps:,} equal{lost}"),
        ("model", model),
    ]
    return facts(lines)
