"""The kinds of value that are written as text or as a mapping of texts."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from svmtrain.config.kinds import Integer, Kind, Number
from svmtrain.config.nodes import Mapping, Node, Scalar, Sequence, cut

LABEL_LIMIT = 100
NAME_LIMIT = 200
FOLDS_LIMIT = 9999

SECONDS_OF = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_OTHER_INTERVAL = re.compile(
    r"([0-9]{1,6}(?:\.[0-9]{1,6})?) ?"
    r"(s|secs?|m|mins?|minutes?|h|hrs?|hours?|d|days?)",
    re.IGNORECASE,
)
_INTERVAL = re.compile(r"(\S+) +(epoch|step|second)s?")
_FOLD = re.compile(r"([1-9][0-9]{0,3})/([1-9][0-9]{0,3})", re.ASCII)
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?:::[^/]+)?://")
LOCAL = re.compile(r"local:([1-9][0-9]{0,3})", re.ASCII)
_FILE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")


def is_url(text: str) -> bool:
    """Return whether a text names a protocol, such as `s3://bucket/part.npz`."""
    return _URL.match(text) is not None


def is_address(text: str) -> bool:
    """Return whether a text is no path, but has a protocol or is `local:N` for N processes."""
    return is_url(text) or LOCAL.fullmatch(text) is not None


@dataclass(frozen=True)
class Text(Kind):
    """Any text; one that YAML would read as something else needs quotes."""

    textual = True

    def parse(self, node: Node, key: str) -> str:
        """Return the text."""
        if not isinstance(node, Scalar) or not self.claims(node):
            raise self.wrong(node, key)
        return node.text

    def describe(self) -> str:
        """Return "a text"."""
        return "a text"

    def claims(self, node: Node) -> bool:
        """Claim every scalar that is text beyond doubt."""
        return isinstance(node, Scalar) and node.means is None and node.text != ""


@dataclass(frozen=True)
class Mark(Text):
    """A text as it stands, empty or not, also one that YAML reads as null when it has no quotes."""

    def claims(self, node: Node) -> bool:
        """Claim every scalar that is written in quotes, or is text or null without them."""
        return isinstance(node, Scalar) and (not node.plain or node.means in (None, "null"))


@dataclass(frozen=True)
class FilePath(Text):
    """A path. A relative one starts at the folder of the source that it stands in."""

    def parse(self, node: Node, key: str) -> str:
        """Return the path, normalised, relative to the current folder unless absolute.

        An address with a protocol is no path, and stays as it is.
        """
        text = super().parse(node, key)
        if is_url(text):
            return text
        path = os.path.join(node.place.source.folder, text)
        return os.path.normpath(path)

    def describe(self) -> str:
        """Return "a path"."""
        return "a path"


@dataclass(frozen=True)
class FilePaths(Kind):
    """A path or a list of paths, each as `FilePath` has it; what patterns mean is found later."""

    textual = True

    def parse(self, node: Node, key: str) -> str | tuple[str, ...]:
        """Return the path, or the paths of a list as a tuple."""
        if not isinstance(node, Sequence):
            if not self.claims(node):
                raise self.wrong(node, key)
            return FilePath().parse(node, key)
        if not node.items:
            raise node.place.error(f"{key} must be {self.describe()}, got an empty list")
        return tuple(FilePath().parse(item, f"a path in {key}") for item in node.items)

    def describe(self) -> str:
        """Return "a path or a list of paths"."""
        return "a path or a list of paths"

    def claims(self, node: Node) -> bool:
        """Claim every list, and every scalar that is text beyond doubt."""
        return isinstance(node, Sequence) or FilePath().claims(node)


@dataclass(frozen=True)
class FileName(Text):
    """A plain name for a file or folder, that needs no quoting anywhere and hides nowhere."""

    def parse(self, node: Node, key: str) -> str:
        """Return the name."""
        name = super().parse(node, key)
        if not self.fits(name):
            raise self.wrong(node, key)
        return name

    @staticmethod
    def fits(name: str) -> bool:
        """Return whether a text is such a name."""
        return bool(_FILE_NAME.fullmatch(name)) and len(name) <= NAME_LIMIT

    def describe(self) -> str:
        """Return the characters of a name."""
        return (
            f"a name of at most {NAME_LIMIT} letters, digits, '.', '_' and '-' "
            "that does not start with a dot"
        )


@dataclass(frozen=True)
class Fold(Text):
    """One of several equal parts of some rows, such as `2/5`: the second of five."""

    def parse(self, node: Node, key: str) -> str:
        """Return the text."""
        text = super().parse(node, key)
        match = _FOLD.fullmatch(text)
        if match is None or not 1 <= int(match[1]) <= int(match[2]) >= 2:
            raise self.wrong(node, key)
        return text

    def describe(self) -> str:
        """Return the form of a fold."""
        return f"a fold such as 2/5, from 1/2 to {FOLDS_LIMIT}/{FOLDS_LIMIT}"


def fold_of(text: str) -> tuple[int, int]:
    """Return which fold, from 1, of how many a text that `Fold` accepts means."""
    which, _, count = text.partition("/")
    return int(which), int(count)


@dataclass(frozen=True)
class Delimiter(Text):
    """One character between two fields, or the word `tab`; never one that a number may hold."""

    def parse(self, node: Node, key: str) -> str:
        """Return the character."""
        text = super().parse(node, key)
        character = "\t" if text == "tab" else text
        if len(character) != 1 or character.isalnum() or character in "+-.\"'":
            raise self.wrong(node, key)
        return character

    def describe(self) -> str:
        """Return what may be a delimiter."""
        return "tab or one character that is no letter, digit, sign, dot or quote"

    def names(self) -> tuple[str, ...]:
        """Return the one name among the delimiters."""
        return ("tab",)


@dataclass(frozen=True)
class Interval:
    """How often something happens.

    Attributes
    ----------
    count : int or float
        Above zero; whole for epochs and steps.
    unit : str
        `epochs`, `steps` or `seconds`.
    """

    count: int | float
    unit: str

    def __str__(self) -> str:
        return f"{self.count} {self.unit}"


@dataclass(frozen=True)
class Every(Kind):
    """An `Interval`, such as `1 epochs`, `500 steps` or `30 seconds`."""

    def parse(self, node: Node, key: str) -> Interval:
        """Return the interval; the unit may stand in the singular."""
        match = _INTERVAL.fullmatch(node.text) if isinstance(node, Scalar) else None
        if match is None:
            raise self.wrong(node, key, _in_seconds(node))
        unit = match[2] + "s"
        count = Scalar(match[1], True, node.place)
        if unit != "seconds" or match[1].isdigit():
            return Interval(Integer(minimum=1).parse(count, f"the count of {key}"), unit)
        return Interval(Number(above=0).parse(count, f"the count of {key}"), unit)

    def describe(self) -> str:
        """Return the form of an interval."""
        return "a number of epochs, steps or seconds (such as '1 epochs')"

    def claims(self, node: Node) -> bool:
        """Claim what has the form of an interval, in whatever unit of time."""
        forms = (_INTERVAL, _OTHER_INTERVAL)
        return isinstance(node, Scalar) and any(form.fullmatch(node.text) for form in forms)


def _in_seconds(node: Node) -> str:
    """Return the interval that was meant, when it is in units of time that a config has not."""
    match = _OTHER_INTERVAL.fullmatch(node.text) if isinstance(node, Scalar) else None
    if match is None:
        return ""
    seconds = float(match[1]) * SECONDS_OF[match[2][0].lower()]
    return f"write {seconds:g} seconds"


@dataclass(frozen=True)
class Weights(Kind):
    """A mapping of labels to numbers above zero; a label that is a number stands in quotes."""

    def parse(self, node: Node, key: str) -> dict[str, float]:
        """Return the weight of each label, in the order of the text."""
        if not isinstance(node, Mapping) or not node.entries:
            raise self.wrong(node, key)
        weights = {}
        for label, value in node.entries:
            if not 1 <= len(label.text) <= LABEL_LIMIT:
                raise label.place.error(
                    f"a label in {key} must have 1 to {LABEL_LIMIT} characters, "
                    f"got {len(label.text)}"
                )
            weights[label.text] = Number(above=0).parse(value, f"{key}.{cut(label.text)}")
        return weights

    def describe(self) -> str:
        """Return what the mapping holds."""
        return "a mapping of labels to numbers > 0"

    def claims(self, node: Node) -> bool:
        """Claim every mapping."""
        return isinstance(node, Mapping)
