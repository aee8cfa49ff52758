"""Where the rows of a run are, and what is asked of the place.

Here, rows are read and computed with in this process. Elsewhere (on the workers of a cluster)
this process never sees them: functions go to the rows, and sums come back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from svmtrain.build.rows import batch_size, row_source, training_rows
from svmtrain.config import Config
from svmtrain.config.schema import Solver as SolverConfig
from svmtrain.data.dataset import Dataset
from svmtrain.data.scaling import Scaler
from svmtrain.objective.compiling import numba_version
from svmtrain.objective.linear import LinearObjective
from svmtrain.solvers.dual import DualAscent
from svmtrain.solvers.solver import Solver
from svmtrain.training.sources import CompiledMemoryRows, RowSource
from svmtrain.training.ways import Way

T = TypeVar("T")
Make = Callable[[], Solver]


@dataclass(frozen=True)
class Steps:
    """What a step of the loop is.

    Attributes
    ----------
    rows : int
        How many it takes.
    updates : int
        How many updates with a learning rate of their own it makes, but for the last of an epoch.
    of_epoch : int
        How many those of an epoch are.
    """

    rows: int
    updates: int = 1
    of_epoch: int = 1

    def first(self, rounds: int, step: int) -> int:
        """Return the number of the first update of a step, where an epoch has so many steps."""
        return step // rounds * self.of_epoch + step % rounds * self.updates


class Place(Protocol):
    """Where the rows of a run are."""

    def over(self, rows: Dataset, function: Callable[..., T], *arguments: Any) -> list[T]:
        """Return function(part, *arguments) of every part of some rows, in their order.

        Each part is a `Dataset`. The function is one of a module, so that it can be named.
        """

    def of_few(self, rows: Dataset, function: Callable[..., T], *arguments: Any) -> T:
        """Return function(rows, *arguments) of a few rows, brought together."""

    def train(self, config: Config, rows: Dataset, scaler: Scaler) -> RowSource:
        """Return a source of the training rows, scaled, for the solver."""

    def held(self, config: Config, rows: Dataset, scaler: Scaler) -> RowSource:
        """Return a source of rows that are measured alone, scaled."""

    def steps(self, config: SolverConfig, rows: int) -> Steps:
        """Return what a step of the loop is, over so many training rows."""

    def lazy(self, rows: Dataset) -> bool:
        """Return whether gradients come as sparse rows, for a solver of such."""

    def kernel(self, rows: RowSource) -> str:
        """Return what makes the moves of dual ascent over some rows, for people."""

    def way(
        self,
        objective: LinearObjective,
        method: Solver | DualAscent,
        make: Make | None,
        each: Steps,
        rows: RowSource,
    ) -> Way | None:
        """Return what makes the steps; None is the solver itself.

        Parameters
        ----------
        objective : LinearObjective
        method : Solver or DualAscent
        make : callable or None
            Makes the solver of a step's updates anew, where it is one of descent.
        each : Steps
        rows : RowSource
            As `train` returned it.
        """

    def identity(self) -> dict[str, Any] | None:
        """Return what the steps depend on besides the config, as plain values."""


class Here:
    """Rows that this process reads."""

    def over(self, rows: Dataset, function: Callable[..., T], *arguments: Any) -> list[T]:
        """Return what a function makes of all rows: they are one part."""
        return [function(rows, *arguments)]

    def of_few(self, rows: Dataset, function: Callable[..., T], *arguments: Any) -> T:
        """Return what a function makes of the rows."""
        return function(rows, *arguments)

    def train(self, config: Config, rows: Dataset, scaler: Scaler) -> RowSource:
        """Return a source of the training rows for the solver."""
        return training_rows(config, rows, scaler)

    def held(self, config: Config, rows: Dataset, scaler: Scaler) -> RowSource:
        """Return a source of rows that are measured alone."""
        return row_source(rows, scaler, config.solver.dtype)

    def steps(self, config: SolverConfig, rows: int) -> Steps:
        """Return that a step is an update by a batch."""
        size = batch_size(config, rows)
        return Steps(size, of_epoch=-(-rows // size))

    def lazy(self, rows: Dataset) -> bool:
        """Return whether the rows are sparse."""
        return rows.sparse

    def kernel(self, rows: RowSource) -> str:
        """Return what makes the moves of dual ascent over some rows."""
        return f"numba {numba_version()}" if isinstance(rows, CompiledMemoryRows) else "numpy"

    def way(
        self,
        objective: LinearObjective,
        method: Solver | DualAscent,
        make: Make | None,
        each: Steps,
        rows: RowSource,
    ) -> None:
        """Return that the solver makes its steps itself."""

    def identity(self) -> None:
        """Return that the config says it all."""


HERE: Place = Here()
