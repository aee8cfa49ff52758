"""What makes the steps of a training whose rows are in shards: one way for each `cluster.mode`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.cluster.rows import ShardRows, summed
from svmtrain.cluster.shard import Change, Moved, Variables
from svmtrain.errors import Interrupted, StorageError
from svmtrain.objective.linear import DataTerm, LinearObjective
from svmtrain.solvers.dual import Settling
from svmtrain.solvers.solver import Solver
from svmtrain.training.state import TrainingState

ROUNDS = 20
"""How often a round is begun again for workers that were lost in it."""


@dataclass
class Shared:
    """What all ways have in common.

    Parameters
    ----------
    objective : LinearObjective
    rows : ShardRows
        The training rows.
    """

    objective: LinearObjective
    rows: ShardRows

    def settle(self, state: TrainingState) -> bool:
        """Let workers that came late take shards over; nothing is to be computed anew."""
        if self.rows.engine.moves():
            self.rows.engine.move()
        return True

    def settling(self, state: TrainingState) -> Settling | None:
        """Return that there are no dual variables."""
        return None

    def collect(self, state: TrainingState) -> None:
        """Do nothing: the state is here."""

    def rates(self) -> dict[str, float] | None:
        """Return the rows a second of each worker since this was last asked."""
        return self.rows.engine.rates()


@dataclass
class Sync(Shared):
    """Each step by the sums over a batch, as on one machine: only the order of sums differs.

    Parameters
    ----------
    solver : Solver
    """

    solver: Solver

    def step(self, state: TrainingState, rows: NDArray[np.intp]) -> DataTerm | None:
        """Make one update by some rows; None when a signal came."""
        try:
            term = self.rows.term(self.objective, rows, *state.solver.parameters)
        except Interrupted:
            return None
        if state.certificate is not None:
            state.certificate.add(self.objective, term)
        self.solver.descend(state.solver, self.objective, term)
        return term


@dataclass
class Local(Shared):
    """Every shard makes steps of its own from the common weights, which are then averaged.

    The average is weighted by the rows that the shards took. Momentum and averaged weights, which
    are linear in the weights too, are averaged with them.

    Parameters
    ----------
    batch : int
        Rows of a step of a shard.
    first : callable
        From the number of a round to that of its first step, by which learning rates are.

    Notes
    -----
    Source: Stich (2019), Local SGD converges fast and communicates little; Zinkevich et al.
    (2010), Parallelized stochastic gradient descent.
    """

    batch: int
    first: Callable[[int], int]

    def step(self, state: TrainingState, rows: NDArray[np.intp]) -> DataTerm | None:
        """Make one round over some rows; None when a signal came."""
        parts = self.rows.dealt(rows)
        solver: Any = state.solver
        first, arrays = self.first(solver.step), solver.arrays()
        names = list(arrays)
        each = [(part, self.batch, first, names) if len(part) else None for part in parts]
        try:
            found: list[Moved | None] = self.rows.engine.each(
                "descend",
                each,
                tuple(arrays.values()),
                [len(part) for part in parts],
            )
        except Interrupted:
            return None
        moved = [one for one in found if one is not None]
        for name, array in arrays.items():
            if array.size:
                array[:] = mean_of(moved, name, len(rows))
        if state.certificate is not None:
            for one in moved:
                if one.proof is not None:
                    state.certificate.add(self.objective, one.proof)
        solver.step += 1
        return summed([one.term for one in moved])


def mean_of(moved: Sequence[Moved], name: str, rows: int) -> NDArray[np.float64]:
    """Return the mean of an array over shards, by the rows that they took of so many."""
    total = np.zeros(moved[0].arrays[name].shape)
    for one in moved:
        total += one.arrays[name] * (one.term.count / rows)
    return total


@dataclass
class Dual(Shared):
    """Every shard ascends the dual along its own rows, and the changes of the weights add up.

    Variables are on the workers, each with the number of its version. A round that not all
    shards came through is gone back on by the others and repeated; a shard that was made anew has
    the variables that were brought here last, and the weights then follow from those of all.

    Notes
    -----
    Source: Ma et al. (2015), Adding vs. averaging in distributed primal-dual optimization; Smith
    et al. (2018), CoCoA: a general framework for communication-efficient distributed optimization.
    """

    _version: int = -1
    _total: Settling | None = None

    def step(self, state: TrainingState, rows: NDArray[np.intp]) -> DataTerm | None:
        """Make one round over some rows; None when a signal came."""
        solver: Any = state.solver
        parts = self.rows.dealt(rows)
        settles = state.position + len(rows) == len(self.rows)
        try:
            for _ in range(ROUNDS):
                self._begin(state)
                changes = self.rows.engine.each(
                    "ascend",
                    [(self._version, part, settles) for part in parts],
                    (solver.W, solver.b),
                    [len(part) for part in parts],
                )
                if all(change is not None for change in changes):
                    break
                self._mend(state)
            else:
                raise StorageError("workers are lost faster than a round takes")
        except Interrupted:
            return None
        self._version += 1
        self._apply(state, changes)
        solver.step += 1
        return DataTerm(0.0, len(rows), 0)

    def settle(self, state: TrainingState) -> bool:
        """Compute weights and bound from all variables; False when a signal came."""
        solver: Any = state.solver
        try:
            self._make_room(state)
            total = self._total or self.settling(state)
        except Interrupted:
            return False
        total.close(solver, self.objective)
        self._total = None
        return True

    def settling(self, state: TrainingState) -> Settling:
        """Return what all variables come to."""
        solver: Any = state.solver
        for _ in range(ROUNDS):
            self._begin(state)
            calls = [(self._version,)] * len(self.rows.counts)
            changes = self.rows.engine.each("settle", calls, (solver.W, solver.b), self.rows.counts)
            if all(change is not None for change in changes):
                return added([change.total for change in changes])
            self._restore(state, [k for k, one in enumerate(changes) if one is None])
            solver.bound = 0.0
        raise StorageError("workers are lost faster than their shards can be made anew")

    def collect(self, state: TrainingState) -> None:
        """Bring the variables of all shards here."""
        if self._version < 0:
            return
        self.rows.engine.heeds = False
        try:
            self._collect(state, state.solver)
        finally:
            self.rows.engine.heeds = True

    def _collect(self, state: TrainingState, solver: Any) -> None:
        calls = [(self._version,)] * len(self.rows.counts)
        for _ in range(ROUNDS):
            found = self.rows.engine.each("variables", calls)
            if all(one is not None for one in found):
                break
            self._go_back(state, [k for k, one in enumerate(found) if one is None])
        for k, one in enumerate(found):
            own = slice(self.rows.bounds[k], self.rows.bounds[k + 1])
            solver.a[own], solver.rest[own], solver.wait[own] = one.a, one.rest, one.wait

    def _begin(self, state: TrainingState) -> None:
        """Give the shards the variables of a state, where they have none yet."""
        if self._version < 0:
            self._version = 0
            self._restore(state, range(len(self.rows.counts)))

    def _mend(self, state: TrainingState) -> None:
        """Give shards that lost their variables those brought here last; let weights follow."""
        calls = [(self._version,)] * len(self.rows.counts)
        found = self.rows.engine.each("has", calls)
        self._go_back(state, [k for k, one in enumerate(found) if not one])

    def _go_back(self, state: TrainingState, shards: Sequence[int]) -> None:
        """Give some shards their variables of a state; let its weights and bound follow from all.

        The bound may fall, for a state must prove its own; the records have the best one.
        """
        solver: Any = state.solver
        before = solver.bound
        self._restore(state, shards)
        total = self.settling(state)
        solver.bound = 0.0
        total.close(solver, self.objective)
        solver.bound = min(before, solver.bound)

    def _restore(self, state: TrainingState, shards: Sequence[int]) -> None:
        """Give some shards their variables of a state; sums of others are worth nothing then."""
        solver: Any = state.solver
        self._total = None
        each: list[tuple[Any, ...] | None] = [None] * len(self.rows.counts)
        for k in shards:
            own = slice(self.rows.bounds[k], self.rows.bounds[k + 1])
            each[k] = (self._version, Variables(solver.a[own], solver.rest[own], solver.wait[own]))
        self.rows.engine.each("restore", each)

    def _apply(self, state: TrainingState, changes: Sequence[Change]) -> None:
        """Change the weights of a state by what all shards changed."""
        solver: Any = state.solver
        if changes[0].total is not None:
            self._total = added([change.total for change in changes])
            point = self._total.point(self.objective, len(self.rows))
            solver.W[:] = point.G / (-2 * self.objective.lam)
            solver.b[:] = point.g / (-2 * self.objective.lam)
            return
        for change in changes:
            solver.W += change.W
            solver.b += change.b

    def _make_room(self, state: TrainingState) -> None:
        """Let workers that came late take shards over, with their variables."""
        if self.rows.engine.moves():
            self.collect(state)
            self.rows.engine.move()


def added(totals: Sequence[Settling | None]) -> Settling:
    """Return the sums over the rows of all shards, in their order."""
    found = [total for total in totals if total is not None]
    whole = Settling(found[0].G.copy(), found[0].g.copy(), found[0].worth)
    for total in found[1:]:
        whole.G += total.G
        whole.g += total.g
        whole.worth += total.worth
    return whole
