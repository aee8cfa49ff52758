"""`svmtrain model`: look into a model."""

from __future__ import annotations

from typing import Any

import click

from svmtrain.cli.groups import Command, LazyGroup
from svmtrain.cli.options import any_path, json_option
from svmtrain.cli.output import facts, print_json, table, tell

EXAMPLES = """
svmtrain model show runs/digits
svmtrain model show runs/digits/model.npz --json
"""


@click.group("model", cls=LazyGroup, examples=EXAMPLES, short_help="Look into a model.")
def command() -> None:
    """Look into models."""


@command.command(
    "show",
    cls=Command,
    examples="svmtrain model show runs/digits",
    short_help="Classes, shapes, norms, settings, and how it was trained.",
)
@click.argument("model", type=any_path)
@json_option
def show(model: str, as_json: bool) -> None:
    """Show what MODEL (a model, a checkpoint or a run directory) is and how it was trained."""
    from svmtrain.operations.describe import describe_model, elsewhere_of
    from svmtrain.operations.predict import load_classifier

    classifier = load_classifier(model)
    document = describe_model(classifier)
    if as_json:
        print_json(document)
        return
    norms, _ = document.pop("class_norms"), document.pop("elsewhere")
    trained, columns = document.pop("trained"), document.pop("columns")
    tell(facts([(key, _text(value)) for key, value in document.items()]))
    tell("\n" + table(["class", "weight norm", "bias"], norms))
    if columns:
        tell("\n" + table(["column", "becomes", "gaps become"], columns))
    same = [(one.peer, one.in_words()) for one in elsewhere_of(classifier)]
    tell("\nthe same optimum elsewhere, on the rows as they are scaled here\n" + facts(same))
    tell("\ntrained\n" + facts(_flat(trained)))


def _text(value: object) -> object:
    if isinstance(value, list):
        names = [str(item) for item in value]
        return (
            ", ".join(names) if len(names) <= 12 else f"{', '.join(names[:12])}, ... ({len(names)})"
        )
    return value


def _flat(value: dict[str, Any], prefix: str = "") -> list[tuple[str, object]]:
    """Return nested values as rows of dotted key and value."""
    rows: list[tuple[str, object]] = []
    for key, item in value.items():
        name = f"{prefix}{key}"
        rows += _flat(item, f"{name}.") if isinstance(item, dict) else [(name, _text(item))]
    return rows
