"""`svmtrain cv`: cross-validate a config."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from svmtrain.cli.experiments import conclude, configure, experiment, folder_of
from svmtrain.cli.fit import make_session
from svmtrain.cli.groups import Command
from svmtrain.cli.output import cell, table, tell

if TYPE_CHECKING:
    from svmtrain.experiments.cv import CvResult

EXAMPLES = """
svmtrain cv configs/digits.yaml
svmtrain cv configs/digits.yaml --folds 10 --set objective.lambda=0.01
svmtrain cv configs/digits.yaml --cluster local:2
"""
HEADER = ("run", "accuracy", "balanced_accuracy", "macro_f1", "objective", "gap", "epochs", "rows")


@click.command("cv", cls=Command, examples=EXAMPLES, short_help="Cross-validate a config.")
@experiment
@click.option(
    "--folds", type=int, metavar="N", default=5, show_default=True, help="Parts of the rows."
)
@click.option(
    "--repeats",
    type=int,
    metavar="N",
    default=1,
    show_default=True,
    help="How often rows are dealt out anew.",
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
    folds: int,
    repeats: int,
) -> None:
    """Judge CONFIG by cross-validation: every row once by a model that never saw it.

    Each fold is an ordinary run below DIR/runs. Rows that data.test sets aside stay aside. A
    second call goes on with what was stopped. DIR/out_of_fold.csv has what was said of each row.
    """
    settings = configure(config, overrides, cluster)
    from svmtrain.experiments.cv import cross_validate

    result = cross_validate(
        settings,
        folder_of(out, config, "cv"),
        make_session(quiet, False),
        folds=folds,
        repeats=repeats,
        jobs=jobs,
        force=force,
    )
    conclude(result, _show, as_json=as_json, name_report=not quiet)


def _show(result: CvResult) -> None:
    """Print a line for each fold, and what they come to."""
    tell(table(HEADER, [[fold[name] for name in HEADER] for fold in result.folds]))
    if not result.summary:
        return
    names = ("accuracy", "balanced_accuracy", "macro_f1")
    figures = ("mean", "sd", "standard_error", "min", "max")
    tell("")
    lines = [[name, *(result.summary[name][figure] for figure in figures)] for name in names]
    tell(table(["over the folds", *figures], lines))
    pooled = result.summary["pooled"]
    line = f"{pooled['right']:,} of {pooled['judged']:,} judged rows right"
    if "interval" in pooled:
        low, high = pooled["interval"]
        line += f", {cell(pooled['accuracy'])} (95 % interval {cell(low)} to {cell(high)})"
    tell(f"\n{line}; each is in {result.path / 'out_of_fold.csv'}")
    tell(
        "sd is the sample standard deviation, standard_error the corrected one of Nadeau and "
        "Bengio:\nfolds share training rows, so that neither is that of independent runs"
    )
