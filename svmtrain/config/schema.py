"""Every section and key of a config: its kind, its default and one line of help.

The sections about data and clusters have modules of their own. The sections are frozen dataclasses
whose fields carry the rest as metadata; `KEYS` is the same as a table. Nothing else in the package
repeats a default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from svmtrain.config.about import about
from svmtrain.config.cluster import Cluster
from svmtrain.config.data import Data
from svmtrain.config.kinds import (
    Boolean,
    Choice,
    Descent,
    Either,
    Integer,
    Number,
    Optional,
)
from svmtrain.config.texts import (
    Every,
    FileName,
    FilePath,
    Interval,
    Weights,
)

#: The L2 strength when neither objective.lambda nor objective.C is given.
DEFAULT_LAMBDA = 0.03


SCALINGS = ("none", "standard", "minmax", "maxabs")
ROW_NORMS = ("none", "l2")
LOSSES = (
    "weston_watkins",
    "weston_watkins_squared",
    "crammer_singer",
    "crammer_singer_squared",
    "one_vs_rest",
    "one_vs_rest_squared",
)
BIASES = ("none", "regularized", "free")
SOLVERS = ("sgd", "dual")
SCHEDULES = (
    "constant",
    "linear",
    "cosine",
    "step",
    "exponential",
    "inverse_scaling",
    "pegasos",
)
AVERAGINGS = ("none", "polyak", "tail")
SHUFFLES = ("full", "blocks", "once", "none")
DTYPES = ("float32", "float64")
INITS = ("zeros", "normal")
METRICS = (
    "auto",
    "objective",
    "train_loss",
    "train_accuracy",
    "validation_loss",
    "validation_accuracy",
)
MODELS = ("best", "last")
CALIBRATIONS = ("none", "sigmoid", "isotonic")

_AUTO = Choice(("auto",))
_NONE = Choice(("none",))
_EVERY_EPOCH = Interval(1, "epochs")


@dataclass(frozen=True, kw_only=True)
class Preprocess:
    """What is done to the features, with constants learned from the training rows."""

    scale: str = field(
        default="standard",
        metadata=about(Choice(SCALINGS), "scaling of each feature", common=True),
    )
    row_norm: str = field(
        default="none",
        metadata=about(Choice(ROW_NORMS), "norm that each row is divided by"),
    )


@dataclass(frozen=True, kw_only=True)
class Objective:
    """The function that is minimised."""

    loss: str = field(
        default="weston_watkins",
        metadata=about(Choice(LOSSES), "loss of one row", common=True),
    )
    delta: float = field(
        default=1.0, metadata=about(Number(above=0), "margin that a score must win by")
    )
    lam: float | tuple[float, ...] | None = field(
        default=None,
        metadata=about(
            Optional(Number(minimum=0), Descent()),
            f"L2 strength, in place of C; {DEFAULT_LAMBDA:g} when both are null; of a list, each "
            "from the largest on, started from the one before",
            name="lambda",
            common=True,
        ),
    )
    C: float | tuple[float, ...] | None = field(
        default=None,
        metadata=about(
            Optional(Number(above=0), Descent()),
            "weight of the losses, in place of lambda: 1 / (2 lambda rows), which is LIBLINEAR's C "
            "for one_vs_rest with delta 1 (fit --dry-run has that of others); of a list, each from "
            "the smallest on",
        ),
    )
    bias: str = field(
        default="regularized",
        metadata=about(Choice(BIASES), "whether scores have a bias, and its penalty"),
    )
    class_weight: str | Mapping[str, float] = field(
        default="none",
        metadata=about(
            Either(Choice(("none", "balanced")), Weights()),
            "weight of each class in the loss",
        ),
    )

    @property
    def is_path(self) -> bool:
        """Whether several strengths are asked for, to be trained one after the other."""
        return isinstance(self.lam, tuple) or isinstance(self.C, tuple)


@dataclass(frozen=True, kw_only=True)
class Solver:
    """How the minimum is sought."""

    name: str = field(
        default="sgd",
        metadata=about(
            Choice(SOLVERS),
            "method: stochastic steps, or dual ascent, which proves its gap and uses no lr, "
            "schedule, momentum, averaging or init",
        ),
    )
    epochs: int = field(
        default=30,
        metadata=about(Integer(minimum=1), "passes over the training rows", common=True),
    )
    batch_size: int | str = field(
        default="auto",
        metadata=about(
            Either(Integer(minimum=1), _AUTO),
            "rows of one step; auto is at most 65,536 for dual, else about a 500th of the rows, a "
            "power of two from 8 to 256",
            common=True,
        ),
    )
    lr: float | str = field(
        default="auto",
        metadata=about(Either(Number(above=0), _AUTO), "first step size", common=True),
    )
    schedule: str = field(
        default="pegasos",
        metadata=about(Choice(SCHEDULES), "how the step size changes", common=True),
    )
    decay: float = field(
        default=0.5,
        metadata=about(Number(above=0, maximum=1), "factor of the schedules step and exponential"),
    )
    decay_epochs: int = field(
        default=10,
        metadata=about(
            Integer(minimum=1),
            "epochs in which decay acts once: at once for step, smoothly for exponential",
        ),
    )
    power: float = field(
        default=1.0,
        metadata=about(Number(above=0), "exponent of the schedule inverse_scaling"),
    )
    t0: float | str = field(
        default="auto",
        metadata=about(
            Either(Number(above=0), _AUTO),
            "offset of pegasos and inverse_scaling, in steps",
        ),
    )
    momentum: float = field(
        default=0.0,
        metadata=about(Number(minimum=0, below=1), "share of the last step kept"),
    )
    nesterov: bool = field(
        default=False, metadata=about(Boolean(), "look ahead along the momentum")
    )
    averaging: str = field(
        default="tail",
        metadata=about(Choice(AVERAGINGS), "average of the weights over the steps"),
    )
    shuffle: str = field(
        default="full",
        metadata=about(
            Choice(SHUFFLES),
            "order of the rows: new each epoch; the same, by runs of rows that stand together "
            "(for data on a disk); one for all epochs; as they are",
        ),
    )
    dtype: str = field(
        default="float64",
        metadata=about(Choice(DTYPES), "precision of the computation"),
    )
    seed: int = field(
        default=0,
        metadata=about(Integer(minimum=0), "seed of the order and the first weights", common=True),
    )
    init: str = field(default="zeros", metadata=about(Choice(INITS), "first weights"))
    warm_start: str | None = field(
        default=None,
        metadata=about(
            Optional(FilePath()),
            "a run, checkpoint or model to start from, in place of init: its weights, or for dual "
            "its dual variables",
        ),
    )
    threads: int | str = field(
        default="auto",
        metadata=about(
            Either(Integer(minimum=1, maximum=256), _AUTO),
            "threads of the linear algebra",
        ),
    )

    gradcheck: bool = field(
        default=True,
        metadata=about(Boolean(), "check the gradients before training, and refuse on a failure"),
    )


@dataclass(frozen=True, kw_only=True)
class Stop:
    """When training ends before its last epoch."""

    patience: int | None = field(
        default=None,
        metadata=about(Optional(Integer(minimum=1)), "epochs without improvement to wait for"),
    )
    metric: str = field(default="auto", metadata=about(Choice(METRICS), "what is watched"))
    min_delta: float = field(
        default=0.0,
        metadata=about(Number(minimum=0), "smallest change that is an improvement"),
    )
    max_seconds: float | None = field(
        default=None,
        metadata=about(Optional(Number(above=0)), "longest time to train"),
    )
    target: float | None = field(
        default=None,
        metadata=about(Optional(Number()), "value of the metric that is good enough to stop at"),
    )
    gap: float | None = field(
        default=None,
        metadata=about(
            Optional(Number(above=0, below=1)),
            "proven distance from the optimum, as a share of the objective, to stop at",
        ),
    )
    must_reach: float | None = field(
        default=None,
        metadata=about(
            Optional(Number(above=0, maximum=1)),
            "validation accuracy that a model must come to: stop once it is proven that none will",
        ),
    )


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """What is saved while training runs."""

    every: Interval | str = field(
        default=_EVERY_EPOCH,
        metadata=about(Either(Every(), _NONE), "how often to save", common=True),
    )
    keep: int = field(
        default=3,
        metadata=about(Integer(minimum=1), "number of checkpoints kept besides the best"),
    )
    best: str = field(
        default="auto",
        metadata=about(
            Choice(METRICS),
            "metric that says which epoch is the best; auto is the objective, or stop.metric when "
            "there is a patience",
        ),
    )


@dataclass(frozen=True, kw_only=True)
class Output:
    """Where the results go."""

    dir: str = field(
        default="runs",
        metadata=about(FilePath(), "folder that holds the run directories", common=True),
    )
    name: str | None = field(
        default=None,
        metadata=about(Optional(FileName()), "name of the run; null makes one up"),
    )
    model: str = field(
        default="best",
        metadata=about(Choice(MODELS), "which weights become the model of the run"),
    )
    calibration: str = field(
        default="sigmoid",
        metadata=about(
            Choice(CALIBRATIONS), "how scores become probabilities, fitted on the validation rows"
        ),
    )


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything that decides what a training run does."""

    data: Data
    preprocess: Preprocess = field(default_factory=Preprocess)
    objective: Objective = field(default_factory=Objective)
    solver: Solver = field(default_factory=Solver)
    stop: Stop = field(default_factory=Stop)
    checkpoint: Checkpoint = field(default_factory=Checkpoint)
    output: Output = field(default_factory=Output)
    cluster: Cluster = field(default_factory=Cluster)


#: The sections by name, in their order.
SECTIONS: dict[str, type[Any]] = {
    "data": Data,
    "preprocess": Preprocess,
    "objective": Objective,
    "solver": Solver,
    "stop": Stop,
    "checkpoint": Checkpoint,
    "output": Output,
    "cluster": Cluster,
}
