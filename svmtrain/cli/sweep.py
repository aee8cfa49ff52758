"""`svmtrain sweep`: try many settings and find the best."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import click

from svmtrain.cli.experiments import conclude, configure, experiment, folder_of
from svmtrain.cli.fit import make_session
from svmtrain.cli.groups import Command
from svmtrain.cli.options import any_seed
from svmtrain.cli.output import cell, table, tell
from svmtrain.cli.usage import Asked

if TYPE_CHECKING:
    from svmtrain.experiments.sweep import SweepResult

EXAMPLES = """
svmtrain sweep digits.yaml --grid objective.lambda=log:1e-4:1e-1:4
svmtrain sweep digits.yaml --grid solver.lr=0.01,0.1 --grid data.seed=0,1
svmtrain sweep digits.yaml --grid solver.lr=log:1e-3:1 --random 20 --halving
svmtrain sweep digits.yaml --grid solver.lr=0.01,0.1 --cluster scheduler.json
"""
NUMBER = r"[-+]?[0-9.]*[0-9](?:[eE][-+]?[0-9]+)?"
RANGE = re.compile(rf"({NUMBER})(?:\.\.|:)({NUMBER})(?::([0-9]+))?", re.ASCII)


def _ranges(
    context: click.Context, parameter: click.Parameter, grid: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the grid; ranges in the form of other programs get the one of here."""
    for one in grid:
        key, _, values = one.partition("=")
        found = RANGE.fullmatch(values)
        if found is not None:
            low, high, count = found[1], found[2], found[3] or "5"
            raise click.UsageError(
                f"--grid {one}: a range is log:LOW:HIGH:N or lin:LOW:HIGH:N, "
                f"such as {key}=log:{low}:{high}:{count}",
                context,
            )
    return grid


@click.command("sweep", cls=Command, examples=EXAMPLES, short_help="Try many settings.")
@experiment
@click.option(
    "--grid",
    "grid",
    cls=Asked,
    multiple=True,
    required=True,
    callback=_ranges,
    missing="a setting and its values, such as --grid objective.lambda=log:1e-4:1e-1:4",
    metavar="KEY=VALUES",
    help="A setting and its values: a,b,c or log:LOW:HIGH:N or lin:LOW:HIGH:N. Repeatable.",
)
@click.option("--random", type=int, metavar="N", help="Draw N points in place of the whole grid.")
@click.option(
    "--seed", type=any_seed, metavar="N", default=0, show_default=True, help="Seed of --random."
)
@click.option("--halving", is_flag=True, help="Drop points on the way; the best train longer.")
@click.option(
    "--eta", type=int, metavar="N", default=3, show_default=True, help="One in N is kept each time."
)
@click.option("--cold", is_flag=True, help="Start no run along objective.lambda from another.")
@click.option("--full", is_flag=True, help="Go on with runs that are proven not to be the best.")
def command(
    config: str,
    overrides: tuple[str, ...],
    out: str | None,
    cluster: str | None,
    jobs: int | None,
    force: bool,
    as_json: bool,
    quiet: bool,
    grid: tuple[str, ...],
    random: int | None,
    seed: int,
    halving: bool,
    eta: int,
    cold: bool,
    full: bool,
) -> None:
    """Train CONFIG at every point of a grid, and rank the runs by validation accuracy.

    Each point is an ordinary run below DIR/runs. A second call goes on with what was stopped.
    DIR/leaderboard.csv has all of them, DIR/best.yaml makes the best again, byte for byte.
    """
    settings = configure(config, overrides, cluster)
    from svmtrain.config import run_name
    from svmtrain.experiments.sweep import Plan, sweep

    result = sweep(
        settings,
        folder_of(out, config, "sweep"),
        make_session(quiet, False),
        Plan(grid, random, seed, halving, eta, cold, full),
        name=f"{run_name(config)}-best",
        jobs=jobs,
        force=force,
    )
    conclude(result, _show, as_json=as_json)


def _show(result: SweepResult) -> None:
    """Print the leaderboard, and what to do next."""
    figures = ("validation_accuracy", "validation_loss", "objective", "gap", "epochs")
    rows = [
        [
            row["rank"],
            row["run"],
            *(row["settings"][key] for key in result.keys),
            *(row.get(name) for name in figures),
            row["status"],
        ]
        for row in result.board
    ]
    tell(table(["rank", "run", *result.keys, *figures, "status"], rows))
    best = result.best
    if best is None:
        return
    tied = f", tied with {best['ties']} more" if best["ties"] else ""
    test = best["test_accuracy"]
    judged = "" if test is None else f"; test accuracy, which chose nothing: {cell(test)}"
    stages = any(str(row["status"]).startswith("dropped") for row in result.board)
    among = " among the runs of the last stage" if stages else ""
    tell(f"\nbest  {best['run']} by validation accuracy{among}{tied}{judged}")
    tell(f"next  svmtrain fit {shlex.quote(best['config'])}")
    tell(f"      svmtrain report {shlex.quote(str(result.path))}")
