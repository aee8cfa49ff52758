"""Exact coordinate steps inside a block of rows, compiled by numba where that is installed.

`sweep` is plain Python that numba compiles: without it, it runs as it stands, far more slowly.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from svmtrain.objective.losses import Classes, Floats

Sweep = Callable[[Floats, Floats, Floats, Classes, Floats, float, float, bool, bool], None]
SWEEPS = 2
"""Passes over the rows of a block before the weights are touched."""


def sweep(
    a: Floats,
    scores: Floats,
    products: Floats,
    y: Classes,
    weight: Floats,
    delta: float,
    scale: float,
    own: bool,
    squared: bool,
) -> None:
    """Maximise D along one variable after the other, in place; see `objective.dual_form`.

    Parameters
    ----------
    a, scores : ndarray (n, n_classes)
        The variables of some rows and their scores, which follow them.
    products : ndarray (n, n)
        The Gram matrix of the rows.
    y : ndarray of int64 (n,)
    weight : ndarray (n,)
        c_i.
    delta : float
    scale : float
        2 lam n, for all training rows.
    own, squared : bool
        As in `objective.losses.Loss`; the variables of a row must not bound one another.

    Notes
    -----
    Source: Hsieh et al. (2008), A dual coordinate descent method for large-scale linear SVM.
    """
    n, n_classes = a.shape
    change = weight[:1].repeat(n_classes)
    for _ in range(SWEEPS):
        for i in range(n):
            true, length = y[i], weight[i] * products[i, i] / scale
            change[:] = 0
            for j in range(n_classes):
                sign = -1.0 if own and j == true else 1.0
                if j == true and not own:
                    continue
                slope = delta + sign * scores[i, j]
                if not own:
                    slope -= scores[i, true]
                bend = length if own else 2 * length
                if squared:
                    slope -= a[i, j] / 2
                    bend += 0.5
                top = a[i, j] + slope / bend if bend > 0 else 1.0 * (slope > 0)
                top = max(top, 0.0) if squared else min(max(top, 0.0), 1.0)
                step = sign * (top - a[i, j])
                a[i, j] = top
                change[j] += step
                scores[i, j] -= length * step
                if not own:
                    change[true] -= step
                    scores[i, true] += length * step
            for r in range(n):
                if r != i:
                    pull = products[r, i] * weight[i] / scale
                    for j in range(n_classes):
                        scores[r, j] -= pull * change[j]


@cache
def compiled() -> tuple[Sweep, str] | None:
    """Return `sweep` compiled and the name of what compiled it; None without numba.

    What is compiled is kept on disk, where a folder for it can be written.
    """
    try:
        import numba
    except ImportError:
        return None
    made: Any
    try:
        made = numba.njit(cache=True)(sweep)
    except RuntimeError:
        made = numba.njit(sweep)
    return made, f"numba {numba.__version__}"
