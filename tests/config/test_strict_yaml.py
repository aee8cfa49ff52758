"""The strict YAML reader: the tree it builds, and that nothing but ConfigError leaves it."""

import pytest
import yaml
from extent import extent
from hypothesis import given, settings
from hypothesis import strategies as st

from svmtrain.config.nodes import Mapping, Scalar, Sequence, Source
from svmtrain.config.plain import nearest, reading
from svmtrain.config.strict_yaml import (
    DEPTH_LIMIT,
    NODE_LIMIT,
    SIZE_LIMIT,
    parse_bytes,
    parse_mapping,
    parse_value,
    read_file,
)
from svmtrain.errors import ConfigError

SOURCE = Source("c.yaml")

SIGNS = [
    *"abc019[]{}:,#&*!|>%@`'\"?-.\\~<= \t\n\x00\ufeff\u2028é",
    *("solver:\n", "  epochs: ", "- ", "? ", ": ", "<<: ", "!!int ", "%YAML 1.1\n", "---\n"),
    *("...\n", '"\\U', "\\x", "&a ", "*a ", "1e999", "0x"),
]
YAMLISH = st.lists(st.sampled_from(SIGNS), max_size=80).map("".join)


def only_config_error(content):
    """Parse; anything but a tree or a ConfigError of one line fails the test."""
    message = "c.yaml"
    try:
        top = parse_bytes(content, SOURCE)
    except ConfigError as error:
        message = str(error)
    else:
        assert isinstance(top, Mapping)
    assert "\n" not in message
    assert message.startswith("c.yaml")


def test_tree_keeps_text_quotes_lines_and_columns():
    """Each node says what was written, whether in quotes, and where."""
    top = parse_mapping("a: 1\nb:\n  - 'x y'\n  - {c: no}\n", SOURCE)
    (a, one), (b, items) = top.entries
    assert (a.text, one.text, one.plain) == ("a", "1", True)
    assert isinstance(items, Sequence)
    quoted, inner = items.items
    assert (quoted.text, quoted.plain, quoted.place.line, quoted.place.column) == (
        "x y",
        False,
        3,
        5,
    )
    assert (b.place.line, inner.place.line, inner.place.column) == (2, 4, 5)
    assert inner.entries[0][1].means == "boolean"


def test_a_value_from_the_command_line_has_no_line():
    """Errors in an option name the option alone."""
    source = Source("--set a.b=[1", has_lines=False)
    with pytest.raises(ConfigError) as caught:
        parse_value("[1", source)
    assert str(caught.value).startswith("--set a.b=[1: this '[' is not closed: expected ")
    assert str(caught.value).count("--set") == 1
    assert caught.value.line is None


def test_an_empty_value_is_null():
    """`key=` on the command line means null."""
    node = parse_value("", SOURCE)
    assert isinstance(node, Scalar)
    assert node.means == "null"


def test_byte_order_mark_is_accepted_and_windows_line_ends_too():
    """What editors on Windows write is read."""
    top = parse_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n", SOURCE)
    assert [(key.text, value.text) for key, value in top.entries] == [("a", "1"), ("b", "2")]
    assert top.entries[1][0].place.line == 2


def test_depth_up_to_the_limit_is_read():
    """The limit itself is allowed, one more is not."""
    inside = DEPTH_LIMIT - 1
    parse_mapping("a: " + "[" * inside + "]" * inside, SOURCE)
    with pytest.raises(ConfigError, match="nested too deeply"):
        parse_mapping("a: " + "[" * (inside + 1) + "]" * (inside + 1), SOURCE)


def test_the_number_of_values_is_bounded():
    """Ten thousand values are read, more are not."""
    inside = NODE_LIMIT - 3
    parse_mapping("a: [" + "1," * inside + "]", SOURCE)
    with pytest.raises(ConfigError, match="more than 10,000 keys and values"):
        parse_mapping("a: [" + "1," * (inside + 1) + "]", SOURCE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: b\nc: 'x\n", "c.yaml:2:4: this quote is not closed"),
        ("a: ,\n", "begins with a sign of YAML needs quotes"),
        ("a: @x\n", "c.yaml:1:4: not valid YAML: found character '@' that cannot start"),
        ("a: b: c\n", "c.yaml:1:5: a key cannot stand here: mend the indentation"),
        ("a: [1, 2\nb: 3\n", "c.yaml:1:4: this '[' is not closed: expected ',' or ']'"),
    ],
)
def test_a_syntax_error_says_what_to_mend(text, message):
    """The place is where the mistake begins, not where the parser noticed it."""
    with pytest.raises(ConfigError) as caught:
        parse_mapping(text, SOURCE)
    assert message in str(caught.value)


