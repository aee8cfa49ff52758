"""A starter config for a data file."""

from __future__ import annotations

import os

from svmtrain.config import starter
from svmtrain.data.dataset import ReadOptions, find_classes
from svmtrain.data.readers import format_of, read_table


def starter_config(
    data: str, target: str | None, test: str | None, format: str, output: str | None
) -> str:
    """Return the text of a commented config for a data file, which is read to be sure.

    Parameters
    ----------
    data, test : str
        Paths; in the text they are relative to the folder of `output`.
    target : str, optional
        Name or position of the label column; a number is a position.
    format : str
        A name in `READERS`, or "auto".
    output : str, optional
        Where the text will be written; the current folder if not given.
    """
    format = format_of(data, format)
    column: str | int | None = target
    if target is not None and target.lstrip("-").isdigit():
        column = int(target)
    table = read_table(data, format, ReadOptions(target=column))
    if table.labels is not None:
        find_classes(table.labels, data)
    folder = os.path.dirname(output) if output else ""
    return starter(data, format=format, target=column, test=test, folder=folder)
