"""What the commands that make many runs share: options, and how their end is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

from svmtrain.cli.options import (
    any_path,
    cluster_flags,
    cluster_option,
    json_option,
    limit_threads,
    set_option,
    suggest,
)
from svmtrain.cli.output import print_json

if TYPE_CHECKING:
    from svmtrain.config import Config
    from svmtrain.errors import CheckFailed

F = TypeVar("F", bound=Callable[..., Any])


def experiment(command: F) -> F:
    """Add what every experiment is asked with: CONFIG, --set, --out, --jobs and so on."""
    for option in (
        click.option("-q", "--quiet", is_flag=True, help="No progress and no notes."),
        json_option,
        click.option("--force", is_flag=True, help="Begin the experiment again if it exists."),
        click.option(
            "--jobs",
            type=click.IntRange(1),
            metavar="N",
            help="Processes side by side, each with solver.threads threads, no more than there are "
            "cores for; with --cluster, runs.  [default: as many]",
        ),
        cluster_option,
        click.option("--out", metavar="DIR", help="Folder of the experiment."),
        set_option,
        click.argument("config", type=any_path),
    ):
        command = option(command)
    return command


def configure(path: str, overrides: tuple[str, ...], cluster: str | None) -> Config:
    """Return the config, and settle the threads of the linear algebra before numpy is there."""
    from svmtrain.config import load_config

    config = load_config(path, overrides, cluster_flags(cluster))
    limit_threads(config)
    return config


def folder_of(out: str | None, config: str, kind: str) -> str:
    """Return the folder of an experiment: that which is given, or one by the config's name."""
    from svmtrain.config import run_name

    return out if out is not None else str(Path("experiments") / f"{run_name(config)}-{kind}")


class Result(Protocol):
    """What every experiment comes to."""

    @property
    def path(self) -> Path:
        """The folder of the experiment."""

    @property
    def failure(self) -> CheckFailed | None:
        """What to end with when runs failed."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""


R = TypeVar("R", bound=Result)


def conclude(
    result: R, show: Callable[[R], None], *, as_json: bool, name_report: bool = False
) -> None:
    """Print a result, as JSON or by `show`; end with the failure of its runs, if some failed."""
    if as_json:
        print_json(result.to_dict())
    else:
        show(result)
        if name_report:
            suggest("report", str(result.path))
    if result.failure is not None:
        raise result.failure
