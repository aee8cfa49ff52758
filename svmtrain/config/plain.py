"""What YAML makes of a scalar without quotes, and how names that were meant are found.

The readings are those of YAML 1.1 as Python programs know them (`no` is a boolean, `1:30` a
number in base 60), plus `1e-3`, which many parsers read as text and people as a number.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_READINGS = {
    "null": re.compile(r"|~|null|Null|NULL"),
    "boolean": re.compile(
        r"yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF"
    ),
    "number": re.compile(
        r"""[-+]?(?: 0b[01_]+
                   | 0x[0-9a-fA-F_]+
                   | 0o[0-7_]+
                   | [0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?
                   | [0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?
                   | \.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?
                   | \.(?:inf|Inf|INF) )
            | \.(?:nan|NaN|NAN)""",
        re.VERBOSE,
    ),
    "date": re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?"),
}


def reading(text: str) -> str | None:
    """Return what YAML reads plain `text` as: null, boolean, number or date; None for text."""
    for name, pattern in _READINGS.items():
        if pattern.fullmatch(text):
            return name
    return None


def nearest(word: str, names: Iterable[str]) -> str | None:
    """Return the name that `word` was probably meant to be, or None when none is near."""
    by_lower = {name.lower(): name for name in names}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1)
    return by_lower[close[0]] if close else None
