"""Colours: of pictures in files, and of those in a page, which are whatever its reader wants.

The series are told apart by people of any colour vision (most after Okabe and Ito, 2008), and by
their strokes where there are no colours.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

STROKES = ("-", "--", "-.", ":", (0, (8, 2)), (0, (4, 1, 1, 1, 1, 1)))

ON_PAPER: Mapping[str, str] = MappingProxyType(
    {
        "ink": "#222222",
        "faint": "#d0d0d0",
        "quiet": "#707070",
        "s1": "#0072b2",
        "s2": "#d55e00",
        "s3": "#007a5a",
        "s4": "#a0528a",
        "s5": "#7a2ee0",
        "s6": "#3c3c3c",
    }
)
"""The colours of a picture on white, by role."""

IN_PAGE: Mapping[str, str] = MappingProxyType(
    {role: f"#{0x0A0B01 + number:06x}" for number, role in enumerate(ON_PAPER)}
)
"""Colours that stand for the roles until `as_variables` puts the page's own in their place."""

SERIES = tuple(role for role in ON_PAPER if role.startswith("s"))


def as_variables(svg: str) -> str:
    """Return a picture drawn with `IN_PAGE` whose colours are the variables of a page."""
    for role, colour in IN_PAGE.items():
        svg = svg.replace(colour, f"var(--{role})")
    return svg
