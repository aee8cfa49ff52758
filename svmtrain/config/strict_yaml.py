"""Read a small, strict part of YAML into a tree that remembers lines and columns.

Strict means: one document, a mapping at the top, text as keys and none of them twice; no
anchors, aliases, merges, tags or directives; no control characters; bounded size, depth and
number of values. The tree is built from the parser's events without recursion, and the limits
are checked on the events, so that hostile text ends soon. No object is ever constructed from a
tag.

The parser is PyYAML's in pure Python: the one in C dies on deep nesting.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import yaml

from svmtrain.config.nodes import (
    Mapping,
    Node,
    Place,
    Scalar,
    Sequence,
    Source,
    cut,
    found,
)
from svmtrain.config.other_file import advice
from svmtrain.errors import ConfigError, printable, shown
from svmtrain.files import read_bytes

SIZE_LIMIT = 64 * 1024
DEPTH_LIMIT = 16
NODE_LIMIT = 10_000

_FORBIDDEN = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|\r(?!\n)",
)
_FORBIDDEN_VALUE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\ud800-\udfff]")
_STANDARD_TAG = "tag:yaml.org,2002:"


def read_file(path: str | os.PathLike[str]) -> Mapping:
    """Return the top mapping of a YAML file.

    Parameters
    ----------
    path : str or path-like
        A regular file of at most 64 KiB, in UTF-8.

    Raises
    ------
    ConfigError
        When the file cannot be read or is not the strict YAML described above.
    """
    name = os.fspath(path)
    try:
        content = read_bytes(name, ConfigError, SIZE_LIMIT)
        return parse_bytes(content, Source(name, os.path.dirname(name)))
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", path=name) from None
    except ConfigError as error:
        problem = f"{error.problem}{advice(name)}"
        raise ConfigError(problem, path=name, line=error.line, column=error.column) from None


def parse_bytes(content: bytes, source: Source) -> Mapping:
    """Return the top mapping of `content`, which must be UTF-8; a byte-order mark is allowed."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line_start = content.rfind(b"\n", 0, error.start) + 1
        line = content.count(b"\n", 0, error.start) + 1
        place = Place(source, line, error.start - line_start + 1)
        byte = content[error.start]
        raise place.error(
            f"not UTF-8: byte 0x{byte:02x} at offset {error.start} (save it as UTF-8)"
        ) from None
    return parse_mapping(text, source)


def parse_mapping(text: str, source: Source) -> Mapping:
    """Return the top mapping of `text`."""
    node = _parse(text, source)
    if node is None or (isinstance(node, Scalar) and node.plain and not node.text):
        raise ConfigError("the file is empty; expected a mapping of sections", path=source.name)
    if not isinstance(node, Mapping):
        raise node.place.error(f"the top level must be a mapping of sections, got {found(node)}")
    return node


def parse_value(text: str, source: Source) -> Node:
    """Return the one value that `text` is; empty text is an empty plain scalar (null)."""
    node = _parse(text, source)
    return Scalar("", True, Place(source, 1, 1)) if node is None else node


def _parse(text: str, source: Source) -> Node | None:
    """Return the root of the only document in `text`, or None when there is no document."""
    text = text.removeprefix("\ufeff")
    if len(text) > SIZE_LIMIT:
        raise ConfigError(f"the text is longer than {SIZE_LIMIT:,} characters", path=source.name)
    if wrong := _FORBIDDEN.search(text):
        start = text.rfind("\n", 0, wrong.start()) + 1
        line = text.count("\n", 0, wrong.start()) + 1
        problem = f"control character U+{ord(wrong[0]):04X} is not allowed in a config"
        raise Place(source, line, wrong.start() - start + 1).error(problem, with_column=True)
    tree = _Tree(source)
    for event in _events(text, tree):
        tree.take(event)
    return tree.root


def _events(text: str, tree: _Tree) -> Iterator[yaml.Event]:
    """Yield the parser's events; whatever the parser raises becomes a ConfigError."""
    source = tree.source
    loader = yaml.SafeLoader(text)
    try:
        yield from iter(loader.get_event, None)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, tree) from None
    except (ValueError, OverflowError):
        place = Place(source, loader.line + 1, loader.column + 1)
        problem = "not valid YAML: the code of an escape or directive is out of range"
        raise place.error(problem, with_column=True) from None
    except (
        yaml.YAMLError,
        LookupError,
        AttributeError,
        TypeError,
        RecursionError,
    ) as error:
        place = Place(source, loader.line + 1, loader.column + 1)
        problem = f"not valid YAML: the parser gave up here ({type(error).__name__})"
        raise place.error(problem, with_column=True) from None
    finally:
        loader.dispose()


