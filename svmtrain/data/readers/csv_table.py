"""Read a table of numbers with a label column: CSV, TSV and their kin.

Python's csv module splits the lines, in strict mode; blanks around a cell do not count. Cells
are finite decimal numbers in ASCII, and nothing else. Every line has as many cells as the first;
blank lines are allowed at the end of the file only. In errors the line is the physical line in
the file on which the record begins, and the column is the number of the cell, both from 1.

What is not given is found, or asked for, never guessed. The delimiter is the one that splits the
first lines alike, into the most numbers. The first line is a header when it holds the label
column's name, or when none of its feature cells is a number and the second line has some.

Source: RFC 4180.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from math import isfinite
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from svmtrain import interrupts
from svmtrain.data.dataset import ReadOptions, Table, joined
from svmtrain.data.readers.content import first_lines
from svmtrain.data.readers.csv_columns import LABEL_NAMES, Layout, Record, find_layout
from svmtrain.data.readers.text import text_lines
from svmtrain.errors import DataError, shown

DELIMITERS = (",", ";", "\t", "|", " ")
SURE_NAMES = frozenset(LABEL_NAMES) - {"y"}  # y may well be a label: yes
SNIFF_LINES = 20
SNIFF_CHARACTERS = 1 << 20
SNIFF_CELLS = 10_000
BLOCK_ROWS = 4096
BLOCK_CELLS = 1 << 16

NUMBER = re.compile(r"[ \t]*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t]*")
DECIMAL_COMMA = re.compile(r"[ \t]*[+-]?[0-9]*,[0-9]+[ \t]*")
SUSPECT = "_\n\r\x0b\x0c\x1c\x1d\x1e\x1f"
CSV_PROBLEMS = {
    "unexpected end of data": "a quote opens here and is never closed",
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
        X float64 (n_samples, n_features); labels a list of str, or None when `labels_required`
        is False; feature_names from the header, or None.

    Raises
    ------
    DataError
        With line and column, for anything that is not such a table.
    """
    return joined(list(chunks(stream, name, options, BLOCK_ROWS)))


