"""Understand the columns of a table: their names, the label column, the order of the features."""

from __future__ import annotations

from dataclasses import dataclass

from svmtrain.data.dataset import ReadOptions
from svmtrain.data.readers.features import (
    check_width,
    expected_width,
    feature_order,
    listed,
)
from svmtrain.errors import DataError, shown

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
    order : list of int or None
        Where the features stand once the target is gone, when they have to move.
    """

    width: int
    header: tuple[str, ...] | None
    target: int | None
    labelled: bool
    names: tuple[str, ...] | None
    order: list[int] | None


def find_layout(first: Record, has_header: bool, options: ReadOptions, name: str) -> Layout:
    """Return what the columns are, from the first record and what is asked for.

    Raises
    ------
    DataError
        For bad names, a label column that is not there, or features that do not fit the model.
    """
    line, row = first
    header = _column_names(row, line, name) if has_header else None
    find = _label_column if options.labels_required else _spare_column
    target = find(header, len(row), options, name)
    names = None
    if header is not None:
        names = tuple(cell for index, cell in enumerate(header) if index != target)
    order = feature_order(names, options, name)
    check_width(len(row) - (target is not None), options, name)
    names = names if order is None else options.feature_names
    return Layout(len(row), header, target, options.labels_required, names, order)


def _column_names(row: list[str], line: int, name: str) -> tuple[str, ...]:
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
        raise DataError(f"{problem} (give its position as the target)", path=name)
    found = _called_label(header, options)
    if len(found) != 1:
        count = "more than one column is" if found else "no column is"
        problem = f"{count} called {', '.join(LABEL_NAMES)}; found {listed(header)}"
        raise DataError(f"{problem} (name the target)", path=name)
    return found[0]


def _spare_column(
    header: tuple[str, ...] | None, width: int, options: ReadOptions, name: str
) -> int | None:
    """Return the index of a label column that is to be ignored, or None when there is none."""
    target, expected = options.target, expected_width(options)
    features = options.feature_names
    if header is not None and isinstance(target, str):
        return header.index(target) if target in header else None
    if header is not None and target is None:
        found = _called_label(header, options)
        return found[0] if len(found) == 1 and width != expected else None
    if header is not None and features is not None and target is not None:
        missing = not -width <= int(target) < width or header[int(target)] in features
        return None if missing else int(target) % width
    if expected is not None and width != expected + 1:
        return None
    if target is None:
        return None if expected is None else width - 1
    return _position(target, header, width, name)


def _called_label(header: tuple[str, ...], options: ReadOptions) -> list[int]:
    """Return the columns whose name says label, and that are no features of the model."""
    features = options.feature_names or ()
    columns = enumerate(header)
    return [at for at, cell in columns if cell.lower() in LABEL_NAMES and cell not in features]


def _position(target: str | int, header: tuple[str, ...] | None, width: int, name: str) -> int:
    """Return the index from 0 of a column given by its name or index."""
    if isinstance(target, int):
        if -width <= target < width:
            return target % width
        raise DataError(f"data.target is {target}, but there are {width} columns", path=name)
    if header is None:
        problem = f"has no header to find the column {shown(target)} in"
        raise DataError(f"{problem} (give its position as the target)", path=name)
    if target not in header:
        problem = f"no column is called {shown(target)}; found {listed(header)}"
        raise DataError(f"{problem} (name the target)", path=name)
    return header.index(target)
