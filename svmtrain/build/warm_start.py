"""Start a training from the weights, or the dual variables, of an earlier one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from svmtrain import interrupts
from svmtrain.data.columns import Encoder
from svmtrain.data.dataset import Dataset
from svmtrain.data.scaling import Scaler
from svmtrain.errors import ConfigError
from svmtrain.files import sha256_bytes
from svmtrain.model import LinearClassifier
from svmtrain.objective.dual_form import DualRows
from svmtrain.objective.linear import LinearObjective
from svmtrain.objective.losses import Classes, Floats
from svmtrain.solvers.dual import DualState, Settling
from svmtrain.training.sources import RowSource


@dataclass(frozen=True)
class WarmStart:
    """What an earlier training left for another to start from.

    Attributes
    ----------
    name : str
        What messages call it.
    classifier : LinearClassifier
    a : ndarray (n_rows, ...) or None
        The dual variables of its training rows; None to start from its weights.
    """

    name: str
    classifier: LinearClassifier
    a: Floats | None = None

    @property
    def sha256(self) -> str:
        """The digest of the numbers that a training starts from."""
        arrays = (self.classifier.W, self.classifier.b) if self.a is None else (self.a,)
        parts = [f"{array.dtype}{array.shape}".encode() + array.tobytes() for array in arrays]
        return sha256_bytes(b"".join(parts))

    def refuse(self, problem: str) -> ConfigError:
        """Return the error for something about it that does not fit."""
        return ConfigError(f"solver.warm_start {problem}", path=self.name)

    def require(self, train: Dataset, scaler: Scaler, encoder: Encoder | None) -> None:
        """Raise ConfigError unless classes and features are those of some training rows."""
        found = self.classifier
        if found.classes != train.classes:
            raise self.refuse(
                f"has other classes than these data: {len(found.classes)} beginning with "
                f"{found.classes[0]!r}, not {len(train.classes)} beginning with "
                f"{train.classes[0]!r}"
            )
        if found.n_features != train.n_features:
            raise self.refuse(
                f"has {found.n_features} features; these data have {train.n_features}"
            )
        names = (found.feature_names, train.feature_names)
        if None not in names and names[0] != names[1]:
            raise self.refuse("has features of other names, or in another order, than these data")
        cards = [one and one.card() for one in (found.encoder, encoder)]
        if cards[0] != cards[1]:
            raise self.refuse("makes its features of text and gaps in another way than this run")
        if not same_scaling(found.scaler, scaler):
            raise self.refuse(
                "has features that are scaled otherwise; it must be of the same training data "
                "with the same preprocess section"
            )

    def weights(self, objective: LinearObjective, dtype: Any) -> tuple[Floats, Floats]:
        """Return W (n_features, n_classes) and b (n_classes,) to start from."""
        W, b = self.classifier.W.astype(dtype), self.classifier.b.astype(dtype)
        if objective.bias == "none" and b.any():
            raise self.refuse("has a bias, and objective.bias is none")
        return W, b

    def settle(self, state: DualState, objective: LinearObjective, rows: RowSource) -> None:
        """Give a dual state, at its start, the variables, and what follows from them.

        The variables of one lambda are feasible for any other, but the weights that follow from
        them grow as lambda falls, and soon too far: with W(t a) = t W(a), the objective to ascend
        is D(t a) = t c - t^2 (q + lam ||W(a)||^2), where c is linear in a and q quadratic. The
        best t of at most 1 is taken, so that the start is never below that of a = 0.

        Raises
        ------
        ConfigError
            When the variables are those of another number of rows or classes.
        """
        if self.a is None or self.a.shape != state.a.shape:
            found = "none" if self.a is None else f"an array {self.a.shape}"
            raise self.refuse(f"has {found} for dual variables; this run has {state.a.shape}")
        total, bend = Settling.begin(state), 0.0
        for part in rows.parts():
            interrupts.check()
            X, y = rows.batch(part)
            dual = feasible(objective, y, self.a[part].astype(state.a.dtype))
            state.a[part] = dual.a
            bend += dual.bend(dual.a)
            total.add(objective, X, y, dual.a)
        with np.errstate(over="ignore"):
            total.close(state, objective)
            squares = bend / len(rows) + objective.penalty_of(*state.squares())
        linear = (total.worth + bend) / len(rows)
        if 2 * squares > linear:
            state.a *= state.a.dtype.type(linear / (2 * squares))
            follow(state, objective, rows)


def same_scaling(one: Scaler, other: Scaler) -> bool:
    """Return whether two scalers do the same to every row."""
    return (
        (one.scale, one.row_norm) == (other.scale, other.row_norm)
        and np.array_equal(one.offset, other.offset)
        and np.array_equal(one.factor, other.factor)
    )


def feasible(objective: LinearObjective, y: Classes, a: Floats) -> DualRows:
    """Return rows with the feasible variables that are nearest to a, which is changed."""
    dual = DualRows(objective, y, a)
    if not (dual.own or dual.paired):
        a[dual.rows, y] = 0
    dual.a = dual.feasible(a)
    return dual


def follow(state: DualState, objective: LinearObjective, rows: RowSource) -> None:
    """Compute the weights and the bound of a state from its variables."""
    total = Settling.begin(state)
    for part in rows.parts():
        interrupts.check()
        X, y = rows.batch(part)
        total.add(objective, X, y, state.a[part])
    total.close(state, objective)
