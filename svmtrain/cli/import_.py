"""`svmtrain import`: a model of LIBLINEAR as one of svmtrain."""

from __future__ import annotations

import click

from svmtrain.cli.groups import Command
from svmtrain.cli.options import any_path, json_option, limit_one_thread, note, suggest
from svmtrain.cli.output import counted, print_json, tell
from svmtrain.errors import printable

EXAMPLES = """
svmtrain import a9a.model -o a9a.npz
svmtrain import a9a.model -o a9a.npz && svmtrain evaluate a9a.npz a9a.t
"""


@click.command("import", cls=Command, examples=EXAMPLES, short_help="Read a model of LIBLINEAR.")
@click.argument("file", type=any_path)
@click.option("-o", "--output", type=any_path, required=True, help="The model to write.")
@click.option("--force", is_flag=True, help="Replace the output if it exists.")
@json_option
def command(file: str, output: str, force: bool, as_json: bool) -> None:
    """Make a model of svmtrain of FILE, a text model that LIBLINEAR's train saved.

    It labels rows as LIBLINEAR's predict does. The file does not say what C was: lambda is
    recorded as 0, for unknown.
    """
    limit_one_thread()
    from svmtrain.operations.exchange import import_model

    written = import_model(file, output, force=force)
    if as_json:
        print_json(written.to_dict())
        return
    for text in written.notes:
        note(text)
    tell(printable(f"wrote {written.path} ({counted(written.size, 'byte')})"))
    suggest("predict", written.path, "FILE")
