"""Hold gradients made in different ways against each other and against the function itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.gradcheck.numeric import Slope, directions, slope

Array = NDArray[np.float64]
Point = Mapping[str, Array]
TERMS = ("data", "penalty")
EXACT_TOLERANCE = 1e-10
SMALL = 1e-4


@dataclass(frozen=True)
class Made:
    """What one way of computing makes of a point.

    Attributes
    ----------
    values : dict of str to float
        By term, "data" and "penalty".
    gradients : dict of (str, str) to ndarray
        By term and parameter group; a group that is missing is not checked.
    """

    values: dict[str, float]
    gradients: dict[tuple[str, str], Array]


Way = Callable[[Point], Made]
Floors = Mapping[tuple[str, str], float]


@dataclass(frozen=True)
class Subject:
    """What is checked.

    Attributes
    ----------
    ways : dict of str to callable
        The ways that compute gradients, such as "analytic" and "gates".
    value : callable
        `value(term, point)` is the function that numeric derivatives are taken of.
    lines : callable
        `lines(term, point, group, direction)`: see `numeric.nearest_kink`.
    scales : callable
        `scales(point)` is the natural size of the data term's gradient in each group. An element
        smaller than `SMALL` times that is a sum of larger ones that cancel, and its error is
        measured against this size instead.
    smooth : bool
        Whether the data term is squared at its kinks.
    """

    ways: dict[str, Way]
    value: Callable[[str, Point], float]
    lines: Callable[[str, Point, str, Array], tuple[Array, Array]]
    scales: Callable[[Point], Mapping[str, float]]
    smooth: bool


@dataclass(frozen=True)
class Finding:
    """One line of the report: two ways, compared on a parameter group.

    Attributes
    ----------
    point : str
        Name of the weights, such as "zero".
    pair : str
        "analytic-gates", "analytic-numeric", ...
    term, group : str
    checked : int
    error : float
        The largest relative error.
    where : str
        Its coordinate or direction.
    left, right : float
        The two values there.
    step : float or None
        The smallest step taken; None without differences.
    kinks_on, kinks_near : int
        Directions with a kink at the point; directions with a step cut short by a kink.
    tolerance : float
    noise : float
        What rounding may add to the error, relative as it is.
    """

    point: str
    pair: str
    term: str
    group: str
    checked: int
    error: float
    where: str
    left: float
    right: float
    step: float | None
    kinks_on: int
    kinks_near: int
    tolerance: float
    noise: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance and rounding; NaN never is."""
        return bool(self.error <= self.tolerance + self.noise)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        finite = {k: v if math.isfinite(v) else None for k, v in self._numbers().items()}
        return {
            "point": self.point,
            "pair": self.pair,
            "term": self.term,
            "group": self.group,
            "checked": self.checked,
            "where": self.where,
            "step": self.step,
            "kinks_on": self.kinks_on,
            "kinks_near": self.kinks_near,
            "tolerance": self.tolerance,
            "noise": self.noise,
            "passed": self.passed,
            **finite,
        }

    def _numbers(self) -> dict[str, float]:
        return {"error": self.error, "left": self.left, "right": self.right}


@dataclass
class _Worst:
    """Follows the largest error."""

    error: float = 0.0
    noise: float = 0.0
    where: str = ""
    pair: tuple[float, float] = (0.0, 0.0)

    def see(self, error: float, noise: float, where: str, pair: tuple[float, float]) -> None:
        """Take in a comparison; a NaN is worse than everything."""
        worse = error - noise > self.error - self.noise or math.isnan(error)
        if not self.where or worse:
            self.error, self.noise, self.where, self.pair = error, noise, where, pair


@dataclass(frozen=True)
class Checks:
    """How thoroughly to look.

    Attributes
    ----------
    tolerance : float
        Of comparisons with numeric derivatives; `EXACT_TOLERANCE` holds between two ways that
        both compute exactly.
    coordinates : int or None
        Coordinates a group; None for all.
    random : int
        Random directions a group.
    seed : int
    """

    tolerance: float = 1e-6
    coordinates: int | None = 20
    random: int = 5
    seed: int = 0
    findings: list[Finding] = field(default_factory=list)


