"""What each kind of value accepts, and the sentence that it refuses the rest with."""

import pytest

from svmtrain.config.kinds import (
    LARGEST_INTEGER,
    Boolean,
    Choice,
    Descent,
    Either,
    Integer,
    Number,
    Optional,
)
from svmtrain.config.nodes import Source
from svmtrain.config.strict_yaml import parse_value
from svmtrain.config.texts import (
    Delimiter,
    Every,
    FileName,
    FilePath,
    FilePaths,
    Fold,
    Interval,
    Text,
    Weights,
    fold_of,
)
from svmtrain.errors import ConfigError

AUTO = Choice(("auto",))
SCHEDULE = Choice(("constant", "linear", "cosine"))


def parsed(kind, text, folder=""):
    """Parse YAML text by a kind."""
    return kind.parse(parse_value(text, Source("c.yaml", folder)), "a.b")


def refusal(kind, text):
    """Return the sentence that a kind refuses a text with."""
    with pytest.raises(ConfigError) as caught:
        parsed(kind, text)
    assert len(str(caught.value)) < 400
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1.", 1.0),
        (".5", 0.5),
        ("-2", -2.0),
        ("1E+3", 1000.0),
        ("+0.25", 0.25),
        ("0", 0.0),
        ("5e-324", 5e-324),
        ("0e0", 0.0),
    ],
)
def test_numbers_are_accepted_as_people_write_them(text, value):
    """An exponent needs no dot and a dot no digit on either side."""
    result = parsed(Number(), text)
    assert result == value
    assert isinstance(result, float)


def test_minus_zero_is_zero():
    """A sign on zero says nothing and is dropped."""
    assert str(parsed(Number(minimum=0), "-0.0")) == "0.0"


@pytest.mark.parametrize(
    ("text", "telling"),
    [
        ("1e-3x", "got '1e-3x'"),
        (".nan", "finite"),
        (".inf", "finite"),
        ("-.inf", "finite"),
        ("1.0e+999", "too large"),
        ("1e-999", "too small"),
        ("0123", "leading zero"),
        ("1:30", "base 60"),
        ("1_000", "underscores"),
        ("0x10", "decimal"),
        ("9" * 5000, "too large"),
        ("'1.5'", "remove the quotes"),
        ("true", "got true"),
        ("null", "got null"),
        ("[1]", "got a list"),
        ("{a: 1}", "got a mapping"),
        ("2024-01-01", "got 2024-01-01"),
        ("\u0661", "got '\u0661'"),
    ],
)
def test_ambiguous_and_unbounded_numbers_are_refused(text, telling):
    """Whatever two YAML readers might read differently is refused, with the reason."""
    message = refusal(Number(), text)
    assert message.startswith("c.yaml:1: a.b must be a number, got ")
    assert telling in message


@pytest.mark.parametrize(
    ("kind", "inside", "outside", "expected"),
    [
        (Number(above=0), "1e-9", "0", "a number > 0"),
        (Number(minimum=0), "0", "-1e-9", "a number >= 0"),
        (Number(minimum=0, below=1), "0", "1", "a number >= 0 and < 1"),
        (Number(above=0, maximum=1), "1", "1.01", "a number > 0 and <= 1"),
        (Integer(minimum=1), "1", "0", "an integer >= 1"),
        (Integer(minimum=1, maximum=256), "256", "257", "an integer from 1 to 256"),
        (Integer(minimum=0), str(LARGEST_INTEGER), "-1", "an integer >= 0"),
    ],
)
def test_bounds_hold_on_both_sides(kind, inside, outside, expected):
    """The message states the bounds that the value broke."""
    parsed(kind, inside)
    assert kind.describe() == expected
    assert f"a.b must be {expected}, got {outside}" in refusal(kind, outside)


@pytest.mark.parametrize(
    "text", ["2.5", "true", "1e3", "'5'", "0123", "1_000", "9" * 5000, "-" + "9" * 5000, "2.", "x"]
)
def test_an_integer_is_whole_and_written_so(text):
    """Nothing is rounded or converted on the way to an integer."""
    assert "a.b must be an integer, got " in refusal(Integer(), text)


