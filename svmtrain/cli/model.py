"""`svmtrain model`: look into a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from svmtrain.cli.groups import Command, LazyGroup
from svmtrain.cli.options import json_option
from svmtrain.cli.output import facts, print_json, table

if TYPE_CHECKING:
    from svmtrain.model import LinearClassifier

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
@click.argument("model", type=click.Path())
@json_option
def show(model: str, as_json: bool) -> None:
    """Show what MODEL (a model, a checkpoint or a run directory) is and how it was trained."""
    from svmtrain.operations.predict import load_classifier

    document = describe(load_classifier(model))
    if as_json:
        print_json(document)
        return
    norms = document.pop("class_norms")
    trained = document.pop("trained")
    click.echo(facts([(key, _text(value)) for key, value in document.items()]))
    click.echo("\n" + table(["class", "weight norm", "bias"], norms))
    click.echo("\ntrained\n" + facts(_flat(trained)))


def describe(classifier: LinearClassifier) -> dict[str, Any]:
    """Return what a classifier is, as plain values."""
    import numpy as np

    W, b = classifier.W.astype(np.float64), classifier.b.astype(np.float64)
    card = classifier.card()
    norms = np.sqrt(np.square(W).sum(axis=0))
    return {
        "classes": card["classes"],
        "features": classifier.n_features,
        "W": list(W.shape),
        "b": list(b.shape),
        "dtype": str(classifier.W.dtype),
        "weight norm": float(np.sqrt(np.square(W).sum())),
        "loss": card["loss"],
        "delta": card["delta"],
        "lambda": card["lambda"],
        "bias": card["bias"],
        "scale": card["scale"],
        "row_norm": card["row_norm"],
        "feature_names": card["feature_names"],
        "class_norms": [
            [str(label), float(norms[i]), float(b[i])] for i, label in enumerate(classifier.classes)
        ],
        "trained": card["trained"],
    }


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
