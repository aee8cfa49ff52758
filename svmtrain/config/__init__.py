"""The config of a run: a strict YAML file, `--set` overrides, a schema that documents itself.

The YAML parser is imported when a config is first read, not before.
"""

from svmtrain.config.data import Data
from svmtrain.config.load import load_config, parse_config, run_name
from svmtrain.config.render import (
    differences,
    schema_json,
    schema_rows,
    schema_text,
    starter,
    to_dict,
    to_yaml,
)
from svmtrain.config.schema import (
    DEFAULT_LAMBDA,
    Checkpoint,
    Config,
    Objective,
    Output,
    Preprocess,
    Solver,
    Stop,
)
from svmtrain.config.texts import Interval
from svmtrain.config.without_effect import OF_SCHEDULES, without_effect

__all__ = [
    "DEFAULT_LAMBDA",
    "OF_SCHEDULES",
    "Checkpoint",
    "Config",
    "Data",
    "Interval",
    "Objective",
    "Output",
    "Preprocess",
    "Solver",
    "Stop",
    "differences",
    "load_config",
    "parse_config",
    "run_name",
    "schema_json",
    "schema_rows",
    "schema_text",
    "starter",
    "to_dict",
    "to_yaml",
    "without_effect",
]