def chunks(stream: BinaryIO, name: str, options: ReadOptions, rows: int) -> Iterator[Table]:
    """Yield tables of at most `rows` rows, as `read` returns them.

    Raises
    ------
    DataError
        As `read`, when the bad line is reached.
    """
    lines = text_lines(stream, name)
    head = _head(lines)
    delimiter = _delimiter(head, options, name)
    records = _records(chain(head, lines), delimiter, name)
    opening = list(islice(records, 2))
    if not opening:
        raise DataError("the file is empty", path=name)
    has_header = _has_header([row for _, row in opening], options)
    layout = find_layout(opening[0], has_header, options, name)
    data = chain(opening[1:] if has_header else opening, records)
    size = max(1, min(rows, BLOCK_ROWS, BLOCK_CELLS // layout.width))
    seen: dict[str, str] = {}
    block = list(islice(data, size))
    if not block:
        raise DataError("has a header and no rows", path=name)
    while block:
        interrupts.check()
        yield _table(block, layout, options.header is None and not has_header, seen, name)
        block = list(islice(data, size))


def _head(lines: Iterator[str]) -> list[str]:
    """Take the first lines, to find the delimiter by."""
    head: list[str] = []
    while len(head) < SNIFF_LINES and sum(map(len, head)) < SNIFF_CHARACTERS:
        line = next(lines, None)
        if line is None:
            break
        head.append(line)
    return head


def _records(lines: Iterator[str], delimiter: str, name: str) -> Iterator[Record]:
    """Yield (line number, cells) for every record; only the end of the file may have blanks."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    blank = None
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            reasons = [text for mark, text in CSV_PROBLEMS.items() if mark in str(error)]
            raise DataError((reasons or [str(error)])[0], path=name, line=line) from None
        if row is None:
            return
        if not row:
            blank = blank or line
        elif blank:
            raise DataError("a blank line amid the rows", path=name, line=blank)
        else:
            yield line, row


def _delimiter(head: list[str], options: ReadOptions, name: str) -> str:
    """Return the delimiter that is given, or the one that fits the first lines best."""
    given = options.delimiter
    if given is not None and (len(given) != 1 or given in '\0\r\n"'):
        raise DataError(f"delimiter {shown(given)}; expected one character", path=name)
    fits = {mark: _fit(_sample(head, mark), mark) for mark in DELIMITERS}
    ranked = sorted(DELIMITERS, key=lambda mark: fits[mark], reverse=True)
    best, second = ranked[:2]
    if given is None:
        if fits[best] > (0.0, 0.0) and fits[best] == fits[second]:
            problem = f"{shown(best)} and {shown(second)} both split the lines"
            raise DataError(f"{problem} (set data.delimiter)", path=name)
        return best if fits[best] > (0.0, 0.0) else ","
    sample = _sample(head, given)
    if sample and len(sample[0]) == 1 and fits[best][0] == 1 and best != given:
        found = len(_sample(head, best)[0])
        problem = f"delimiter {shown(given)} finds one column, {shown(best)} would find {found}"
        raise DataError(f"{problem} (set data.delimiter)", path=name, line=1)
    return given


def _sample(head: list[str], delimiter: str) -> list[list[str]]:
    """Split the first lines, up to the first that cannot be."""
    reader = csv.reader(head, delimiter=delimiter, strict=True, skipinitialspace=True)
    sample: list[list[str]] = []
    try:
        sample.extend(row for row in reader if row)
    except csv.Error:
        return sample
    return sample


def _fit(sample: list[list[str]], delimiter: str) -> tuple[float, float]:
    """Return (share of rows as wide as the first, share of cells that are numbers)."""
    if not sample or len(sample[0]) < 2:
        return 0.0, 0.0
    alike = sum(len(row) == len(sample[0]) for row in sample) / len(sample)
    cells = list(islice(chain.from_iterable(sample[1:] or sample), SNIFF_CELLS))
    numbers = sum(
        _is_number(cell) or (delimiter != "," and bool(DECIMAL_COMMA.fullmatch(cell)))
        for cell in cells
    )
    return alike, numbers / len(cells)


def _is_number(cell: str) -> bool:
    """Return whether a cell is a finite decimal number in ASCII."""
    return bool(NUMBER.fullmatch(cell)) and isfinite(float(cell))


def _has_header(opening: Sequence[list[str]], options: ReadOptions) -> bool:
    """Return whether the first record names the columns."""
    if options.header is not None:
        return options.header
    first, target = opening[0], options.target
    if isinstance(target, str) and options.labels_required:
        return True
    words = {cell.strip() for cell in first}
    if options.feature_names and words.issuperset(options.feature_names):
        return True
    if target is None and any(word.lower() in SURE_NAMES for word in words):
        return True
    if isinstance(target, str) and target in words:
        return True
    skip = target % len(first) if isinstance(target, int) else None
    if any(_is_number(cell) for index, cell in enumerate(first) if index != skip):
        return False
    second = opening[1] if len(opening) > 1 else first
    return len(opening) == 1 or any(map(_is_number, second))


def _table(
    block: list[Record], layout: Layout, unsure: bool, seen: dict[str, str], name: str
) -> Table:
    """Return a block of records as a table; `seen` holds each label's one string."""
    labels: list[str] | None = [] if layout.labelled else None
    for line, row in block:
        if len(row) != layout.width:
            problem = f"{len(row)} columns; expected {layout.width}, as in the first line"
            raise DataError(problem, path=name, line=line)
        if layout.target is None:
            continue
        label = row.pop(layout.target).strip()
        if labels is not None:
            if not label:
                raise DataError(
                    "the label is empty", path=name, line=line, column=layout.target + 1
                )
            labels.append(seen.setdefault(label, label))
    X = _numbers([row for _, row in block])
    if X is None:
        raise _bad_cell(block, layout, unsure, name)
    return Table(X if layout.order is None else X[:, layout.order].copy(), labels, layout.names)


def _numbers(rows: list[list[str]]) -> NDArray[np.float64] | None:
    """Return the cells as float64 (n_rows, n_features), or None when any is not a number.

    `float` would also take underscores, digits of other scripts, and odd blanks: looking for
    them in all cells at once is cheap.
    """
    cells = list(chain.from_iterable(rows))
    text = "".join(cells)
    if not text.isascii() or any(mark in text for mark in SUSPECT):
        return None
    try:
        values = np.fromiter(map(float, cells), dtype=np.float64, count=len(cells))
    except ValueError:
        return None
    return values.reshape(len(rows), -1) if np.isfinite(values).all() else None


def _bad_cell(block: list[Record], layout: Layout, unsure: bool, name: str) -> DataError:
    """Return the error for the first cell of a block that is not a number."""
    cells = ((line, at, cell) for line, row in block for at, cell in enumerate(row))
    line, at, cell = next(found for found in cells if not _is_number(found[2]))
    column = at + 1 + (layout.target is not None and at >= layout.target)
    place = f"column {column}"
    if layout.header is not None:
        place += f" ({shown(layout.header[column - 1])})"
    expected = "expected a finite number"
    if DECIMAL_COMMA.fullmatch(cell):
        expected = "expected a number with a decimal point, not a comma"
    if unsure and line == 1:
        expected += " (set data.header to true if this line names the columns)"
    value = shown(cell) if cell.strip() else "empty"
    return DataError(f"{place} is {value}; {expected}", path=name, line=line, column=column)
