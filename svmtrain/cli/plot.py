"""`svmtrain plot`: one picture of a run."""

from __future__ import annotations

import click

from svmtrain.cli.groups import Command
from svmtrain.cli.options import any_path, limit_one_thread
from svmtrain.cli.output import tell

EXAMPLES = """
svmtrain plot curves runs/digits -o curves.png
svmtrain plot confusion runs/digits -o confusion.svg --split validation
svmtrain plot templates runs/mnist -o templates.png --image 28x28
"""
KINDS = ("curves", "confusion", "templates", "margins", "reliability")


@click.command("plot", cls=Command, examples=EXAMPLES, short_help="One picture of a run.")
@click.argument("kind", type=click.Choice(KINDS), metavar="KIND")
@click.argument("run", type=any_path)
@click.option("-o", "--output", type=any_path, required=True, help="A name in .png or .svg.")
@click.option(
    "--split",
    type=click.Choice(["train", "validation", "test"]),
    metavar="NAME",
    help="Of confusion and margins: train, validation or test rows.  [default: those held out]",
)
@click.option("--image", metavar="HxW", help="Rows are pictures of this shape: 28x28, or none.")
def command(kind: str, run: str, output: str, split: str | None, image: str | None) -> None:
    """Draw a picture of RUN: of its training, its labels, its weights or its probabilities.

    KIND is curves, confusion, templates, margins or reliability. Templates are the weights of each
    class as pictures, or the strongest features where rows are no pictures. Needs the extra `plot`.
    """
    limit_one_thread()
    from svmtrain.report.plots import write_plot

    tell(str(write_plot(kind, run, output, split, image)))
