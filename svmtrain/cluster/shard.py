"""A shard: some of the rows, and what is computed with them. It knows nothing of a cluster.

A shard lives where its rows are, for as long as a training lasts. Every method takes and returns
plain values and arrays. But for its dual variables it has no state that could be lost: the same
call on a shard made anew gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.build.rows import row_source, training_rows
from svmtrain.cluster.reading import read_role
from svmtrain.cluster.recipe import Recipe
from svmtrain.config import Config
from svmtrain.data.dataset import Dataset
from svmtrain.data.scaling import Scaler
from svmtrain.objective.compiling import numba_version
from svmtrain.objective.lazy import LazyWeights
from svmtrain.objective.linear import DataTerm, LinearObjective
from svmtrain.objective.losses import Floats
from svmtrain.solvers.dual import DualAscent, DualState, Settling
from svmtrain.solvers.lazy_sgd import LazySGD, LazyState
from svmtrain.solvers.sgd import SGDState
from svmtrain.solvers.solver import Solver
from svmtrain.training.certificate import Certificate
from svmtrain.training.sources import CompiledMemoryRows, RowSource

Index = NDArray[np.intp]


@dataclass(frozen=True)
class Moved:
    """What steps of its own made of the weights that a shard was given.

    Attributes
    ----------
    arrays : mapping of str to ndarray
        Those of `SGDState`, after the steps.
    term : DataTerm
        Of all rows of the steps, each just before its own, without gradient.
    proof : DataTerm or None
        The gradients of the steps summed, and what the bound takes besides; see `Certificate`.
    """

    arrays: Mapping[str, Floats]
    term: DataTerm
    proof: DataTerm | None


@dataclass(frozen=True)
class Change:
    """What a shard's ascent changes: of the weights, or what all its variables now come to.

    Attributes
    ----------
    W, b : ndarray (n_features, n_classes), (n_classes,), or None
    total : Settling or None
    """

    W: Floats | None = None
    b: Floats | None = None
    total: Settling | None = None


@dataclass(frozen=True)
class Variables:
    """The dual variables of some rows, as `DualState` has them."""

    a: Floats
    rest: NDArray[np.uint8]
    wait: NDArray[np.uint8]

    def copy(self, rows: Index) -> Variables:
        """Return those of some of the rows."""
        return Variables(self.a[rows], self.rest[rows], self.wait[rows])

    def put(self, rows: Index, other: Variables) -> None:
        """Set those of some of the rows."""
        self.a[rows], self.rest[rows], self.wait[rows] = other.a, other.rest, other.wait


class Shard:
    """The rows of a recipe, and the state of their dual variables.

    Parameters
    ----------
    recipe : Recipe
    scratch : str
        A folder for copies of files from elsewhere.
    """

    def __init__(self, recipe: Recipe, scratch: str) -> None:
        self.recipe, self.scratch = recipe, scratch
        self._read: dict[str, Dataset] = {}
        self._held: dict[str, RowSource] = {}
        self._source: RowSource | None = None
        self._objective = LinearObjective()
        self._solver: Solver | DualAscent | None = None
        self._certified = False
        self._variables: Variables | None = None
        self._version = -1
        self._undo: tuple[Index, Variables] | None = None

    def rows(self, source: str, at: Index | None) -> Dataset:
        """Return the rows that are in the files of a role, or some of them by their number."""
        if source not in self._read:
            self._read[source] = read_role(self.recipe, source, self.scratch)
        rows = self._read[source]
        return rows if at is None else rows.rows(at)

    def over(
        self,
        source: str,
        at: Index | None,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
    ) -> Any:
        """Return what a function makes of some rows."""
        return function(self.rows(source, at), *arguments)

    def train(
        self,
        config: Config,
        source: str,
        at: Index | None,
        scaler: Scaler,
        n_rows: int,
        shards: int,
    ) -> str:
        """Scale the rows to train on, of so many in all shards; return what kernel dual has."""
        rows = training_rows(config, self.rows(source, at), scaler, shards)
        self._source = rows
        compiled = isinstance(rows, CompiledMemoryRows)
        kernel = f"numba {numba_version()}" if compiled else "numpy"
        if config.solver.name == "dual":
            self._solver = DualAscent(n_rows, kernel=kernel, shards=shards)
        return kernel

    def hold(self, config: Config, source: str, at: Index | None, scaler: Scaler) -> None:
        """Scale the rows to validate on."""
        self._held["validation"] = row_source(self.rows(source, at), scaler, config.solver.dtype)

    def begin(
        self, objective: LinearObjective, make: partial[Solver] | None, certified: bool
    ) -> None:
        """Take in what is minimised, and what makes the steps."""
        self._objective, self._certified = objective, certified
        if make is not None:
            self._solver = make()

    def term(self, rows: Index, W: Floats, b: Floats) -> DataTerm:
        """Return the data term with its gradient, summed over some training rows."""
        with np.errstate(over="ignore", invalid="ignore"):
            term = self._train.term(self._objective, rows, W, b)
        return replace(term, dW=None if term.dW is None else term.dW.copy())

    def measure(self, which: str, W: Floats, b: Floats) -> DataTerm:
        """Return the data term without gradient over all rows to train or to validate on."""
        source = self._train if which == "train" else self._held[which]
        with np.errstate(over="ignore", invalid="ignore"):
            term = source.measure(self._objective, W, b)
        if term is None:
            raise RuntimeError("a worker was interrupted")
        return term

    def squares(self) -> float:
        """Return the sum of the squared lengths of the training rows."""
        return self._train.mean_square() * len(self._train) if len(self._train) else 0.0

    def descend(
        self, rows: Index, batch: int, step: int, names: Sequence[str], *given: Floats
    ) -> Moved:
        """Make steps over some training rows, a batch each, from weights that are not changed.

        Parameters
        ----------
        rows : ndarray of intp (n,), n >= 1
        batch : int
            Rows of a step.
        step : int
            The number of the first step, by which it has its learning rate.
        names : sequence of str
        *given : ndarray
            The arrays of an `SGDState` by those names.
        """
        solver, arrays = self._solver, dict(zip(names, given, strict=True))
        if solver is None or isinstance(solver, DualAscent):
            raise RuntimeError("this shard has nothing that makes steps")
        state = begun(solver, arrays, step)
        W, b = state.weights
        lazy = isinstance(state, LazyState)
        proof = Certificate.begin(W, b, sparse=lazy) if self._certified else None
        total = DataTerm(0.0, 0, 0)
        with np.errstate(over="ignore", invalid="ignore"):
            for start in range(0, len(rows), batch):
                some = rows[start : start + batch]
                term = self._train.term(self._objective, some, *state.parameters)
                if proof is not None:
                    proof.add(self._objective, term)
                solver.descend(state, self._objective, term)
                total += DataTerm(term.loss, term.count, term.active)
            shift = state.now.shift if isinstance(state, LazyState) else None
            return Moved(
                ended(state, arrays), total, None if proof is None else _sums(proof, shift)
            )

    def restore(self, version: int, variables: Variables) -> None:
        """Take dual variables, as those of a version."""
        self._variables = Variables(*(array.copy() for array in vars(variables).values()))
        self._version, self._undo = version, None

    def ascend(
        self, version: int, rows: Index, settles: bool, W: Floats, b: Floats
    ) -> Change | None:
        """Ascend from the variables of a version along some training rows; the next is made.

        A version that was left already is gone back to, so that a round can be repeated. None,
        and nothing is done, where the variables are of another one.
        """
        solver, kept = self._solver, self._variables
        if not isinstance(solver, DualAscent):
            raise RuntimeError("this shard has nothing that ascends")
        if not self._back_to(version) or kept is None:
            return None
        self._undo = (rows, kept.copy(rows))
        state = DualState(W.copy(), b.copy(), kept.a, kept.rest, kept.wait)
        if len(rows):
            if isinstance(self._train, CompiledMemoryRows) and version == 0:
                solver.load(state, self._objective, self._train.X)
            solver.ascend(state, self._objective, self._train.batch, rows)
        self._version = version + 1
        if settles:
            return Change(total=self._total(state))
        return Change((state.W - W) / solver.shards, (state.b - b) / solver.shards)

    def settle(self, version: int, W: Floats, b: Floats) -> Change | None:
        """Return what all variables of a version come to; None where there are none of it."""
        if not self._back_to(version) or self._variables is None:
            return None
        return Change(total=self._total(DualState(W, b, **vars(self._variables))))

    def has(self, version: int) -> bool:
        """Return whether the variables of a version are here."""
        return self._back_to(version)

    def variables(self, version: int) -> Variables | None:
        """Return the variables of a version; None where there are none of it."""
        return self._variables if self._back_to(version) else None

    @property
    def _train(self) -> RowSource:
        if self._source is None:
            raise RuntimeError("this shard has no rows to train on yet")
        return self._source

    def _back_to(self, version: int) -> bool:
        """Undo the last ascent where it was one from this version; return whether it is had."""
        if self._version == version + 1 and self._undo is not None and self._variables is not None:
            self._variables.put(*self._undo)
            self._version, self._undo = version, None
        return self._version == version

    def _total(self, state: DualState) -> Settling:
        total = Settling.begin(state)
        for rows in self._train.parts():
            total.add(self._objective, *self._train.batch(rows), state.a[rows])
        return total


def begun(solver: Any, arrays: Mapping[str, Floats], step: int) -> SGDState | LazyState:
    """Return a state of a solver, with its own copies of the arrays of an `SGDState`."""
    own = {name: array.copy() for name, array in arrays.items()}
    if not isinstance(solver, LazySGD):
        return SGDState(**own, step=step)
    now = LazyWeights.of(own["W"], own["b"], solver.shift)
    mean_r = np.zeros_like(own["mean_b"])
    return LazyState(now, own["mean_W"], own["mean_b"], mean_r, step=step)


def ended(state: SGDState | LazyState, like: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return the arrays of an `SGDState`, written out, of a state that `begun` returned."""
    if isinstance(state, SGDState):
        return state.arrays()
    (mean_W, mean_b), now = state.weights, state.now
    averaged = state.U.size > 0
    return {
        **like,
        **{"W": now.dense(), "b": now.b},
        **({"mean_W": mean_W, "mean_b": mean_b} if averaged else {}),
    }


def _sums(proof: Certificate, shift: Floats | None) -> DataTerm:
    """Return the sums of a certificate written out; see `Certificate.close`."""
    G = proof.sum_W
    if shift is not None and shift.size:
        G = G - np.outer(shift, proof.sum_r)
    return DataTerm(0.0, 0, 0, dW=G, db=proof.sum_b, dual=proof.constant)
