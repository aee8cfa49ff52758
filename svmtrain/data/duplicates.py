"""Rows that are there more than once, found by their digests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import pairwise

from svmtrain.data.sparse import Csr, Matrix

DIGEST_BYTES = 16


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
