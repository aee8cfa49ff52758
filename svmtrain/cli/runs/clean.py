"""`svmtrain runs clean`: delete what runs no longer need."""

from __future__ import annotations

import click

from svmtrain.cli.groups import Command
from svmtrain.cli.options import any_path, json_option, note, runs_option
from svmtrain.cli.output import counted, print_json, table, tell

EXAMPLES = """
svmtrain runs clean
svmtrain runs clean runs/digits --checkpoints --yes
"""


@click.command("clean", cls=Command, examples=EXAMPLES, short_help="Delete what is not needed.")
@click.argument("runs", nargs=-1, type=any_path)
@runs_option
@click.option("--checkpoints", is_flag=True, help="Also those of finished runs, but the newest.")
@click.option("--yes", is_flag=True, help="Delete; without it, files are only listed.")
@json_option
def command(
    runs: tuple[str, ...], folder: str, checkpoints: bool, yes: bool, as_json: bool
) -> None:
    """List, and with --yes delete, what RUNS, or all runs in the folder, no longer need.

    That is temporary files of processes that were killed, and what was set aside as damaged. Only
    names that svmtrain gives are touched, and no run that is being trained.
    """
    from svmtrain.runs.catalogue import find_runs
    from svmtrain.runs.clean import find_useless, remove
    from svmtrain.runs.path import runs_of

    named = [run for path in runs for run in runs_of(path)]
    directories = named if runs else find_runs(folder)
    for directory in directories:
        directory.require()
    idle = [run for run in directories if not run.is_locked()]
    found = [one for run in idle for one in find_useless(run, with_checkpoints=checkpoints)]
    left = remove(found) if yes else []
    for text in left:
        note(f"warning: left alone: {text}")
    if as_json:
        keys = [{"path": str(f.path), "bytes": f.size, "why": f.why} for f in found]
        print_json({"deleted": yes, "files": keys})
        return
    if found:
        tell(table(["file", "bytes", "why"], [[str(f.path), f.size, f.why] for f in found]))
        done = "deleted" if yes else "nothing was deleted; --yes deletes them"
        tell(f"{counted(len(found), 'file')}, {sum(one.size for one in found):,} bytes: {done}")
    else:
        tell("there is nothing to clean")
