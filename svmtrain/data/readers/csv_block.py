"""Read whole lines of a table of numbers at once, when they are plain.

Plain are finite decimal numbers in ASCII without quotes, and one column of any text without
quotes. A blank after a delimiter and a carriage return before the end of a line are plain too.
Anything else is left to code that looks at every cell.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from svmtrain.data.readers import decimals

OF_NUMBERS = b"0123456789+-.eE"
NO_DELIMITERS = frozenset(OF_NUMBERS + b'\n\r"\0')
CELL_LIMIT = 1 << 16  # bytes; well below what the csv module takes
LINE_END = 2

Parsed = tuple[NDArray[np.float64], list[str] | None]
Parse = Callable[[bytes, bytes, int, int | None], Parsed | None]
"""What `parse` is, and others that do the same."""


def parse(block: bytes, delimiter: bytes, width: int, target: int | None) -> Parsed | None:
    """Return the cells of some lines, or None when any of them is not plain.

    Parameters
    ----------
    block : bytes
        Whole lines; the last ends with a line feed.
    delimiter : bytes
        One character.
    width : int
        Cells that every line has to have.
    target : int or None
        The column of text, from 0.

    Returns
    -------
    tuple or None
        X float64 (n_rows, width, or width - 1 without the target), finite, as `float` reads each
        cell; and the texts of the target without the blanks around them, none of them empty, or
        None when there is no target.
    """
    text, labels = plain(block, delimiter), None
    if text is None:
        return None
    if target is not None:
        cut = _cut(text, delimiter, width, target)
        if cut is None:
            return None
        text, labels = cut
        width -= 1
    numbers = decimals.parse(text, delimiter + b"\n")
    if numbers is None or not _are_rows(numbers.after, numbers.ends, width):
        return None
    return numbers.values.reshape(-1, width), labels


def plain(block: bytes, delimiter: bytes) -> bytes | None:
    """Return lines without carriage returns at their ends, and blanks after delimiters.

    None for a delimiter that numbers may have in them, and for lines with quotes, NUL bytes, or
    carriage returns elsewhere.
    """
    if len(delimiter) != 1 or delimiter[0] in NO_DELIMITERS or b'"' in block or b"\0" in block:
        return None
    text = block.replace(b"\r\n", b"\n") if b"\r" in block else block
    if b"\r" in text:
        return None
    if delimiter == b" " or b" " not in text:
        return text
    return text.replace(delimiter + b" ", delimiter)


def _are_rows(after: NDArray[np.uint8], ends: NDArray[np.intp], width: int) -> bool:
    """Return whether the separators after the cells are those of lines of `width` short cells."""
    if width < 1 or len(after) % width or np.diff(ends, prepend=-1).max() > CELL_LIMIT:
        return False
    line_ends = after == LINE_END
    return bool(line_ends[width - 1 :: width].all()) and line_ends.sum() * width == len(after)


def _cut(text: bytes, delimiter: bytes, width: int, target: int) -> tuple[bytes, list[str]] | None:
    """Take the target column out of some lines; None when it or the lines are not plain."""
    table = bytearray(256)
    table[delimiter[0]], table[ord("\n")] = 1, LINE_END
    kinds = np.frombuffer(text.translate(bytes(table)), dtype=np.uint8)
    ends = np.flatnonzero(kinds != 0)
    if width < 2 or not len(ends) or not _are_rows(kinds[ends], ends, width):
        return None
    stops = ends[target::width]
    starts = (
        ends[target - 1 :: width]
        if target
        else np.concatenate([[-1], ends[width - 1 : -1 : width]])
    )
    starts = starts[: len(stops)] + 1
    cells = [text[a:b] for a, b in zip(starts.tolist(), stops.tolist(), strict=True)]
    labels = _decoded(cells)
    if labels is None:
        return None
    last = target == width - 1  # then the delimiter before the cell goes with it, else that after
    froms = np.concatenate([[0], stops + (not last)])
    tos = np.concatenate([starts - last, [len(text)]])
    rest = b"".join([text[a:b] for a, b in zip(froms.tolist(), tos.tolist(), strict=True)])
    return rest, labels


def _decoded(cells: list[bytes]) -> list[str] | None:
    """Return cells as text without the blanks around it; None when one is not plain or empty."""
    try:
        names = {cell: cell.decode().strip() for cell in set(cells)}
    except UnicodeDecodeError:
        return None
    return [names[cell] for cell in cells] if all(names.values()) else None
