"""Which rows are pictures, and of what shape."""

import numpy as np
import pytest

from svmtrain.errors import ConfigError
from svmtrain.report.figures import template_pixels
from svmtrain.report.images import Shape, find_shape, parse_shape


@pytest.mark.parametrize(
    ("text", "n", "shape"),
    [
        ("28x28", 784, Shape(28, 28)),
        ("4x6", 24, Shape(4, 6)),
        ("32x32x3", 3072, Shape(32, 32, 3)),
        ("3x32x32", 3072, Shape(32, 32, 3, planar=True)),
    ],
)
def test_a_shape_is_height_by_width(text, n, shape):
    """With channels after each pixel, or before the planes."""
    assert parse_shape(text, n) == shape


@pytest.mark.parametrize("text", ["", "28", "0x4", "4x6x2", "axb", "2x2x2x2", "28 x 28", "-4x-6"])
def test_what_is_no_shape_is_refused(text):
    """The message says what a shape looks like."""
    with pytest.raises(ConfigError, match="HEIGHTxWIDTH"):
        parse_shape(text, 24)


def test_a_shape_of_another_size_is_refused():
    """It says both numbers."""
    with pytest.raises(ConfigError, match="28x28 has 784 values; the rows have 64"):
        parse_shape("28x28", 64)


@pytest.mark.parametrize(
    ("form", "names", "n", "shape"),
    [
        ("cifar10", None, 3072, Shape(32, 32, 3, planar=True)),
        ("idx", None, 784, Shape(28, 28)),
        ("images", None, 192, Shape(8, 8, 3)),
        ("idx", None, 10, None),
        ("csv", [f"pixel_{i}_{j}" for i in range(3) for j in range(2)], 6, Shape(3, 2)),
        ("csv", [f"r{i}c{j}" for i in range(1, 4) for j in range(1, 5)], 12, Shape(3, 4)),
        ("csv", [f"pixel_{j}_{i}" for i in range(3) for j in range(2)], 6, None),
        ("csv", ["a", "b"], 2, None),
        ("csv", ["x_0_0"], 1, None),
        ("svmlight", None, 784, None),
    ],
)
def test_pictures_are_known_by_format_or_by_names(form, names, n, shape):
    """A square of features in a table is no picture unless its names say so."""
    assert find_shape(form, names, n) == shape


def test_planes_become_pixels():
    """A row of planes and a row of pixels are the same picture."""
    planes = np.arange(12)
    planar, packed = Shape(2, 2, 3, planar=True), Shape(2, 2, 3)
    pixels = planar.pixels(planes)
    assert pixels[1, 0].tolist() == [2, 6, 10]
    assert np.array_equal(packed.pixels(pixels.ravel()), pixels)


def test_weight_zero_is_the_middle_of_the_scale():
    """Sign and order are kept; a single huge weight does not make the rest pale."""
    weights = np.array([0, 1, -1, 2, -2, 1, -1, 1, 1000.0])
    pixels = template_pixels(weights, Shape(3, 3)).ravel()
    assert pixels[0] == 0.5
    assert pixels[-1] == 1
    assert template_pixels(np.zeros(4), Shape(2, 2)).tolist() == [[0.5, 0.5], [0.5, 0.5]]
    usual = np.r_[weights[:-1], np.ones(41)]
    assert template_pixels(usual, Shape(7, 7)).max() - 0.5 > 0.49
