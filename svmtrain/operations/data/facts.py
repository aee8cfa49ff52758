"""What is told of data: of each column, and of the whole."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from svmtrain.data.dataset import CodedLabels, Labels
from svmtrain.data.targets import counts_rows

TABLES = ("csv", "parquet", "arrow", "store")


def label_counts(labels: Labels | None) -> Counter[str]:
    """Return how many rows each label has, those that have any."""
    if isinstance(labels, np.ndarray):
        values, counts = np.unique(labels, return_counts=True)
        return Counter(dict(zip(map(str, values.tolist()), counts.tolist(), strict=True)))
    if isinstance(labels, CodedLabels):
        found = zip(map(str, labels.names), labels.counts().tolist(), strict=True)
        return Counter({name: count for name, count in found if count})
    return Counter(map(str, labels or ()))


@dataclass(frozen=True)
class ColumnInfo:
    """What is known of a column.

    Attributes
    ----------
    name : str
        Its name, or its number from 1.
    kind : str
        "number" or "text".
    gaps : int
    zeros : float or None
        The share of zeros among the values; None for text.
    mean, deviation, low, high : float or None
        None for text, for a column of gaps alone, and where a float64 cannot hold it.
    texts : int or None
        How many different texts it has; None for numbers.
    commonest : str or None
    """

    name: str
    kind: str
    gaps: int
    zeros: float | None = None
    mean: float | None = None
    deviation: float | None = None
    low: float | None = None
    high: float | None = None
    texts: int | None = None
    commonest: str | None = None

    @property
    def constant(self) -> bool:
        """Whether all rows have the same value."""
        if self.kind == "text":
            return self.texts == 1 and not self.gaps
        return self.low is not None and self.low == self.high and not self.gaps

    def counts(self, rows: int) -> bool:
        """Return whether it holds whole numbers that count so many rows, as far as moments tell."""
        moments = (self.low, self.high, self.mean, self.deviation)
        known = [value for value in moments if value is not None]
        return not self.gaps and len(known) == 4 and counts_rows(rows, *known)


@dataclass(frozen=True)
class DataInfo:
    """What some data are.

    Attributes
    ----------
    source, format : str
    files, rows, features : int
    dtype : str
        The type of the values as they are held.
    density : float
        The share of the cells that are not 0.
    memory : int
        Bytes that the rows take as they are held in memory.
    held : str
        "dense" or "sparse", as `data.sparse: auto` holds them.
    store : int
        Bytes that the rows and labels take as a store.
    smallest_index : int or None
        Of an svmlight file, whose indices count from 1; None for other formats.
    classes : dict of str to int or None
        The rows of each label; None when there are none.
    unlabelled : str or None
        Why there are no labels.
    columns : list of ColumnInfo
    duplicate_rows : int or None
        Rows that were there before; None when there are too many to compare.
    duplicate_columns : list of (str, str)
        Pairs of columns that are the same, bit for bit, in every row; constant ones do not count.
        They are found by digests of 128 bits, and not compared again.
    warnings : list of str
    """

    source: str
    format: str
    files: int
    rows: int
    features: int
    dtype: str
    density: float
    memory: int
    held: str
    store: int
    smallest_index: int | None
    classes: dict[str, int] | None
    unlabelled: str | None
    columns: list[ColumnInfo]
    duplicate_rows: int | None
    duplicate_columns: list[tuple[str, str]]
    warnings: list[str] = field(default_factory=list)

    @property
    def droppable(self) -> bool:
        """Whether the format has columns that a config can drop."""
        return self.format in TABLES

    def telling(self, most: int) -> list[ColumnInfo]:
        """Return so many columns: all in their order if they are no more, else the most telling.

        Those are first the columns of text or with gaps, which need a setting, then those with
        the fewest zeros, and of these the ones that vary most; constant ones come last.
        """
        if len(self.columns) <= most:
            return self.columns

        def dullness(column: ColumnInfo) -> tuple[bool, bool, float, float]:
            settled = column.kind == "number" and not column.gaps
            return settled, column.constant, column.zeros or 0.0, -(column.deviation or 0.0)

        return sorted(self.columns, key=dullness)[:most]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)
