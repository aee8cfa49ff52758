"""Successive halving: all points for a few epochs, the best of them for more, and so on.

Source: Jamieson and Talwalkar (2016), Non-stochastic best arm identification and hyperparameter
optimization.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from svmtrain.config import Config
from svmtrain.errors import ConfigError
from svmtrain.experiments.points import Point
from svmtrain.operations.fit import finished, reload_config, run_directory
from svmtrain.solvers.schedules import SCHEDULES


@dataclass(frozen=True)
class Rung:
    """A stage: so many points are trained until they have made so many epochs."""

    points: int
    epochs: int


def rungs_of(points: int, epochs: int, eta: int) -> list[Rung]:
    """Return the stages for some points that the best are trained for so many epochs at last.

    From each to the next one in `eta` survives, rounded up, and makes `eta` times the epochs,
    until one is left. The first stage has at least one epoch, so that there may be fewer stages.

    Raises
    ------
    ConfigError
        When eta is less than 2.
    """
    if eta < 2:
        raise ConfigError(f"--eta must be at least 2, got {eta}")
    sizes = [points]
    while sizes[-1] > 1:
        sizes.append(math.ceil(sizes[-1] / eta))
    stages = min(len(sizes), 1 + int(math.log(epochs, eta) + 1e-9))
    sizes = sizes[:stages]
    return [
        Rung(size, max(1, epochs // eta ** (stages - 1 - stage)))
        for stage, size in enumerate(sizes)
    ]


def refuse_horizons(points: Sequence[Point]) -> None:
    """Raise ConfigError for what cannot be trained for a while and then for longer."""
    for point in points:
        schedule = point.config.solver.schedule
        if point.config.solver.name == "sgd" and SCHEDULES[schedule].needs_horizon:
            raise ConfigError(
                f"--halving trains survivors for longer, and solver.schedule {schedule} plans "
                "every step by the number of epochs; take one that does not, such as pegasos"
            )
        if "solver.epochs" in point.settings:
            raise ConfigError("--halving decides about solver.epochs, which --grid has, too")


def at_most(config: Config, epochs: int) -> Config:
    """Return a config that is trained for so many epochs."""
    return replace(config, solver=replace(config.solver, epochs=epochs))


def reached(config: Config) -> bool:
    """Return whether a run has made the epochs of a stage, be it since on its way to the next."""
    run = run_directory(config)
    if not run.exists():
        return False
    asked, wanted = reload_config(run).solver.epochs, config.solver.epochs
    return asked > wanted or (asked == wanted and finished(run))
