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
    solver = config.solver
    if solver.name == "dual":
        idle, why = NOT_OF_DUAL, "solver.name is dual"
    else:
        idle = tuple(key for key, of in OF_SCHEDULES.items() if solver.schedule not in of)
        why = f"solver.schedule is {solver.schedule}"
    given = [name for name in idle if KEYS[name].value(config) != KEYS[name].default]
    return f"{why}, and has no use for {', '.join(given)}" if given else None
