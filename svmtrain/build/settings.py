"""What of a config is refused whatever its data are."""

from __future__ import annotations

from svmtrain.build.rules import best_metric, stop_rules, why_unproven
from svmtrain.build.training import refuse_no_dual, refuse_schedule, strength
from svmtrain.config import Config


def refuse_settings(config: Config) -> None:
    """Raise ConfigError for settings that do not go together, before the data are read.

    By the rules that a training is built by: what they refuse here, it would refuse. What depends
    on the rows as well, such as the names of classes, it finds when they are there.

    Parameters
    ----------
    config : Config
        Of one strength of the penalty.
    """
    has_validation = config.data.validation != 0
    stop_rules(config, has_validation)
    best_metric(config, has_validation)
    solver = config.solver
    if solver.name == "dual":
        refuse_no_dual(why_unproven(config))
        return
    most = strength(config.objective, 1)  # that of a C is smaller with more rows
    refuse_schedule(solver, most, 1.0 if isinstance(solver.lr, str) else solver.lr)
