"""Rows and weights as pictures: which shape they have, and their pixels in order."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from svmtrain.errors import ConfigError

PLACE = re.compile(r"\D*(\d{1,5})\D+(\d{1,5})\D*", re.ASCII)
SHAPE = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})(?:x([1-9]\d{0,4}))?", re.ASCII)
CIFAR = ("cifar10", "cifar100")


@dataclass(frozen=True)
class Shape:
    """How the features of a row make a picture.

    Attributes
    ----------
    height, width : int
    channels : int
        1 for grey, 3 for red, green, blue.
    planar : bool
        Whether the channels come one after the other, and not side by side in each pixel.
    """

    height: int
    width: int
    channels: int = 1
    planar: bool = False

    @property
    def n_features(self) -> int:
        """The number of values of a picture."""
        return self.height * self.width * self.channels

    def pixels(self, row: NDArray[Any]) -> NDArray[Any]:
        """Return a row (n_features,) as pixels: (height, width), or (height, width, 3)."""
        if self.channels == 1:
            return row.reshape(self.height, self.width)
        if self.planar:
            return row.reshape(self.channels, self.height, self.width).transpose(1, 2, 0)
        return row.reshape(self.height, self.width, self.channels)


def parse_shape(text: str, n_features: int) -> Shape:
    """Return the shape that a text such as 28x28, 32x32x3 or 3x32x32 says.

    Raises
    ------
    ConfigError
        When it says none, or one of another number of features.
    """
    match = SHAPE.fullmatch(text)
    sizes = [int(size) for size in match.groups() if size] if match else []
    if len(sizes) == 2 or (len(sizes) == 3 and sizes[2] in (1, 3)):
        shape = Shape(sizes[0], sizes[1], sizes[2] if len(sizes) == 3 else 1)
    elif len(sizes) == 3 and sizes[0] in (1, 3):
        shape = Shape(sizes[1], sizes[2], sizes[0], planar=True)
    else:
        raise ConfigError(
            f"--image must be HEIGHTxWIDTH, HEIGHTxWIDTHx3 or 3xHEIGHTxWIDTH; got {text!r}"
        )
    if shape.n_features != n_features:
        raise ConfigError(
            f"--image {text} has {shape.n_features} values; the rows have {n_features} features"
        )
    return shape


def find_shape(format: str, names: Sequence[str] | None, n_features: int) -> Shape | None:
    """Return the shape of rows that are pictures, as far as it can be known; None if not.

    Rows are pictures where the format of the data says so (those of `idx` and `images` are taken
    to be square, as the page says), or where the names of the features are a whole grid of rows
    and columns, in order, such as pixel_0_0 to pixel_7_7.

    Parameters
    ----------
    format : str
        A name in `READERS`.
    names : sequence of str (n_features,), or None
    n_features : int
    """
    if format in CIFAR:
        return Shape(32, 32, 3, planar=True)
    if format in ("idx", "images"):
        for channels in (1, 3):
            side = math.isqrt(n_features // channels)
            if side * side * channels == n_features and side > 1:
                return Shape(side, side, channels)
    return _grid(names) if names else None


def _grid(names: Sequence[str]) -> Shape | None:
    """Return the shape of names that count rows and columns."""
    matches = [PLACE.fullmatch(name) for name in names]
    places = [(int(match[1]), int(match[2])) for match in matches if match]
    if len(places) < len(names):
        return None
    first, last = places[0], places[-1]
    height, width = last[0] - first[0] + 1, last[1] - first[1] + 1
    whole = [(first[0] + i, first[1] + j) for i in range(height) for j in range(width)]
    return Shape(height, width) if min(height, width) > 1 and places == whole else None
