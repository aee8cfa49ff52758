"""Read one line of svmlight text, and say exactly what is wrong with one that cannot be read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from math import isfinite
from operator import lt
from typing import NoReturn

from svmtrain.errors import DataError, shown

ROW_BYTES = 2 << 30
WIDEST = ROW_BYTES // 8  # columns without a model: then a row could still be made dense
INDEX_LIMIT = 2**31 - 1
INDEX_DIGITS = 18

LABEL = re.compile(rb"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
PLAIN_LABEL = re.compile(rb"[+-]?[0-9]{1,18}")
VALUE = LABEL
QID = re.compile(rb"qid:[0-9]{1,18}")
TOKEN = re.compile(rb"[^ \t]+")
CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
NUMBER_BYTES = b"0123456789+-.eE"

Row = tuple[int, list[int], list[float]]
"""Label, indices from 1, values."""


@dataclass(frozen=True)
class Place:
    """Where a line stands, what indices it may hold, and how an error about it is raised."""

    path: str
    line: int
    n_features: int | None

    @property
    def limit(self) -> int:
        """The largest index that may occur."""
        return min(self.n_features or WIDEST, INDEX_LIMIT)

    def refuse(self, problem: str, column: int | None = None) -> NoReturn:
        """Raise the error for this line."""
        raise DataError(problem, path=self.path, line=self.line, column=column)


def parse(line: bytes, place: Place) -> Row | None:
    """Return what a line holds; None for one that is blank or a comment.

    Parameters
    ----------
    line : bytes
        With or without its ending.
    place : Place

    Raises
    ------
    DataError
        At the first thing that is wrong with the line.
    """
    body = line.removesuffix(b"\n").removesuffix(b"\r").split(b"#", 1)[0].strip(b" \t")
    if not body:
        return None
    row = _quick(body, place.limit)
    if row is None:
        indent = len(line) - len(line.lstrip(b" \t"))
        row = _careful(b" " * indent + body, place)
    return row


def _quick(body: bytes, width: int) -> Row | None:
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
    if n_pairs and (indices[0] < 1 or indices[-1] > width):
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


def _careful(body: bytes, place: Place) -> Row:
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


def _refuse_label(body: bytes, first: tuple[bytes, int], place: Place) -> NoReturn:
    """Raise the error for a line whose first token is not an integer label."""
    token, column = first
    if b":" in token:
        place.refuse(
            f"begins with {_text(token)}; expected an integer label (0 where none is known)", column
        )
    if b":" not in body and (marks := [mark for mark in ",;|\t" if mark.encode() in body]):
        place.refuse(f"looks like CSV split at {shown(marks[0])}, not svmlight (set data.format)")
    several = "one integer, not several labels" if b"," in token else "an integer"
    place.refuse(f"label {_text(token)}; expected {several}", column)


def _pair(token: bytes, column: int, place: Place) -> tuple[int, float]:
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
    if index is None or index > place.limit:
        known = f"beyond the {place.limit} features of the model"
        large = f"too large: one dense row may take {ROW_BYTES / 2**30:.1f} GiB"
        place.refuse(f"index {_text(left)} is {known if place.n_features else large}", column)
    value = float(right) if VALUE.fullmatch(right) else float("nan")
    if not isfinite(value):
        place.refuse(f"feature {index} is {_text(right)}; expected a finite number", column)
    return index, value


def _text(token: bytes) -> str:
    """Return a token for a message; bytes that are not UTF-8 as escapes."""
    return shown(token.decode(errors="backslashreplace"))
