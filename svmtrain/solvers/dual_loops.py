"""Exact ascent of the dual, one row after the other, compiled by numba.

The variables a of one row, all others kept, are maximised at once. With the margins m at the
present weights, q = c_i ||x_i||^2 / (2 lam n), and p = a + sum a + m / q, the best a is

    a_j = clip((p_j - t) r, 0, top)    with    sum_j a_j = min(t g, most)

    weston_watkins             r = 1               top = 1     g = 1
    weston_watkins_squared     r = q / (q + 1/2)               g = 1
    crammer_singer             r = 1                           g = 1               most = 1
    crammer_singer_squared     r = 1                           g = q / (q + 1/2)

where what is not said is infinite. The left side falls with t and the right one rises; the t
where they meet is found by Newton's method between bounds. One against rest has p = a + m / q,
t = 0, and r and top of Weston and Watkins. For two classes with one column, q counts twice.

Source: Hsieh et al. (2008), A dual coordinate descent method for large-scale linear SVM, for
ascent row by row; the subproblem is derived from the duals in `objective.dual_form`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.objective.compiling import LANE_BYTES, compiled, inlined
from svmtrain.objective.lanes import (
    outer_dense,
    outer_sparse,
    times_dense,
    times_sparse,
)
from svmtrain.objective.row_loops import AHEAD, send_for
from svmtrain.objective.work import Classes, Floats

Flags = NDArray[np.bool_]
Rows = NDArray[np.intp]

ROUNDS = 60
INFINITE = 1e30
SHORT = 1e-10
"""A q below which the scores of a row do not depend on its variables: p would have no digits."""


@inlined
def level(
    p: Floats,
    low: float,
    high: float,
    start: float,
    r: float,
    top: float,
    g: float,
    most: float,
    origin: float,
) -> float:
    """Return the t with sum_j clip((p_j - t) r, 0, top) = min((t + origin) g, most)."""
    n, t = len(p), min(max(start, low), high)
    for _ in range(ROUNDS):
        whole, inside = 0.0, 0.0
        for j in range(n):
            raw = (p[j] - t) * r
            whole += min(max(raw, 0.0), top)
            inside += r if 0 < raw < top else 0.0
        goal = (t + origin) * g
        off = whole - min(goal, most)
        if abs(off) <= 1e-14 * whole:
            break
        if off > 0:
            low = t
        else:
            high = t
        if goal < most:
            inside += g
        after = t + off / max(inside, 1e-300)
        t = after if low < after < high else (low + high) / 2
    return t


@inlined
def best_of_short_row(p: Floats, a: Floats, s: Floats, y: int, delta: float, rule: Any) -> None:
    """Set p (n,) to the best variables of a row whose scores s do not depend on them."""
    own, squared, worst = rule
    first = 0 if y > 0 else 1
    for j in range(len(a)):
        margin = delta + s[j] - (0.0 if own else s[y])
        if j == y:
            margin = delta - s[y] if own else 0.0
        elif margin > delta + s[first] - s[y]:
            first = j
        p[j] = 2 * max(margin, 0.0) if squared else (1.0 if margin > 0 else 0.0)
    if worst:
        best = p[first]
        p[:] = 0
        p[first] = best


@inlined
def best_of_row(
    p: Floats, a: Floats, s: Floats, y: int, q: float, delta: float, rule: Any
) -> float:
    """Set p (n,) to the best variables of a row with scores s; return what to shrink them by."""
    own, squared, worst = rule
    n, share, inverse = len(a), q / (q + 0.5), 1.0 / q
    r = share if squared and not worst else 1.0
    top = INFINITE if squared or worst else 1.0
    g = share if squared and worst else 1.0
    most = 1.0 if worst and not squared else INFINITE
    before, largest, first = 0.0, 0.0, y
    if not own:
        for j in range(n):
            before += a[j]
    for j in range(n):
        p[j] = a[j] + before + (delta + s[j] - (0.0 if own else s[y])) * inverse
        if j != y and p[j] > largest:
            largest, first = p[j], j
    p[y] = a[y] + (delta - s[y]) * inverse if own else -INFINITE
    if not own and largest == 0:
        p[:] = 0
        return 1.0
    t, whole = 0.0, 0.0
    if worst:  # from the largest on, so that the digits of the differences are there
        for j in range(n):
            if j != y:
                p[j] = a[j] - a[first] + (s[j] - s[first]) * inverse
        t = level(p, -largest, 0.0, before / g - largest, r, top, g, most, largest)
    elif not own:
        t = level(p, 0.0, largest, before, r, top, g, most, 0.0)
    for j in range(n):
        p[j] = min(max((p[j] - t) * r, 0.0), top)
        whole += p[j]
    return most / whole if whole > most else 1.0


@inlined
def best_of_pair(a: float, s: float, y: int, q: float, delta: float, rule: Any) -> float:
    """Return the best variable of a row for two classes with one column."""
    own, squared, _ = rule
    hinges = 1 if own else 2
    margin = delta + (1 - 2 * y) * s * hinges
    bend = q * hinges + (0.5 if squared else 0.0)
    best = a + (margin - (a / 2 if squared else 0.0)) / bend
    return max(best, 0.0) if squared else min(max(best, 0.0), 1.0)


@inlined
def scores_of(s: Floats, rows: Any, k: int, W: Floats, single: Floats, group: int) -> None:
    """Add z_k W of a row to s (width,)."""
    values, columns, indptr, _ = rows
    if len(indptr):
        begin, end = indptr[k], indptr[k + 1]
        if len(s) == 1:
            for e in range(begin, end):
                s[0] += values[e] * single[columns[e]]
        else:
            for j in range(0, len(s), group):
                times_sparse(s, j, values, columns, begin, end, W)
    else:
        begin, end = k * len(W), (k + 1) * len(W)
        if len(s) == 1:
            for e in range(begin, end):
                s[0] += values[e] * single[e - begin]
        else:
            for j in range(0, len(s), group):
                times_dense(s, j, values, begin, end, W)


@inlined
def pull_of(W: Floats, single: Floats, rows: Any, k: int, u: Floats, group: int) -> None:
    """Add z_k u^T of a row to W, where u is (width,)."""
    values, columns, indptr, _ = rows
    if len(indptr):
        begin, end = indptr[k], indptr[k + 1]
        if len(u) == 1:
            for e in range(begin, end):
                single[columns[e]] += values[e] * u[0]
        else:
            for j in range(0, len(u), group):
                outer_sparse(W, j, values, columns, begin, end, u)
    else:
        begin, end = k * len(W), (k + 1) * len(W)
        if len(u) == 1:
            for e in range(begin, end):
                single[e - begin] += values[e] * u[0]
        else:
            for j in range(0, len(u), group):
                outer_dense(W, j, values, begin, end, u)


@inlined
def move(own: Floats, u: Floats, p: Floats, shrink: float, pace: float) -> tuple[float, float]:
    """Set variables to shrink p, and u to minus pace times by how much they changed.

    Returns
    -------
    farthest, whole : float
        The largest change, and the sum of the changes.
    """
    farthest, whole = 0.0, 0.0
    for j in range(len(own)):
        before = own[j]
        own[j] = p[j] * shrink
        step = own[j] - before
        farthest = max(farthest, abs(step))
        whole += step
        u[j] = -step * pace
    return farthest, whole


@compiled
def sweep(
    rows: Any,
    moving: Any,
    a: Floats,
    which: Rows,
    y: Classes,
    weight: Floats,
    weights: Any,
    rule: Any,
    problem: Any,
    moved: Flags,
) -> None:
    """Maximise D along all variables of one row after the other, in place.

    Parameters
    ----------
    rows : tuple
        `CompiledRows.parts`.
    moving : tuple
        ||x_i||^2, w_i and z_i . shift of every row, ||shift||^2, and in float64 shift^T V and r,
        (width,): W is V + shift r^T, of which this changes V and r. See `objective.lazy`.
    a : ndarray (any, n_columns)
    which : ndarray of intp (n,)
        The rows of a that the rows have, in order.
    y : ndarray of int64 (n,)
    weight : ndarray of float64 (n,)
        c_i.
    weights : tuple of ndarray
        V (n_features, width), and the biases (width,) in float64.
    rule : tuple of bool
        (own_term, squared, whether only the worst class counts) of the loss.
    problem : tuple
        (delta, 2 lam n for all training rows, 1 with a bias and else 0, whether one column
        stands for two classes, the smallest move).
    moved : ndarray of bool (n,)
        Set to whether a variable of each row changed by more than that.
    """
    values, columns, indptr, at = rows
    squares, lever, along, length, c, turn = moving
    delta, scale, bias, paired, least = problem
    W, b = weights
    width, n, group = W.shape[1], a.shape[1], LANE_BYTES // W.itemsize
    raw, u, s, p = np.zeros(width, W.dtype), np.zeros(width, W.dtype), np.zeros(width), np.zeros(n)
    single, shifted = W.reshape(W.size), len(along) > 0
    for i in range(len(at)):
        k, own, shrink = at[i], a[which[i]], 1.0
        if len(indptr):
            send_for(values, columns, indptr, at, i + AHEAD)
        raw[:] = 0
        scores_of(raw, rows, k, W, single, group)
        for j in range(width):
            s[j] = raw[j] + b[j]
            if shifted:
                s[j] += along[k] * turn[j] - lever[k] * (c[j] + length * turn[j])
        q = weight[i] * (squares[k] + bias) / scale
        if paired:
            p[0] = best_of_pair(own[0], s[0], y[i], max(q, SHORT), delta, rule)
        elif q < SHORT:
            best_of_short_row(p, own, s, y[i], delta, rule)
        else:
            shrink = best_of_row(p, own, s, y[i], q, delta, rule)
        farthest, whole = move(own, u, p, shrink, weight[i] / scale)
        moved[i] = farthest > least
        if farthest == 0:
            continue
        if paired:
            u[0] *= 1 - 2 * y[i]
        elif rule[0]:
            u[y[i]] *= -1
        else:
            u[y[i]] = whole * weight[i] / scale
        for j in range(width):
            b[j] += bias * u[j]
            if shifted:
                turn[j] -= lever[k] * u[j]
                c[j] += along[k] * u[j]
        pull_of(W, single, rows, k, u, group)
