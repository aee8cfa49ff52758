"""A starter config for a data file."""

from __future__ import annotations

import os
from dataclasses import replace
from math import isfinite

import numpy as np

from svmtrain.config import starter
from svmtrain.data.dataset import ReadOptions, Table, find_classes
from svmtrain.data.readers import format_of, read_table
from svmtrain.data.sparse import Csr
from svmtrain.data.targets import counts_rows, like_numbers
from svmtrain.errors import shown
from svmtrain.operations.data.facts import TABLES, label_counts

MOST_DISTINCT = 0.5
TEST_SHARE = 0.2
HELD_OUT = (
    f"{TEST_SHARE} sets rows aside that neither train nor choose anything, so that svmtrain "
    "evaluate can judge the model on them; null trains on these rows too"
)


def starter_config(
    data: str, options: ReadOptions, test: str | None, format: str, output: str | None
) -> str:
    """Return the text of a commented config for a data file, which is read to be sure.

    Parameters
    ----------
    data, test : str
        Paths; in the text they are relative to the folder of `output`.
    options : ReadOptions
        How the file is to be read; what is said there stands in the config too.
    format : str
        A name in `READERS`, or "auto".
    output : str, optional
        Where the text will be written; the current folder if not given.
    """
    format = format_of(data, format)
    lenient = format in TABLES
    table = read_table(data, format, replace(options, text=lenient, gaps=lenient))
    if table.labels is not None:
        find_classes(table.labels, data)
    folder = os.path.dirname(output) if output else ""
    X, names = table.X, _names_of_rows(table)
    gaps = not isinstance(X, Csr) and X.dtype.kind == "f" and bool(np.isnan(X).any())
    return starter(
        data,
        format=format,
        target=options.target,
        header=options.header,
        delimiter=options.delimiter,
        labels=options.labels,
        text_columns=options.text_columns,
        test=TEST_SHARE if test is None else test,
        text="onehot" if table.categories else None,
        missing="median" if gaps else None,
        drop=(*options.drop, *names),
        remarks=_remarks(table, options.target, test),
        folder=folder,
    )


def _remarks(table: Table, target: str | int | None, test: str | None) -> dict[str, str]:
    """Return what is to be said of keys, by their dotted names."""
    remarks = {"data.test": HELD_OUT} if test is None else {}
    labels = table.labels
    doubt = like_numbers(label_counts(labels), len(table.X), target) if labels is not None else None
    if doubt is not None:
        remarks["data.target"] = f"NOTE: {doubt}"
    if ids := _numbers_of_rows(table):
        listed = ", ".join(map(shown, ids))
        remarks["data.drop"] = f"NOTE: {listed} counts the rows, and says nothing of new ones"
    return remarks


def _numbers_of_rows(table: Table) -> tuple[str, ...]:
    """Return the columns of numbers that count the rows."""
    X, names = table.X, table.feature_names
    if names is None or isinstance(X, Csr) or not len(X):
        return ()
    moments = (X.min(axis=0), X.max(axis=0), X.mean(axis=0), X.std(axis=0))
    found = []
    for at, values in enumerate(zip(*moments, strict=True)):
        known = [float(value) for value in values]
        if at not in table.categories and all(map(isfinite, known)):
            found += [names[at]] if counts_rows(len(X), *known) else []
    return tuple(found)


def _names_of_rows(table: Table) -> tuple[str, ...]:
    """Return the columns of text in which hardly a text comes twice: they name the rows."""
    names = table.feature_names
    if names is None:
        return ()
    most = MOST_DISTINCT * len(table.X)
    return tuple(names[at] for at, texts in table.categories.items() if len(texts) > most)
