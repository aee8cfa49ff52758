"""A starter config for a data file."""

from __future__ import annotations

import os

import numpy as np

from svmtrain.config import starter
from svmtrain.data.dataset import ReadOptions, Table, find_classes
from svmtrain.data.readers import format_of, read_table
from svmtrain.data.sparse import Csr
from svmtrain.operations.data.facts import TABLES

MOST_DISTINCT = 0.5


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
    lenient = format in TABLES
    table = read_table(data, format, ReadOptions(target=column, text=lenient, gaps=lenient))
    if table.labels is not None:
        find_classes(table.labels, data)
    folder = os.path.dirname(output) if output else ""
    X = table.X
    gaps = not isinstance(X, Csr) and X.dtype.kind == "f" and bool(np.isnan(X).any())
    return starter(
        data,
        format=format,
        target=column,
        test=test,
        text="onehot" if table.categories else None,
        missing="median" if gaps else None,
        drop=_names_of_rows(table),
        folder=folder,
    )


def _names_of_rows(table: Table) -> tuple[str, ...]:
    """Return the columns of text in which hardly a text comes twice: they name the rows."""
    names = table.feature_names
    if names is None:
        return ()
    most = MOST_DISTINCT * len(table.X)
    return tuple(names[at] for at, texts in table.categories.items() if len(texts) > most)
