"""Turn the cells of a table into numbers, column by column, one careful block after another.

A column is one of numbers or one of text. It is text when it is said to be, and where text is
allowed, when its first cell that is no gap is not a number; that is not asked of data which are
held to the features of a model, or of an earlier file. Texts are numbered as they first come.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import isfinite, nan

import numpy as np
from numpy.typing import NDArray

from svmtrain.data.dataset import ReadOptions, Table
from svmtrain.data.readers.csv_columns import Layout, Record
from svmtrain.data.readers.features import expected_width
from svmtrain.data.readers.vocabulary import Vocabulary
from svmtrain.errors import DataError, shown

NUMBER = re.compile(r"[ \t]*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t]*")
DECIMAL_COMMA = re.compile(r"[ \t]*[+-]?[0-9]*,[0-9]+[ \t]*")
SUSPECT = "_\n\r\x0b\x0c\x1c\x1d\x1e\x1f"


def is_number(cell: str) -> bool:
    """Return whether a cell is a finite decimal number in ASCII."""
    return bool(NUMBER.fullmatch(cell)) and isfinite(float(cell))


class Cells:
    """The columns of one table, and what is known of them so far.

    Parameters
    ----------
    layout : Layout
    options : ReadOptions
    unsure : bool
        Whether the first line of the file may be a header after all.
    name : str
        What errors call the file.
    """

    def __init__(self, layout: Layout, options: ReadOptions, unsure: bool, name: str) -> None:
        self._layout, self._unsure, self._name = layout, unsure, name
        self._marks, self._gaps = frozenset(options.gap_marks), options.gaps
        self._vocabulary = Vocabulary(options.vocabulary)
        self._texts = set(layout.texts)
        self._free, self._text = expected_width(options) is None, options.text
        open_ended = self._text and self._free
        self._open = set(range(len(layout.columns))) - self._texts if open_ended else set()
        self._numbers_are_gaps = any(map(is_number, self._marks))
        self._labels: dict[str, str] = {}  # each label's one string

    @property
    def numeric(self) -> bool:
        """Whether cells that are all numbers need nothing but `float`."""
        return not self._texts and not self._numbers_are_gaps

    def of_numbers(self, X: NDArray[np.float64], labels: list[str] | None) -> Table:
        """Return a table of rows that were read as numbers; all columns are then of numbers."""
        self._open.clear()
        if labels is not None:
            labels = list(map(self._labels.setdefault, labels, labels))
        return Table(X, labels, self._layout.names)

    def table(self, block: Sequence[Record]) -> Table:
        """Return some records as a table.

        Raises
        ------
        DataError
            For the first record with other than `width` cells or an empty label, and else the
            first cell that its column cannot hold.
        """
        layout = self._layout
        self._check_widths(block)
        labels = self._read_labels(block) if layout.labelled else None
        cells = list(zip(*(row for _, row in block), strict=True))
        self._settle(cells)
        X = np.empty((len(block), len(layout.columns)))
        for place, column in enumerate(layout.columns):
            read = self._codes if place in self._texts else self._numbers
            values = read(place, cells[column])
            if values is None:
                raise self._bad_cell(block)
            X[:, place] = values
        return Table(X, labels, layout.names, self._vocabulary.categories())

    def _check_widths(self, block: Sequence[Record]) -> None:
        for line, row in block:
            if len(row) != self._layout.width:
                problem = f"{len(row)} columns; expected {self._layout.width}"
                raise DataError(f"{problem}, as in the first line", path=self._name, line=line)

    def _read_labels(self, block: Sequence[Record]) -> list[str]:
        at = self._layout.target or 0
        labels = [row[at].strip() for _, row in block]
        if "" in labels:
            line = block[labels.index("")][0]
            raise DataError("the label is empty", path=self._name, line=line, column=at + 1)
        return list(map(self._labels.setdefault, labels, labels))

    def _settle(self, cells: Sequence[Sequence[str]]) -> None:
        """Say of the columns that are still open what they are, by their first cell."""
        for place in sorted(self._open):
            column = cells[self._layout.columns[place]]
            first = next((cell for cell in column if cell.strip() not in self._marks), None)
            if first is not None:
                self._open.remove(place)
                if not is_number(first):
                    self._texts.add(place)

    def _codes(self, place: int, cells: Sequence[str]) -> NDArray[np.float64] | None:
        """Return the numbers of the texts of a column; None when there is a gap too many."""
        distinct = dict.fromkeys(cells)
        known = [cell for cell in distinct if cell.strip() not in self._marks]
        if len(known) < len(distinct) and not self._gaps:
            return None
        numbers = self._vocabulary.numbers(place, map(str.strip, known))
        codes = dict(zip(known, map(float, numbers), strict=True))
        return np.array([codes.get(cell, nan) for cell in cells])

    def _numbers(self, place: int, cells: Sequence[str]) -> NDArray[np.float64] | None:
        """Return a column as numbers; None when a cell is none, or a gap too many."""
        values = None if self._numbers_are_gaps else _floats(cells)
        if values is not None:
            return values
        gaps = np.array([cell.strip() in self._marks for cell in cells])
        if gaps.any() and not self._gaps:
            return None
        values = _floats([cell for cell, gap in zip(cells, gaps, strict=True) if not gap])
        if values is None:
            return None
        found = np.full(len(cells), nan)
        found[~gaps] = values
        return found

    def _bad_cell(self, block: Sequence[Record]) -> DataError:
        """Return the error for the first cell of a block that its column cannot hold."""
        line, column, cell, text = next(self._bad_cells(block))
        place = f"column {column + 1}"
        if self._layout.header is not None:
            place += f" ({shown(self._layout.header[column])})"
        value = shown(cell) if cell.strip() else "empty"
        expected = self._expected(cell, text)
        if self._unsure and line == 1:
            expected += " (set data.header to true if this line names the columns)"
        elif not DECIMAL_COMMA.fullmatch(cell):
            expected += self._advice(cell)
        problem = f"{place} is {value}{expected}"
        return DataError(problem, path=self._name, line=line, column=column + 1)

    def _bad_cells(self, block: Sequence[Record]) -> Iterator[tuple[int, int, str, bool]]:
        """Yield the line, the column, the cell, and whether it should be text, of each bad cell."""
        places = sorted((column, place) for place, column in enumerate(self._layout.columns))
        for line, row in block:
            for column, place in places:
                cell, text = row[column], place in self._texts
                gap = cell.strip() in self._marks
                if not (self._gaps if gap else text or is_number(cell)):
                    yield line, column, cell, text

    def _expected(self, cell: str, text: bool) -> str:
        if text:
            return ", a gap; expected text" if cell.strip() else "; expected text"
        if DECIMAL_COMMA.fullmatch(cell):
            return "; expected a number with a decimal point, not a comma"
        if self._numbers_are_gaps and cell.strip() in self._marks:
            return ", a gap; expected a number"
        return "; expected a finite number"

    def _advice(self, cell: str) -> str:
        """Return which setting would take such a cell."""
        if cell.strip() in self._marks:
            when = "says" if self._free else "of the training says"
            return f" (data.missing {when} what to do about gaps)"
        if not self._free or _is_odd_number(cell):
            return ""
        if not self._text:
            return " (data.text: onehot takes columns of text)"
        return " (is it a gap, for data.missing_marks, or the column one of data.text_columns?)"


def _is_odd_number(cell: str) -> bool:
    """Return whether a cell is a number that is not finite, or written in an odd way."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _floats(cells: Sequence[str]) -> NDArray[np.float64] | None:
    """Return cells as float64 (n_cells,), or None when any is not a number.

    `float` would also take underscores, digits of other scripts, and odd blanks: looking for
    them in all cells at once is cheap.
    """
    text = "".join(cells)
    if not text.isascii() or any(mark in text for mark in SUSPECT):
        return None
    try:
        values = np.fromiter(map(float, cells), dtype=np.float64, count=len(cells))
    except ValueError:
        return None
    return values if np.isfinite(values).all() else None
