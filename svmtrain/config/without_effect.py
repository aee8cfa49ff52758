"""Settings that are given and do nothing beside another: they are said, not refused.

A config is often run by several solvers and schedules, so such a setting is no fault.
"""

from __future__ import annotations

from collections.abc import Mapping

from svmtrain.config.keys import KEYS
from svmtrain.config.schema import Config

NOT_OF_DUAL: tuple[str, ...] = (
    *("solver.lr", "solver.schedule", "solver.decay", "solver.decay_epochs", "solver.power"),
    *("solver.t0", "solver.momentum", "solver.nesterov", "solver.averaging", "solver.init"),
)
OF_SCHEDULES: Mapping[str, tuple[str, ...]] = {
    "solver.decay": ("step", "exponential"),
    "solver.decay_epochs": ("step", "exponential"),
    "solver.power": ("inverse_scaling",),
    "solver.t0": ("inverse_scaling", "pegasos"),
}


def without_effect(config: Config) -> str | None:
    """Return a sentence about the settings that are not the default and do nothing, if any."""
    told = [text for text in (_of_solver(config), _of_cluster(config)) if text is not None]
    return "; ".join(told) or None


def _of_cluster(config: Config) -> str | None:
    """Return what of a cluster is set though there is none, or another mode."""
    cluster = config.cluster
    if cluster.at is None:
        idle = tuple(name for name in KEYS if name.startswith("cluster.") and name != "cluster.at")
        return _sentence(config, "cluster.at is null", idle)
    mode = "dual" if config.solver.name == "dual" else "sync"
    mode = mode if cluster.mode == "auto" else cluster.mode
    idle = () if mode == "local" else ("cluster.interval",)
    return _sentence(config, f"cluster.mode is {mode}", idle)


def _of_solver(config: Config) -> str | None:
    """Return what of a solver is set though it, or its schedule, is another."""
    solver = config.solver
    if solver.name == "dual":
        idle, why = NOT_OF_DUAL, "solver.name is dual"
    else:
        idle = tuple(key for key, of in OF_SCHEDULES.items() if solver.schedule not in of)
        why = f"solver.schedule is {solver.schedule}"
    return _sentence(config, why, idle)


def _sentence(config: Config, why: str, idle: tuple[str, ...]) -> str | None:
    given = [name for name in idle if KEYS[name].value(config) != KEYS[name].default]
    return f"{why}, and has no use for {', '.join(given)}" if given else None
