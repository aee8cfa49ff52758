"""Make a store that is larger than memory, to measure training on such a one.

    python benchmarks/make_store.py IMAGES.gz LABELS.gz DEST [GIGABYTES]

The rows of an IDX file of images are repeated, each time with other noise in their lowest three
bits, until there are at least as many bytes as asked for (6 GB if nothing is). The same arguments
always give the same bytes. Memory stays small: rows are made and written block by block.
"""

from __future__ import annotations

import gzip
import os
import resource
import sys
import time
from collections.abc import Iterator

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from svmtrain.data.dataset import CodedLabels, Table
from svmtrain.data.store import write_store

BLOCK_ROWS = 4096
NOISE_BITS = np.uint64(0x0707070707070707)
SEED = 20260


def read_idx(path: str) -> NDArray[np.uint8]:
    """Return the bytes of an IDX file by their shape."""
    with gzip.open(path, "rb") as file:
        content = file.read()
    n_axes = content[3]
    shape = np.frombuffer(content, dtype=">i4", count=n_axes, offset=4)
    return np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * n_axes).reshape(shape)


def noisy(rows: NDArray[np.uint8], block: int) -> NDArray[np.uint8]:
    """Return rows with noise in their lowest bits, which depends on the number of the block."""
    words = np.random.Philox(key=[SEED, block]).random_raw(-(-rows.size // 8)) & NOISE_BITS
    return rows ^ words.view(np.uint8)[: rows.size].reshape(rows.shape)


def tables(X: NDArray[np.uint8], y: NDArray[np.uint8], size: int) -> Iterator[Table]:
    """Yield tables of at least `size` bytes in all."""
    names, made, block = tuple(range(int(y.max()) + 1)), 0, 0
    while made < size:
        for start in range(0, len(X), BLOCK_ROWS):
            part = X[start : start + BLOCK_ROWS]
            codes = y[start : start + BLOCK_ROWS].astype(np.int32)
            yield Table(noisy(part, block), CodedLabels(codes, names))
            made, block = made + part.size, block + 1
            if made >= size:
                return


def main(images: str, labels: str, place: str, gigabytes: str = "6") -> None:
    """Make the store and print what it took."""
    X, y = read_idx(images), read_idx(labels)
    rows = tables(X.reshape(len(X), -1), y, int(float(gigabytes) * 1e9))
    begun = time.perf_counter()
    made = write_store(rows, place, replace=True, source=os.path.basename(images))
    seconds = time.perf_counter() - begun
    size = sum(made.sizes().values())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"{place}: {made.rows:,} rows x {made.features} features, {size / 1e9:.2f} GB")
    print(f"{seconds:.0f} s, {size / 1e6 / seconds:.0f} MB/s, peak memory {peak / 1e6:.0f} MB")


if __name__ == "__main__":
    main(*sys.argv[1:])
