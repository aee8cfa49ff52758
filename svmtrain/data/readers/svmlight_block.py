"""Read whole lines of svmlight text at once, when they are of the usual form.

The usual form is an integer label and increasing `index:value` pairs with one blank between them:
no comments, qid, tabs or blank lines. A blank at the end of a line and a carriage return before
the end are usual too. Anything else is left to code that looks at every token.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from svmtrain.data.readers import decimals

SEPARATORS = b" :\n"
BLANK, COLON, LINE_END = 1, 2, 3
INDEX_LIMIT, LABEL_LIMIT = 2**31, 2**53


@dataclass(frozen=True)
class Rows:
    """Sparse rows.

    Attributes
    ----------
    labels : ndarray of int64 (n_rows,)
    lengths : ndarray of int64 (n_rows,)
        The number of pairs of each row.
    indices : ndarray of int32 (n_pairs,)
        As in the file: from 1, increasing within a row.
    values : ndarray of float64 (n_pairs,), finite
    """

    labels: NDArray[np.int64]
    lengths: NDArray[np.int64]
    indices: NDArray[np.int32]
    values: NDArray[np.float64]


def parse(block: bytes) -> Rows | None:
    """Return the rows of some lines, or None when any of them is not of the usual form.

    Parameters
    ----------
    block : bytes
        Whole lines; the last ends with a line feed.

    Returns
    -------
    Rows or None
        The numbers are those that `int` and `float` make of the tokens.
    """
    text = block.replace(b"\r\n", b"\n") if b"\r" in block else block
    numbers = decimals.parse(text.replace(b" \n", b"\n"), SEPARATORS)
    if numbers is None:
        return None
    after = numbers.after
    colon, line_end = after == COLON, np.flatnonzero(after == LINE_END)
    if colon[0] or not np.array_equal(colon[1:], after[:-1] == BLANK) or after[-1] != LINE_END:
        return None
    starts = np.concatenate([[0], line_end[:-1] + 1])
    labels = numbers.values[starts]
    if not ((np.abs(labels) < LABEL_LIMIT) & (labels == np.floor(labels))).all():
        return None
    at = np.flatnonzero(colon)
    if numbers.plain is not None and not numbers.plain[at].all():
        return None
    lengths = (line_end - starts) >> 1
    indices = _indices(numbers.values[at], lengths)
    if indices is None:
        return None
    return Rows(labels.astype(np.int64), lengths, indices, numbers.values[at + 1])


def _indices(found: NDArray[np.float64], lengths: NDArray[np.int64]) -> NDArray[np.int32] | None:
    """Return the indices, or None when they are out of range or do not increase in each row."""
    if not len(found):
        return found.astype(np.int32)
    if found.min() < 1 or found.max() >= INDEX_LIMIT:
        return None
    rising = found[1:] > found[:-1]
    firsts = np.cumsum(lengths)[:-1]
    rising[firsts[(firsts > 0) & (firsts < len(found))] - 1] = True
    return found.astype(np.int32) if rising.all() else None