def check(subject: Subject, name: str, point: Point, checks: Checks) -> list[Finding]:
    """Compare all ways with each other, and each with numeric derivatives, at one point."""
    made = {way: function(point) for way, function in subject.ways.items()}
    names = list(made)
    floors = {("data", group): SMALL * size for group, size in subject.scales(point).items()}
    findings = [
        finding
        for i, first in enumerate(names)
        for second in names[i + 1 :]
        for finding in _between(name, (first, made[first]), (second, made[second]), floors)
    ]
    groups = {key: None for one in made.values() for key in one.gradients}
    for term, group in groups:
        findings += _against_numeric(subject, name, point, made, (term, group), checks, floors)
    return findings


def _between(
    name: str, left: tuple[str, Made], right: tuple[str, Made], floors: Floors
) -> list[Finding]:
    """Compare two ways element by element, values included."""
    (first, one), (second, two) = left, right
    findings = []
    for term in TERMS:
        pair = (one.values[term], two.values[term])
        error = abs(pair[0] - pair[1]) / max(abs(pair[0]), abs(pair[1]), 1e-300)
        findings.append(_exact(name, f"{first}-{second}", term, "value", 1, error, "", pair))
    for key, a in one.gradients.items():
        if key not in two.gradients:
            continue
        b = two.gradients[key]
        floor = max(_size(a, b), floors.get(key, 0.0))
        errors = np.abs(a - b) / np.maximum(np.maximum(np.abs(a), np.abs(b)), floor)
        flat = int(np.argmax(np.where(np.isnan(errors), np.inf, errors)))
        index = np.unravel_index(flat, a.shape)
        where = f"[{', '.join(str(int(i)) for i in index)}]"
        pair = (float(a[index]), float(b[index]))
        ways, error = f"{first}-{second}", float(errors[index])
        findings.append(_exact(name, ways, *key, a.size, error, where, pair))
    return findings


def _size(*arrays: Array) -> float:
    """Return the root mean square of all elements, below which one counts as small."""
    squares = max(float(np.mean(np.square(array))) for array in arrays)
    return max(math.sqrt(squares), 1e-300)


def _exact(
    name: str,
    pair: str,
    term: str,
    group: str,
    count: int,
    error: float,
    where: str,
    values: tuple[float, float],
) -> Finding:
    return Finding(
        name, pair, term, group, count, error, where, *values, None, 0, 0, EXACT_TOLERANCE
    )


def _against_numeric(
    subject: Subject,
    name: str,
    point: Point,
    made: Mapping[str, Made],
    key: tuple[str, str],
    checks: Checks,
    floors: Floors,
) -> list[Finding]:
    """Compare every way with numeric derivatives of one term, along directions in one group."""
    term, group = key
    chosen = directions(point[group].shape, checks.coordinates, checks.random, checks.seed)
    slopes: list[tuple[str, Array, Slope]] = []
    for where, direction in chosen:
        slopes.append((where, direction, _slope(subject, point, term, group, direction)))
    numerics = np.array([numeric.central for _, _, numeric in slopes])
    found = []
    for way, one in made.items():
        if (term, group) not in one.gradients:
            continue
        gradient, worst = one.gradients[term, group], _Worst()
        floor = max(_size(gradient, numerics), floors.get((term, group), 0.0))
        for where, direction, numeric in slopes:
            along = float(np.vdot(gradient, direction))
            scale = max(abs(along), abs(numeric.central), floor)
            pair = (along, numeric.central)
            worst.see(numeric.distance(along) / scale, numeric.noise / scale, where, pair)
        steps = [s.step for _, _, s in slopes]
        found.append(
            Finding(
                name,
                f"{way}-numeric",
                term,
                group,
                len(slopes),
                worst.error,
                worst.where,
                *worst.pair,
                min(steps),
                sum(s.kinks > 0 for _, _, s in slopes),
                sum(step < max(steps) for step in steps),
                checks.tolerance,
                worst.noise,
            )
        )
    return found


def _slope(subject: Subject, point: Point, term: str, group: str, direction: Array) -> Slope:
    def value(array: Array) -> float:
        return subject.value(term, {**point, group: array})

    def lines(way: Array) -> tuple[Array, Array]:
        return subject.lines(term, point, group, way)

    smooth = subject.smooth or term == "penalty"
    return slope(value, point[group], direction, lines, smooth=smooth)
