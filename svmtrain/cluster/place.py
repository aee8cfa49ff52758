"""Shards as the place of the rows of a run; see `build.place`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from svmtrain.build.place import Make, Steps
from svmtrain.build.rows import batch_size
from svmtrain.cluster.engine import Engine
from svmtrain.cluster.parts import Cuts
from svmtrain.cluster.rows import ShardRows
from svmtrain.cluster.ways import Dual, Local, Sync
from svmtrain.config import Config
from svmtrain.config.cluster import Cluster
from svmtrain.config.schema import Solver as SolverConfig
from svmtrain.data.dataset import Dataset
from svmtrain.data.elsewhere import Elsewhere
from svmtrain.data.scaling import Scaler
from svmtrain.errors import ConfigError
from svmtrain.objective.linear import LinearObjective
from svmtrain.solvers.dual import DualAscent
from svmtrain.solvers.solver import Solver
from svmtrain.training.certificate import why_no_bound
from svmtrain.training.sources import RowSource
from svmtrain.training.ways import Way

T = TypeVar("T")


def mode_of(cluster: Cluster, solver: str) -> str:
    """Return the mode that is meant, for the name of a solver.

    Raises
    ------
    ConfigError
        When the solver is none of that mode.
    """
    fitting = "dual" if solver == "dual" else "sync"
    mode = fitting if cluster.mode == "auto" else cluster.mode
    if (mode == "dual") != (solver == "dual"):
        other = "dual" if mode == "dual" else "sgd"
        raise ConfigError(f"cluster.mode {mode} needs solver.name {other}, got {solver}")
    return mode


class ShardPlace:
    """The workers of a cluster, which have shards of the rows.

    Parameters
    ----------
    engine : Engine
        Its shards are loaded.
    cuts : Cuts
    mode : str
        sync, local or dual.
    interval : int
        See `cluster.interval` of the config.
    """

    def __init__(self, engine: Engine, cuts: Cuts, mode: str, interval: int) -> None:
        self.engine, self.cuts, self.mode, self.interval = engine, cuts, mode, interval
        self.shards = len(next(iter(cuts.at.values()))) - 1
        self._batch = 1

    def over(self, rows: Dataset, function: Callable[..., T], *arguments: Any) -> list[T]:
        """Return what a function makes of the rows of every shard that has some, in order."""
        picks = self.cuts.picks(_elsewhere(rows))
        each = [
            (pick.source, pick.at, function, arguments) if count else None
            for pick, count in zip(picks, self.cuts.counts(_elsewhere(rows)), strict=True)
        ]
        found = self.engine.each("over", each)
        return [one for one, call in zip(found, each, strict=True) if call is not None]

    def of_few(self, rows: Dataset, function: Callable[..., T], *arguments: Any) -> T:
        """Return what a function makes of a few rows, brought together at a worker."""
        counts = self.cuts.counts(_elsewhere(rows))
        picks = [pick for pick in self.cuts.picks(_elsewhere(rows)) if counts[pick.shard]]
        return self.engine.of_few(picks, function, arguments)

    def train(self, config: Config, rows: Dataset, scaler: Scaler) -> RowSource:
        """Let every shard scale its training rows."""
        picks, n = self.cuts.picks(_elsewhere(rows)), len(rows)
        kernels = self.engine.setup(
            "train", [(config, pick.source, pick.at, scaler, n, self.shards) for pick in picks]
        )
        return ShardRows.to_train(self.engine, n, self.shards, max(kernels))

    def held(self, config: Config, rows: Dataset, scaler: Scaler) -> RowSource:
        """Let every shard scale its validation rows."""
        picks = self.cuts.picks(_elsewhere(rows))
        self.engine.setup("hold", [(config, pick.source, pick.at, scaler) for pick in picks])
        return ShardRows(self.engine, "validation", self.cuts.counts(_elsewhere(rows)))

    def steps(self, config: SolverConfig, rows: int) -> Steps:
        """Return a batch for sync, a round of local steps, or for dual a pass over all rows."""
        batch = self._batch = batch_size(config, rows)
        if self.mode == "sync":
            return Steps(batch, of_epoch=-(-rows // batch))
        if self.mode == "dual":
            return Steps(rows if isinstance(config.batch_size, str) else batch)
        most = -(-rows // (self.shards * batch))
        updates = min(self.interval, most)
        return Steps(min(rows, self.shards * batch * updates), updates, most)

    def lazy(self, rows: Dataset) -> bool:
        """Return that gradients come as arrays."""
        return False

    def kernel(self, rows: RowSource) -> str:
        """Return what makes the moves of dual ascent in the shards."""
        return rows.kernel if isinstance(rows, ShardRows) else "numpy"

    def way(
        self,
        objective: LinearObjective,
        method: Solver | DualAscent,
        make: Make | None,
        each: Steps,
        rows: RowSource,
    ) -> Way:
        """Let every shard know what is minimised; return what makes the steps."""
        if not isinstance(rows, ShardRows):
            raise TypeError("the training rows are not in shards")
        certified = why_no_bound(objective) is None
        self.engine.setup("begin", [(objective, make, certified)] * self.shards)
        if isinstance(method, DualAscent):
            return Dual(objective, rows)
        if self.mode == "local":
            rounds = -(-len(rows) // each.rows)
            return Local(objective, rows, self._batch, partial(each.first, rounds))
        return Sync(objective, rows, method)

    def identity(self) -> dict[str, Any]:
        """Return what the steps depend on: the mode, the shards, and the interval for local."""
        found: dict[str, Any] = {"mode": self.mode, "shards": self.shards}
        return {**found, "interval": self.interval} if self.mode == "local" else found


def _elsewhere(rows: Dataset) -> Elsewhere:
    if not isinstance(rows, Elsewhere):
        raise TypeError("these rows are in this process, not in shards")
    return rows
