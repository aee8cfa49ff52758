"""Whether labels look like what a classifier is not for, and a column like one that names rows."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from math import isclose, sqrt

from svmtrain.data.dataset import Column, Label
from svmtrain.errors import shown

MOST_CLASSES = 20
MOST_SHARE = 0.5
FEWEST_COUNTED = 20
CLOSE = 1e-9


def like_numbers(classes: Collection[Label], rows: int, target: Column | None) -> str | None:
    """Return a sentence where labels look like a number to predict; None where they do not.

    Parameters
    ----------
    classes : collection of int or str
        The labels that differ.
    rows : int
        How many rows have them.
    target : str, int or None
        The column that they come from, if it has a name.
    """
    if len(classes) <= MOST_CLASSES or len(classes) <= MOST_SHARE * rows:
        return None
    if not all(map(_is_number, classes)):
        return None
    what = f"is {shown(target)}" if isinstance(target, str) else "is the label"
    return (
        f"{len(classes):,} classes over {rows:,} rows: {what} a number to predict? "
        "svmtrain trains classifiers"
    )


def _is_number(label: Label) -> bool:
    with suppress(ValueError):
        float(label)
        return True
    return False


def counts_rows(rows: int, low: float, high: float, mean: float, deviation: float) -> bool:
    """Return whether a column without gaps has the moments of whole numbers that count its rows.

    Parameters
    ----------
    rows : int
        Of fewer than `FEWEST_COUNTED` nothing is said.
    low, high, mean, deviation : float
        Of the column; the deviation is that of all its values (divided by their number).
    """
    if rows < FEWEST_COUNTED or not low.is_integer() or high - low != rows - 1:
        return False
    counted = sqrt((rows**2 - 1) / 12)
    middle = (low + high) / 2
    return isclose(mean, middle, rel_tol=CLOSE, abs_tol=CLOSE * rows) and isclose(
        deviation, counted, rel_tol=CLOSE
    )
