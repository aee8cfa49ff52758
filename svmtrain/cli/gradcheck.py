"""`svmtrain gradcheck`: hold the gradient against two others that were made apart from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from svmtrain.cli.groups import Command
from svmtrain.cli.options import any_path, any_seed, json_option, limit_one_thread, set_option
from svmtrain.cli.output import print_json, table, tell

if TYPE_CHECKING:
    from svmtrain.operations.gradcheck import SelfTest
    from svmtrain.operations.gradcheck_report import LossReport

EXAMPLES = """
svmtrain gradcheck configs/digits.yaml
svmtrain gradcheck configs/digits.yaml --loss all
svmtrain gradcheck runs/digits --samples all
svmtrain gradcheck configs/digits.yaml --self-test
"""


@click.command("gradcheck", cls=Command, examples=EXAMPLES, short_help="Check the gradients.")
@click.argument("path", metavar="CONFIG|RUN", type=any_path)
@set_option
@click.option("--loss", help="A loss in place of the config's, or all.")
@click.option("--samples", default="100", show_default=True, help="Training rows, or all.")
@click.option("--tol", type=float, default=1e-6, show_default=True, help="Relative tolerance.")
@click.option(
    "--seed",
    type=any_seed,
    metavar="N",
    default=0,
    show_default=True,
    help="Of rows and directions.",
)
@click.option("--self-test", is_flag=True, help="Plant faults and see that each is caught.")
@json_option
def command(
    path: str,
    overrides: tuple[str, ...],
    loss: str | None,
    samples: str,
    tol: float,
    seed: int,
    self_test: bool,
    as_json: bool,
) -> None:
    """Check the gradients of a config's objective on its own data, in float64.

    Three ways are compared pair by pair: the analytic gradient, the one that backpropagation
    through gates gives, and difference quotients whose step stays below the nearest kink; for W,
    b and the input X, data term and penalty apart, at random, zero and near-zero weights, and at
    those of a run. Exit code 1 when they disagree.
    """
    limit_one_thread()
    from svmtrain.gradcheck.compare import Checks
    from svmtrain.operations import gradcheck_report as operation

    if not 0 < tol < 1:
        raise click.UsageError("--tol must be between 0 and 1")
    checks, rows = Checks(tolerance=tol, seed=seed), _samples(samples)
    if self_test:
        _show_self_test(operation.gradcheck_self_test(path, overrides, rows, checks), as_json)
        return
    losses = None if loss is None else _losses(loss)
    reports = operation.gradcheck(path, overrides, losses=losses, samples=rows, checks=checks)
    _show(reports, tol, as_json)


def _samples(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise click.BadParameter(f"{text!r} is not a number >= 1 or all", param_hint="--samples")
    return int(text)


def _losses(name: str) -> Sequence[str]:
    from svmtrain.config.schema import LOSSES

    return LOSSES if name == "all" else (name,)


def _show(reports: Sequence[LossReport], tol: float, as_json: bool) -> None:
    """Print the reports; raise when one failed."""
    from svmtrain.errors import CheckFailed

    failed = [report.loss for report in reports if not report.passed]
    if as_json:
        print_json({"passed": not failed, "losses": [report.to_dict() for report in reports]})
    else:
        tell("\n\n".join(_text(report) for report in reports))
        count = sum(finding.checked for report in reports for finding in report.findings)
        tell(
            f"\n{'FAIL' if failed else 'PASS'}: {count:,} comparisons of {len(reports)} "
            f"{'loss' if len(reports) == 1 else 'losses'}; relative tolerance {tol:g} against "
            "differences, 1e-10 between analytic and gates"
        )
    if failed:
        raise CheckFailed(f"the gradients disagree for {', '.join(failed)}")


def _text(report: LossReport) -> str:
    """Return the table of one loss."""
    rows = []
    for group in report.groups():
        worst, errors = group.worst, group.errors
        pairs = ("analytic-gates", "analytic-numeric", "gates-numeric")
        rows.append(
            [
                f"{group.term} {group.group}",
                group.checked,
                *(f"{errors[pair]:.1e}" if pair in errors else "-" for pair in pairs),
                f"{worst.point} {worst.where}".strip(),
                f"{worst.left:.9g}",
                f"{worst.right:.9g}",
                "-" if group.step is None else f"{group.step:.1e}",
                f"{group.kinks_on}/{group.kinks_near}",
                "PASS" if group.passed else "FAIL",
            ]
        )
    header = ["group", "checked", "analytic-gates", "analytic-numeric", "gates-numeric"]
    header += ["worst at", "one", "other", "step", "kinks on/near", "result"]
    exact = report.exact
    verdict = "PASS" if exact.passed else f"FAIL: {exact.unequal}"
    line = f"exact, in rational numbers, no tolerance: {exact.checked} elements {verdict}"
    return f"{report.loss}\n{table(header, rows)}\n{line}"


def _show_self_test(results: Sequence[SelfTest], as_json: bool) -> None:
    """Print which check caught which fault; raise when one was caught by none."""
    from svmtrain.errors import CheckFailed

    missed = [result.fault for result in results if not result.caught_by]
    if as_json:
        document = [{"fault": r.fault, "caught_by": list(r.caught_by)} for r in results]
        print_json({"passed": not missed, "faults": document})
    else:
        pairs = ("analytic-gates", "analytic-numeric")
        rows = [[r.fault, *(_groups(r, pair) for pair in pairs)] for r in results]
        tell(table(["planted fault", *(f"caught by {pair}" for pair in pairs)], rows))
        tell(f"\n{len(results) - len(missed)} of {len(results)} faults caught")
    if missed:
        raise CheckFailed(f"no check caught: {', '.join(missed)}")


def _groups(result: SelfTest, pair: str) -> str:
    """Return the groups in which a pair of ways caught a fault."""
    found = [name.removeprefix(f"{pair} ") for name in result.caught_by if name.startswith(pair)]
    return ", ".join(found) or "-"
