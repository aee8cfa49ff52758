"""What several commands share: options, and getting from them to a config."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from svmtrain.config import Config
    from svmtrain.data.dataset import ReadOptions

F = TypeVar("F", bound=Callable[..., Any])

#: A path as given; whether it can be used is told by what uses it, with its own exit code.
any_path = click.Path(readable=False, allow_dash=True)


LARGEST_SEED = 2**63 - 1


def any_seed(word: str) -> int:
    """Return the number that numpy takes for a seed; help need not show how large it may be."""
    text = str(word)
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= LARGEST_SEED):
        raise click.BadParameter(f"{text!r} is not a whole number from 0 to {LARGEST_SEED}")
    return int(text)


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
exact_option = click.option(
    "--require-exact",
    "exact",
    is_flag=True,
    help="Refuse to go on with other versions, threads or BLAS, by which the last bits may differ.",
)
tensorboard_option = click.option(
    "--tensorboard",
    type=any_path,
    metavar="DIR",
    help="Write the records into DIR for TensorBoard too, in a folder a run.",
)
cluster_option = click.option(
    "--cluster",
    metavar="WHERE",
    help="On workers of Dask: local:N, tcp://HOST:PORT or a scheduler.json.",
)
threads_option = click.option(
    "--threads", metavar="N", help="Threads of the linear algebra, or auto."
)
runs_option = click.option(
    "--dir", "folder", default="runs", show_default=True, help="Folder of the run directories."
)


def cluster_flags(where: str | None) -> dict[str, str]:
    """Return the settings that --cluster stands for, as flags of a config."""
    from svmtrain.config.render import yaml_value

    return {} if where is None else {"cluster.at": yaml_value(where)}


def reading(command: F) -> F:
    """Add how data that are named on the command line are to be read."""
    for option in (
        click.option("--labels", type=any_path, help="The file of the labels, where it is apart."),
        click.option("--delimiter", help="What stands between the cells of a table."),
        click.option(
            "--header/--no-header", default=None, help="Whether line 1 names the columns."
        ),
        click.option("--target", help="The label column, by name or position from 0."),
        format_option,
    ):
        command = option(command)
    return command


def columns(command: F) -> F:
    """Add which columns of a table are no features, or text."""
    text = click.option(
        "--text-column", "text_columns", multiple=True, help="A column that holds text. Repeatable."
    )
    drop = click.option("--drop", multiple=True, help="A column that is no feature. Repeatable.")
    return drop(text(command))


def column(word: str) -> str | int:
    """Return the column that a word means: a number is a position."""
    return int(word) if word.lstrip("-").isdigit() else word


def read_options(
    target: str | None,
    header: bool | None,
    delimiter: str | None,
    labels: str | None,
    text_columns: tuple[str, ...] = (),
    drop: tuple[str, ...] = (),
) -> ReadOptions:
    """Return how to read data, from the options of `reading` and `columns`."""
    from svmtrain.data.dataset import ReadOptions

    return ReadOptions(
        target=None if target is None else column(target),
        header=header,
        delimiter="\t" if delimiter == "tab" else delimiter,
        labels=labels,
        text_columns=tuple(map(column, text_columns)),
        drop=tuple(map(column, drop)),
    )


def repeated(read: Mapping[str, Any], format_: str) -> list[str]:
    """Return the options of `reading` and `columns` as they were typed, for the next command."""
    words = [] if format_ == "auto" else ["--format", format_]
    for name in ("target", "delimiter", "labels"):
        words += [] if read.get(name) is None else [f"--{name}", read[name]]
    if read.get("header") is not None:
        words.append("--header" if read["header"] else "--no-header")
    for name, option in (("text_columns", "--text-column"), ("drop", "--drop")):
        words += [word for value in read.get(name, ()) for word in (option, value)]
    return words


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


def suggest(*words: str) -> None:
    """Name the next sensible command on stderr, its words quoted as a shell wants them."""
    import shlex

    note(f"next: {shlex.join(['svmtrain', *words])}")


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
