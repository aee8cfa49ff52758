"""The exception tree. Each exception knows the exit code that `svmtrain` ends with.

Library code raises these and never prints or exits; the one handler in `svmtrain.cli` turns
them into one line on stderr and an exit status.
"""

from __future__ import annotations

import errno as errno_names
import os
from pathlib import Path

VALUE_LIMIT = 60


def printable(text: str) -> str:
    """Return `text` with every control or non-printing character written as an escape.

    Names, labels and paths come from files, and a terminal must not obey them.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shown(value: object) -> str:
    """Return the repr of `value`, cut to `VALUE_LIMIT` characters, safe for a terminal."""
    text = printable(repr(value))
    return text if len(text) <= VALUE_LIMIT else text[: VALUE_LIMIT - 3] + "..."


class SvmtrainError(Exception):
    """Base of all errors that svmtrain reports on purpose.

    Parameters
    ----------
    problem : str
        What is wrong, in one sentence without a full stop.
    path : str or Path, optional
        The file that the problem is in; printed first.
    line, column : int, optional
        Position in that file, both counted from 1.
    """

    exit_code = 1

    def __init__(
        self,
        problem: str,
        *,
        path: str | Path | None = None,
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        self.problem = problem
        self.path = None if path is None else str(path)
        self.line = line
        self.column = column
        place = [] if path is None else [printable(str(path))]
        place += [str(number) for number in (line, column) if number is not None]
        super().__init__(": ".join([*([":".join(place)] if place else []), problem]))


class CheckFailed(SvmtrainError):
    """A check that the user asked for came out negative."""

    exit_code = 1


class ConfigError(SvmtrainError):
    """A config file, a `--set` override or a command line that cannot be used."""

    exit_code = 2


class DataError(SvmtrainError):
    """A data file that is missing, malformed or does not fit the model."""

    exit_code = 3


class NoLabelsError(DataError):
    """Data without the labels that were asked for; what else they hold may be good."""


class ModelError(SvmtrainError):
    """A model or checkpoint file that cannot be used."""

    exit_code = 4


class VersionError(ModelError):
    """A model or checkpoint file of a format version that this svmtrain does not read.

    It is not damaged: the svmtrain that wrote it can read it.
    """


class ResumeError(SvmtrainError):
    """A checkpoint that does not belong to this run, data, config or algorithm."""

    exit_code = 5


class DivergedError(SvmtrainError):
    """Training left the finite numbers, or is plainly on its way out of them."""

    exit_code = 6


class StorageError(SvmtrainError):
    """The operating system refused to read or write a file."""

    exit_code = 7

    @classmethod
    def from_os_error(cls, error: OSError, action: str, path: str | Path) -> StorageError:
        """Build the error for an `OSError` met while doing `action` to `path`."""
        name = errno_names.errorcode.get(error.errno or 0, type(error).__name__)
        reason = os.strerror(error.errno) if error.errno else str(error)
        return cls(f"cannot {action}: {reason} ({name})", path=path)


class FetchError(SvmtrainError):
    """Data could not be fetched, or what came is not what was asked for."""

    exit_code = 7


class InUseError(SvmtrainError):
    """Another process holds the lock of the run directory."""

    exit_code = 8


class Interrupted(SvmtrainError):
    """A signal ended the command. `exit_code` is 128 plus the signal's number, or 75."""

    def __init__(self, problem: str, exit_code: int) -> None:
        super().__init__(problem)
        self.exit_code = exit_code
