"""Read svmlight text: `label index:value index:value ... # comment`, one row a line.

Every row begins with an integer label, also when predicting (write 0 where there is none: a row
of zeros without a label would be a blank line). Indices count from 1 and strictly increase.
Comments, blank lines and a well-formed `qid:n` after the label are skipped. Rows are sparse.
Positions in errors are the line and the byte within it, both counted from 1.

Lines of the usual form are read many at once; a block with any other is read line by line.

Source: Joachims (1999), SVMlight; Chang and Lin (2011), LIBSVM.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from svmtrain import interrupts
from svmtrain.data.dataset import ReadOptions, Table
from svmtrain.data.readers import svmlight_block, svmlight_line
from svmtrain.data.readers.content import first_lines
from svmtrain.data.readers.features import expected_width
from svmtrain.data.readers.growing import Growing, in_rows
from svmtrain.data.readers.svmlight_block import Rows
from svmtrain.data.readers.text import TextBlocks
from svmtrain.data.sparse import Csr
from svmtrain.errors import DataError

DENSE_CELLS = 1 << 22  # of a chunk, for those who make it dense
ROW_SHAPE = re.compile(rb"[^\s:]+([ \t]+([0-9]+|qid):[^\s,;:]+)+[ \t]*(#.*)?")


def looks_like(head: bytes) -> bool:
    """Return whether one of the first lines is a label and index:value pairs."""
    return any(ROW_SHAPE.fullmatch(line) for line in first_lines(head, 5))


def read(stream: BinaryIO, name: str, options: ReadOptions) -> Table:
    """Read a whole svmlight file.

    Parameters
    ----------
    stream : binary file
    name : str
        What errors call the file.
    options : ReadOptions
        `n_features` is the width; without it the width is the largest index.

    Returns
    -------
    Table
        X a Csr of float64 (n_samples, n_features); labels int64 (n_samples,), or None when
        `labels_required` is False.

    Raises
    ------
    DataError
        For a malformed line, or a file without rows or features.
    """
    width = expected_width(options)
    labels, lengths = Growing(np.int64), Growing(np.int64)
    indices, values = Growing(np.int32), Growing(np.float64)
    for rows in _parts(stream, name, options):
        labels.append(rows.labels)
        lengths.append(rows.lengths)
        indices.append(rows.indices)
        values.append(rows.values)
    whole = Rows(labels.whole(), lengths.whole(), indices.whole(), values.whole())
    return _table(whole, width or int(whole.indices.max(initial=0)), name, options)


def chunks(stream: BinaryIO, name: str, options: ReadOptions, rows: int) -> Iterator[Table]:
    """Yield tables of at most `rows` rows, as `read` returns them.

    Without `options.n_features`, each is as wide as the widest row so far: the last has the
    width of the file.

    Raises
    ------
    DataError
        As `read`.
    """
    width = expected_width(options)
    size = rows if width is None else min(rows, DENSE_CELLS // max(width, 1))
    yield from in_rows(_tables(stream, name, options, width), max(1, size))


def _tables(
    stream: BinaryIO, name: str, options: ReadOptions, width: int | None
) -> Iterator[Table]:
    """Yield the rows of a file as tables of any size, of a width or the widest so far."""
    widest = 0
    for part in _parts(stream, name, options):
        widest = max(widest, int(part.indices.max(initial=0)))
        yield _table(part, width or max(1, widest), name, options)
    if not (width or widest):
        raise DataError("has no features: no row holds an index:value", path=name)


def _parts(stream: BinaryIO, name: str, options: ReadOptions) -> Iterator[Rows]:
    """Yield the rows of a file, some at a time; there are any."""
    blocks, found, width = (
        TextBlocks(stream, name, on_fault=options.on_fault),
        False,
        expected_width(options),
    )
    while blocks.more():
        interrupts.check()
        rows = _at_once(blocks, width)
        if rows is None:
            rows = _line_by_line(blocks, name, options)
        if len(rows.labels):
            found = True
            yield rows
    if not found:
        raise DataError("holds no rows", path=name)


def _at_once(blocks: TextBlocks, width: int | None) -> Rows | None:
    """Take the rest of a block whose lines are all of the usual form."""
    block = blocks.rest()
    rows = None if block is None else svmlight_block.parse(block)
    if rows is None or rows.indices.max(initial=0) > (width or svmlight_line.WIDEST):
        return None
    blocks.take(len(rows.labels))
    return rows


def _line_by_line(blocks: TextBlocks, name: str, options: ReadOptions) -> Rows:
    """Take the rest of a block, and raise at the first line that is wrong, or tell of each."""
    width = expected_width(options)
    labels, lengths, indices, values = array("q"), array("q"), array("i"), array("d")
    for number, _, line in blocks:
        try:
            row = svmlight_line.parse(line, svmlight_line.Place(name, number, width))
        except DataError as fault:
            if options.on_fault is None:
                raise
            options.on_fault(fault)
            row = None
        if row is not None:
            labels.append(row[0])
            lengths.append(len(row[1]))
            indices.extend(row[1])
            values.extend(row[2])
        if blocks.used_up:
            break
    return Rows(np.array(labels), np.array(lengths), np.array(indices), np.array(values))


def _table(rows: Rows, width: int, name: str, options: ReadOptions) -> Table:
    """Return rows as a table; their indices are changed to count from 0."""
    if width < 1:
        raise DataError("has no features: no row holds an index:value", path=name)
    indptr = np.zeros(len(rows.labels) + 1, dtype=np.int64)
    np.cumsum(rows.lengths, out=indptr[1:])
    np.subtract(rows.indices, 1, out=rows.indices)
    X = Csr(rows.values, rows.indices, indptr, (len(rows.labels), width))
    return Table(X, rows.labels if options.labels_required else None)
