"""`svmtrain learning-curve`: accuracy against the number of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from svmtrain.cli.experiments import conclude, configure, experiment, folder_of
from svmtrain.cli.fit import make_session
from svmtrain.cli.groups import Command
from svmtrain.cli.output import table, tell

if TYPE_CHECKING:
    from svmtrain.experiments.learning import CurveResult

EXAMPLES = """
svmtrain learning-curve configs/digits.yaml
svmtrain learning-curve configs/digits.yaml --shares 0.1,0.2,0.4 --repeats 5
svmtrain learning-curve configs/digits.yaml --cluster local:2
"""
HEADER = ("rows", "runs", "train_accuracy", "validation_accuracy", "low", "high", "sd")


@click.command(
    "learning-curve", cls=Command, examples=EXAMPLES, short_help="Accuracy against rows."
)
@experiment
@click.option(
    "--shares",
    default="0.125,0.25,0.5",
    show_default=True,
    metavar="LIST",
    help="Shares of the training rows, besides all of them.",
)
@click.option(
    "--repeats",
    type=int,
    metavar="N",
    default=1,
    show_default=True,
    help="Draws of each share below 1.",
)
def command(
    config: str,
    overrides: tuple[str, ...],
    out: str | None,
    cluster: str | None,
    jobs: int | None,
    force: bool,
    as_json: bool,
    quiet: bool,
    shares: str,
    repeats: int,
) -> None:
    """Train CONFIG on growing shares of its rows, and say what the curve advises.

    All runs are judged by the same validation rows. Each is an ordinary run below DIR/runs. A
    second call goes on with what was stopped.
    """
    asked = _numbers(shares)
    settings = configure(config, overrides, cluster)
    from svmtrain.experiments.learning import learning_curve

    result = learning_curve(
        settings,
        folder_of(out, config, "curve"),
        make_session(quiet, False),
        shares=asked,
        repeats=repeats,
        jobs=jobs,
        force=force,
    )
    conclude(result, _show, as_json=as_json, name_report=not quiet)


def _numbers(text: str) -> list[float]:
    """Return the numbers of a list with commas."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is not a list of numbers such as 0.25,0.5", param_hint="--shares"
        ) from None


def _show(result: CurveResult) -> None:
    """Print the table, the curve and the advice."""
    from svmtrain.experiments.text_curve import drawn

    rows = [[getattr(point, name) for name in HEADER] for point in result.points]
    tell(table(HEADER, rows))
    if not rows:
        return
    tell(
        f"\nlow and high: 95 % interval by the {result.validation_rows:,} validation rows\n"
        + drawn(result.points)
    )
    if result.advice is not None:
        for text in (result.advice.more_rows, result.advice.fit, result.advice.labels):
            tell(f"- {text}")
