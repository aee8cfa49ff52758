"""Read a store: a folder of raw arrays, mapped as they are. See `svmtrain.data.store`.

What is asked for beyond that, columns in another order or texts by other numbers, is done to a
copy of the rows: of a chunk, or of all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from svmtrain import interrupts
from svmtrain.data.dataset import Column, ReadOptions, Table
from svmtrain.data.mapped import Reading
from svmtrain.data.readers.features import check_width, expected_width, feature_order, listed
from svmtrain.data.sparse import Csr
from svmtrain.data.store import DESCRIPTION, describe, open_store
from svmtrain.errors import DataError, shown

Renumbering = Mapping[int, NDArray[np.float64]]


def looks_like(names: Collection[str]) -> bool:
    """Return whether a folder with these names in it is a store."""
    return DESCRIPTION in names


def read(path: Path, name: str, options: ReadOptions) -> Table:
    """Return the rows of a store, mapped.

    Parameters
    ----------
    path : Path
    name : str
        What errors call it.
    options : ReadOptions

    Returns
    -------
    Table
        X in its own dtype, read-only, or Csr; labels `CodedLabels`, or None when
        `labels_required` is False.

    Raises
    ------
    DataError
        When anything about the store is not as it should be, or it does not fit the options.
    """
    whole = _opened(path, name, options)
    order, columns = _columns(whole, options, name)
    return _fitted(whole, order, columns, _renumberings(columns, options))


def chunks(path: Path, name: str, options: ReadOptions, rows: int) -> Iterator[Table]:
    """Yield tables of at most `rows` rows, as `read` returns them.

    Raises
    ------
    DataError
        As `read`.
    """
    whole = _opened(path, name, options)
    order, columns = _columns(whole, options, name)
    numbers, size, reading = _renumberings(columns, options), max(1, rows), Reading(whole.X)
    for start in range(0, len(whole.X), size):
        interrupts.check()
        labels = None if whole.labels is None else whole.labels[start : start + size]
        part = replace(whole, X=whole.X[start : start + size], labels=labels)
        yield _fitted(part, order, columns, numbers)
        reading.saw(len(part.X), len(part.X))


def _opened(path: Path, name: str, options: ReadOptions) -> Table:
    """Return the rows of a store as they are, when they are of a kind that is wanted."""
    whole, gaps = open_store(path), describe(path).gaps
    if gaps and not options.gaps:
        raise DataError(f"has {gaps:,} cells without a value; expected a number each", path=name)
    unknown = whole.categories.keys() - options.vocabulary.keys()
    if unknown and not options.text:
        at = min(unknown)
        column = whole.feature_names[at] if whole.feature_names else at
        raise DataError(f"column {shown(column)} is one of text; expected numbers", path=name)
    if not options.labels_required:
        return replace(whole, labels=None)
    if whole.labels is None:
        raise DataError("has no labels", path=name)
    return whole


def _columns(whole: Table, options: ReadOptions, name: str) -> tuple[list[int] | None, Table]:
    """Return where the wanted columns stand, None when all do so in order, and what they are.

    The table that is returned tells names, texts and width by the wanted order; its rows are
    those of the store.
    """
    names, width = whole.feature_names, whole.X.shape[1]
    order = _chosen(names, width, options, name)
    if names is not None and order is not None:
        names = tuple(names[at] for at in order)
    moved = feature_order(names, options, name)
    if moved is not None:
        order = moved if order is None else [order[at] for at in moved]
        names = options.feature_names
    width = width if order is None else len(order)
    expected = expected_width(options)
    if isinstance(whole.X, Csr) and expected is not None and expected > width:
        width = expected
    check_width(width, options, name)
    if order is not None and isinstance(whole.X, Csr):
        problem = "has sparse rows, whose columns cannot be picked or put in another order"
        raise DataError(problem, path=name)
    places = range(width) if order is None else order
    texts = {at: whole.categories[old] for at, old in enumerate(places) if old in whole.categories}
    X = whole.X.widened(width) if isinstance(whole.X, Csr) else whole.X
    return order, Table(X, None, names, texts)


def _chosen(
    names: tuple[str, ...] | None, width: int, options: ReadOptions, path: str
) -> list[int] | None:
    """Return the places of the columns that `keep` and `drop` leave; None when all are left."""
    if not options.keep and not options.drop:
        return None
    kept = {_place(column, names, width, path) for column in options.keep} or set(range(width))
    kept -= {_place(column, names, width, path) for column in options.drop}
    return sorted(kept)


def _place(column: Column, names: tuple[str, ...] | None, width: int, path: str) -> int:
    if isinstance(column, int):
        if -width <= column < width:
            return column % width
        raise DataError(f"column {column} is asked for, but there are {width}", path=path)
    if names is None or column not in names:
        problem = f"no column is called {shown(column)}; found {listed(names or ())}"
        raise DataError(problem, path=path)
    return names.index(column)


def _renumberings(columns: Table, options: ReadOptions) -> Renumbering:
    """Return the number in the vocabulary of each text, for columns numbered otherwise."""
    found = {}
    for at, texts in columns.categories.items():
        known = options.vocabulary.get(at, ())
        place = {text: float(number) for number, text in enumerate(dict.fromkeys(known + texts))}
        numbers = np.array([place[text] for text in texts])
        if not np.array_equal(numbers, np.arange(len(texts))):
            found[at] = numbers
    return found


def _fitted(part: Table, order: list[int] | None, columns: Table, numbers: Renumbering) -> Table:
    """Return rows with the wanted columns and numbers; copied only when they have others."""
    texts = columns.categories
    X = part.X
    if isinstance(X, Csr):
        return Table(X.widened(columns.X.shape[1]), part.labels, columns.feature_names, texts)
    if order is not None:
        X = np.ascontiguousarray(X[:, order])
    elif numbers:
        X = np.array(X)
    for at, table in numbers.items():
        there = ~np.isnan(X[:, at])
        X[there, at] = table[X[there, at].astype(np.intp)]
    return Table(X, part.labels, columns.feature_names, texts)
