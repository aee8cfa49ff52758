"""A small curve in text, for a terminal: the objective and its lower bound by epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence

from svmtrain.training.history import EpochRecord

WIDTH, HEIGHT = 60, 8
FEWEST_EPOCHS = 3


def text_curve(records: Sequence[EpochRecord]) -> str:
    """Return the objective (*) and its lower bound (.) by epoch, in plain characters.

    Empty for fewer than `FEWEST_EPOCHS` epochs. Bounds further below the objectives than these
    are apart are left out, since they would flatten the curve. The scale is logarithmic where
    the objectives are far apart.
    """
    if len(records) < FEWEST_EPOCHS:
        return ""
    values = [record.objective for record in records]
    logarithmic = min(values) > 0 and max(values) > 20 * min(values)
    low, high = min(values), max(values)
    bounds = [r.bound for r in records if r.bound is not None and r.bound > low - (high - low)]
    low = min([low, *(bound for bound in bounds if bound > 0 or not logarithmic)])
    scale = math.log if logarithmic else float
    span = (scale(high) - scale(low)) or 1.0
    grid = [[" "] * _width(records) for _ in range(HEIGHT)]

    def mark(column: int, value: float | None, sign: str) -> None:
        if value is not None and low <= value <= high:
            line = round((scale(high) - scale(value)) / span * (HEIGHT - 1))
            grid[line][column] = sign

    for column in range(_width(records)):
        record = records[column * (len(records) - 1) // (_width(records) - 1)]
        mark(column, record.bound, ".")
        mark(column, record.objective, "*")
    return _framed(grid, f"{high:.4g}", f"{low:.4g}", records, logarithmic)


def _width(records: Sequence[EpochRecord]) -> int:
    return min(WIDTH, len(records))


def _framed(
    grid: list[list[str]], top: str, bottom: str, records: Sequence[EpochRecord], log: bool
) -> str:
    """Return the points with axes and a title."""
    margin = max(len(top), len(bottom))
    labels = [top, *[""] * (HEIGHT - 2), bottom]
    lines = [
        f"{label.rjust(margin)} |{''.join(row)}".rstrip()
        for label, row in zip(labels, grid, strict=True)
    ]
    first, last = str(records[0].epoch), str(records[-1].epoch)
    gap = " " * max(1, len(grid[0]) - len(first) - len(last))
    bounded = any(sign == "." for row in grid for sign in row)
    title = "objective (*)" + (" and the lower bound of its optimum (.)" if bounded else "")
    return "\n".join(
        [
            f"{title} by epoch{', on a logarithmic scale' if log else ''}",
            *lines,
            f"{' ' * margin} +{'-' * len(grid[0])}",
            f"{' ' * margin}  {first}{gap}{last}",
        ]
    )
