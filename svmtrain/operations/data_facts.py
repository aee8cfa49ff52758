"""What is told of data: of each column, and of the whole."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

TABLES = ("csv", "parquet", "arrow", "store")


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
        None for text, and for a column of gaps alone.
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
    smallest_index : int or None
        Of an svmlight file, whose indices count from 1; None for other formats.
    classes : dict of str to int or None
        The rows of each label; None when no label column was found.
    columns : list of ColumnInfo
    duplicate_rows : int or None
        Rows that were there before; None when there are too many to compare.
    duplicate_columns : list of (str, str)
        Pairs of columns that are the same in every row.
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
    smallest_index: int | None
    classes: dict[str, int] | None
    columns: list[ColumnInfo]
    duplicate_rows: int | None
    duplicate_columns: list[tuple[str, str]]
    warnings: list[str] = field(default_factory=list)

    @property
    def droppable(self) -> bool:
        """Whether the format has columns that a config can drop."""
        return self.format in TABLES

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)
