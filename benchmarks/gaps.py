"""When a contestant's objective came within a gap of the optimum.

The optimum is not known, but lies between the best bound that a dual solver proved and the best
objective that anyone found. The bound is what objectives are held to where the two are much closer
than the gap that is asked about (a tenth of it); else the best objective is, which favours those
who came near to it, whoever they are.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

CLOSE = 0.1
Path = Sequence[Mapping[str, Any]]


def family_paths(race: Mapping[str, Any], family: str) -> list[Path]:
    """Return every path of every contestant of a family."""
    return [
        answer["path"]
        for one in race["contestants"].values()
        if one["family"] == family
        for answer in one["repeats"]
    ]


def best_objective(paths: Sequence[Path]) -> float:
    """Return the lowest objective on any path."""
    return min(point["objective"] for path in paths for point in path)


def best_bound(paths: Sequence[Path]) -> float | None:
    """Return the highest bound on any path; None where there is none."""
    bounds = [point["bound"] for path in paths for point in path if point.get("bound") is not None]
    return max(bounds, default=None)


def optimum(paths: Sequence[Path], gap: float) -> float:
    """Return what objectives are held to for a gap."""
    best, bound = best_objective(paths), best_bound(paths)
    near = bound is not None and best - bound <= CLOSE * gap * best
    return bound if near and bound is not None else best


def reached(path: Path, target: float, gap: float) -> float | None:
    """Return the fewest seconds after which (P - target) / P is at most the gap."""
    times = [
        point["seconds"]
        for point in path
        if point["objective"] - target <= gap * point["objective"]
    ]
    return min(times, default=None)


def proven(path: Path, gap: float) -> float | None:
    """Return the seconds after which a path had proven the gap by its own bound."""
    times = [
        point["seconds"]
        for point in path
        if point.get("bound") is not None
        and point["objective"] - point["bound"] <= gap * point["objective"]
    ]
    return min(times, default=None)


def spread(values: Sequence[float | None]) -> dict[str, float] | None:
    """Return median, least and most of some figures; None when one of them is missing."""
    if not values or any(value is None for value in values):
        return None
    known = [value for value in values if value is not None]
    return {"median": statistics.median(known), "min": min(known), "max": max(known)}


def times_to(race: Mapping[str, Any], name: str, gap: float) -> dict[str, Any]:
    """Return when a contestant reached a gap, and when it had proven it, over its repeats."""
    one = race["contestants"][name]
    target = optimum(family_paths(race, one["family"]), gap)
    paths = [answer["path"] for answer in one["repeats"]]
    return {
        "reached": spread([reached(path, target, gap) for path in paths]),
        "proven": spread([proven(path, gap) for path in paths]),
    }
