"""How clearly rows are labelled: margins, and labels that look wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


def margins(scores: Floats, y: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how far the score of each row's class is above the best other one, (n,).

    Negative where a row is labelled wrong. Multiclass margin of Crammer and Singer (2001).

    Parameters
    ----------
    scores : ndarray of float (n, n_classes), n_classes >= 2
    y : ndarray of int64 (n,)
        The class of each row.
    """
    rows = np.arange(len(y))
    others = np.array(scores, dtype=np.float64)
    own = others[rows, y].copy()
    others[rows, y] = -np.inf
    return np.asarray(own - others.max(axis=1))


def doubts(scores: Floats, y: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return the rows whose label is probably wrong, the least likely label first.

    A row is doubted when another class beats the one it is labelled with by at least the
    margin that the rows truly labelled with that other class, and recognised, have on average:
    the classifier is as sure of the other class as of a typical row of it. A class of which no
    row is recognised casts no doubt.

    The rule is that of confident learning with margins in place of probabilities:
    Northcutt, Jiang and Chuang (2021), Confident learning.
    """
    reach, found = margins(scores, y), scores.argmax(axis=1)
    typical = np.full(scores.shape[1], np.inf)
    for k in range(scores.shape[1]):
        recognised = reach[(y == k) & (found == k)]
        if len(recognised):
            typical[k] = recognised.mean()
    doubted = np.flatnonzero((found != y) & (-reach >= typical[found]))
    return doubted[np.argsort(reach[doubted], kind="stable")]
