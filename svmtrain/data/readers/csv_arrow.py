"""Read plain lines of a table with Arrow's CSV reader, which is faster still, where it is there.

It is used for large files only, and its numbers are those that `float` reads. What it would take
and the careful code would not, such as blank lines, quotes, nan or a bare carriage return, it is
not shown, or what it made of it is not believed.
"""

from __future__ import annotations

import importlib.util
from functools import partial
from typing import Any, BinaryIO

import numpy as np

from svmtrain.data.readers import csv_block
from svmtrain.data.readers.blocks import bytes_left
from svmtrain.data.readers.content import UTF8_BOM
from svmtrain.data.readers.csv_block import CELL_LIMIT, Parse, Parsed
from svmtrain.data.readers.text import BLOCK_BYTES

LARGE = 32 << 20  # bytes of a file from which Arrow is worth its import and its memory
ARROW_BYTES = 1 << 20  # of a block
PIECE_BYTES = ARROW_BYTES // 4  # what a thread of Arrow's takes at a time


def parser_for(stream: BinaryIO) -> tuple[Parse, int]:
    """Return the function to read plain lines of a file with, and how many bytes at a time.

    Arrow's is returned for large plain files where pyarrow is installed.
    """
    if (bytes_left(stream) or 0) < LARGE or importlib.util.find_spec("pyarrow") is None:
        return csv_block.parse, BLOCK_BYTES
    import pyarrow
    import pyarrow.csv

    pyarrow.enable_signal_handlers(False)  # or a Ctrl-C that comes while it reads is lost
    return partial(parse, pyarrow), ARROW_BYTES


def parse(
    arrow: Any, block: bytes, delimiter: bytes, width: int, target: int | None
) -> Parsed | None:
    """Return the cells of some lines, as `csv_block.parse` does.

    Parameters
    ----------
    arrow : module pyarrow, with pyarrow.csv
    block, delimiter, width, target
        See `csv_block.parse`.
    """
    text = csv_block.plain(block, delimiter)
    if text is None or text.startswith(UTF8_BOM) or not _short_cells(text, delimiter):
        return None
    try:
        table = _table(arrow, text, delimiter, width, target)
    except arrow.ArrowException:
        return None
    features = [column for column in range(width) if column != target]
    X = np.empty((table.num_rows, len(features)))
    start = 0
    for batch in table.to_batches():
        rows = X[start : start + batch.num_rows]
        for place, column in enumerate(features):
            rows[:, place] = batch.column(column).to_numpy()
        start += len(rows)
    if not np.isfinite(X).all():
        return None
    if target is None:
        return X, None
    labels = [label.strip() for label in table.column(target).to_pylist()]
    return (X, labels) if all(labels) else None


def _table(arrow: Any, text: bytes, delimiter: bytes, width: int, target: int | None) -> Any:
    """Return lines as Arrow's table: floats, and text in the target column."""
    names = [str(column) for column in range(width)]
    kinds = dict.fromkeys(names, arrow.float64())
    if target is not None:
        kinds[names[target]] = arrow.string()
    marks = {"delimiter": delimiter.decode(), "quote_char": False, "ignore_empty_lines": False}
    return arrow.csv.read_csv(
        arrow.BufferReader(text),
        arrow.csv.ReadOptions(column_names=names, block_size=PIECE_BYTES),
        arrow.csv.ParseOptions(**marks),
        arrow.csv.ConvertOptions(column_types=kinds, null_values=[], strings_can_be_null=False),
        memory_pool=arrow.system_memory_pool(),  # it gives back what is freed
    )


def _short_cells(text: bytes, delimiter: bytes) -> bool:
    """Return whether no cell can be longer than `CELL_LIMIT`, by looking at parts of half that."""
    half = CELL_LIMIT // 2
    starts = range(0, len(text) - half, half)
    return all(
        text.find(delimiter, start, start + half) >= 0 or text.find(b"\n", start, start + half) >= 0
        for start in starts
    )
