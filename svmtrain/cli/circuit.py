"""`svmtrain circuit`: forward values and backward gradients of an expression, stage by stage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from svmtrain.cli.groups import Command
from svmtrain.cli.options import any_path, any_seed, json_option, limit_one_thread
from svmtrain.cli.output import print_json, table, tell

if TYPE_CHECKING:
    from svmtrain.operations.circuit import LossRow, Shown

EXAMPLES = """
svmtrain circuit "(x + y) * z" x=-2 y=5 z=-4
svmtrain circuit --file data/circuits/stages.txt --check
svmtrain circuit "sigmoid(w * x)" w=2 x=-1 --draw circuit.svg
svmtrain circuit --loss weston_watkins --config configs/digits.yaml --row 17
"""
CHECK_TOLERANCE = 1e-6


@click.command("circuit", cls=Command, examples=EXAMPLES, short_help="See backpropagation work.")
@click.argument("words", nargs=-1, metavar="[EXPRESSION] [NAME=VALUE]...")
@click.option("--file", "file", type=any_path, help="Read staged assignments from a file.")
@click.option(
    "--seed", type=any_seed, metavar="N", default=0, show_default=True, help="Of randn(...)."
)
@click.option("--upstream", metavar="VALUE", help="The gradient of the output.  [default: ones]")
@click.option("--draw", metavar="FILE", type=any_path, help="Write a .svg, .dot or .png.")
@click.option("--check", is_flag=True, help="Compare each gradient with a numeric one.")
@click.option("--loss", help="Show this loss (or config) on a row of --config.")
@click.option("--config", type=any_path, help="A config or a run directory, for --loss.")
@click.option("--row", type=int, default=0, show_default=True, help="A training row, for --loss.")
@json_option
def command(
    words: tuple[str, ...],
    file: str | None,
    seed: int,
    upstream: str | None,
    draw: str | None,
    check: bool,
    loss: str | None,
    config: str | None,
    row: int,
    as_json: bool,
) -> None:
    """Show the stages of EXPRESSION with the value and the gradient of each.

    Names get their values as NAME=VALUE: a number, a list, a matrix [[1, 2], [3, 4]] or
    randn(5, 10). Nothing is evaluated by Python: only numbers, + - * / ** @, .T and gates.
    """
    if (loss is None) != (config is None):
        raise click.UsageError("--loss and --config go together")
    limit_one_thread()
    from svmtrain.operations import circuit as operation

    if loss is not None and config is not None:
        if words or file or upstream:
            raise click.UsageError("--loss goes without an expression, --file and --upstream")
        found = operation.show_loss(config, None if loss == "config" else loss, row, check=check)
        shown = found.shown
        _draw(shown, draw)
        _print_loss(found, as_json)
    else:
        text, values, name = _source(words, file)
        shown = operation.show_expression(
            text, values, name=name, seed=seed, upstream=upstream, check=check
        )
        _draw(shown, draw)
        _print(shown, as_json)
    _judge(shown)


def _draw(shown: Shown, file: str | None) -> None:
    """Write the drawing, before anything is printed: whoever reads that may stop early."""
    from svmtrain.operations.circuit import draw

    if file is not None:
        draw(shown.output, file)


def _source(words: Sequence[str], file: str | None) -> tuple[str, dict[str, str], str]:
    """Return the text, the values of names, and what messages call the text."""
    from svmtrain.operations.circuit import read_text

    rest = list(words)
    if file is not None:
        text, name = read_text(file), file
    elif rest:
        text, name = rest.pop(0), "expression"
    else:
        raise click.UsageError("give an expression, --file or --loss")
    values: dict[str, str] = {}
    for word in rest:
        key, equals, value = word.partition("=")
        if not (equals and key.strip().isidentifier()):
            raise click.UsageError(f"{word!r} is not NAME=VALUE")
        values[key.strip()] = value
    return text, values, name


def _document(shown: Shown) -> dict[str, Any]:
    return {
        "output": shown.output.name,
        "value": shown.output.value.tolist(),
        "stages": [stage.to_dict() for stage in shown.stages],
        "gradients": {stage.node: stage.gradient.tolist() for stage in shown.inputs},
        "check": None
        if shown.comparisons is None
        else [vars(comparison) for comparison in shown.comparisons],
    }


def _print(shown: Shown, as_json: bool) -> None:
    if as_json:
        print_json(_document(shown))
        return
    from svmtrain.graph.stages import show, show_whole

    rows = [
        [
            stage.node,
            stage.operation + (" (tie)" if stage.tie else ""),
            show(stage.value, 10),
            show(stage.gradient, 10),
        ]
        for stage in shown.stages
    ]
    tell(table(["node", "operation", "value", "gradient"], rows))
    tell("\ngradients of the inputs")
    for stage in shown.inputs:
        lines = show_whole(stage.gradient, 10).splitlines()
        lead = f"  d{shown.output.name}/d{stage.node} = "
        tell(lead + f"\n{' ' * len(lead)}".join(lines))
    _print_check(shown)


def _print_check(shown: Shown) -> None:
    if shown.comparisons is not None:
        rows = [
            [c.node, c.checked, f"{c.worst:.1e}", "PASS" if c.worst <= CHECK_TOLERANCE else "FAIL"]
            for c in shown.comparisons
        ]
        header = ["against differences", "elements", "largest error", "result"]
        tell("\n" + table(header, rows))


def _print_loss(found: LossRow, as_json: bool) -> None:
    if as_json:
        facts = {key: value for key, value in vars(found).items() if key != "shown"}
        print_json({**facts, "circuit": _document(found.shown)})
        return
    _print_stages_of_loss(found)
    _print_check(found.shown)


def _print_stages_of_loss(found: LossRow) -> None:
    from svmtrain.graph.stages import show

    rows = [
        [s.node, s.operation + (" (tie)" if s.tie else ""), show(s.value), show(s.gradient)]
        for s in found.shown.stages
    ]
    tell(table(["node", "operation", "value", "gradient"], rows))
    header = ["class", "score", "margin", "hinge", "dscore", "gradient at its weights"]
    lines = [
        [
            c["class"] + (" (true)" if c["class"] == found.label else ""),
            c["score"],
            c["margin"],
            "active" if c["active"] else "-",
            c["dscore"],
            c["weights_gradient"],
        ]
        for c in found.classes
    ]
    tell(f"\nrow {found.row}, class {found.label}\n" + table(header, lines))
    tell(
        f"\nloss {found.loss:.6f}, objective {found.objective:.6f}, "
        f"length of the gradient at the input {found.gradient_of_input:.6f}"
    )


def _judge(shown: Shown) -> None:
    """Raise when a gradient and its numeric value differ."""
    from svmtrain.errors import CheckFailed

    bad = [c.node for c in shown.comparisons or () if not c.worst <= CHECK_TOLERANCE]
    if bad:
        raise CheckFailed(f"the gradient of {', '.join(bad)} differs from differences")
