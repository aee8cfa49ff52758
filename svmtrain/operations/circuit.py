"""Show circuits: of an expression, or of the loss on a real row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.build import build_objective, load_splits
from svmtrain.config import load_config
from svmtrain.data.scaled import dense
from svmtrain.data.scaling import Scaler
from svmtrain.errors import ConfigError
from svmtrain.files import read_bytes, write_atomic
from svmtrain.graph import hinge
from svmtrain.graph.circuit import GraphError, Node, ancestors, leaves
from svmtrain.graph.draw import DRAWERS
from svmtrain.graph.expression import TEXT_LIMIT, ExpressionError, parse, parse_value
from svmtrain.graph.stages import Comparison, Stage, compare, stages
from svmtrain.objective.linear import LinearObjective
from svmtrain.objective.losses import LOSSES, Floats
from svmtrain.operations.evaluate import load_classifier
from svmtrain.runs.directory import RunDirectory

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Shown:
    """A circuit after its backward pass.

    Attributes
    ----------
    output : Node
    stages : list of Stage
    inputs : list of Stage
        Those of the stages that are inputs.
    comparisons : list of Comparison or None
        Each input's gradient against a numeric one, if asked for.
    """

    output: Node
    stages: list[Stage]
    inputs: list[Stage]
    comparisons: list[Comparison] | None


def read_text(path: str) -> str:
    """Return the text of a staged computation.

    Raises
    ------
    ConfigError
        When the file cannot be read or is not UTF-8.
    """
    try:
        return read_bytes(path, ConfigError, 4 * TEXT_LIMIT).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"not UTF-8 at byte {error.start} (save it as UTF-8)", path=path
        ) from None


def show_expression(
    text: str,
    values: Mapping[str, str],
    *,
    name: str = "expression",
    seed: int = 0,
    upstream: str | None = None,
    check: bool = False,
) -> Shown:
    """Build the circuit of a text, run it forward and backward.

    Parameters
    ----------
    text : str
        An expression, or assignments; see `graph.expression`.
    values : mapping of str to str
        Values of its names, as texts such as `-2` or `[[1, 2], [3, 4]]`.
    name : str
        What messages call the text.
    seed : int
        Of `randn`.
    upstream : str, optional
        The gradient of the output, as a text.
    check : bool
        Whether to compare with numeric gradients.

    Raises
    ------
    ConfigError
        For a text or value that is not allowed, or outside a gate's domain.
    """
    given = {key: _value(f"{key}={value}", value, seed) for key, value in values.items()}
    try:
        parsed = parse(text, given, seed)
        above = parsed.upstream if upstream is None else _value("--upstream", upstream, seed)
        return _show(parsed.output, above, check)
    except ExpressionError as error:
        raise ConfigError(error.problem, path=name, line=error.line, column=error.column) from None
    except GraphError as error:
        raise ConfigError(str(error), path=name) from None


def _value(what: str, text: str, seed: int) -> Array:
    try:
        return parse_value(text, seed, what.partition("=")[0])
    except ExpressionError as error:
        raise ConfigError(error.problem, path=what) from None


def _show(output: Node, upstream: Array | None, check: bool) -> Shown:
    table = stages(output, upstream)
    names = {node.name for node in leaves(ancestors(output))}
    inputs = [stage for stage in table if stage.node in names and stage.operation == "input"]
    rest = [stage for stage in table if stage not in inputs]
    return Shown(output, inputs + rest, inputs, compare(output, upstream) if check else None)


@dataclass(frozen=True)
class LossRow:
    """The circuit of the loss of one row.

    Attributes
    ----------
    shown : Shown
    row : int
    label : str
        Its true class.
    classes : list of dict
        For each class: label, score, margin, whether its hinge is active, and the lengths of the
        gradient that arrives at its weights.
    loss, objective : float
    gradient_of_input : float
        Length.
    """

    shown: Shown
    row: int
    label: str
    classes: list[dict[str, Any]]
    loss: float
    objective: float
    gradient_of_input: float


def show_loss(
    path: str, loss: str | None, row: int, overrides: Sequence[str] = (), check: bool = False
) -> LossRow:
    """Build the circuit of the loss of one training row of a config or run.

    Parameters
    ----------
    path : str
        A config (weights then are random, small) or a run directory (its model's weights).
    loss : str, optional
        A name in `LOSSES`; the config's if not given.
    row : int
        Position among the training rows, from 0.
    overrides : sequence of str
        As for `load_config`.
    check : bool
        Whether to compare with numeric gradients.

    Raises
    ------
    ConfigError
        For an unknown loss or a row that is not there.
    """
    run = RunDirectory(path)
    if run.path.is_dir():
        run.require()
    config = load_config(run.config if run.path.is_dir() else path, overrides)
    train = load_splits(config).train
    if not 0 <= row < len(train):
        raise ConfigError(f"--row must be from 0 to {len(train) - 1}, got {row}")
    objective = build_objective(config.objective, train)
    loss = objective.loss if loss is None else loss
    if loss not in LOSSES:
        raise ConfigError(f"--loss must be one of {', '.join(LOSSES)}; got {loss!r}")
    scaler = Scaler.fit(train.blocks(), config.preprocess.scale, config.preprocess.row_norm)
    x = dense(scaler.transform(train.part(row, row + 1), np.float64))
    weights = _weights(run, (train.n_features, len(train.classes)), row)
    labels = [str(label) for label in train.classes]
    return loss_of_row(objective, loss, x, train.y[row : row + 1], weights, labels, row, check)


def loss_of_row(
    objective: LinearObjective,
    loss: str,
    x: Floats,
    y: NDArray[np.int64],
    weights: tuple[Floats, Floats],
    labels: Sequence[str],
    row: int = 0,
    check: bool = False,
) -> LossRow:
    """Build the circuit of the loss of one row.

    Parameters
    ----------
    objective : LinearObjective
        Whose delta, lambda, bias and class weights are taken.
    loss : str
        A name in `LOSSES`.
    x : ndarray of float64 (1, n_features)
        Scaled.
    y : ndarray of int64 (1,)
    weights : ndarrays of float64 (n_features, n_classes), (n_classes,)
    labels : sequence of str (n_classes,)
    row : int
        What the row is called.
    check : bool
        Whether to compare with numeric gradients.
    """
    circuit = hinge.build(
        loss,
        x.astype(np.float64),
        y,
        *weights,
        delta=objective.delta,
        lam=objective.lam,
        bias=objective.bias,
        class_weight=objective.class_weight,
    )
    return LossRow(
        shown=_show(circuit.objective, None, check),
        row=row,
        label=labels[int(y[0])],
        classes=_by_class(circuit, labels),
        loss=float(circuit.data.value),
        objective=float(circuit.objective.value),
        gradient_of_input=_length(circuit.X.grad),
    )


def _weights(run: RunDirectory, shape: tuple[int, int], seed: int) -> tuple[Floats, Floats]:
    """Return the weights and biases of a run's model, or small random ones where it has none."""
    if run.model.exists():
        model = load_classifier(run.path)
        return model.W.astype(np.float64), model.b.astype(np.float64)
    W = np.random.Generator(np.random.Philox(seed)).standard_normal(shape) / shape[0]
    return W, np.zeros(shape[1])


def _by_class(circuit: hinge.HingeCircuit, labels: Sequence[str]) -> list[dict[str, Any]]:
    gradient = circuit.hinges.grad
    active = circuit.margins.value[0] > 0
    arrives = np.zeros(len(labels)) if gradient is None else gradient[0]
    through = circuit.scores.grad
    return [
        {
            "class": label,
            "score": float(circuit.scores.value[0, j]),
            "margin": float(circuit.margins.value[0, j]),
            "active": bool(active[j] and arrives[j] != 0 and circuit.hinges.value[0, j] != 0),
            "dscore": 0.0 if through is None else float(through[0, j]),
            "weights_gradient": _length(None if circuit.W.grad is None else circuit.W.grad[:, j]),
        }
        for j, label in enumerate(labels)
    ]


def _length(array: Array | None) -> float:
    return 0.0 if array is None else float(np.sqrt(np.square(array).sum()))


def draw(output: Node, path: str) -> None:
    """Write a drawing of a circuit; the ending of the name says which kind.

    Raises
    ------
    ConfigError
        For another ending, too many nodes, or PNG without matplotlib.
    """
    drawer = DRAWERS.get(Path(path).suffix.lower())
    if drawer is None:
        raise ConfigError(f"the name must end in one of {', '.join(DRAWERS)}", path=path)
    try:
        content = drawer(output)
    except GraphError as error:
        raise ConfigError(str(error), path=path) from None
    except ImportError:
        raise ConfigError(
            "a PNG needs matplotlib: pip install 'svmtrain[plot]', or draw an .svg", path=path
        ) from None
    write_atomic(path, content)