def test_an_integer_beyond_64_bits_names_the_largest():
    """The upper bound is told when it is the one that was broken."""
    assert f"the largest is {2**63 - 1}" in refusal(Integer(minimum=0), str(2**63))


@pytest.mark.parametrize("text", ["no", "yes", "on", "True", "1", "'true'", "null"])
def test_a_boolean_is_true_or_false_alone(text):
    """The other words of YAML 1.1 are refused."""
    assert "a.b must be true or false, got" in refusal(Boolean(), text)
    assert parsed(Boolean(), "true") is True
    assert parsed(Boolean(), "false") is False


def test_a_choice_lists_its_names_and_suggests_one():
    """The sentence of a mistyped name is fixed."""
    assert refusal(SCHEDULE, "cosin") == (
        "c.yaml:1: a.b must be one of constant, linear, cosine; got 'cosin' "
        "(did you mean 'cosine'?)"
    )
    assert refusal(SCHEDULE, "zzz").endswith("; got 'zzz'")
    assert parsed(SCHEDULE, "linear") == "linear"


@pytest.mark.parametrize("text", ["yes", "off", "12", "1e-3", "2024-01-01", "0x1F", ".inf"])
def test_text_that_yaml_reads_as_something_else_needs_quotes(text):
    """A plain scalar with another reading is refused; in quotes it is text."""
    assert "put it in quotes" in refusal(Text(), text)
    assert parsed(Text(), f"'{text}'") == text


@pytest.mark.parametrize("text", ["null", "~", "", "''", "[a]"])
def test_text_is_neither_null_nor_empty_nor_a_list(text):
    """An absent text is an error, not an empty one."""
    assert "a.b must be a text, got" in refusal(Text(), text)


@pytest.mark.parametrize("text", ["null", "~", "Null", ""])
def test_null_is_accepted_where_a_value_is_optional(text):
    """All the spellings of null mean None, and only there."""
    assert parsed(Optional(Integer()), text) is None
    assert "got null" in refusal(Integer(), text)


def test_a_path_starts_at_the_folder_of_its_source():
    """Relative paths are joined and normalised, absolute ones kept."""
    assert parsed(FilePath(), "../d/x.csv", "configs") == "d/x.csv"
    assert parsed(FilePath(), "x.csv") == "x.csv"
    assert parsed(FilePath(), "/d/./x.csv", "configs") == "/d/x.csv"


def test_paths_are_one_or_a_list():
    """Each starts at the folder of its source; a pattern stays a pattern."""
    assert parsed(FilePaths(), "../d/x.csv", "configs") == "d/x.csv"
    assert parsed(FilePaths(), "[a.csv, ../b.csv]", "configs") == ("configs/a.csv", "b.csv")
    assert parsed(FilePaths(), "'part-*.csv'", "configs") == "configs/part-*.csv"
    assert parsed(Optional(Number(below=1), FilePaths()), "[a]") == ("a",)
    expected = "a.b must be a path or a list of paths, got"
    assert f"{expected} an empty list" in refusal(FilePaths(), "[]")
    assert f"{expected} null" in refusal(FilePaths(), "null")
    assert "a path in a.b must be a path, got a list" in refusal(FilePaths(), "[a, [b]]")
    assert "put it in quotes" in refusal(FilePaths(), "[a, 12]")


def test_either_gives_the_error_of_the_kind_that_was_meant():
    """A number out of range is told about as a number, a wrong name with a suggestion."""
    kind = Either(Number(above=0), AUTO)
    assert parsed(kind, "0.5") == 0.5
    assert parsed(kind, "auto") == "auto"
    assert "a.b must be a number > 0, got -1" in refusal(kind, "-1")
    message = refusal(kind, "atuo")
    assert "a.b must be a number > 0 or auto, got 'atuo' (did you mean 'auto'?)" in message


def test_a_header_is_described_without_two_ors():
    """Descriptions of alternatives read as a list."""
    assert Either(AUTO, Boolean()).describe() == "auto, true or false"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 epochs", Interval(1, "epochs")),
        ("1 epoch", Interval(1, "epochs")),
        ("500 steps", Interval(500, "steps")),
        ("30 seconds", Interval(30, "seconds")),
        ("0.5 seconds", Interval(0.5, "seconds")),
        ("1e-05 seconds", Interval(1e-5, "seconds")),
    ],
)
def test_an_interval_is_a_count_and_a_unit(text, value):
    """Singular and plural are the same; the text of the value parses back to it."""
    assert parsed(Every(), text) == value
    assert parsed(Every(), str(value)) == value


