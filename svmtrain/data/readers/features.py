"""Hold the feature columns of a file to what a model expects: their number, names and order."""

from __future__ import annotations

from collections.abc import Sequence

from svmtrain.data.dataset import Column, ReadOptions
from svmtrain.errors import DataError, shown

NAMES_SHOWN = 8

Columns = tuple[tuple[str, ...] | None, int]
"""The names of all columns of a file, the target among them, or None; and how many there are."""


def listed(names: Sequence[str], *, last: bool = False) -> str:
    """Return the first few `names` for a message, how many more there are, and perhaps the last.

    The last of all columns is often the one of the labels.
    """
    text = ", ".join(shown(name) for name in names[:NAMES_SHOWN])
    more = len(names) - NAMES_SHOWN
    end = f", the last {shown(names[-1])}" if last and more > 0 else ""
    return f"{text} and {more} more{end}" if more > 0 else text or "none"


def expected_width(options: ReadOptions) -> int | None:
    """Return the number of features that a model expects, or None when any number will do."""
    if options.n_features is None and options.feature_names is not None:
        return len(options.feature_names)
    return options.n_features


def check_width(found: int, options: ReadOptions, path: str) -> None:
    """Raise `DataError` when there are no features, or not as many as the model expects."""
    if found < 1:
        raise DataError("has no feature columns", path=path)
    expected = expected_width(options)
    if expected is not None and found != expected:
        raise DataError(f"has {found} features, but the model expects {expected}", path=path)


def chosen_columns(
    options: ReadOptions, found: tuple[str, ...] | None
) -> tuple[tuple[Column, ...], tuple[Column, ...]]:
    """Return the columns of a file to keep and to drop, as asked for.

    Where a model expects columns by name, the others need not be there, and those that it misses
    are told together by `feature_order`.
    """
    if found is None or options.feature_names is None:
        return options.keep, options.drop
    return tuple(
        column for column in options.keep if column in found or type(column) is int
    ), tuple(column for column in options.drop if column in found or type(column) is int)


def feature_order(
    found: tuple[str, ...] | None, options: ReadOptions, path: str
) -> list[int] | None:
    """Return where each column that the model expects stands in the file.

    Returns
    -------
    list of int or None
        None when the columns need not move: the model or the file has no names, or both agree.

    Raises
    ------
    DataError
        For missing or extra columns, which are named.
    """
    wanted = options.feature_names
    if wanted is None or found is None or wanted == found:
        return None
    place = {column: index for index, column in enumerate(found)}
    if missing := [column for column in wanted if column not in place]:
        raise DataError(f"lacks columns that the model expects: {listed(missing)}", path=path)
    known = set(wanted)
    if extra := [column for column in found if column not in known]:
        raise DataError(f"has columns that the model does not know: {listed(extra)}", path=path)
    return [place[column] for column in wanted]
