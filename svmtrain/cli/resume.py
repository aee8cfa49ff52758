"""`svmtrain resume`: go on with a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from svmtrain.cli.fit import make_session, show, show_path
from svmtrain.cli.groups import Command
from svmtrain.cli.options import (
    any_path,
    cluster_option,
    exact_option,
    json_option,
    limit_threads,
    loudness,
    set_option,
    tensorboard_option,
    threads_option,
)
from svmtrain.cli.output import tell

if TYPE_CHECKING:
    from svmtrain.operations.job import FitResult, Session
    from svmtrain.operations.path import PathResult

EXAMPLES = """
svmtrain resume runs/digits
svmtrain resume runs/digits --set solver.epochs=50
"""


@click.command("resume", cls=Command, examples=EXAMPLES, short_help="Go on with a run.")
@click.argument("run", type=any_path)
@set_option
@exact_option
@threads_option
@cluster_option
@tensorboard_option
@json_option
@loudness
def command(
    run: str,
    overrides: tuple[str, ...],
    exact: bool,
    threads: str | None,
    cluster: str | None,
    tensorboard: str | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Go on with RUN, exactly where it stopped.

    Settings that do not change the steps already made may change, such as solver.epochs (under
    a schedule that does not plan by it), stop, output and how often to save. Any other is an
    error. RUN may also be the folder of a path: of its runs, those that are finished stay, and
    only how often to save may change.

    Signals save as they do in svmtrain fit. Exit codes: 4 checkpoint, 5 not this run, 6 diverged.
    """
    from svmtrain.config import load_config

    if threads is not None:
        overrides = (*overrides, f"solver.threads={threads}")
    if cluster is not None:
        overrides = (*overrides, f"cluster.at={cluster}")
    stored = Path(run) / "config.yaml"
    if stored.exists():
        limit_threads(load_config(stored, overrides))
    session = make_session(quiet, verbose, exact, tensorboard)
    from svmtrain.runs.path import PathDirectory

    if PathDirectory(run).exists():
        show_path(_resume_path(run, overrides, session), as_json=as_json, quiet=quiet)
    else:
        result, before = _resume(run, overrides, session)
        if before != result.last.epoch or as_json or quiet:
            show(result, as_json=as_json, quiet=quiet)
            return
        from svmtrain.operations.describe import finished_already

        tell(finished_already(result))


def _resume(run: str, overrides: tuple[str, ...], session: Session) -> tuple[FitResult, int | None]:
    """Go on with a run; return what came of it, and its epochs where it was finished before."""
    from svmtrain.operations.fit import epochs_finished, reload_config, resume_run
    from svmtrain.runs.directory import RunDirectory

    directory = RunDirectory(run)
    config = reload_config(directory, overrides)
    before = epochs_finished(directory)
    return resume_run(directory, config, session), before


def _resume_path(path: str, overrides: tuple[str, ...], session: Session) -> PathResult:
    from svmtrain.operations.path import reload_path, resume_path
    from svmtrain.runs.path import PathDirectory

    folder = PathDirectory(path)
    return resume_path(folder, reload_path(folder, overrides), session)
