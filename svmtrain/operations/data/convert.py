"""Convert data of any format and size into a store."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TextIO

import numpy as np

from svmtrain.data.dataset import Column, ReadOptions, Table
from svmtrain.data.readers import STDIN, expanded, iter_each, title
from svmtrain.data.store import Description, describe, is_store, write_store
from svmtrain.errors import DataError
from svmtrain.files import refuse_same_file
from svmtrain.operations.evaluate import reading_from, verify_store
from svmtrain.training.progress import counting

CHUNK_ROWS = 1024


@dataclass(frozen=True)
class Conversion:
    """A store that was made.

    Attributes
    ----------
    path : str
    store : Description
    seconds : float
    """

    path: str
    store: Description
    seconds: float

    @property
    def size(self) -> int:
        """Bytes that the arrays of the store take."""
        return sum(self.store.sizes().values())

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain values."""
        store = self.store
        return {
            "store": self.path,
            "rows": store.rows,
            "features": store.features,
            "kind": store.kind,
            "dtype": np.dtype(store.dtype).name,
            "classes": dict(zip(map(str, store.classes or ()), store.counts, strict=True)),
            "text_columns": len(store.categories),
            "gaps": store.gaps,
            "bytes": self.size,
            "seconds": self.seconds,
        }

    def __str__(self) -> str:
        store, megabytes = self.store, self.size / 1e6
        extras = {
            "classes": len(store.classes or ()),
            "text columns": len(store.categories),
            "gaps": store.gaps,
        }
        told = [f"{count:,} {name}" for name, count in extras.items() if count]
        held = f"{store.kind} {np.dtype(store.dtype).name}"
        shape = f"{store.rows:,} rows x {store.features:,} features"
        speed = f"{megabytes / max(self.seconds, 1e-3):,.0f} MB/s"
        return (
            f"{self.path}: {', '.join([shape, held, *told])}, "
            f"{megabytes:,.1f} MB in {self.seconds:.1f} s ({speed})"
        )


def convert(
    source: str,
    place: str,
    *,
    format: str = "auto",
    target: str | None = None,
    header: bool | None = None,
    delimiter: str | None = None,
    labels: str | None = None,
    text_columns: tuple[Column, ...] = (),
    drop: tuple[Column, ...] = (),
    dtype: str | None = None,
    force: bool = False,
    say: Callable[[str], None] = lambda text: None,
    stream: TextIO | None = None,
) -> Conversion:
    """Make a store of the data at a path, in memory that does not depend on their size.

    Text columns and gaps are kept as they are: what becomes of them is for a training to say.

    Parameters
    ----------
    source : str
        Anything that can be trained on, or a pattern of several files, which become one store;
        `-` is standard input.
    place : str
        The folder to make.
    format : str
        A name in `READERS`, or "auto".
    target, header, delimiter, labels
        See `ReadOptions`; a target that is a whole number is a position.
    dtype : str, optional
        float32 or float64; without it the values keep their own.
    force : bool
        Whether a store at the place is replaced.
    say : callable
        Takes a sentence for the user.
    stream : text stream or None
        Where progress goes.

    Raises
    ------
    ConfigError
        When something is at the place that may not be replaced.
    DataError
        When the source cannot be read, or holds what no store keeps.
    InUseError
        When another process makes the same store.
    StorageError
        When the system refuses to read or write.
    """
    sources = expanded(source)
    refuse_same_file(place, sources)
    for path in sources:
        verify_store(path)
    options = ReadOptions(
        target=_column(target),
        header=header,
        delimiter=delimiter,
        text=True,
        gaps=True,
        text_columns=text_columns,
        drop=drop,
    )
    begun = time.monotonic()
    with reading_from(source):
        tables = _counted(iter_each(sources, format, options, labels, CHUNK_ROWS), sources, stream)
        names = [os.path.basename(os.path.normpath(path)) for path in sources]
        name = "standard input" if source == STDIN else title(names)
        try:
            store = write_store(
                *(tables, place),
                dtype=dtype,
                replace=force,
                source=name,
                target=target if isinstance(options.target, str) else None,
                say=say,
            )
        except DataError as error:
            if error.path is not None:
                raise
            raise DataError(error.problem, path=source) from None
    return Conversion(place, store, time.monotonic() - begun)


def _column(target: str | None) -> Column | None:
    """Return a label column by its position when it is a whole number."""
    if target is not None and target.lstrip("-").isdigit():
        return int(target)
    return target


def _counted(tables: Iterator[Table], sources: list[str], stream: TextIO | None) -> Iterator[Table]:
    """Yield tables, and show how many rows they had."""
    known = all(map(is_store, sources))
    total = sum(describe(path).rows for path in sources) if known else None
    with counting(stream, total, "row") as count:
        for table in tables:
            yield table
            count(len(table.X))
