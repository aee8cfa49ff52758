"""The tree that strict YAML is read into: scalars, sequences and mappings with their places.

Nothing here knows the parser, so that the schema can be imported without it.
"""

from __future__ import annotations

from dataclasses import dataclass

from svmtrain.config.plain import reading
from svmtrain.errors import VALUE_LIMIT, ConfigError, printable, shown


@dataclass(frozen=True)
class Source:
    """A text that holds configuration.

    Attributes
    ----------
    name : str
        What messages call it: a path, or an option of the command line.
    folder : str
        Relative paths in the text are relative to this folder; empty for the current one.
    has_lines : bool
        Whether messages give lines and columns. An option of the command line has none.
    """

    name: str
    folder: str = ""
    has_lines: bool = True


@dataclass(frozen=True)
class Place:
    """A position in a source; `line` and `column` are counted from 1."""

    source: Source
    line: int
    column: int

    def error(self, problem: str, *, with_column: bool = False) -> ConfigError:
        """Return the error that names this place and `problem`."""
        if not self.source.has_lines:
            return ConfigError(problem, path=self.source.name)
        column = self.column if with_column else None
        return ConfigError(problem, path=self.source.name, line=self.line, column=column)

    def __str__(self) -> str:
        return f"line {self.line}" if self.source.has_lines else printable(self.source.name)


@dataclass(frozen=True)
class Scalar:
    """One text. `plain` says that it was written without quotes."""

    text: str
    plain: bool
    place: Place

    @property
    def means(self) -> str | None:
        """What YAML reads the scalar as, when that is not text: see `plain.reading`."""
        return reading(self.text) if self.plain else None


@dataclass(frozen=True)
class Sequence:
    """A list of nodes."""

    items: tuple[Node, ...]
    place: Place


@dataclass(frozen=True)
class Mapping:
    """Pairs of a key and a value, in the order of the text. No key comes twice."""

    entries: tuple[tuple[Scalar, Node], ...]
    place: Place


Node = Scalar | Sequence | Mapping


def cut(text: str) -> str:
    """Return `text` safe for a terminal and no longer than messages allow."""
    text = printable(text)
    return text if len(text) <= VALUE_LIMIT else text[: VALUE_LIMIT - 3] + "..."


def found(node: Node) -> str:
    """Return what a message says that it found: the value, or the sort of collection."""
    if isinstance(node, Sequence):
        return "a list" if node.items else "an empty list"
    if isinstance(node, Mapping):
        return "a mapping"
    if node.means == "null":
        return "null"
    if node.means is not None:
        return cut(node.text)
    if reading(node.text) is not None:
        return f"the text {shown(node.text)}"
    return shown(node.text)
