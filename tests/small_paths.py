"""Small paths of lambdas for the tests: trained, stopped, and what came out."""

import signal

from small_runs import QUIET
from small_runs import results as results_of

from svmtrain import interrupts
from svmtrain.config import load_config
from svmtrain.errors import Interrupted
from svmtrain.operations.path import fit_path
from svmtrain.runs.path import PathDirectory, runs_of

LIST = "objective.lambda=[0.01, 0.1, 0.03]"
NAMES = ["lambda-0.1", "lambda-0.03", "lambda-0.01"]
DUAL = "name: dual; epochs: 4"


def settings(folder, name, *overrides):
    """Return the config of a path with three lambdas, and its folder."""
    flags = {"output.name": name, "output.dir": str(folder / "runs")}
    strengths = [] if any("objective.C" in one for one in overrides) else [LIST]
    return load_config(folder / "c.yaml", [*strengths, *overrides], flags)


def trained(folder, name, *overrides, **options):
    """Train along a path and return its folder."""
    fit_path(settings(folder, name, *overrides), QUIET, **options)
    return PathDirectory(folder / "runs" / name)


def results(folder):
    """Return the models of a path, and its records without their time."""
    return {run.path.name: results_of(run) for run in runs_of(folder.path)}


class Pull:
    """Pretends that a signal came at the n-th time somebody asks."""

    def __init__(self, at):
        self.left = at

    def pending(self):
        """Count, and say whether it came."""
        self.left -= 1
        return signal.SIGTERM if self.left < 0 else None


def stopped(monkeypatch, at, train):
    """Train until a signal comes at the n-th time somebody asks; None when none did."""
    with monkeypatch.context() as patch:
        patch.setattr(interrupts, "pending", Pull(at).pending)
        try:
            train()
        except Interrupted as error:
            return error
    return None