def test_a_file_of_the_largest_size_is_read(tmp_path):
    """The limit itself is allowed."""
    path = tmp_path / "c.yaml"
    path.write_bytes(b"a: 1\n#".ljust(SIZE_LIMIT, b"x"))
    assert len(read_file(path).entries) == 1


@pytest.mark.parametrize(
    "line", ["%YAML 1.1", "%TAG !e! tag:x,2000:", "%YAML 1." + "9" * 5000, "%YAML x"]
)
def test_directives_are_refused(line):
    """A directive can redefine tags and versions, so there is none."""
    with pytest.raises(ConfigError):
        parse_mapping(f"{line}\n---\na: 1\n", SOURCE)


@pytest.mark.parametrize("escape", [r"\0", r"\e", r"\n", r"\x9b", r"\ud800", r"\x7f"])
def test_an_escape_cannot_bring_in_a_control_character(escape):
    """Values reach terminals and file names: control characters are refused in every spelling."""
    with pytest.raises(ConfigError, match="control character U\\+"):
        parse_mapping(f'a: "x{escape}"', SOURCE)


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "[" * 60_000,
        "{" * 60_000,
        "- " * 30_000,
        "? " * 30_000,
        "a: " * 20_000,
        "a: '" + "x\n" * 30_000,
        'a: "' + "\\x41" * 15_000 + '"',
        "\n".join(f"k{i}: {i}" for i in range(6_000)),
        "a: [" + "1, " * 20_000 + "]",
        "a: |\n" + " x\n" * 20_000,
        "#" * 65_000,
        "&a " * 20_000,
        "a: {" + "b: {}, " * 9_000,
    ],
    ids=lambda text: text[:8].replace("\n", " "),
)
def test_hostile_text_of_the_largest_size_comes_to_an_end(text):
    """Whatever its shape: it is read, or refused as a config error."""
    only_config_error(text.encode())


@settings(max_examples=extent(50, 200), deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_a_tree_or_a_config_error(content):
    """The parser's own exceptions never leave the reader, and no input takes a second."""
    only_config_error(content)


@settings(max_examples=extent(50, 200), deadline=None)
@given(YAMLISH)
def test_any_yamlish_text_gives_a_tree_or_a_config_error(text):
    """The same for text made of YAML's own signs."""
    only_config_error(text.encode())


@settings(max_examples=extent(50, 200), deadline=None)
@given(st.text(alphabet="0123456789+-.:_eExXoinfaNyYtTrRuUsSlLO~", max_size=12))
def test_no_plain_text_is_text_here_and_something_else_elsewhere(text):
    """Whatever YAML 1.1 resolves to a type is recognised as not being text."""
    tag = yaml.SafeLoader("").resolve(yaml.ScalarNode, text, (True, False))
    if tag.rpartition(":")[2] in ("null", "bool", "int", "float", "timestamp"):
        assert reading(text) is not None


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("", "null"),
        ("~", "null"),
        ("on", "boolean"),
        ("1e-3", "number"),
        ("1:30", "number"),
        (".inf", "number"),
        ("2024-01-01", "date"),
        ("1.2.3", None),
        ("y", None),
        ("1\n", None),
    ],
)
def test_plain_text_means_what_yaml_readers_make_of_it(text, means):
    """The readings are those of YAML 1.1, plus exponents without a dot."""
    assert reading(text) == means


def test_the_nearest_name_ignores_case():
    """A name in the wrong case is as near as can be."""
    assert nearest("c", ["lambda", "C"]) == "C"
    assert nearest("zzz", ["lambda", "C"]) is None
