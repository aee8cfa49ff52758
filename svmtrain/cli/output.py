"""Results on stdout: tables and JSON."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from typing import Any

import click

from svmtrain.errors import printable


def print_json(document: Any) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=True))


def print_csv(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table as CSV, with full precision."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)


def cell(value: object) -> str:
    """Return a value as a table shows it."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4f}" if 1e-3 <= abs(value) < 1e5 or value == 0 else f"{value:.3g}"
    return printable(str(value))


def counted(number: int, noun: str) -> str:
    """Return how many there are of something: 1 row, 2 rows."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def facts(pairs: Sequence[tuple[str, object]]) -> str:
    """Return names and values as text, a line each."""
    width = max((len(name) for name, _ in pairs), default=0)
    return "\n".join(f"{name.ljust(width)}  {cell(value)}" for name, value in pairs)


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table as text: numbers to the right, everything else to the left."""
    texts = [[cell(value) for value in row] for row in rows]
    widths = [
        max(len(name), *(len(row[i]) for row in texts)) if texts else len(name)
        for i, name in enumerate(header)
    ]
    numeric = [any(isinstance(row[i], int | float) for row in rows) for i in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        parts = [
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(cells, widths, numeric, strict=True)
        ]
        return "  ".join(parts).rstrip()

    return "\n".join([line(header), *map(line, texts)])
