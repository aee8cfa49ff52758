"""`svmtrain export`: a model in the form of another program."""

from __future__ import annotations

import click

from svmtrain.cli.groups import Command
from svmtrain.cli.options import any_path, json_option, limit_one_thread, note
from svmtrain.cli.output import counted, print_json, tell
from svmtrain.cli.usage import Asked
from svmtrain.errors import printable

EXAMPLES = """
svmtrain export runs/digits --to onnx
svmtrain export runs/digits --to sklearn -o digits.py
svmtrain export runs/digits --to sklearn -o digits.skops
svmtrain export runs/digits/model.npz --to liblinear -o digits.liblinear
"""


@click.command("export", cls=Command, examples=EXAMPLES, short_help="Write a model for others.")
@click.argument("model", type=any_path)
@click.option(
    "--to",
    "form",
    cls=Asked,
    required=True,
    missing="liblinear, sklearn, onnx, safetensors, json or c, such as --to onnx",
    metavar="FORM",
    help="liblinear, sklearn, onnx, safetensors, json or c.",
)
@click.option(
    "-o", "--output", type=any_path, help="File to write; named after MODEL if not given."
)
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@json_option
def command(model: str, form: str, output: str | None, force: bool, as_json: bool) -> None:
    """Write MODEL (a model, a checkpoint or a run directory) in the form of another program.

    Scaling and the rest of preprocessing travel along; what a form cannot carry is an error, or a
    note on stderr. For sklearn the name of the output decides: FILE.py holds plain numbers and
    the code that makes a pipeline of them, FILE.skops is a file of skops (extra exchange).
    """
    limit_one_thread()
    from svmtrain.operations.exchange import export_model

    written = export_model(model, form, output, force=force)
    if as_json:
        print_json(written.to_dict())
        return
    for text in written.notes:
        note(text)
    note(f"use it: {written.use}")
    tell(printable(f"wrote {written.path} ({form}, {counted(written.size, 'byte')})"))
