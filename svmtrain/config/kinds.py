"""The kinds of value that a config holds: what each accepts, and how it says what it expects.

A kind turns a node into a value or raises a ConfigError of one sentence that names the place,
the dotted key, what was expected and what was found.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TypeGuard

from svmtrain.config.nodes import Node, Scalar, Sequence, found
from svmtrain.config.plain import nearest
from svmtrain.errors import ConfigError

LARGEST_INTEGER = 2**63 - 1

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_NUMBER = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


class Kind(ABC):
    """A kind of value."""

    #: Whether the values are texts, so that quotes turn anything plain into one.
    textual = False

    @abstractmethod
    def parse(self, node: Node, key: str) -> object:
        """Return the value of `node`.

        Parameters
        ----------
        node : Node
            What the config holds.
        key : str
            The dotted key, for messages.

        Raises
        ------
        ConfigError
            When the node is not of this kind.
        """

    @abstractmethod
    def describe(self) -> str:
        """Return what is expected, as it stands after "must be"."""

    @abstractmethod
    def claims(self, node: Node) -> bool:
        """Return whether `node` was meant to be of this kind, be it right or wrong."""

    def names(self) -> tuple[str, ...]:
        """Return the fixed names among the values."""
        return ()

    def wrong(self, node: Node, key: str, hint: str = "") -> ConfigError:
        """Return the error for a node that this kind does not accept."""
        expected = self.describe()
        near = None
        if isinstance(node, Scalar) and node.means is None:
            near = nearest(node.text, self.names())
        if near is not None:
            hint = f"did you mean {near!r}?"
        elif self.textual and isinstance(node, Scalar) and node.means not in (None, "null"):
            hint = f"YAML reads it as a {node.means}; to mean the text, put it in quotes"
        comma = ";" if "," in expected else ","
        tail = f" ({hint})" if hint else ""
        return node.place.error(f"{key} must be {expected}{comma} got {found(node)}{tail}")


def _is_plain(node: Node, meaning: str) -> bool:
    """Return whether `node` is a scalar without quotes that YAML reads as `meaning`."""
    return isinstance(node, Scalar) and node.means == meaning


def _is_text(node: Node) -> bool:
    """Return whether `node` is a scalar that every YAML reader takes for text."""
    return isinstance(node, Scalar) and node.means is None


def _is_word(node: Node) -> TypeGuard[Scalar]:
    """Return whether `node` is a scalar that is not empty."""
    return isinstance(node, Scalar) and node.text != ""


def _number_hint(text: str) -> str:
    """Say why a text that looks like a number is not accepted as one."""
    digits = text.lstrip("+-").lower()
    if digits in (".nan", ".inf"):
        return "it must be finite"
    if ":" in digits:
        return "ambiguous: some YAML readers take it for base 60"
    if "_" in digits:
        return "write it without underscores"
    if digits[:2] in ("0x", "0o", "0b"):
        return "write it in decimal"
    if digits[:1] == "0" and digits[1:2].isdigit():
        return "ambiguous: a leading zero means octal to some YAML readers"
    return ""


def _quote_hint(node: Node) -> str:
    """Suggest to remove quotes when there are some around what would be a number."""
    if isinstance(node, Scalar) and not node.plain and _NUMBER.fullmatch(node.text):
        return "remove the quotes"
    return ""


@dataclass(frozen=True)
class Integer(Kind):
    """A whole number from `minimum` to `maximum`, both included."""

    minimum: int | None = None
    maximum: int = LARGEST_INTEGER

    def parse(self, node: Node, key: str) -> int:
        """Return the integer; `2.5`, `1e3`, `true` and `"5"` are none."""
        if not isinstance(node, Scalar) or node.means != "number":
            raise self.wrong(node, key, _quote_hint(node))
        if not _INTEGER.fullmatch(node.text):
            raise self.wrong(node, key, _number_hint(node.text))
        lowest = -LARGEST_INTEGER if self.minimum is None else self.minimum
        if len(node.text) > len(str(LARGEST_INTEGER)) + 1 or int(node.text) > self.maximum:
            negative = node.text.startswith("-")
            raise self.wrong(node, key, "" if negative else f"the largest is {self.maximum}")
        value = int(node.text)
        if value < lowest:
            raise self.wrong(node, key)
        return value

    def describe(self) -> str:
        """Return for example "an integer >= 1"."""
        if self.minimum is None:
            return "an integer"
        if self.maximum == LARGEST_INTEGER:
            return f"an integer >= {self.minimum}"
        return f"an integer from {self.minimum} to {self.maximum}"

    def claims(self, node: Node) -> bool:
        """Claim everything that looks like a number."""
        return _is_plain(node, "number")


@dataclass(frozen=True)
class Number(Kind):
    """A finite number within bounds, as a float.

    Attributes
    ----------
    above, below : float, optional
        Bounds that are not themselves allowed.
    minimum, maximum : float, optional
        Bounds that are.
    """

    above: float | None = None
    below: float | None = None
    minimum: float | None = None
    maximum: float | None = None

    def parse(self, node: Node, key: str) -> float:
        """Return the number; neither infinite, nor a nonzero text that rounds to zero."""
        if not isinstance(node, Scalar) or node.means != "number":
            raise self.wrong(node, key, _quote_hint(node))
        if not _NUMBER.fullmatch(node.text):
            raise self.wrong(node, key, _number_hint(node.text))
        value = float(node.text) + 0.0  # the sum turns -0.0 into 0.0
        if math.isinf(value):
            raise self.wrong(node, key, "too large for a 64-bit float")
        if value == 0 and re.search("[1-9]", re.split("[eE]", node.text)[0]):
            raise self.wrong(node, key, "too small for a 64-bit float")
        if not self._within(value):
            raise self.wrong(node, key)
        return value

    def _within(self, value: float) -> bool:
        return (
            (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
            and (self.minimum is None or value >= self.minimum)
            and (self.maximum is None or value <= self.maximum)
        )

    def describe(self) -> str:
        """Return for example "a number >= 0 and < 1"."""
        bounds = (
            (">", self.above),
            (">=", self.minimum),
            ("<", self.below),
            ("<=", self.maximum),
        )
        parts = [f"{sign} {bound:g}" for sign, bound in bounds if bound is not None]
        return " ".join(["a number", " and ".join(parts)]).rstrip()

    def claims(self, node: Node) -> bool:
        """Claim everything that looks like a number."""
        return _is_plain(node, "number")


@dataclass(frozen=True)
class Boolean(Kind):
    """`true` or `false`; the other words that YAML has for them are refused."""

    def parse(self, node: Node, key: str) -> bool:
        """Return the boolean."""
        if not isinstance(node, Scalar) or not node.plain or node.text not in ("true", "false"):
            raise self.wrong(node, key)
        return node.text == "true"

    def describe(self) -> str:
        """Return "true or false"."""
        return "true or false"

    def claims(self, node: Node) -> bool:
        """Claim whatever some YAML reader takes for a boolean."""
        return _is_plain(node, "boolean")


@dataclass(frozen=True)
class Choice(Kind):
    """One of several names."""

    choices: tuple[str, ...]

    def parse(self, node: Node, key: str) -> str:
        """Return the name."""
        if not isinstance(node, Scalar) or not self.claims(node):
            raise self.wrong(node, key)
        return node.text

    def describe(self) -> str:
        """Return for example "one of full, once, none"; a single name stands alone."""
        if len(self.choices) == 1:
            return self.choices[0]
        return "one of " + ", ".join(self.choices)

    def claims(self, node: Node) -> bool:
        """Claim the names themselves and nothing that is merely near.

        A name may be a word, such as off, that some YAML readers take for a boolean.
        """
        if not isinstance(node, Scalar) or node.text not in self.choices:
            return False
        return _is_text(node) or _is_plain(node, "boolean")

    def names(self) -> tuple[str, ...]:
        """Return the choices."""
        return self.choices


@dataclass(frozen=True)
class Null(Kind):
    """`null`, `~` or nothing at all."""

    def parse(self, node: Node, key: str) -> None:
        """Return None."""
        if not self.claims(node):
            raise self.wrong(node, key)

    def describe(self) -> str:
        """Return "null"."""
        return "null"

    def claims(self, node: Node) -> bool:
        """Claim the ways to write null."""
        return _is_plain(node, "null")


@dataclass(frozen=True)
class ListOf(Kind):
    """A list, which may be empty, of values of one kind that come in a few words each."""

    item: Kind
    what: str

    def parse(self, node: Node, key: str) -> tuple[object, ...]:
        """Return the values as a tuple."""
        if not isinstance(node, Sequence):
            raise self.wrong(node, key, f"in brackets: [{node.text}]" if _is_word(node) else "")
        return tuple(self.item.parse(item, f"an entry of {key}") for item in node.items)

    def describe(self) -> str:
        """Return for example "a list of columns"."""
        return f"a list of {self.what}"

    def claims(self, node: Node) -> bool:
        """Claim every list."""
        return isinstance(node, Sequence)


@dataclass(frozen=True)
class Descent(Kind):
    """A list of at least two different numbers above 0, each trained for in turn."""

    def parse(self, node: Node, key: str) -> tuple[float, ...]:
        """Return the numbers in the order of the list."""
        if not isinstance(node, Sequence):
            raise self.wrong(node, key)
        if len(node.items) == 1 and isinstance(node.items[0], Scalar):
            alone = found(node.items[0])
            raise node.place.error(
                f"{key} must be {self.describe()}, got [{alone}] (one alone stands without "
                f"brackets: {alone})"
            )
        values = tuple(Number(above=0).parse(item, f"a number in {key}") for item in node.items)
        if len(values) < 2:
            raise self.wrong(node, key)
        for place, value in enumerate(values):
            if value in values[:place]:
                raise node.place.error(f"{key} has the number {value:g} twice")
        return values

    def describe(self) -> str:
        """Return "a list of at least two numbers > 0"."""
        return "a list of at least two numbers > 0"

    def claims(self, node: Node) -> bool:
        """Claim every list."""
        return isinstance(node, Sequence)


class Either(Kind):
    """The first of several kinds that claims the node; each looks different in YAML.

    Parameters
    ----------
    *kinds : Kind
        The kinds, those that claim most last.
    """

    def __init__(self, *kinds: Kind) -> None:
        self.kinds = kinds
        self.textual = any(kind.textual for kind in kinds)

    def parse(self, node: Node, key: str) -> object:
        """Return the value by the kind that claims the node."""
        for kind in self.kinds:
            if kind.claims(node):
                return kind.parse(node, key)
        raise self.wrong(node, key)

    def describe(self) -> str:
        """Return the descriptions joined by commas and "or"."""
        *most, last = [kind.describe() for kind in self.kinds]
        return ", ".join(most) + (", " if " or " in last else " or ") + last

    def claims(self, node: Node) -> bool:
        """Claim what any of the kinds claims."""
        return any(kind.claims(node) for kind in self.kinds)

    def names(self) -> tuple[str, ...]:
        """Return the names of all the kinds."""
        return tuple(name for kind in self.kinds for name in kind.names())


class Optional(Either):
    """A kind, or null for None."""

    def __init__(self, *kinds: Kind) -> None:
        super().__init__(*kinds, Null())
