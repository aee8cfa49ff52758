"""The help of every command: one screen, no line broken by its width, examples first."""

import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from svmtrain.cli import group

LINES, WIDTH = 40, 80
README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


def walked(command=group, words=()):
    """Yield the words of every command and of every command below it."""
    yield words
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from walked(command.get_command(context, name), (*words, name))


COMMANDS = list(walked())


def help_of(*words, width=WIDTH):
    """Return the help of a command on a terminal of some width."""
    done = CliRunner().invoke(group, [*words, "--help"], prog_name="svmtrain", terminal_width=width)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words) or "svmtrain")
def test_help_fits_a_screen(words):
    """At 80 columns no line is wider, and 40 lines hold it all, usage and examples first."""
    lines = help_of(*words).splitlines()
    assert len(lines) <= LINES
    assert [line for line in lines if len(line) > WIDTH] == []
    assert lines[0].startswith(" ".join(["Usage: svmtrain", *words, "["]))
    assert lines[2] == "Examples:"
    assert " ".join(["  svmtrain", *words]) in "\n".join(lines[3:10])


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words) or "svmtrain")
def test_every_line_of_help_says_something(words):
    """No option without a text, and no range that is only the size of an integer."""
    text = help_of(*words)
    assert str(2**63 - 1) not in text
    options = text.partition("Options:\n")[2].partition("\n\n")[0].splitlines()
    bare = [
        line
        for line, after in zip(options, [*options[1:], ""], strict=True)
        if re.fullmatch(r"  -\S+(?: \S+)*", line) and not after.startswith("     ")
    ]
    assert bare == []


@pytest.mark.parametrize("words", [("fit",), ("resume",)])
def test_long_commands_tell_of_signals_and_exit_codes(words):
    """One line each, and every code named is one of the table in the README."""
    text = " ".join(help_of(*words).split())
    assert "SIGUSR1" in text or "Signals save" in text
    listed = re.search(r"Exit codes: ([^.]+)\.", text)[1]
    known = {
        int(n) for row in re.findall(r"^\| ([0-9, ]+) \|", README, re.M) for n in row.split(",")
    }
    assert {int(code) for code in re.findall(r"(\d+) (?!n)[a-z]", listed)} <= known


@pytest.mark.parametrize("command", ["fit", "resume", "verify"])
def test_what_trains_takes_the_threads(command):
    """In the same words everywhere."""
    assert "--threads N" in help_of(command)
