"""Find out what is not said of a table: its delimiter, and whether its first line is a header."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import chain, islice

from svmtrain.data.dataset import ReadOptions
from svmtrain.data.readers.csv_cells import DECIMAL_COMMA, is_number
from svmtrain.data.readers.csv_columns import LABEL_NAMES
from svmtrain.errors import DataError, shown

DELIMITERS = (",", ";", "\t", "|", " ")
SURE_NAMES = frozenset(LABEL_NAMES) - {"y"}  # y may well be a label: yes
SNIFF_LINES = 20
SNIFF_CHARACTERS = 1 << 20
SNIFF_CELLS = 10_000


def take_first(lines: Iterator[str]) -> list[str]:
    """Take the first lines, to find the delimiter by."""
    head: list[str] = []
    while len(head) < SNIFF_LINES and sum(map(len, head)) < SNIFF_CHARACTERS:
        line = next(lines, None)
        if line is None:
            break
        head.append(line)
    return head


def find_delimiter(head: list[str], options: ReadOptions, name: str) -> str:
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
        is_number(cell) or (delimiter != "," and bool(DECIMAL_COMMA.fullmatch(cell)))
        for cell in cells
    )
    return alike, numbers / len(cells)


def find_header(opening: Sequence[list[str]], options: ReadOptions) -> bool:
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
    if any(is_number(cell) for index, cell in enumerate(first) if index != skip):
        return False
    second = opening[1] if len(opening) > 1 else first
    return len(opening) == 1 or any(map(is_number, second))
