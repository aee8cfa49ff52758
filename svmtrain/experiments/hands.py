"""Who trains the runs of an experiment: processes of this machine, or the workers of a cluster."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from svmtrain.config import Config
from svmtrain.experiments.tasks import Ended, Task
from svmtrain.experiments.workers import carry_out_all, how_many
from svmtrain.operations.job import Session
from svmtrain.threads import resolve


class Hands(Protocol):
    """Who trains."""

    @property
    def jobs(self) -> int:
        """How many runs are trained side by side."""

    def over(self, folder: Path) -> AbstractContextManager[None]:
        """Return the block in which the runs of an experiment's folder can be trained.

        Raises
        ------
        StorageError
            When the folder cannot be seen from where they are trained.
        """

    def carry_out(self, tasks: Sequence[Task], tell: Callable[[Ended], None]) -> None:
        """Carry out tasks, in this order; `tell` is told of every run when it ends.

        Raises
        ------
        Interrupted
            When a signal came, after what was trained is saved.
        """


@dataclass(frozen=True)
class Processes:
    """Processes of this machine; one is this process itself."""

    jobs: int

    def over(self, folder: Path) -> AbstractContextManager[None]:
        """Return a block: all of them see what this process sees."""
        return contextlib.nullcontext()

    def carry_out(self, tasks: Sequence[Task], tell: Callable[[Ended], None]) -> None:
        """Carry out tasks; see `workers.carry_out_all`."""
        carry_out_all(tasks, self.jobs, tell)


def alone(config: Config) -> Config:
    """Return the config of runs that are each trained whole in one place, wherever that is.

    They are those of one machine, so that nothing in them tells where they were trained.
    """
    return replace(config, cluster=replace(config.cluster, at=None))


@contextlib.contextmanager
def hired(config: Config, jobs: int | None, session: Session) -> Iterator[Hands]:
    """Yield who trains the runs of an experiment.

    Parameters
    ----------
    config : Config
        With `cluster.at`, its workers do.
    jobs : int, optional
        How many runs side by side at most; by default as many as there are cores, or threads of
        workers.
    session : Session

    Raises
    ------
    ConfigError, StorageError
        When Dask is not installed, or the cluster cannot be reached.
    """
    if config.cluster.at is None:
        yield Processes(how_many(jobs, resolve(config.solver.threads), session.note))
        return
    from svmtrain.experiments.elsewhere import on_cluster

    with on_cluster(config.cluster, jobs, session.note) as workers:
        yield workers
