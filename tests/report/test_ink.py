"""Colours that everybody tells apart: by hue with any colour vision, or by their strokes."""

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from svmtrain import report
from svmtrain.report.ink import IN_PAGE, ON_PAPER, SERIES, STROKES, as_variables

# How colours look to people without one kind of cones, on linear sRGB: Machado, Oliveira and
# Fernandes (2009), A physiologically-based model for simulation of color vision deficiency.
VISIONS = {
    "all cones": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
)  # fmt: skip
WHITE = TO_XYZ.sum(axis=1)
APART = 10.0


def lab(colour, vision):
    """Return a colour #rrggbb in CIELAB, as it looks to a vision."""
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(VISIONS[vision]) @ linear, 0, 1)
    t = TO_XYZ @ seen / WHITE
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def palettes():
    """Return the colours of files, and those of pages on light and on dark paper."""
    style = (Path(report.__file__).parent / "templates" / "style.css").read_text()
    blocks = [dict(re.findall(r"--(s\d): (#[0-9a-f]{6})", part)) for part in style.split(":root")]
    found = [block for block in blocks if set(block) == set(SERIES)]
    assert len(found) == 3  # light, dark, print
    return {"paper": ON_PAPER, "light": found[0], "dark": found[1], "print": found[2]}


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("palette", sorted(palettes()))
def test_series_are_told_apart(palette, vision):
    """By colour, whatever the vision, and by stroke."""
    assert len(set(STROKES)) >= len(SERIES)
    colours = palettes()[palette]
    for one, other in combinations(SERIES, 2):
        distance = np.linalg.norm(lab(colours[one], vision) - lab(colours[other], vision))
        assert distance >= APART, (one, other, distance)


def test_the_colours_of_a_page_are_its_variables():
    """Every role, and nothing else."""
    svg = "".join(f'<a style="fill: {colour}"/>' for colour in IN_PAGE.values())
    assert re.findall(r"var\(--(\w+)\)", as_variables(svg)) == list(ON_PAPER)
