"""The losses by their definitions, in exact rational numbers.

On a tiny problem of whole numbers every float64 operation of the analytic gradient is exact, and
so is a difference quotient of rationals whose step meets no kink: the two must be equal, with no
tolerance at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

Row = Sequence[Fraction]
Matrix = Sequence[Sequence[Fraction]]
STEP = Fraction(1, 2**20)


def _margins(scores: Row, true: int, delta: Fraction) -> list[Fraction]:
    """Return S_j - S_y + delta for the classes j other than y."""
    return [score - scores[true] + delta for j, score in enumerate(scores) if j != true]


def _signed(scores: Row, true: int, delta: Fraction) -> list[Fraction]:
    """Return delta - S_y, and delta + S_j for the other classes."""
    return [delta - score if j == true else delta + score for j, score in enumerate(scores)]


def _plus(value: Fraction) -> Fraction:
    return max(value, Fraction(0))


DEFINITIONS: dict[str, Callable[[Row, int, Fraction], Fraction]] = {
    "weston_watkins": lambda s, y, d: sum(map(_plus, _margins(s, y, d)), Fraction(0)),
    "weston_watkins_squared": lambda s, y, d: sum(
        (_plus(m) ** 2 for m in _margins(s, y, d)), Fraction(0)
    ),
    "crammer_singer": lambda s, y, d: _plus(max(_margins(s, y, d))),
    "crammer_singer_squared": lambda s, y, d: _plus(max(_margins(s, y, d))) ** 2,
    "one_vs_rest": lambda s, y, d: sum(map(_plus, _signed(s, y, d)), Fraction(0)),
    "one_vs_rest_squared": lambda s, y, d: sum(
        (_plus(m) ** 2 for m in _signed(s, y, d)), Fraction(0)
    ),
}


def objective(
    loss: str,
    X: Matrix,
    y: Sequence[int],
    W: Matrix,
    b: Row,
    *,
    delta: Fraction,
    lam: Fraction,
    bias: str,
) -> Fraction:
    """Return P(W, b) over some rows, exactly."""
    total = Fraction(0)
    for x, true in zip(X, y, strict=True):
        scores = [
            sum((x[i] * W[i][j] for i in range(len(x))), Fraction(0))
            + (b[j] if bias != "none" else 0)
            for j in range(len(b))
        ]
        total += DEFINITIONS[loss](scores, true, delta)
    squares = sum((w * w for row in W for w in row), Fraction(0))
    if bias == "regularized":
        squares += sum((v * v for v in b), Fraction(0))
    return total / len(y) + lam * squares


def derivative(function: Callable[[Matrix], Fraction], at: Matrix, i: int, j: int) -> Fraction:
    """Return the central difference of a function of a matrix in one element, exactly."""
    values = []
    for sign in (1, -1):
        moved = [list(row) for row in at]
        moved[i][j] += sign * STEP
        values.append(function(moved))
    return (values[0] - values[1]) / (2 * STEP)
