"""Results on stdout: text for people, tables, JSON and CSV.

What people read goes through `tell`, which no terminal obeys: names, labels and paths come from
files. What programs read is UTF-8 and as it is; the labels that `predict` writes are printable,
since no model has others.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Sequence
from typing import Any, TextIO

import click

from svmtrain.errors import StorageError, printable


def tell(text: str, nl: bool = True) -> None:
    """Print text for people; what a terminal would obey, or cannot show, is escaped.

    Parameters
    ----------
    text : str
        Of any number of lines. Values in it that may hold line breaks are to be `printable`.
    nl : bool
        Whether a line break follows.
    """
    safe = "\n".join(map(printable, text.split("\n")))
    encoding = getattr(_stdout(), "encoding", None) or "utf-8"
    click.echo(safe.encode(encoding, "backslashreplace").decode(encoding), nl=nl)


def print_json(document: Any) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=True), file=_stdout())


def _stdout() -> TextIO:
    """Return stdout; raise when it is closed: no result is lost in silence."""
    if sys.stdout is None:
        raise StorageError("standard output is closed")
    return sys.stdout


def data_stream() -> TextIO:
    """Return stdout for text that programs read, which is UTF-8 whatever the locale.

    Raises
    ------
    StorageError
        When it is closed.
    """
    stream = _stdout()
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding="utf-8", errors="surrogateescape")
    return stream


def print_csv(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table as CSV, with full precision; on a terminal its texts are escaped."""
    stream = data_stream()
    if stream.isatty():
        rows = [[printable(v) if isinstance(v, str) else v for v in row] for row in rows]
        header = [printable(name) for name in header]
    writer = csv.writer(stream, lineterminator="\n")
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
    texts = [(printable(name), cell(value)) for name, value in pairs]
    width = max((len(name) for name, _ in texts), default=0)
    return "\n".join(f"{name.ljust(width)}  {text}" for name, text in texts)


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table as text: numbers to the right, everything else to the left."""
    texts = [[cell(value) for value in row] for row in rows]
    header = [printable(name) for name in header]
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