@pytest.mark.parametrize(
    "text", ["1", "epochs", "0 epochs", "-1 steps", "1.5 steps", "1 hour", ".inf seconds", "1epoch"]
)
def test_an_interval_without_a_count_or_unit_is_refused(text):
    """Only whole epochs and steps, and only the three units."""
    assert "a.b must be" in refusal(Every(), text)


def test_weights_map_labels_to_numbers_above_zero():
    """A label that looks like a number stands in quotes."""
    assert parsed(Weights(), "{a: 2, '0': 1e-3}") == {"a": 2.0, "0": 0.001}
    assert "a.b.a must be a number > 0, got 0" in refusal(Weights(), "{a: 0}")
    assert "put it in quotes" in refusal(Weights(), "{0: 1}")
    assert "a.b must be a mapping of labels" in refusal(Weights(), "{}")
    assert "1 to 100 characters, got 101" in refusal(Weights(), "{" + "x" * 101 + ": 1}")


@pytest.mark.parametrize("text", ["a/b", ".x", "..", "ä", "a b", "x" * 201])
def test_a_name_of_a_run_is_a_plain_file_name(text):
    """Nothing that could leave the folder or hide in it."""
    assert "a.b must be a name" in refusal(FileName(), text)
    assert parsed(FileName(), "run-1_b.c") == "run-1_b.c"


@pytest.mark.parametrize("text", ["ab", "'1'", "a", "'-'", "'.'", "'\"'"])
def test_a_delimiter_is_a_character_that_no_number_holds(text):
    """A digit, letter, sign, dot or quote would split values."""
    assert "a.b must be tab or one character" in refusal(Delimiter(), text)


def test_a_delimiter_may_be_written_as_tab():
    """The word and the character are the same delimiter."""
    assert parsed(Delimiter(), "tab") == parsed(Delimiter(), r'"\t"') == "\t"
    assert parsed(Delimiter(), ";") == ";"


@pytest.mark.parametrize("text", ["off", "'off'"])
def test_a_choice_may_be_a_word_that_some_take_for_a_boolean(text):
    """It is one of the names, so it means the name; other such words do not."""
    kind = Choice(("auto", "off"))
    assert parsed(kind, text) == "off"
    assert "must be one of auto, off; got no" in refusal(kind, "no")


def test_a_descent_is_a_list_of_different_numbers():
    """As they stand; one alone is no list, and 0 is no strength to train from."""
    kind = Optional(Number(minimum=0), Descent())
    assert parsed(kind, "[1e-2, 1e-3, 5]") == (0.01, 0.001, 5.0)
    assert parsed(kind, "0.5") == 0.5
    expected = "a.b must be a list of at least two numbers > 0, got"
    assert f"{expected} an empty list" in refusal(kind, "[]")
    alone = "[0.1] (one alone stands without brackets: 0.1)"
    assert f"{expected} {alone}" in refusal(kind, "[0.1]")
    assert "a.b has the number 0.1 twice" in refusal(kind, "[0.1, 0.2, 1e-1]")
    assert "a number in a.b must be a number > 0, got 0" in refusal(kind, "[0.1, 0]")
    assert "a number >= 0, a list of at least two numbers > 0 or null" in refusal(kind, "x")


@pytest.mark.parametrize("text", ["1/2", "2/5", "10/10", "9999/9999"])
def test_a_fold_is_one_of_several(text):
    """Which, from 1, of how many; quotes make no difference."""
    assert parsed(Optional(Fold()), text) == parsed(Fold(), f'"{text}"') == text
    assert fold_of(text) == tuple(map(int, text.split("/")))


@pytest.mark.parametrize("text", ["0/5", "6/5", "1/1", "05/9", "1/10000", "1/2/3", "half", "0.2"])
def test_what_is_no_fold_is_refused(text):
    """There are at least two, counted from 1."""
    assert "a.b must be a fold such as 2/5, from 1/2 to 9999/9999; got " in refusal(Fold(), text)
