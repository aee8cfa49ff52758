"""Understand the columns of a table: their names, the label column, the order of the features."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

from svmtrain.data.dataset import Column, ReadOptions
from svmtrain.data.readers.features import (
    check_width,
    chosen_columns,
    expected_width,
    feature_order,
    listed,
)
from svmtrain.errors import DataError, NoLabelsError, shown

LABEL_NAMES = ("label", "target", "class", "y")

Record = tuple[int, list[str]]


@dataclass(frozen=True)
class Layout:
    """What the columns of a table are.

    Attributes
    ----------
    width : int
        Cells in every line.
    header : tuple of str or None
        The names of all columns, as in the file.
    target : int or None
        The column that is no feature, from 0.
    labelled : bool
        Whether the target is kept as labels.
    names : tuple of str or None
        The names of the features, in the order of the model.
    columns : tuple of int
        Where in the file each feature stands, from 0, in that order.
    texts : frozenset of int
        The places among the features of those that are said to be text.
    """

    width: int
    header: tuple[str, ...] | None
    target: int | None
    labelled: bool
    names: tuple[str, ...] | None
    columns: tuple[int, ...]
    texts: frozenset[int]


def find_layout(first: Record, has_header: bool, options: ReadOptions, name: str) -> Layout:
    """Return what the columns are, from the first record and what is asked for.

    Raises
    ------
    DataError
        For bad names, a column that is not there, or features that do not fit the model.
    """
    line, row = first
    header = column_names(row, line, name) if has_header else None
    left = _left(header, len(row), options, name)
    if options.labels_required:
        target: int | None = _label_column(header, len(row), options, name)
    else:
        target = _spare_column(header, len(row), left, options, name)
    columns = [column for column in left if column != target]
    names = None if header is None else tuple(header[column] for column in columns)
    order = feature_order(names, options, name)
    check_width(len(columns), options, name)
    if order is not None:
        columns, names = [columns[at] for at in order], options.feature_names
    asked = "a column of text"
    text = {_position(column, header, len(row), name, asked) for column in options.text_columns}
    texts = frozenset(place for place, column in enumerate(columns) if column in text)
    return Layout(
        width=len(row),
        header=header,
        target=target,
        labelled=options.labels_required,
        names=names,
        columns=tuple(columns),
        texts=texts | options.vocabulary.keys(),
    )


def _left(header: tuple[str, ...] | None, width: int, options: ReadOptions, name: str) -> list[int]:
    """Return the columns that may be features, or the target: those kept and not dropped."""
    keep, drop = chosen_columns(options, header)
    if header is None:
        drop = _shifted(drop, width, options)
    kept = {_position(column, header, width, name, "a column to keep") for column in keep}
    lost = {_position(column, header, width, name, "a column to drop") for column in drop}
    return [at for at in range(width) if at not in lost and (at in kept or not options.keep)]


def _shifted(drop: tuple[Column, ...], width: int, options: ReadOptions) -> tuple[Column, ...]:
    """Return where the columns stand that a model drops, in a file that may lack the labels.

    A model counts the columns of its training file, the target among them; see `ReadOptions`.
    """
    target, expected = options.target, expected_width(options)
    places = [column for column in drop if isinstance(column, int) and column >= 0]
    if options.labels_required or expected is None or len(places) < len(drop):
        return drop
    if not isinstance(target, int) or width != expected + len(drop):
        return drop
    at = target % (width + 1)
    return tuple(column - (column > at) for column in places)


def column_names(row: list[str], line: int, name: str) -> tuple[str, ...]:
    """Return the names in a header; each must be there, and be there once."""
    names: dict[str, int] = {}
    for column, cell in enumerate(map(str.strip, row), start=1):
        if not cell:
            problem = f"column {column} has no name in the header"
            raise DataError(problem, path=name, line=line, column=column)
        if cell in names:
            problem = f"column {column} is called {shown(cell)}, as is column {names[cell]}"
            raise DataError(problem, path=name, line=line, column=column)
        names[cell] = column
    return tuple(names)


def _label_column(
    header: tuple[str, ...] | None, width: int, options: ReadOptions, name: str
) -> int:
    """Return the index of the label column, which has to be there."""
    target = options.target
    if target is not None:
        return _position(target, header, width, name)
    if header is None:
        problem = "has no header to find the label column by"
        raise NoLabelsError(f"{problem} (give its position as the target)", path=name)
    found = _called_label(header, options)
    if len(found) != 1:
        count = "more than one column is" if found else "no column is"
        problem = f"{count} called {', '.join(LABEL_NAMES)}; found {listed(header, last=True)}"
        raise NoLabelsError(
            f"{problem} (name the target: data.target of a config, or --target)", path=name
        )
    return found[0]


def _spare_column(
    header: tuple[str, ...] | None, width: int, left: list[int], options: ReadOptions, name: str
) -> int | None:
    """Return the index of a label column that is to be ignored, or None when there is none."""
    target, expected = options.target, expected_width(options)
    features = options.feature_names
    if header is not None and isinstance(target, str):
        return header.index(target) if target in header else None
    if header is not None and target is None:
        found = _called_label(header, options)
        return found[0] if len(found) == 1 and len(left) != expected else None
    if header is not None and features is not None and target is not None:
        missing = not -width <= int(target) < width or header[int(target)] in features
        return None if missing else int(target) % width
    if expected is not None and len(left) != expected + 1:
        return None
    if target is None:
        return None if expected is None else left[-1]
    return _position(target, header, width, name)


def _called_label(header: tuple[str, ...], options: ReadOptions) -> list[int]:
    """Return the columns whose name says label, and that are no features of the model."""
    features = options.feature_names or ()
    columns = enumerate(header)
    return [at for at, cell in columns if cell.lower() in LABEL_NAMES and cell not in features]


def _position(
    column: Column,
    header: tuple[str, ...] | None,
    width: int,
    name: str,
    asked: str = "data.target",
) -> int:
    """Return the index from 0 of a column given by its name or index."""
    if isinstance(column, int):
        if -width <= column < width:
            return column % width
        raise DataError(f"{asked} is {column}, but there are {width} columns", path=name)
    if header is None:
        problem = f"has no header to find the column {shown(column)} in"
        raise DataError(f"{problem} (give its position instead)", path=name)
    if column not in header:
        problem = f"no column is called {shown(column)}; found {listed(header, last=True)}"
        near = get_close_matches(column, header, n=1)
        hint = f"did you mean {shown(near[0])}?" if near else f"{asked} is not there"
        raise DataError(f"{problem} ({hint})", path=name)
    return header.index(column)
