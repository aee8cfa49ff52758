"""`svmtrain runs repair`: what is broken in a run, and mending it."""

from __future__ import annotations

import click

from svmtrain.cli.groups import Command
from svmtrain.cli.options import any_path, json_option
from svmtrain.cli.output import counted, print_json, tell

EXAMPLES = """
svmtrain runs repair runs/digits
svmtrain runs repair runs/digits --yes
"""


@click.command("repair", cls=Command, examples=EXAMPLES, short_help="Say what is broken; mend it.")
@click.argument("run", type=any_path)
@click.option("--yes", is_flag=True, help="Do what would be done.")
@json_option
def command(run: str, yes: bool, as_json: bool) -> None:
    """Say what is broken in RUN and what would be done; with --yes, do it.

    What is damaged is moved to quarantine/; nothing is deleted but what processes that were killed
    had half written: temporary files, and a record that was cut off. The exit code is 1 when
    something is left that only you can mend.
    """
    from svmtrain.errors import CheckFailed, InUseError
    from svmtrain.runs.directory import RunDirectory
    from svmtrain.runs.repair import examine, repair

    directory = RunDirectory(run)
    if not yes and directory.is_locked():
        raise InUseError("another svmtrain is working on this run", path=run)
    findings = repair(directory) if yes else examine(directory)
    if as_json:
        document = [
            {
                "path": str(one.path),
                "problem": one.problem,
                "remedy": one.remedy,
                "done": yes and one.act is not None,
            }
            for one in findings
        ]
        print_json(document)
    else:
        for one in findings:
            done = "done" if yes and one.act else "would" if one.act else "not mended"
            tell(f"{one.path}: {one.problem}\n  {done}: {one.remedy}")
        if not findings:
            tell(f"{run}: nothing is broken")
        elif not yes and any(one.act for one in findings):
            tell("nothing was changed; --yes does it")
    beyond = sum(one.act is None for one in findings)
    if beyond:
        what = f"{beyond} of {counted(len(findings), 'finding')}"
        raise CheckFailed(f"{what} cannot be mended here", path=run)
