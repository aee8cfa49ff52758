"""`svmtrain report`: a page about runs."""

from __future__ import annotations

import click

from svmtrain.cli.groups import Command
from svmtrain.cli.options import any_path, limit_one_thread, note
from svmtrain.cli.output import tell

EXAMPLES = """
svmtrain report runs/digits
svmtrain report runs/digits --open
svmtrain report runs/a runs/b runs/c -o comparison.html
svmtrain report experiments/digits-sweep
"""


@click.command("report", cls=Command, examples=EXAMPLES, short_help="A page about runs.")
@click.argument("runs", type=any_path, nargs=-1, required=True, metavar="RUN [RUN...]")
@click.option(
    "-o",
    "--output",
    type=any_path,
    help="Where to.  [default: report.html in RUN, or here for several]",
)
@click.option("--image", metavar="HxW", help="Rows are pictures of this shape: 28x28, or none.")
@click.option("--open", "open_", is_flag=True, help="Show the page in the browser.")
def command(runs: tuple[str, ...], output: str | None, image: str | None, open_: bool) -> None:
    """Write one HTML page about RUN, or about several side by side.

    RUN may also be a path of runs, or the folder of an experiment. The page holds all it shows:
    it loads nothing, and can be mailed or printed as it is. Needs the extra `plot`.
    """
    limit_one_thread()
    from svmtrain.report.write import write_report

    target = write_report(runs, output, image)
    tell(str(target))
    if open_ and click.launch(target.resolve().as_uri()) != 0:
        note("no browser could be started; open the file in one")
