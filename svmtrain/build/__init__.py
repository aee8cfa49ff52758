"""The one place that turns a config into objects: its rows, and what is trained on them."""

from svmtrain.build.place import HERE, Place
from svmtrain.build.reading import FILES_HERE, Files, data_files, load_like, read_options
from svmtrain.build.rows import batch_size
from svmtrain.build.rules import best_metric, cadence, metric, stop_rules, why_unproven
from svmtrain.build.settings import refuse_settings
from svmtrain.build.splits import Splits, counts_to_deal, load_splits
from svmtrain.build.training import (
    Built,
    build,
    build_objective,
    build_solver,
    require_dual,
    strength,
)
from svmtrain.build.warm_start import WarmStart

__all__ = [
    "FILES_HERE",
    "HERE",
    "Built",
    "Files",
    "Place",
    "Splits",
    "WarmStart",
    "batch_size",
    "best_metric",
    "build",
    "build_objective",
    "build_solver",
    "cadence",
    "counts_to_deal",
    "data_files",
    "load_like",
    "load_splits",
    "metric",
    "read_options",
    "refuse_settings",
    "require_dual",
    "stop_rules",
    "strength",
    "why_unproven",
]
