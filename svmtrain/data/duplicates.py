"""Rows and columns that are there more than once, found by their digests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.data.sparse import Csr, Matrix

DIGEST_BYTES = 16
MOST_DENSE_COLUMNS = 10_000
SEEDS = (0x9E3779B97F4A7C15, 0xD1B54A32D192ED03)


def row_digests(blocks: Iterable[Matrix]) -> Iterator[bytes]:
    """Yield a digest of each row, `DIGEST_BYTES` long; equal rows of a matrix have equal ones.

    Rows of different dtypes, or of a dense and a sparse matrix, do not compare.
    """
    for block in blocks:
        if isinstance(block, Csr):
            ends = block.indptr.tolist()
            for start, stop in pairwise(ends):
                part = block.indices[start:stop].tobytes() + block.data[start:stop].tobytes()
                yield hashlib.blake2b(part, digest_size=DIGEST_BYTES).digest()
        else:
            for row in block:
                yield hashlib.blake2b(row.tobytes(), digest_size=DIGEST_BYTES).digest()


class ColumnDigests:
    """A digest of each column of rows that come block by block, all dense or all sparse.

    That of a dense column is a hash of its bytes; more than `MOST_DENSE_COLUMNS` have none. That
    of a sparse column is a sum over its values that are not 0, each mixed with its row, so that
    neither the stored zeros nor the blocks matter. It is no safeguard against columns that are
    made to collide.

    Source of the mixing: Steele, Lea, Flood (2014), Fast splittable pseudorandom number generators.
    """

    def __init__(self) -> None:
        self._rows = 0
        self._hashes: list[Any] = []
        self._sums = np.zeros((len(SEEDS), 0), dtype=np.uint64)

    def add(self, X: Matrix) -> None:
        """Take in a block, as wide as those before or wider."""
        if isinstance(X, Csr):
            self._add_sparse(X)
        elif X.shape[1] <= MOST_DENSE_COLUMNS:
            while len(self._hashes) < X.shape[1]:
                self._hashes.append(hashlib.blake2b(digest_size=DIGEST_BYTES))
            for column, digest in zip(np.ascontiguousarray(X.T), self._hashes, strict=True):
                digest.update(column.tobytes())
        self._rows += len(X)

    def _add_sparse(self, X: Csr) -> None:
        more = X.shape[1] - self._sums.shape[1]
        if more > 0:
            self._sums = np.pad(self._sums, ((0, 0), (0, more)))
        there = X.data != 0
        columns = X.indices[there].astype(np.intp)
        rows = (X.rows()[there] + self._rows).astype(np.uint64)
        bits = X.data[there].astype(np.float64).view(np.uint64)
        for sums, seed in zip(self._sums, SEEDS, strict=True):
            np.add.at(sums, columns, _mixed(bits ^ _mixed(rows + np.uint64(seed))))

    def result(self) -> list[bytes]:
        """Return the digests, `DIGEST_BYTES` long, of as many columns as have one."""
        if self._hashes:
            return [digest.digest() for digest in self._hashes]
        return [pair.tobytes() for pair in np.ascontiguousarray(self._sums.T)]


def _mixed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return words of 64 bits, every bit of each spread over all of it."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