def _syntax_error(error: yaml.MarkedYAMLError, tree: _Tree) -> ConfigError:
    """Say in one sentence what the parser did not like, and where."""
    problem = " ".join(printable(error.problem or error.context or "unreadable").split())
    context = error.context or ""
    place = _place(error.problem_mark or error.context_mark, tree.source)
    bracket = tree.bracket()
    if "'\\t'" in problem:
        problem = "a tab cannot indent or separate here; use spaces"
    elif context.startswith("while parsing a flow") and bracket is not None:
        sign = "{" if bracket.is_mapping else "["
        where = f" ({place})" if tree.source.has_lines else ""
        problem = problem.replace("'<stream end>'", "the end of the text")
        problem = f"this {sign!r} is not closed: {problem}{where}"
        place = bracket.place
    elif context == "while scanning a quoted scalar" and "end of stream" in problem:
        problem = "this quote is not closed"
        place = _place(error.context_mark, tree.source)
    elif context == "while scanning a simple key" and error.context_mark is not None:
        problem = "this line has no colon with a blank after it, as in 'epochs: 30'"
        place = _place(error.context_mark, tree.source)
    elif "mapping values are not allowed" in problem:
        problem = (
            "a key cannot stand here: mend the indentation, or put text with a colon in quotes"
        )
    elif "<block end>" in problem:
        problem = (
            "this line does not fit the lines before it: look for another indentation, or a "
            "missing blank after a colon, here or just above"
        )
    elif "expected the node content" in problem or "cannot start any token" in problem:
        problem = f"not valid YAML: {problem}; text that begins with a sign of YAML needs quotes"
    else:
        problem = f"not valid YAML: {problem}" + (f" ({printable(context)})" if context else "")
    return place.error(problem, with_column=True)


class _Mark(Protocol):
    """A position as the parser gives it, counted from 0."""

    line: int
    column: int


def _place(mark: _Mark | None, source: Source) -> Place:
    """Return the place of a mark of the parser."""
    return Place(source, 1, 1) if mark is None else Place(source, mark.line + 1, mark.column + 1)


@dataclass
class _Open:
    """A collection whose end has not come yet."""

    place: Place
    is_mapping: bool
    has_brackets: bool
    children: list[Node] = field(default_factory=list)

    def closed(self) -> Node:
        """Return the finished node."""
        if not self.is_mapping:
            return Sequence(tuple(self.children), self.place)
        entries: dict[str, tuple[Scalar, Node]] = {}
        for key, value in zip(self.children[::2], self.children[1::2], strict=True):
            key = _checked_key(key)
            if key.text in entries:
                first = entries[key.text][0].place
                raise key.place.error(f"the key {shown(key.text)} is given twice, first at {first}")
            entries[key.text] = (key, value)
        return Mapping(tuple(entries.values()), self.place)


def _checked_key(key: Node) -> Scalar:
    """Return `key` when it is text, as every key must be."""
    if not isinstance(key, Scalar):
        raise key.place.error(f"a key must be text, got {found(key)}")
    if key.plain and key.text == "<<":
        raise key.place.error("merge keys ('<<') are not allowed; write the keys out")
    if key.means == "null":
        raise key.place.error("a key must be text, got null")
    if key.means is not None:
        raise key.place.error(
            f"a key must be text, got the {key.means} {cut(key.text)} (put it in quotes)"
        )
    return key


class _Tree:
    """Builds the tree from events, one at a time."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.root: Node | None = None
        self._open: list[_Open] = []
        self._documents = 0
        self._nodes = 0

    def take(self, event: yaml.Event) -> None:
        """Take the next event."""
        if isinstance(event, yaml.DocumentStartEvent):
            self._start_document(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._add(self._open.pop().closed())
        elif isinstance(event, yaml.NodeEvent):
            place = _place(event.start_mark, self.source)
            self._nodes += 1
            if self._nodes > NODE_LIMIT:
                raise place.error(f"more than {NODE_LIMIT:,} keys and values; a config has few")
            _refuse_features(event, place)
            if isinstance(event, yaml.ScalarEvent):
                self._add(_scalar(event, place))
            elif isinstance(event, yaml.CollectionStartEvent):
                self._start_collection(event, place)

    def bracket(self) -> _Open | None:
        """Return the innermost collection in brackets that is still open."""
        return next((one for one in reversed(self._open) if one.has_brackets), None)

    def _start_document(self, event: yaml.DocumentStartEvent) -> None:
        place = _place(event.start_mark, self.source)
        self._documents += 1
        if self._documents > 1:
            raise place.error("a second YAML document starts here; expected only one")
        if event.version or event.tags:
            raise place.error("YAML directives are not allowed; remove the lines that start with %")

    def _start_collection(self, event: yaml.CollectionStartEvent, place: Place) -> None:
        if len(self._open) == DEPTH_LIMIT:
            problem = f"nested too deeply; expected at most {DEPTH_LIMIT} levels"
            raise place.error(problem, with_column=True)
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        self._open.append(_Open(place, is_mapping, has_brackets=bool(event.flow_style)))

    def _add(self, node: Node) -> None:
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node


def _refuse_features(event: yaml.NodeEvent, place: Place) -> None:
    """Refuse what makes YAML more than data: aliases, anchors and tags."""
    if isinstance(event, yaml.AliasEvent):
        problem = (
            f"aliases are not allowed (found '*{cut(str(event.anchor))}'); write the value out"
        )
        raise place.error(problem, with_column=True)
    if event.anchor is not None:
        problem = f"anchors are not allowed (found '&{cut(event.anchor)}'); remove it"
        raise place.error(problem, with_column=True)
    tag = event.tag if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) else None
    if tag is not None:
        name = cut(tag.replace(_STANDARD_TAG, "!!", 1))
        raise place.error(f"YAML tags are not allowed (found {name}); remove it", with_column=True)


def _scalar(event: yaml.ScalarEvent, place: Place) -> Scalar:
    """Return the scalar of an event; an escape may not smuggle in a control character."""
    if wrong := _FORBIDDEN_VALUE.search(event.value):
        code = f"U+{ord(wrong[0]):04X}"
        problem = f"control character {code} is not allowed in a value; expected one line of text"
        raise place.error(problem, with_column=True)
    return Scalar(event.value, event.style is None, place)
