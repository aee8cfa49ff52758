"""JSON from files that nobody vouches for: capped, without doubles, every field of a known type."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from svmtrain.errors import ModelError, SvmtrainError, shown

DEPTH = 16
LARGEST = 2**62


def parse(content: bytes, limit: int) -> dict[str, Any]:
    """Return the JSON object in some bytes.

    Raises
    ------
    ValueError
        When there are more than `limit` bytes, or they are no JSON object, repeat a key, hold
        NaN or infinities, or are nested more than `DEPTH` deep.
    """
    if len(content) > limit:
        raise ValueError("the header is too large")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a key appears twice in the header")
        return dict(pairs)

    def refuse(text: str) -> Any:
        raise ValueError(f"{text} in the header")

    with contextlib.suppress(RecursionError):
        header = json.loads(content, object_pairs_hook=unique, parse_constant=refuse)
        if isinstance(header, dict) and _depth(header) <= DEPTH:
            return header
    raise ValueError("the header is not an object, or nested too deeply")


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


class Fields:
    """Reads values out of a parsed header and checks the type of each.

    Parameters
    ----------
    header : mapping
    path : str or Path
        What errors call the file.
    error : type of SvmtrainError
        What is raised for a value of another type.
    """

    def __init__(
        self,
        header: Mapping[str, Any],
        path: str | Path,
        error: type[SvmtrainError] = ModelError,
    ) -> None:
        self.header = header
        self.path = path
        self.error = error

    def _get(self, key: str, kind: type | tuple[type, ...], expected: str) -> Any:
        value = self.header.get(key)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.refused(key, f"; expected {expected}")
        return value

    def refused(self, key: str, more: str = "") -> SvmtrainError:
        """Return the error for a field whose value cannot be."""
        value = shown(self.header.get(key))
        return self.error(f"damaged or forged: header field {key} is {value}{more}", path=self.path)

    def text(self, key: str) -> str:
        """Return a text."""
        return str(self._get(key, str, "a text"))

    def optional_text(self, key: str) -> str | None:
        """Return a text or None."""
        return None if self.header.get(key) is None else self.text(key)

    def count(self, key: str) -> int:
        """Return an integer from 0 to 2^62."""
        value = int(self._get(key, int, "an integer"))
        if not 0 <= value <= LARGEST:
            raise self.refused(key, "; expected an integer from 0 to 2^62")
        return value

    def number(self, key: str) -> float:
        """Return a finite number."""
        value = self._get(key, (int, float), "a number")
        try:
            return float(value)
        except OverflowError:
            raise self.refused(key, "; expected a finite number") from None

    def optional_number(self, key: str) -> float | None:
        """Return a finite number or None."""
        return None if self.header.get(key) is None else self.number(key)

    def flag(self, key: str) -> bool:
        """Return true or false."""
        return bool(self._get(key, bool, "true or false"))

    def items(self, key: str) -> list[Any]:
        """Return a list."""
        return list(self._get(key, list, "a list"))

    def section(self, key: str) -> Fields:
        """Return the fields of a nested object."""
        return Fields(self._get(key, dict, "an object"), self.path, self.error)
