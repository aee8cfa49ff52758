"""Read a store: a folder of raw arrays, mapped as they are. See `svmtrain.data.store`.

What is asked for beyond that, columns in another order or texts by other numbers, is done to a
copy of the rows: of a chunk, or of all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain import interrupts
from svmtrain.data.dataset import GAP_MARKS, Column, ReadOptions, Table
from svmtrain.data.mapped import Reading
from svmtrain.data.readers.features import (
    Columns,
    check_width,
    chosen_columns,
    expected_width,
    feature_order,
    listed,
)
from svmtrain.data.sparse import Csr, Matrix
from svmtrain.data.store import DESCRIPTION, Description, describe, open_store, statistics
from svmtrain.errors import DataError, NoLabelsError, shown

BLOCK_ROWS = 4096
EXACT = (np.dtype(np.float32), np.dtype(np.float64))
"""What can hold the number of a text."""


@dataclass(frozen=True)
class _Plan:
    """What is made of the columns of a store.

    Attributes
    ----------
    order : list of int or None
        Where the wanted columns stand in the store; None when all do so in order.
    width : int
    names : tuple of str or None
    texts : mapping of int to tuple of str
        The text columns of the store, by their place among the wanted.
    categories : mapping of int to tuple of str
        The same by the numbers that are wanted.
    numbers : mapping of int to ndarray of float64
        The wanted number of each text, for the columns that have others.
    gaps : bool
        Whether the store has gaps and they are not wanted.
    """

    order: list[int] | None
    width: int
    names: tuple[str, ...] | None
    texts: Mapping[int, tuple[str, ...]]
    categories: Mapping[int, tuple[str, ...]]
    numbers: Mapping[int, NDArray[np.float64]]
    gaps: bool

    def name(self, at: int) -> str:
        """Return what messages call a column."""
        return shown(self.names[at] if self.names else at)


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
    plan = _planned(whole, path, name, options)
    reading = Reading(whole.X)
    for start in range(0, len(whole.X) if plan.texts else 0, BLOCK_ROWS):
        interrupts.check()
        block = whole.X[start : start + BLOCK_ROWS]
        _check_texts(block, plan, name)
        reading.saw(len(block), len(block))
    return _fitted(whole, plan, name)


def columns(path: Path, name: str, options: ReadOptions) -> Columns:
    """Return the columns of a store, which has its labels apart."""
    whole = _opened(path, name, options)
    return whole.feature_names, whole.X.shape[1]


def chunks(path: Path, name: str, options: ReadOptions, rows: int) -> Iterator[Table]:
    """Yield tables of at most `rows` rows, as `read` returns them.

    Raises
    ------
    DataError
        As `read`.
    """
    yield from between(path, name, options, rows)


def between(
    path: Path, name: str, options: ReadOptions, rows: int, start: int = 0, stop: int | None = None
) -> Iterator[Table]:
    """Yield some rows of a store, from `start` to before `stop`, in tables; see `chunks`.

    Raises
    ------
    DataError
        As `read`.
    """
    whole = _opened(path, name, options)
    plan = _planned(whole, path, name, options)
    size, reading = max(1, rows), Reading(whole.X)
    end = len(whole.X) if stop is None else min(stop, len(whole.X))
    for first in range(start, end, size):
        interrupts.check()
        last = min(first + size, end)
        labels = None if whole.labels is None else whole.labels[first:last]
        part = replace(whole, X=whole.X[first:last], labels=labels)
        yield _fitted(part, plan, name, check=True)
        reading.saw(len(part.X), len(part.X))


def _opened(path: Path, name: str, options: ReadOptions) -> Table:
    """Return the rows of a store as they are, with labels when those are wanted."""
    _refuse_settled(describe(path), options, name)
    whole = open_store(path)
    if not options.labels_required:
        return replace(whole, labels=None)
    if whole.labels is None:
        raise NoLabelsError("has no labels", path=name)
    return whole


def _refuse_settled(found: Description, options: ReadOptions, name: str) -> None:
    """Raise for options about what was settled when the store was made, and is otherwise."""
    target = options.target
    if isinstance(target, str) and options.labels_required:
        features = found.feature_names or ()
        if target in features or (found.target is not None and target != found.target):
            known = shown(found.target) if found.target else "another column"
            problem = f"its labels are those of {known}, not of {shown(target)}"
            raise DataError(f"{problem}; convert the file anew with --target", path=name)
    places = [column for column in (*options.keep, *options.drop) if isinstance(column, int)]
    if places and found.feature_names is not None:
        problem = "its columns have other positions than those of the file it was made of"
        raise DataError(f"{problem}; name those to keep or drop", path=name)
    if expected_width(options) is not None:
        return
    names = [str(at) for at in range(found.features)] if found.feature_names is None else None
    texts = {(names or found.feature_names or ())[at] for at in found.categories}
    for column in options.text_columns:
        if str(column) not in texts:
            problem = f"holds column {shown(column)} as numbers"
            raise DataError(f"{problem}; convert the file anew with --text-column", path=name)
    if options.gap_marks != GAP_MARKS:
        problem = "what its gaps look like was settled when it was made"
        raise DataError(f"{problem}; leave data.missing_marks out", path=name)


def _planned(whole: Table, path: Path, name: str, options: ReadOptions) -> _Plan:
    """Return what is to be made of the columns of a store.

    Raises
    ------
    DataError
        When its columns, texts or gaps are not what is wanted.
    """
    order, names, width = _columns(whole, options, name)
    places = range(width) if order is None else order
    texts = {at: whole.categories[old] for at, old in enumerate(places) if old in whole.categories}
    known = options.vocabulary
    numbered = {at: tuple(dict.fromkeys(known.get(at, ()) + found)) for at, found in texts.items()}
    gaps = describe(path).gaps > 0 and not options.gaps
    plan = _Plan(order, width, names, texts, numbered, _renumberings(texts, numbered), gaps)
    if not options.text and (foreign := sorted(texts.keys() - known.keys())):
        problem = f"column {plan.name(foreign[0])} is one of text; expected numbers"
        raise DataError(f"{problem} (data.text: onehot takes columns of text)", path=name)
    for at in sorted(known.keys() - texts.keys()):
        if at < width and not np.isnan(statistics(path)[0, places[at]]):
            raise DataError(f"column {plan.name(at)} is one of numbers; expected text", path=name)
    if gaps and order is None:
        raise _unwanted_gaps("has gaps", name)
    return plan


def _unwanted_gaps(problem: str, name: str) -> DataError:
    advice = "data.missing says what to do about gaps"
    return DataError(f"{problem}; expected a number in every cell ({advice})", path=name)


def _columns(
    whole: Table, options: ReadOptions, name: str
) -> tuple[list[int] | None, tuple[str, ...] | None, int]:
    """Return where the wanted columns stand, None when all do so in order; names; and width."""
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
    return order, names, width


def _chosen(
    names: tuple[str, ...] | None, width: int, options: ReadOptions, path: str
) -> list[int] | None:
    """Return the places of the columns that `keep` and `drop` leave; None when all are left."""
    if not options.keep and not options.drop:
        return None
    keep, drop = chosen_columns(options, names)
    kept = {_place(column, names, width, path) for column in keep}
    kept = kept if options.keep else set(range(width))
    return sorted(kept - {_place(column, names, width, path) for column in drop})


def _place(column: Column, names: tuple[str, ...] | None, width: int, path: str) -> int:
    if isinstance(column, int):
        if -width <= column < width:
            return column % width
        raise DataError(f"column {column} is asked for, but there are {width}", path=path)
    if names is None or column not in names:
        problem = f"no column is called {shown(column)}; found {listed(names or ())}"
        raise DataError(problem, path=path)
    return names.index(column)


def _renumberings(
    texts: Mapping[int, tuple[str, ...]], numbered: Mapping[int, tuple[str, ...]]
) -> dict[int, NDArray[np.float64]]:
    """Return the wanted number of each text, for columns numbered otherwise."""
    found = {}
    for at, column in texts.items():
        place = {text: float(number) for number, text in enumerate(numbered[at])}
        if column != numbered[at][: len(column)]:
            found[at] = np.array([place[text] for text in column])
    return found


def _check_texts(X: Matrix, plan: _Plan, name: str) -> None:
    """Raise DataError unless the text columns of a store's rows hold numbers of texts, or gaps."""
    for at, texts in plan.texts.items():
        if isinstance(X, Csr):
            raise DataError("sparse rows have no columns of text", path=name)
        codes: NDArray[Any] = X[:, at if plan.order is None else plan.order[at]]
        there = codes[~np.isnan(codes)]
        if not np.isin(there, np.arange(len(texts))).all():
            problem = f"damaged: column {plan.name(at)} holds a number that is that of no text"
            raise DataError(problem, path=name)


def _fitted(part: Table, plan: _Plan, name: str, *, check: bool = False) -> Table:
    """Return rows with the wanted columns and numbers; copied only when they have others."""
    X = part.X
    if check:
        _check_texts(X, plan, name)
    if isinstance(X, Csr):
        return Table(X.widened(plan.width), part.labels, plan.names, plan.categories)
    if plan.order is not None:
        X = np.ascontiguousarray(X[:, plan.order])
        if plan.gaps and np.isnan(X).any():
            raise _unwanted_gaps("has gaps in the wanted columns", name)
    if plan.numbers:
        X = np.array(X, dtype=X.dtype if X.dtype in EXACT else np.float64)
    for at, table in plan.numbers.items():
        there = ~np.isnan(X[:, at])
        X[there, at] = table[X[there, at].astype(np.intp)]
    return Table(X, part.labels, plan.names, plan.categories)
