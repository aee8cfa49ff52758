"""Random numbers that never change, and the splits and orders that are made from them.

Every order is a pure function of (seed, stream): the raw output of Philox, sorted. No release of
numpy changes it, and no generator's state is ever stored.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SCHEME = "argsort-philox-1"
TEST_STREAM = 2**62
VALIDATION_STREAM = 2**62 + 1
SAMPLE_STREAM = 2**62 + 2
DRAW_STREAM = 2**62 + 3
"""That of the settings that are drawn at random to be tried."""
FOLD_STREAM = 2**62 + 2**40
SHARE_STREAM = 2**62 + 2**41
"""Those of the folds and the share of repeat 0; every repeat has its own."""
RUNS_STREAM = 2**63
"""That of the runs in epoch 0; every epoch has its own."""
RUN_ROWS = 256
BUFFER_RUNS = 64

Index = NDArray[np.intp]


def random_order(seed: int, stream: int, n: int) -> Index:
    """Return a permutation of range(n) that depends on (seed, stream) alone."""
    key = np.array([seed, stream], dtype=np.uint64)
    return in_order(np.random.Philox(key=key).random_raw(n))


def in_order(keys: NDArray[np.uint64]) -> Index:
    """Return what `np.argsort(keys, kind="stable")` does, faster for random keys.

    The upper half of each key is sorted with the number of the key below it, in place; the few
    that share an upper half are then put in order by all of it.
    """
    if len(keys) > 2**32:
        return np.argsort(keys, kind="stable")
    half = np.uint64(32)
    packed = (keys >> half << half) | np.arange(len(keys), dtype=np.uint64)
    packed.sort()
    order = (packed & np.uint64(2**32 - 1)).astype(np.intp)
    packed >>= half
    equal = np.flatnonzero(packed[1:] == packed[:-1])
    if len(equal):
        places = np.union1d(equal, equal + 1)
        order[places] = order[places][np.lexsort((keys[order[places]], packed[places]))]
    return order


def epoch_order(shuffle: str, seed: int, epoch: int, n: int) -> Index:
    """Return the order of the rows in an epoch (counted from 0).

    `full` draws a new order for every epoch, `once` uses that of epoch 0 for all, and `none`
    keeps the rows as they are. `blocks` is for rows that are read from a disk; see
    `blocks_order`.
    """
    if shuffle == "none":
        return np.arange(n)
    if shuffle == "blocks":
        return blocks_order(seed, epoch, n)
    return random_order(seed, epoch if shuffle == "full" else 0, n)


def blocks_order(seed: int, epoch: int, n: int) -> Index:
    """Return an order in which rows that stand together are read at about the same time.

    The rows are cut into runs of `RUN_ROWS` that follow each other; `BUFFER_RUNS` runs, drawn at
    random, fill a buffer, whose rows are shuffled. A batch so has rows of up to `BUFFER_RUNS`
    places, and every row comes once an epoch.
    """
    keys = np.random.Philox(key=np.array([seed, epoch], dtype=np.uint64)).random_raw(n)
    runs = random_order(seed, RUNS_STREAM + epoch, -(-n // RUN_ROWS))
    order = np.empty(n, dtype=np.intp)
    filled = 0
    for first in range(0, len(runs), BUFFER_RUNS):
        starts = runs[first : first + BUFFER_RUNS] * RUN_ROWS
        buffer = (starts[:, np.newaxis] + np.arange(RUN_ROWS)).ravel()
        buffer = buffer[buffer < n]
        part = order[filled : filled + len(buffer)]
        part[:] = buffer[np.argsort(keys[buffer], kind="stable")]
        filled += len(buffer)
    return order


def split(
    y: NDArray[np.int64], fraction: float, *, seed: int, stream: int, stratified: bool
) -> tuple[Index, Index]:
    """Return the row numbers that stay and those that are held out, each in ascending order.

    Parameters
    ----------
    y : ndarray of int64 (n_samples,)
        Classes; when `stratified`, each gives the same fraction (rounded) of its rows, and
        keeps at least one.
    fraction : float
        Share of the rows to hold out, 0 <= fraction < 1.
    """
    order = random_order(seed, stream, len(y))
    held = np.zeros(len(y), dtype=bool)
    groups = [order[y[order] == c] for c in np.unique(y)] if stratified else [order]
    for rows in groups:
        held[rows[: min(round(fraction * len(rows)), len(rows) - 1)]] = True
    return np.flatnonzero(~held), np.flatnonzero(held)


def fold(
    y: NDArray[np.int64], which: int, count: int, *, seed: int, repeat: int, stratified: bool
) -> tuple[Index, Index]:
    """Return the row numbers that stay and those of a fold, each in ascending order.

    The rows are dealt out to the folds one by one in a random order, when `stratified` class by
    class. So every row is in one fold, and the folds differ by one row at most, in all and in
    every class.

    Parameters
    ----------
    y : ndarray of int64 (n_samples,)
        Classes.
    which, count : int
        Which fold, from 1, of how many.
    seed, repeat : int
        Another repeat is another order.
    """
    order = random_order(seed, FOLD_STREAM + repeat, len(y))
    if stratified:
        order = order[np.argsort(y[order], kind="stable")]
    held = np.zeros(len(y), dtype=bool)
    held[order[which - 1 :: count]] = True
    return np.flatnonzero(~held), np.flatnonzero(held)


def share(
    y: NDArray[np.int64], fraction: float, *, seed: int, repeat: int, stratified: bool
) -> Index:
    """Return the row numbers of a share of some rows, ascending.

    The rows of a smaller share are among those of a larger one by the same seed and repeat.

    Parameters
    ----------
    y : ndarray of int64 (n_samples,)
        Classes; when `stratified`, each gives the same fraction (rounded), and at least one row.
    fraction : float
        0 < fraction <= 1.
    seed, repeat : int
        Another repeat is another order.
    """
    order = random_order(seed, SHARE_STREAM + repeat, len(y))
    taken = np.zeros(len(y), dtype=bool)
    groups = [order[y[order] == c] for c in np.unique(y)] if stratified else [order]
    for rows in groups:
        taken[rows[: max(1, round(fraction * len(rows)))]] = True
    return np.flatnonzero(taken)
