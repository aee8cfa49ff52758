"""What is said of a command line that cannot be read, and what was probably meant."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

import click


class Asked(click.Option):
    """An option with `missing=`: what to say besides where it is not given."""

    def __init__(self, *args: Any, missing: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.missing = missing


def usage(error: click.ClickException, words: Sequence[str]) -> str:
    """Return the sentence about a command line.

    Parameters
    ----------
    error : click.ClickException
    words : sequence of str
        The command line, without the name of the program.
    """
    text = error.format_message().replace("\n", " ").rstrip(".")
    context = getattr(error, "ctx", None)
    if isinstance(error, click.NoSuchOption) and (setting := _setting(error, words)):
        text = f"No such option: {error.option_name} (did you mean {setting}?)"
    if isinstance(error, click.MissingParameter) and isinstance(error.param, Asked):
        text = f"{text}: {error.param.missing}"
    return f"{text} (see {context.command_path} --help)" if context else text


def _setting(error: click.NoSuchOption, words: Sequence[str]) -> str:
    """Return the --set that an option was probably meant to be; nothing where it is none."""
    from svmtrain.config.keys import KEYS

    known = error.ctx.command.params if error.ctx else []
    if not any("--set" in parameter.opts for parameter in known):
        return ""
    name = error.option_name.lstrip("-").replace("-", "_")
    keys = [key.dotted for key in KEYS.values() if key.name == name]
    value = shlex.quote(_value(error.option_name, words))
    return " or ".join(f"--set {key}={value}" for key in keys)


def _value(option: str, words: Sequence[str]) -> str:
    """Return what was given to an option; VALUE where nothing was."""
    for at, word in enumerate(words):
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
        if word == option and at + 1 < len(words) and not words[at + 1].startswith("--"):
            return words[at + 1]
    return "VALUE"
