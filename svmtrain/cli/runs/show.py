"""`svmtrain runs show`: what a run is and how it went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from svmtrain.cli.groups import Command
from svmtrain.cli.options import any_path, json_option
from svmtrain.cli.output import facts, print_json, table, tell

SHOWN_EPOCHS = 10
SETTINGS = {"loss": "objective.loss", "lambda": "objective.lambda", "solver": "solver.name"}
"""What a run is, besides its data: how it is called here, and its setting."""


@click.command(
    "show",
    cls=Command,
    examples="svmtrain runs show runs/digits",
    short_help="What a run is and how it went.",
)
@click.argument("run", type=any_path)
@json_option
def command(run: str, as_json: bool) -> None:
    """Show what RUN is, how it went, and what it left."""
    from svmtrain.report.text_curve import text_curve
    from svmtrain.runs.catalogue import read_records, status, summarize
    from svmtrain.runs.directory import RunDirectory

    directory = RunDirectory(run)
    directory.require()
    summary, info, records = summarize(directory), directory.read_info(), read_records(directory)
    if as_json:
        print_json(
            {
                **info,
                "settings": summary.settings,
                "records": [record.to_dict() for record in records],
            }
        )
        return
    words = info.get("command")
    lines = [
        ("run", summary.path),
        ("status", status(directory, info)),
        ("reason", info.get("reason")),
        ("started", info.get("started")),
        ("ended", info.get("ended")),
        ("command", " ".join(map(str, words)) if isinstance(words, list) else words),
        *((name, summary.settings.get(key)) for name, key in SETTINGS.items()),
        *_cluster(info.get("cluster")),
        ("lr", info.get("lr") or None),
        *((name, summary.figures[name]) for name in summary.figures if name != "status"),
        ("checkpoints", ", ".join(path.name for path in directory.checkpoint_files()) or "none"),
        ("model", directory.model if directory.model.exists() else "none yet"),
    ]
    tell(facts(lines))
    if curve := text_curve(records):
        tell("\n" + curve)
    if records:
        tell("\n" + _epochs([record.figures() for record in records]))


def _cluster(found: Any) -> list[tuple[str, object]]:
    """Return how the rows were on a cluster, its mode and its shards; nothing for one machine."""
    if not isinstance(found, dict):
        return []
    return [("cluster", f"mode {found.get('mode')}, shards {found.get('shards')}")]


def _epochs(records: Sequence[dict[str, Any]]) -> str:
    """Return a table of at most `SHOWN_EPOCHS` epochs, evenly spread, the last among them."""
    stride = -(-len(records) // SHOWN_EPOCHS)
    shown = list(records[::-1][::stride])[::-1]
    names = (
        "epoch",
        "lr",
        "train_loss",
        "objective",
        "train_accuracy",
        "validation_loss",
        "validation_accuracy",
        "active_margins",
    )
    return table(names, [[record[name] for name in names] for record in shown])
