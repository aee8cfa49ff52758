"""`svmtrain fit`: train a classifier from a config."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from svmtrain.cli.groups import Command
from svmtrain.cli.options import (
    any_path,
    cluster_flags,
    cluster_option,
    exact_option,
    json_option,
    limit_threads,
    loudness,
    note,
    set_option,
    suggest,
    tensorboard_option,
    threads_option,
)
from svmtrain.cli.output import print_json, table, tell

if TYPE_CHECKING:
    from svmtrain.config import Config
    from svmtrain.operations.job import FitResult, Session
    from svmtrain.operations.path import PathResult

EXAMPLES = """
svmtrain fit configs/digits.yaml
svmtrain fit configs/digits.yaml --set objective.lambda=1e-3 --name weak
svmtrain fit configs/digits.yaml --set objective.lambda=[0.1,0.01] --name path
svmtrain fit configs/digits.yaml --dry-run
svmtrain fit configs/digits.yaml --resume
svmtrain fit configs/digits.yaml --cluster local:2 --set cluster.mode=local
"""


@click.command("fit", cls=Command, examples=EXAMPLES, short_help="Train a classifier.")
@click.argument("config", type=any_path)
@set_option
@click.option("--name", help="Name of the run; the config's file name if not given.")
@click.option("--out", metavar="DIR", help="Folder for the run directory.  [default: runs]")
@click.option("--resume", is_flag=True, help="Go on with the run if it exists.")
@click.option("--force", is_flag=True, help="Begin the run again if it exists.")
@click.option(
    "--if-changed",
    is_flag=True,
    help="Do nothing if the run is finished and config, data and code are the same; begin it "
    "again if one changed.",
)
@exact_option
@threads_option
@cluster_option
@tensorboard_option
@click.option("--dry-run", is_flag=True, help="Load and build everything, describe it, stop.")
@json_option
@loudness
def command(
    config: str,
    overrides: tuple[str, ...],
    name: str | None,
    out: str | None,
    resume: bool,
    force: bool,
    if_changed: bool,
    exact: bool,
    threads: str | None,
    cluster: str | None,
    tensorboard: str | None,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Train a classifier as CONFIG says, into a run directory.

    Ctrl-C, SIGTERM, SIGUSR1 save and stop (resume goes on), SIGUSR2 saves. Exit codes:
    2 config, 3 data, 4 model, 5 not this run, 6 diverged, 7 disk or cluster, 8 busy, 128+n.
    """
    if sum((resume, force, if_changed)) > 1:
        raise click.UsageError("--resume, --force and --if-changed exclude each other")
    if exact and not resume:
        raise click.UsageError("--require-exact goes with --resume")
    settings = configure(config, overrides, name, out, threads, cluster)
    count = limit_threads(settings)
    session = make_session(quiet, verbose, exact, tensorboard)
    if dry_run:
        describe(settings, session, as_json)
        return
    if verbose:
        note(f"{count} thread{'s' if count > 1 else ''} for the linear algebra")
    if settings.objective.is_path:
        path = _fit_path(settings, session, resume, force, if_changed)
        if path is None:
            _up_to_date(settings, "path", as_json)
        else:
            show_path(path, as_json=as_json, quiet=quiet)
        return
    if if_changed:
        from svmtrain.operations.changed import fit_if_changed

        result = fit_if_changed(settings, session)
        if result is None:
            _up_to_date(settings, "run", as_json)
            return
    else:
        from svmtrain.operations.fit import fit

        result = fit(settings, session, resume=resume, force=force)
    show(result, as_json=as_json, quiet=quiet)


def _fit_path(
    config: Config, session: Session, resume: bool, force: bool, if_changed: bool
) -> PathResult | None:
    """Train along a path; None where there was nothing to do."""
    if if_changed:
        from svmtrain.operations.changed import fit_path_if_changed

        return fit_path_if_changed(config, session)
    from svmtrain.operations.path import fit_path

    return fit_path(config, session, resume=resume, force=force)


def _up_to_date(config: Config, what: str, as_json: bool) -> None:
    """Tell that there was nothing to do."""
    place = Path(config.output.dir) / str(config.output.name)
    note(f"{place} is up to date")
    if as_json:
        print_json({what: str(place), "reason": "up to date"})


def configure(
    path: str,
    overrides: tuple[str, ...],
    name: str | None,
    out: str | None,
    threads: str | None,
    cluster: str | None = None,
) -> Config:
    """Return the config with the flags laid over it, its run named."""
    from svmtrain.config import load_config, run_name
    from svmtrain.config.render import yaml_value

    given = {"output.name": name, "output.dir": out}
    flags = {key: yaml_value(value) for key, value in given.items() if value is not None}
    if threads is not None:
        flags["solver.threads"] = threads
    flags |= cluster_flags(cluster)
    config = load_config(path, overrides, flags)
    if config.output.name is None:
        config = replace(config, output=replace(config.output, name=run_name(path)))
    return config


def make_session(
    quiet: bool, verbose: bool, exact: bool = False, tensorboard: str | None = None
) -> Session:
    """Return how a training started from the command line is told."""
    from svmtrain.operations.job import Session
    from svmtrain.operations.tensorboard import require_library

    if tensorboard is not None:
        require_library()
    return Session(
        say=note,
        stream=sys.stderr,
        quiet=quiet,
        verbose=verbose,
        command=("svmtrain", *sys.argv[1:]),
        exact=exact,
        tensorboard=tensorboard,
    )


def show(result: FitResult, *, as_json: bool, quiet: bool) -> None:
    """Print what came out of a training; the model is there whether or not anybody listens."""
    if sys.stdout is None:
        return
    from svmtrain.operations.describe import one_line, summary

    if as_json:
        print_json(result.to_dict())
    elif quiet:
        tell(one_line(result))
    else:
        tell(summary(result))


def show_path(result: PathResult, *, as_json: bool, quiet: bool) -> None:
    """Print a line for each run of a path; see `show`."""
    if sys.stdout is None:
        return
    from svmtrain.operations.path import FIGURES

    if as_json:
        print_json(result.to_dict())
        return
    rows = [[f"{run['lambda']:g}", *(run[name] for name in FIGURES[1:])] for run in result.runs]
    tell(table(FIGURES, rows))
    if not quiet:
        suggest("runs", "compare", str(result.path))


def describe(config: Config, session: Session, as_json: bool) -> None:
    """Print what a training would do."""
    if config.objective.is_path:
        from svmtrain.operations.path import plan_path as plan
    else:
        from svmtrain.operations.describe import plan

    text, document = plan(config, session)
    if as_json:
        print_json(document)
    else:
        tell(text)
