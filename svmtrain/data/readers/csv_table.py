"""Read a table of numbers with a label column: CSV, TSV and their kin.

Python's csv module splits the lines, in strict mode; blanks around a cell do not count. Cells
are finite decimal numbers in ASCII, and where the options allow it, text or gaps. Every line has
as many cells as the first; blank lines are allowed at the end of the file only. In errors the line
is the physical line in the file on which the record begins, and the column is the number of the
cell, both from 1. Lines of nothing but numbers and labels are read many at once.

What is not given is found, or asked for, never guessed. The delimiter is the one that splits the
first lines alike, into the most numbers. The first line is a header when it holds the label
column's name, or when none of its feature cells is a number and the second line has some.

Source: RFC 4180.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from itertools import chain, islice
from typing import BinaryIO

from svmtrain import interrupts
from svmtrain.data.dataset import ReadOptions, Table
from svmtrain.data.readers import csv_arrow
from svmtrain.data.readers.content import first_lines
from svmtrain.data.readers.csv_block import Parse
from svmtrain.data.readers.csv_cells import Cells
from svmtrain.data.readers.csv_columns import Layout, Record, column_names, find_layout
from svmtrain.data.readers.csv_sniff import find_delimiter, find_header, take_first
from svmtrain.data.readers.features import Columns
from svmtrain.data.readers.growing import gathered, in_rows
from svmtrain.data.readers.text import OnFault, TextBlocks, text_lines
from svmtrain.errors import DataError

BLOCK_ROWS = 4096
BLOCK_CELLS = 1 << 16
PIECE_ROWS = 256  # to look for faults in: each has those after it read again

UNCLOSED = "unexpected end of data"
CSV_PROBLEMS = {
    UNCLOSED: "a quote opens here and is never closed",
    "field larger than": f"a cell is longer than {csv.field_size_limit():,} characters",
    "expected after": "text follows a closing quote",
    "new-line character": "a carriage return stands inside the line",
}


def looks_like(head: bytes) -> bool:
    """Return whether the first lines are split alike by a comma, semicolon, tab or bar."""
    lines = first_lines(head, 2)
    counts = [[line.count(mark) for line in lines] for mark in (b",", b";", b"\t", b"|")]
    return b"\0" not in head and any(set(count) - {0} and len(set(count)) == 1 for count in counts)


def read(stream: BinaryIO, name: str, options: ReadOptions) -> Table:
    """Read a whole table.

    Parameters
    ----------
    stream : binary file
    name : str
        What errors call the file.
    options : ReadOptions

    Returns
    -------
    Table
        X float64 (n_samples, n_features), finite, or NaN for a gap; labels a list of str, or None
        when `labels_required` is False; feature_names from the header, or None; categories of
        the text columns.

    Raises
    ------
    DataError
        With line and column, for anything that is not such a table.
    """
    return gathered(_tables(stream, name, options))


def chunks(stream: BinaryIO, name: str, options: ReadOptions, rows: int) -> Iterator[Table]:
    """Yield tables of at most `rows` rows, as `read` returns them.

    Raises
    ------
    DataError
        As `read`, when the bad line is reached.
    """
    tables = _tables(stream, name, options)
    table = next(tables, None)
    if table is None:
        raise DataError("holds no rows", path=name)
    size = max(1, min(rows, BLOCK_ROWS, BLOCK_CELLS // table.X.shape[1]))
    yield from in_rows(chain([table], tables), size)


def columns(stream: BinaryIO, name: str, options: ReadOptions) -> Columns:
    """Return the columns of a table by its first lines.

    Raises
    ------
    DataError
        As `read`, for what is wrong with them.
    """
    records = _Records(TextBlocks(stream, name, csv_arrow.parser_for(stream)[1]), options, name)
    ((line, row), *_), has_header = _opening(records, options, name)
    return column_names(row, line, name) if has_header else None, len(row)


def _opening(records: _Records, options: ReadOptions, name: str) -> tuple[list[Record], bool]:
    """Take the first records, and tell whether they begin with a header."""
    opening = list(islice(records, 2))
    if not opening:
        raise DataError("the file is empty", path=name)
    return opening, find_header([row for _, row in opening], options)


def _tables(stream: BinaryIO, name: str, options: ReadOptions) -> Iterator[Table]:
    """Yield the rows of a file, some at a time; there are any."""
    parse, size = csv_arrow.parser_for(stream)
    blocks = TextBlocks(stream, name, size, options.on_fault)
    records = _Records(blocks, options, name)
    opening, has_header = _opening(records, options, name)
    layout = find_layout(opening[0], has_header, options, name)
    cells = Cells(layout, options, options.header is None and not has_header, name)
    block = opening[has_header:] + records.of_head()
    if not block:
        raise DataError("has a header and no rows", path=name)
    while block:
        interrupts.check()
        yield from _carefully(cells, block, options)
        while (parsed := _at_once(blocks, records, layout, cells, parse)) is not None:
            interrupts.check()
            yield parsed
        block = records.of_block()


def _carefully(cells: Cells, block: list[Record], options: ReadOptions) -> Iterator[Table]:
    """Yield some records as tables: as one, or in pieces where faults are told of."""
    if options.on_fault is None:
        yield cells.table(block)
        return
    for start in range(0, len(block), PIECE_ROWS):
        yield from _around(cells, block[start : start + PIECE_ROWS], options.on_fault)


def _around(cells: Cells, records: list[Record], on_fault: OnFault) -> Iterator[Table]:
    """Yield the records that can be read, and tell of each that cannot."""
    while records:
        try:
            yield cells.table(records)
            return
        except DataError as fault:
            at = [line for line, _ in records].index(fault.line or 0)
            # Those before have the right width, but may be wrong in what is looked at later.
            yield from _around(cells, records[:at], on_fault)
            on_fault(fault)
            records = records[at + 1 :]


def _at_once(
    blocks: TextBlocks, records: _Records, layout: Layout, cells: Cells, parse: Parse
) -> Table | None:
    """Take a block that has nothing but numbers and labels as a table; None for any other."""
    if records.blank is not None or not cells.numeric:
        return None
    block = blocks.rest()
    delimiter = records.delimiter.encode(errors="replace")
    parsed = None if block is None else parse(block, delimiter, layout.width, layout.target)
    if parsed is None:
        return None
    X, labels = parsed
    blocks.take(len(X))
    before = layout.width if layout.target is None else layout.target
    columns = [column - (column > before) for column in layout.columns]
    if columns != list(range(X.shape[1])):
        X = X[:, columns].copy()
    return cells.of_numbers(X, labels if layout.labelled else None)


class _Records:
    """The records of a table, as (line number, cells); only the end of a file may have blanks.

    Attributes
    ----------
    delimiter : str
    blank : int or None
        A blank line after the last record.
    """

    def __init__(self, blocks: TextBlocks, options: ReadOptions, name: str) -> None:
        self.blank: int | None = None
        self._blocks, self._name, self._on_fault = blocks, name, options.on_fault
        self._lines = text_lines(blocks)
        head = take_first(self._lines)
        self.delimiter = find_delimiter(head, options, name)
        self._head = deque(head)
        self._reader = csv.reader(
            self._all_lines(), delimiter=self.delimiter, strict=True, skipinitialspace=True
        )

    def __iter__(self) -> Iterator[Record]:
        """Yield the records that are not taken, taking each."""
        while (record := self._next()) is not None:
            yield record

    def of_head(self) -> list[Record]:
        """Take the records of the lines that the delimiter was found by."""
        found: list[Record] = []
        while self._head and (record := self._next()) is not None:
            found.append(record)
        return found

    def of_block(self) -> list[Record]:
        """Take the records that begin in the block at hand; there are none at the end only."""
        found: list[Record] = []
        for record in self:
            found.append(record)
            if self._blocks.used_up:
                break
        return found

    def _all_lines(self) -> Iterator[str]:
        while self._head:
            yield self._head.popleft()
        yield from self._lines

    def _next(self) -> Record | None:
        """Take the next record; None at the end."""
        while True:
            line = self._blocks.lines - len(self._head) + 1
            try:
                row = next(self._reader, None)
            except csv.Error as error:
                reasons = [text for mark, text in CSV_PROBLEMS.items() if mark in str(error)]
                self._refuse((reasons or [str(error)])[0], line, last=UNCLOSED in str(error))
                continue
            if row is None:
                return None
            if row and self.blank is not None:
                self._refuse("a blank line amid the rows", self.blank)
                self.blank = None
            if row:
                return line, row
            self.blank = self.blank or line

    def _refuse(self, problem: str, line: int, last: bool = False) -> None:
        """Raise, or tell of, what is wrong with a record, unless the rest of the file is in it."""
        fault = DataError(problem, path=self._name, line=line)
        if last or self._on_fault is None:
            raise fault from None
        self._on_fault(fault)
