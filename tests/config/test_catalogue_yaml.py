"""The catalogue of bad YAML: each ends in one line that names the place and the problem."""

import os

import pytest

from svmtrain.config import load_config
from svmtrain.errors import ConfigError, SvmtrainError

GOOD = b"data:\n  train: x.csv\n"

#: Identity: (content after GOOD or whole, place after the path, telling part of the message).
CASES = {
    "01-empty": (b"", "", "the file is empty"),
    "01-only-a-comment": (b"# nothing\n", "", "the file is empty"),
    "02-list-on-top": (b"- a\n", ":1", "top level must be a mapping of sections, got a list"),
    "02-scalar-on-top": (b"\nabc\n", ":2", "must be a mapping of sections, got 'abc'"),
    "03-two-documents": (GOOD + b"---\na: 1\n", ":3", "a second YAML document"),
    "04-tab-indent": (GOOD + b"solver:\n\tepochs: 3\n", ":4:1", "a tab cannot indent"),
    "05-unclosed-bracket": (GOOD + b"a: [1,\n", ":3:4", "this '[' is not closed"),
    "05-unclosed-brace": (GOOD + b"a: {b: 1\n", ":3:4", "this '{' is not closed"),
    "06-duplicate-key": (
        GOOD + b"solver:\n  epochs: 1\n  lr: 1\n  epochs: 2\n",
        ":6",
        "the key 'epochs' is given twice, first at line 4",
    ),
    "06-duplicate-section": (GOOD + b"data:\n  seed: 1\n", ":3", "twice, first at line 1"),
    "07-unknown-key": (GOOD + b"solver:\n  epoch: 1\n", ":4", "(did you mean solver.epochs?)"),
    "07-unknown-section": (GOOD + b"slover:\n  epochs: 1\n", ":3", "(did you mean solver?)"),
    "08-text-for-a-number": (
        GOOD + b"solver:\n  epochs: many\n",
        ":4",
        "solver.epochs must be an integer >= 1, got 'many'",
    ),
    "09-number-with-a-tail": (GOOD + b"objective:\n  delta: 1e-3x\n", ":4", "got '1e-3x'"),
    "10-nan": (GOOD + b"objective:\n  delta: .nan\n", ":4", "got .nan (it must be finite)"),
    "10-inf": (GOOD + b"objective:\n  delta: .inf\n", ":4", "got .inf (it must be finite)"),
    "10-overflow": (GOOD + b"objective:\n  delta: 1.0e+999\n", ":4", "too large"),
    "11-out-of-range": (
        GOOD + b"solver:\n  epochs: 0\n",
        ":4",
        "solver.epochs must be an integer >= 1, got 0",
    ),
    "12-fraction-for-an-integer": (GOOD + b"solver: {epochs: 2.5}\n", ":3", "got 2.5"),
    "12-true-for-an-integer": (GOOD + b"solver: {epochs: true}\n", ":3", "got true"),
    "13-octal": (GOOD + b"solver: {epochs: 0123}\n", ":3", "got 0123 (ambiguous"),
    "13-base-60": (GOOD + b"solver: {epochs: 1:30}\n", ":3", "got 1:30 (ambiguous"),
    "13-underscore": (GOOD + b"solver: {epochs: 1_000}\n", ":3", "without underscores"),
    "14-no-for-a-boolean": (
        GOOD + b"solver: {nesterov: no}\n",
        ":3",
        "solver.nesterov must be true or false, got no",
    ),
    "15-long-integer": (GOOD + b"solver: {epochs: %s}\n" % (b"9" * 5000), ":3", "999..."),
    "16-date": (GOOD + b"output: {name: 2024-01-01}\n", ":3", "put it in quotes"),
    "17-python-object": (
        GOOD + b"a: !!python/object/apply:os.system [id]\n",
        ":3:4",
        "tags are not allowed (found !!python/object/apply:os.system)",
    ),
    "18-int-tag": (GOOD + b'a: !!int "x"\n', ":3:4", "tags are not allowed (found !!int)"),
    "19-anchor": (GOOD + b"a: &b 1\n", ":3:4", "anchors are not allowed (found '&b')"),
    "19-alias": (GOOD + b"a: *b\n", ":3:4", "aliases are not allowed (found '*b')"),
    "19-merge": (GOOD + b"a: {<<: {b: 1}}\n", ":3", "merge keys ('<<') are not allowed"),
    "20-deep-brackets": (b"[" * 30_000, ":1:17", "nested too deeply"),
    "21-nul": (GOOD + b"a: \x00\n", ":3:4", "control character U+0000"),
    "21-escape": (GOOD + b"a: \x1b[2J\n", ":3:4", "control character U+001B"),
    "22-invalid-utf-8": (GOOD + b"a: \xff\n", ":3", "byte 0xff at offset 24"),
    "22-utf-16": ("a: 1".encode("utf-16"), ":1", "at offset 0"),
    "23-impossible-escape": (GOOD + b'a: "\\U99999999"\n', ":3:7", "out of range"),
    "24-too-large": (GOOD + b"#" * 65_536, "", "larger than 65,536 bytes"),
    "26-integer-key": (GOOD + b"solver: {1: 2}\n", ":3", "got the number 1 (put it in quotes)"),
    "26-null-key": (GOOD + b"solver: {~: 2}\n", ":3", "a key must be text, got null"),
    "26-boolean-key": (GOOD + b"yes: 2\n", ":3", "got the boolean yes (put it in quotes)"),
    "26-list-as-key": (GOOD + b"[a]: 2\n", ":3", "a key must be text, got a list"),
}


def one_line(caught, path):
    """Return the message after the path, which must be one printable line of bounded length."""
    message = str(caught.value)
    assert message.isprintable()
    assert message.startswith(str(path))
    assert len(message) - len(str(path)) < 400
    return message[len(str(path)) :]


@pytest.mark.parametrize(("content", "place", "telling"), CASES.values(), ids=CASES.keys())
def test_bad_yaml_is_refused_in_one_line(tmp_path, content, place, telling):
    """The line and column are right, the problem is named, and the file stays as it was."""
    path = tmp_path / "c.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    message = one_line(caught, path)
    assert message.startswith(f"{place}: ")
    assert telling in message
    assert caught.value.exit_code == 2
    assert path.read_bytes() == content


def test_09_a_number_with_an_exponent_and_no_dot_is_accepted(tmp_path):
    """`1e-3` is 0.001, where YAML 1.1 would make it a text."""
    path = tmp_path / "c.yaml"
    path.write_bytes(GOOD + b"objective:\n  delta: 1e-3\n")
    assert load_config(path).objective.delta == 0.001


def test_25_a_folder_is_refused(tmp_path):
    """A folder is named as one."""
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path)
    assert "it is a folder" in one_line(caught, tmp_path)


def test_25_a_fifo_is_refused_without_waiting(tmp_path):
    """Nobody writes into the FIFO, and still the call returns."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert "not a regular file" in one_line(caught, path)


def test_25_an_unreadable_file_is_refused(tmp_path, monkeypatch):
    """The system's reason is passed on."""
    path = tmp_path / "c.yaml"
    path.write_bytes(GOOD)

    def denied(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", denied)
        with pytest.raises(SvmtrainError) as caught:
            load_config(path)
    assert "Permission denied" in one_line(caught, path)


def test_25_a_missing_file_is_refused(tmp_path):
    """The path that was looked for is named."""
    path = tmp_path / "none.yaml"
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert one_line(caught, path) == ": no such file"
