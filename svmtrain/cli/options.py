"""What several commands share: options, and getting from them to a config."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from svmtrain.config import Config

F = TypeVar("F", bound=Callable[..., Any])

#: A path as given; whether it can be used is told by what uses it, with its own exit code.
any_path = click.Path(readable=False, allow_dash=True)

any_seed = click.IntRange(0, 2**63 - 1)

set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a setting, such as solver.epochs=50. Repeatable.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
format_option = click.option(
    "--format",
    "format_",
    default="auto",
    show_default=True,
    metavar="FORMAT",
    help="Format of the data, if content and name do not tell (see config schema, data.format).",
)
runs_option = click.option(
    "--dir", "folder", default="runs", show_default=True, help="Folder of the run directories."
)


def loudness(command: F) -> F:
    """Add -q and -v."""
    quiet = click.option("-q", "--quiet", is_flag=True, help="No progress and no notes.")
    verbose = click.option("-v", "--verbose", is_flag=True, help="More notes.")
    return quiet(verbose(command))


def note(text: str) -> None:
    """Write a line for the user to stderr; a broken stderr is no error."""
    from svmtrain.errors import printable
    from svmtrain.training.progress import SafeStream

    stream = SafeStream(sys.stderr)
    stream.write(f"svmtrain: {printable(text)}\n")
    stream.flush()


def limit_threads(config: Config) -> int:
    """Settle the threads of the linear algebra, before numpy is imported."""
    from svmtrain import threads

    count = threads.resolve(config.solver.threads)
    threads.limit(count)
    return count


def limit_one_thread() -> None:
    """Settle on one thread, before numpy is imported: for commands without a config."""
    from svmtrain import threads

    threads.limit(threads.resolve("auto"))


def known_format(name: str) -> str:
    """Return a format that exists, or raise a usage error that lists them."""
    from svmtrain.data.readers import READERS

    if name not in ("auto", *READERS):
        names = ", ".join(("auto", *READERS))
        raise click.BadParameter(f"{name!r} is not one of {names}", param_hint="--format")
    return name
