"""Schedules: the learning rate as a function of the step, counted from 0.

To add one, write a function of `(plan, step)` and enter it in `SCHEDULES`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """All that a schedule may depend on, besides the step.

    Attributes
    ----------
    lr : float
        The learning rate of step 0.
    total_steps : int
        Steps in the whole planned run.
    steps_per_epoch : int
    lam : float
        The L2 strength of the objective.
    decay : float
        Factor of `step` and `exponential`, applied every `decay_epochs` epochs.
    decay_epochs : int
    power : float
        Exponent of `inverse_scaling`.
    t0 : float or None
        Offset in steps; None lets the schedule choose.
    """

    lr: float
    total_steps: int
    steps_per_epoch: int
    lam: float
    decay: float = 0.5
    decay_epochs: int = 10
    power: float = 1.0
    t0: float | None = None


@dataclass(frozen=True)
class Schedule:
    """One entry of `SCHEDULES`.

    Attributes
    ----------
    rate : callable
        `rate(plan, step)` is the learning rate of a step.
    formula : str
        For people; t is the step, T the planned steps, E the steps in an epoch.
    needs_horizon : bool
        Whether the rate depends on T, so that a longer run would have made other steps.
    """

    rate: Callable[[Plan, int], float]
    formula: str
    needs_horizon: bool = False


def constant(plan: Plan, step: int) -> float:
    """Return the same rate for ever."""
    return plan.lr


def linear(plan: Plan, step: int) -> float:
    """Return a rate that falls along a line and would be 0 one step after the last."""
    return plan.lr * max(0.0, 1 - step / plan.total_steps)


def cosine(plan: Plan, step: int) -> float:
    """Return a rate that falls along half a cosine (Loshchilov and Hutter, 2017)."""
    return plan.lr * 0.5 * (1 + math.cos(math.pi * min(1.0, step / plan.total_steps)))


def step_decay(plan: Plan, step: int) -> float:
    """Return a rate that is cut every `decay_epochs` epochs."""
    return float(plan.lr * plan.decay ** (step // (plan.decay_epochs * plan.steps_per_epoch)))


def exponential(plan: Plan, step: int) -> float:
    """Return a rate that is multiplied by `decay` over `decay_epochs` epochs, step by step."""
    return float(plan.lr * plan.decay ** (step / (plan.decay_epochs * plan.steps_per_epoch)))


def inverse_scaling(plan: Plan, step: int) -> float:
    """Return lr / (1 + t / t0)^power; t0 is one epoch unless given."""
    t0 = plan.steps_per_epoch if plan.t0 is None else plan.t0
    return float(plan.lr / (1 + step / t0) ** plan.power)


def pegasos(plan: Plan, step: int) -> float:
    """Return 1 / (2 lam (t + t0)), the rate for a strongly convex objective.

    Unless given, t0 is 1 / (2 lam lr), so that step 0 has the rate lr. With a given t0, lr has
    no effect.

    Source: Shalev-Shwartz, Singer and Srebro (2007); the offset, Bottou (2012).
    """
    t0 = 1 / (2 * plan.lam * plan.lr) if plan.t0 is None else plan.t0
    return 1 / (2 * plan.lam * (step + t0))


SCHEDULES: dict[str, Schedule] = {
    "constant": Schedule(constant, "lr"),
    "linear": Schedule(linear, "lr (1 - t/T)", needs_horizon=True),
    "cosine": Schedule(cosine, "lr (1 + cos(pi t/T)) / 2", needs_horizon=True),
    "step": Schedule(step_decay, "lr decay^floor(t / (decay_epochs E))"),
    "exponential": Schedule(exponential, "lr decay^(t / (decay_epochs E))"),
    "inverse_scaling": Schedule(inverse_scaling, "lr / (1 + t/t0)^power"),
    "pegasos": Schedule(pegasos, "1 / (2 lambda (t + t0))"),
}
