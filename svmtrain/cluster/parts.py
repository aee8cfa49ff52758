"""Which rows are in which shard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.cluster.engine import Pick
from svmtrain.data.elsewhere import Elsewhere

Index = NDArray[np.intp]


def even(rows: int, shards: int) -> Index:
    """Return where each of some shards begins, and the last ends, (shards + 1,) intp.

    They have the same number of rows to within one.
    """
    return np.array([rows * k // shards for k in range(shards + 1)], dtype=np.intp)


@dataclass(frozen=True)
class Cuts:
    """Where the rows of the files of each role are cut, so that every shard has a run of them.

    Attributes
    ----------
    at : mapping of str to ndarray of intp (shards + 1,)
        By role. Where training rows are among others, each shard has as many of them.
    """

    at: dict[str, Index]

    @classmethod
    def of(cls, train: Elsewhere, lengths: dict[str, int], shards: int) -> Cuts:
        """Return the cuts for some training rows, and files of each role with so many rows."""
        at = {role: even(rows, shards) for role, rows in lengths.items()}
        begins = train.places[even(len(train), shards)[1:-1]]
        at[train.source] = np.concatenate([[0], begins, [lengths[train.source]]]).astype(np.intp)
        return cls(at)

    def picks(self, rows: Elsewhere) -> list[Pick]:
        """Return the rows of each shard that are among some, in order; each may have none."""
        cuts, places = self.at[rows.source], rows.places
        ends = np.searchsorted(places, cuts)
        found = []
        for k in range(len(cuts) - 1):
            at = (places[ends[k] : ends[k + 1]] - cuts[k]).astype(np.intp)
            whole = len(at) == cuts[k + 1] - cuts[k]
            found.append(Pick(k, rows.source, None if whole else at))
        return found

    def counts(self, rows: Elsewhere) -> list[int]:
        """Return how many of some rows each shard has."""
        ends = np.searchsorted(rows.places, self.at[rows.source])
        return [int(count) for count in np.diff(ends)]


def dealt(rows: Index, bounds: Index) -> list[Index]:
    """Return some training rows by shard, each by its number in the shard, in their order.

    Parameters
    ----------
    rows : ndarray of intp (n,)
    bounds : ndarray of intp (shards + 1,)
        The first row of each shard; see `even`.
    """
    where = np.searchsorted(bounds, rows, side="right") - 1
    order = np.argsort(where, kind="stable")
    ends = np.cumsum(np.bincount(where, minlength=len(bounds) - 1))[:-1]
    parts: Sequence[Any] = np.split(rows[order], ends)
    return [part - begin for part, begin in zip(parts, bounds[:-1], strict=True)]
