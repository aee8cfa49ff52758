"""The points of a sweep: settings to be tried, as a grid or drawn from it at random."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from svmtrain.config import Config, parse_config, to_yaml
from svmtrain.config.keys import KEYS
from svmtrain.config.kinds import Either, Integer, Number
from svmtrain.config.render import yaml_value
from svmtrain.data.splits import DRAW_STREAM
from svmtrain.errors import ConfigError

SCALES = ("log", "lin")
MOST_POINTS = 100_000
DIGITS = 6
"""Significant digits of the values of a range, so that 1e-05 is not 1.0000000000000004e-05."""
DRAWN_DIGITS = 4
TRIES = 1000
NAME_LENGTH = 60
NOT_SWEPT = (
    *("output.dir", "output.name", "solver.threads", "solver.gradcheck", "data.cache"),
    *("data.train", "data.labels", "data.test", "data.test_labels"),
    *("data.validation", "data.validation_labels", "data.target", "data.stratified"),
    *("data.seed", "data.fold", "data.repeat", "data.header"),
)
"""Settings that are no part of what is learned, or change the rows that points are judged by."""
OF_GAPS = ("data.missing_marks", "data.keep", "data.drop", "data.text_columns")
"""Settings that say which rows have gaps: with data.missing: drop, which are judged by."""

_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", re.ASCII)


@dataclass(frozen=True)
class Axis:
    """A setting, and what is tried for it.

    Attributes
    ----------
    key : str
        Dotted.
    values : tuple of str
        In YAML; empty for a range that only draws at random are made of.
    scale : str
        "log" or "lin" for such a range.
    low, high : float
        Its ends.
    """

    key: str
    values: tuple[str, ...] = ()
    scale: str = ""
    low: float = 0.0
    high: float = 0.0


@dataclass(frozen=True)
class Point:
    """One combination of settings.

    Attributes
    ----------
    name : str
        That of its run.
    settings : dict of str to str
        In YAML, by dotted key.
    config : Config
    """

    name: str
    settings: dict[str, str]
    config: Config


def parse_axis(text: str) -> Axis:
    """Return what one `--grid` says: `key=a,b,c`, `key=log:LOW:HIGH:N` or `key=lin:LOW:HIGH:N`.

    Commas within brackets, braces and quotes part no values. Without N, a range is for draws.

    Raises
    ------
    ConfigError
        When it has another form. Keys and values are checked by `points_of`.
    """
    key, equals, given = text.partition("=")
    key, given = key.strip(), given.strip()
    if not equals or not key or not given:
        raise _wrong(text, "must have the form section.key=a,b,c or section.key=log:LOW:HIGH:N")
    if given.partition(":")[0] in SCALES and given.count(":") >= 2:
        return _range(text, key, given)
    values = tuple(_parted(given))
    if "" in values:
        raise _wrong(text, "has a comma with nothing before or after it")
    for place, value in enumerate(values):
        if value in values[:place]:
            raise _wrong(text, f"has the value {value} twice")
    return Axis(key, values)


def _range(text: str, key: str, given: str) -> Axis:
    """Return the axis of a range."""
    scale, *parts = given.split(":")
    if len(parts) not in (2, 3) or not all(map(_NUMBER.fullmatch, parts[:2])):
        raise _wrong(text, f"must have the form {scale}:LOW:HIGH:N with three numbers")
    low, high = float(parts[0]), float(parts[1])
    if not low < high or (scale == "log" and low <= 0) or high == float("inf"):
        above = "0 < LOW < HIGH" if scale == "log" else "LOW < HIGH"
        raise _wrong(text, f"needs {above}, got {parts[0]} and {parts[1]}")
    if len(parts) == 2:
        return Axis(key, (), scale, low, high)
    if not re.fullmatch("[1-9][0-9]{0,5}", parts[2]) or not 2 <= int(parts[2]) <= MOST_POINTS:
        raise _wrong(text, f"needs a number of values from 2 to {MOST_POINTS:,}, got {parts[2]}")
    n = int(parts[2])
    shares = [i / (n - 1) for i in range(n)]
    found = [_within(scale, low, high, share, DIGITS) for share in shares]
    return Axis(key, tuple(dict.fromkeys(_written(key, value) for value in found)))


def _within(scale: str, low: float, high: float, share: float, digits: int) -> float:
    """Return what lies at a share of the way along a range, rounded to so many digits."""
    value = low * (high / low) ** share if scale == "log" else low + (high - low) * share
    return min(high, max(low, float(f"{value:.{digits}g}")))


def _written(key: str, value: float) -> str:
    """Return a number in YAML: a whole one where the key takes no others."""
    kind = KEYS[key].kind if key in KEYS else None
    kinds = kind.kinds if isinstance(kind, Either) else (kind,)
    whole = any(isinstance(one, Integer) for one in kinds)
    if whole and not any(isinstance(one, Number) for one in kinds):
        return str(round(value))
    return yaml_value(value)


def _parted(text: str) -> list[str]:
    """Return the values between commas that stand in no brackets, braces or quotes."""
    parts, depth, quote = [""], 0, ""
    for character in text:
        if character == "," and not depth and not quote:
            parts.append("")
            continue
        parts[-1] += character
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        else:
            depth += (character in "[{") - (character in "]}")
    return [part.strip() for part in parts]


def _wrong(text: str, problem: str) -> ConfigError:
    return ConfigError(problem, path=f"--grid {text}")


def points_of(
    config: Config, axes: Sequence[Axis], *, random: int | None = None, seed: int = 0
) -> list[Point]:
    """Return the points of a sweep, in order, the last axis the quickest to change.

    Parameters
    ----------
    config : Config
        What the settings of a point are laid over.
    axes : sequence of Axis
    random : int, optional
        Draw so many different points in place of the whole grid: evenly from the values of an
        axis, or from its range.
    seed : int
        Of the draws.

    Raises
    ------
    ConfigError
        For an unknown key, a value that it does not take, a key that is no matter of a sweep, or
        too few or too many points.
    """
    _refuse_keys(axes)
    drawn = _product(axes) if random is None else _drawn(axes, random, seed)
    text, width = to_yaml(config), len(str(len(drawn)))
    points = []
    for number, settings in enumerate(drawn, 1):
        one = _laid(text, settings)
        name = f"{number:0{width}}-{_slug(settings)}"
        points.append(Point(name, settings, replace(one, output=replace(one.output, name=name))))
    _refuse_other_rows(points)
    return points


def _refuse_keys(axes: Sequence[Axis]) -> None:
    """Raise for a key that is there twice, or that no sweep is about."""
    keys = [axis.key for axis in axes]
    if not keys:
        raise ConfigError("a sweep needs at least one --grid section.key=a,b,c")
    for place, key in enumerate(keys):
        if key in keys[:place]:
            raise ConfigError(f"--grid has {key} twice")
        if key in NOT_SWEPT:
            raise _wrong(key, "the points of a sweep are judged by the same rows, and named by it")
        if key.startswith("cluster."):
            raise _wrong(key, "where runs are trained is the same for all points of a sweep")
    if {"objective.lambda", "objective.C"} <= set(keys):
        raise ConfigError("objective.lambda and objective.C are two ways to give one strength")


def _refuse_other_rows(points: Sequence[Point]) -> None:
    """Raise when rows with gaps are left out at some points, and not the same ones at all."""
    dropping = [one.config.data.missing == "drop" for one in points]
    if not any(dropping):
        return
    varied = [key for key in OF_GAPS if len({one.settings.get(key) for one in points}) > 1]
    keys = varied if all(dropping) else ["data.missing"]
    if keys:
        raise _wrong(
            keys[0],
            "where data.missing is drop, rows with gaps are left out, and the points of a sweep "
            "are judged by the same rows",
        )


def _product(axes: Sequence[Axis]) -> list[dict[str, str]]:
    """Return every combination."""
    count = 1
    for axis in axes:
        if not axis.values:
            raise _wrong(
                f"{axis.key}={axis.scale}:{axis.low:g}:{axis.high:g}",
                "needs the number of values, as in log:1e-6:1e-1:6, unless --random draws them",
            )
        count *= len(axis.values)
    if count > MOST_POINTS:
        raise ConfigError(f"the grid has {count:,} points; the most are {MOST_POINTS:,}")
    keys = [axis.key for axis in axes]
    return [
        dict(zip(keys, values, strict=True))
        for values in itertools.product(*(axis.values for axis in axes))
    ]


def _drawn(axes: Sequence[Axis], count: int, seed: int) -> list[dict[str, str]]:
    """Return different combinations drawn at random, the same for a seed whatever the release."""
    if not 1 <= count <= MOST_POINTS:
        raise ConfigError(f"--random must be from 1 to {MOST_POINTS:,}, got {count}")
    random = np.random.Philox(key=np.array([seed, DRAW_STREAM], dtype=np.uint64))
    found: list[dict[str, str]] = []
    for _ in range(TRIES * count):
        shares = [int(raw) / 2**64 for raw in random.random_raw(len(axes))]
        one = {axis.key: _at(axis, share) for axis, share in zip(axes, shares, strict=True)}
        if one not in found:
            found.append(one)
        if len(found) == count:
            return found
    raise ConfigError(f"--random {count} asks for more points than the grid has: {len(found)}")


def _at(axis: Axis, share: float) -> str:
    """Return the value of an axis at a share, 0 <= share < 1, of its way."""
    if axis.values:
        return axis.values[min(int(share * len(axis.values)), len(axis.values) - 1)]
    value = _within(axis.scale, axis.low, axis.high, share, DRAWN_DIGITS)
    return _written(axis.key, value)


def _laid(text: str, settings: dict[str, str]) -> Config:
    """Return a config with the settings of a point laid over it."""
    try:
        config = parse_config(text, "config", "", [f"{k}={v}" for k, v in settings.items()])
    except ConfigError as error:
        path = error.path and error.path.replace("--set ", "--grid ", 1)
        raise ConfigError(error.problem, path=path) from None
    if config.objective.is_path:
        raise ConfigError("a point of a sweep takes one number for objective.lambda or objective.C")
    return config


def _slug(settings: dict[str, str]) -> str:
    """Return settings as a part of a name: their last words and values."""
    parts = [f"{key.partition('.')[2]}-{value}" for key, value in settings.items()]
    plain = re.sub(r"[^A-Za-z0-9._-]+", "", "-".join(parts).replace("+", ""))
    return plain[:NAME_LENGTH].rstrip(".")
