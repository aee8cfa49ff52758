"""Read svmlight text: `label index:value index:value ... # comment`, one row a line.

Every row begins with an integer label, also when predicting (write 0 where there is none: a row
of zeros without a label would be a blank line). Indices count from 1 and strictly increase.
Comments, blank lines and a well-formed `qid:n` after the label are skipped. Rows become dense.
Positions in errors are the line and the byte within it, both counted from 1.

Source: Joachims (1999), SVMlight; Chang and Lin (2011), LIBSVM.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from math import isfinite
from operator import lt
from typing import BinaryIO, NoReturn

import numpy as np
from numpy.typing import NDArray

from svmtrain import interrupts
from svmtrain.data.dataset import ReadOptions, Table
from svmtrain.data.readers.content import first_lines
from svmtrain.data.readers.features import expected_width
from svmtrain.data.readers.text import byte_lines
from svmtrain.errors import DataError, shown

DENSE_LIMIT = 2 << 30
BLOCK_ROWS = 4096
BLOCK_CELLS = 1 << 20
INDEX_DIGITS = 18

LABEL = re.compile(rb"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
PLAIN_LABEL = re.compile(rb"[+-]?[0-9]{1,18}")
VALUE = LABEL
QID = re.compile(rb"qid:[0-9]{1,18}")
TOKEN = re.compile(rb"[^ \t]+")
CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
ROW_SHAPE = re.compile(rb"[^\s:]+([ \t]+([0-9]+|qid):[^\s,;:]+)+[ \t]*(#.*)?")
NUMBER_BYTES = b"0123456789+-.eE"


@dataclass
class _Rows:
    """Sparse rows as they are read: row i owns the pairs from ends[i - 1] up to ends[i]."""

    labels: array[int] = field(default_factory=lambda: array("q"))
    ends: array[int] = field(default_factory=lambda: array("q"))
    indices: array[int] = field(default_factory=lambda: array("q"))
    values: array[float] = field(default_factory=lambda: array("d"))


@dataclass(frozen=True)
class _Place:
    """Where a line stands, what indices it may hold, and how an error about it is raised."""

    path: str
    line: int
    n_features: int | None

    def refuse(self, problem: str, column: int | None = None) -> NoReturn:
        raise DataError(problem, path=self.path, line=self.line, column=column)


def looks_like(head: bytes) -> bool:
    """Return whether one of the first lines is a label and index:value pairs."""
    return any(ROW_SHAPE.fullmatch(line) for line in first_lines(head, 5))


def read(stream: BinaryIO, name: str, options: ReadOptions) -> Table:
    """Read a whole svmlight file into a dense table.

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
        X float64 (n_samples, n_features); labels int64 (n_samples,), or None when
        `labels_required` is False.

    Raises
    ------
    DataError
        For a malformed line, or when the dense rows would pass `DENSE_LIMIT` bytes.
    """
    rows, lines = _Rows(), byte_lines(stream, name)
    width = expected_width(options)
    while _fill(rows, lines, name, width, BLOCK_ROWS):
        interrupts.check()
    if not rows.labels:
        raise DataError("holds no rows", path=name)
    return _table(rows, width or max(rows.indices, default=0), name, options)


def chunks(stream: BinaryIO, name: str, options: ReadOptions, rows: int) -> Iterator[Table]:
    """Yield tables of at most `rows` rows, as `read` returns them; needs `options.n_features`.

    Raises
    ------
    DataError
        As `read`, and when the width is not given.
    """
    width = expected_width(options)
    if width is None:
        raise DataError("svmlight in chunks needs data.n_features", path=name)
    size = max(1, min(rows, BLOCK_CELLS // max(width, 1)))
    lines, found = byte_lines(stream, name), False
    while _fill(block := _Rows(), lines, name, width, size):
        interrupts.check()
        found = True
        yield _table(block, width, name, options)
    if not found:
        raise DataError("holds no rows", path=name)


def _fill(
    rows: _Rows,
    lines: Iterator[tuple[int, int, bytes]],
    name: str,
    width: int | None,
    count: int,
) -> bool:
    """Append the rows of the next `count` lines or rows; return False at the end of the file."""
    added = 0
    for number, _, raw in lines:
        body = raw.removesuffix(b"\n").removesuffix(b"\r").split(b"#", 1)[0].strip(b" \t")
        if not body:
            continue
        row = _quick(body, width)
        if row is None:
            indent = len(raw) - len(raw.lstrip(b" \t"))
            row = _careful(b" " * indent + body, _Place(name, number, width))
        label, indices, values = row
        rows.labels.append(label)
        rows.indices.extend(indices)
        rows.values.extend(values)
        rows.ends.append(len(rows.indices))
        added += 1
        if added == count:
            return True
    return added > 0


def _quick(body: bytes, width: int | None) -> tuple[int, list[int], list[float]] | None:
    """Parse a line of the usual form; None when `_careful` must look at it.

    What is left of the line without the bytes of numbers has to be exactly " :" once a pair, so
    one comparison rules out stray colons, blanks, letters, underscores and foreign digits.
    """
    marks = body.translate(None, NUMBER_BYTES)
    n_pairs = len(marks) // 2
    tokens = body.replace(b":", b" ").split()
    if marks != b" :" * n_pairs or len(tokens) != 2 * n_pairs + 1:
        return None
    label, index_tokens = _label(tokens[0]), tokens[1::2]
    if label is None or not (n_pairs == 0 or b"".join(index_tokens).isdigit()):
        return None
    try:
        indices, values = list(map(int, index_tokens)), list(map(float, tokens[2::2]))
    except ValueError:
        return None
    if n_pairs and (indices[0] < 1 or indices[-1] > (width or DENSE_LIMIT // 8)):
        return None
    if not all(map(lt, indices, islice(indices, 1, None))) or not all(map(isfinite, values)):
        return None
    return label, indices, values


@lru_cache(maxsize=1024)
def _label(token: bytes) -> int | None:
    """Return the integer that `token` stands for, or None."""
    if PLAIN_LABEL.fullmatch(token):
        return int(token)
    if not LABEL.fullmatch(token):
        return None
    value = float(token)
    return int(value) if value.is_integer() and abs(value) < 2**53 else None


def _careful(body: bytes, place: _Place) -> tuple[int, list[int], list[float]]:
    """Parse a line token by token, and raise at the first thing that is wrong with it."""
    if control := CONTROL.search(body):
        problem = f"holds the control character {shown(control.group().decode())}"
        place.refuse(problem, control.start() + 1)
    tokens = ((found.group(), found.start() + 1) for found in TOKEN.finditer(body))
    first = next(tokens)
    label = _label(first[0])
    if label is None:
        _refuse_label(body, first, place)
    indices: list[int] = []
    values: list[float] = []
    for position, (token, column) in enumerate(tokens):
        if position == 0 and token.startswith(b"qid:"):
            if not QID.fullmatch(token):
                place.refuse(f"{_text(token)} is malformed; expected qid:n, n a number", column)
            continue
        index, value = _pair(token, column, place)
        if indices and index <= indices[-1]:
            problem = f"index {index} after {indices[-1]}; expected increasing indices"
            place.refuse(problem, column)
        indices.append(index)
        values.append(value)
    return label, indices, values


def _refuse_label(body: bytes, first: tuple[bytes, int], place: _Place) -> NoReturn:
    """Raise the error for a line whose first token is not an integer label."""
    token, column = first
    if b":" in token:
        place.refuse(f"begins with {_text(token)}; expected an integer label", column)
    if b":" not in body and (marks := [mark for mark in ",;|\t" if mark.encode() in body]):
        place.refuse(f"looks like CSV split at {shown(marks[0])}, not svmlight (set data.format)")
    several = "one integer, not several labels" if b"," in token else "an integer"
    place.refuse(f"label {_text(token)}; expected {several}", column)


def _pair(token: bytes, column: int, place: _Place) -> tuple[int, float]:
    """Return the index and the value of one `index:value`."""
    left, _, right = token.partition(b":")
    if not left or not right or b":" in right:
        place.refuse(f"{_text(token)} is not of the form index:value", column)
    if left == b"qid":
        place.refuse(f"{_text(token)} is out of place; qid follows the label, once", column)
    if not left.isdigit():
        place.refuse(f"index {_text(left)}; expected a whole number from 1", column)
    index = int(left) if len(left) <= INDEX_DIGITS else None
    if index == 0:
        place.refuse("index 0; indices count from 1 (is the file 0-based?)", column)
    limit = place.n_features or DENSE_LIMIT // 8
    if index is None or index > limit:
        known = f"beyond the {limit} features of the model"
        large = f"too large: one dense row may take {_size(DENSE_LIMIT)}"
        place.refuse(f"index {_text(left)} is {known if place.n_features else large}", column)
    value = float(right) if VALUE.fullmatch(right) else float("nan")
    if not isfinite(value):
        place.refuse(f"feature {index} is {_text(right)}; expected a finite number", column)
    return index, value


def _table(rows: _Rows, width: int, name: str, options: ReadOptions) -> Table:
    """Return sparse rows as a dense table."""
    n_samples = len(rows.labels)
    need = n_samples * width * 8
    if width < 1:
        raise DataError("has no features: no row holds an index:value", path=name)
    if need > DENSE_LIMIT:
        problem = f"{n_samples} rows of {width} features need {_size(need)} as a dense table"
        raise DataError(f"{problem}; the limit is {_size(DENSE_LIMIT)}", path=name)
    try:
        X = np.zeros((n_samples, width))
    except MemoryError:
        raise DataError(f"no memory for a dense table of {_size(need)}", path=name) from None
    _scatter(X, rows)
    labels = np.asarray(rows.labels, dtype=np.int64) if options.labels_required else None
    return Table(X, labels)


def _scatter(X: NDArray[np.float64], rows: _Rows) -> None:
    """Write the pairs into the zeros of X (n_samples, n_features), a block of rows at a time."""
    ends = np.concatenate([[0], np.asarray(rows.ends, dtype=np.int64)])
    indices = np.asarray(rows.indices, dtype=np.int64)
    values = np.asarray(rows.values, dtype=np.float64)
    for start in range(0, len(X), BLOCK_ROWS):
        block = X[start : start + BLOCK_ROWS]
        bounds = ends[start : start + len(block) + 1]
        row = np.repeat(np.arange(len(block)), np.diff(bounds))
        block[row, indices[bounds[0] : bounds[-1]] - 1] = values[bounds[0] : bounds[-1]]


def _text(token: bytes) -> str:
    """Return a token for a message; bytes that are not UTF-8 as escapes."""
    return shown(token.decode(errors="backslashreplace"))


def _size(n_bytes: int) -> str:
    """Return a number of bytes in GiB, in words."""
    return f"{n_bytes / 2**30:,.1f} GiB"
