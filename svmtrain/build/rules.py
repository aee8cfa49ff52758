"""From a config to what a training watches: the metric, when to stop, how often to save."""

from __future__ import annotations

from svmtrain.config import Config, Interval
from svmtrain.errors import ConfigError
from svmtrain.training.certificate import NO_BOUND_FREE, NO_BOUND_ZERO
from svmtrain.training.loop import Cadence
from svmtrain.training.stopping import METRICS, StopRules, resolve_metric


def metric(name: str, has_validation: bool, key: str) -> str:
    """Return the metric that a setting means.

    Raises
    ------
    ConfigError
        When it needs validation rows and there are none.
    """
    resolved = resolve_metric(name, has_validation)
    if resolved.startswith("validation") and not has_validation:
        usable = ", ".join(m for m in METRICS if not m.startswith("validation"))
        raise ConfigError(
            f"{key} is {resolved}, but there are no validation rows "
            f"(set data.validation, or choose one of {usable})"
        )
    return resolved


def best_metric(config: Config, has_validation: bool) -> str:
    """Return the metric that says which epoch is the best.

    `auto` is the metric that is waited for when stop.patience is set, and else the objective,
    which is what a run was asked to minimise.
    """
    name = config.checkpoint.best
    if name == "auto":
        name = "objective" if config.stop.patience is None else config.stop.metric
    return metric(name, has_validation, "checkpoint.best")


def stop_rules(config: Config, has_validation: bool) -> StopRules:
    """Return the rules of the `stop` section.

    Raises
    ------
    ConfigError
        For a metric that cannot be had, or a gap that cannot be proven.
    """
    stop = config.stop
    if stop.gap is not None:
        why = why_unproven(config)
        if why is not None:
            raise ConfigError(f"stop.gap cannot be proven: {why}")
    gap_of_best = (
        config.output.model == "best" and best_metric(config, has_validation) == "objective"
    )
    if stop.must_reach is not None:
        _refuse_reach(config, has_validation, gap_of_best)
    return StopRules(
        metric=metric(stop.metric, has_validation, "stop.metric"),
        patience=stop.patience,
        min_delta=stop.min_delta,
        max_seconds=stop.max_seconds,
        target=stop.target,
        gap=stop.gap,
        gap_of_best=gap_of_best,
        must_reach=stop.must_reach,
    )


def _refuse_reach(config: Config, has_validation: bool, by_objective: bool) -> None:
    """Raise ConfigError when it cannot be proven what validation accuracy is out of reach."""
    why = why_unproven(config)
    if why is None and not has_validation:
        why = "there are no validation rows"
    if why is None and not by_objective:
        why = "it is about the epoch with the best objective, and the model may be another one"
    if why is not None:
        raise ConfigError(f"stop.must_reach cannot be proven: {why}")


def why_unproven(config: Config) -> str | None:
    """Return why the objective of a config has no bound, in words; None when it has one."""
    if config.objective.bias == "free":
        return NO_BOUND_FREE
    return NO_BOUND_ZERO if config.objective.lam == 0 else None


def cadence(config: Config) -> Cadence:
    """Return how often to save."""
    every = config.checkpoint.every
    if isinstance(every, Interval):
        return Cadence(every.count, every.unit)
    return Cadence(1, "none")
