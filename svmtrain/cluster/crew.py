"""The workers of a cluster that calls are given to: who they are, and what all must have."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from svmtrain.cluster.asking import LOOK, Waiting, answers
from svmtrain.cluster.calls import Calls
from svmtrain.cluster.connection import connected
from svmtrain.config.cluster import Cluster
from svmtrain.data.cache import Say
from svmtrain.errors import StorageError

Check = tuple[Callable[..., str | None], tuple[Any, ...]]


@dataclass
class Crew:
    """The workers that a client of Dask reaches, and what they are asked for.

    Parameters
    ----------
    calls : Calls
        What is known of the workers.
    most : int, optional
        How many calls may be at work at a time; by default as many as the workers have threads.

    Attributes
    ----------
    key : str
        What its calls are known by at the workers.
    at_work : list of callable
        What ends the calls that are at work.
    """

    calls: Calls
    most: int | None = None
    key: str = field(default_factory=lambda: secrets.token_hex(8))
    at_work: list[Callable[[], None]] = field(default_factory=list)
    _check: Check | None = None
    _known: set[str] = field(default_factory=set)
    _common: tuple[Any, ...] = ()
    _sent: list[Any] = field(default_factory=list)

    def require(self, function: Callable[..., str | None], *arguments: Any) -> None:
        """Call a function at every worker, now and when one joins: it returns what is wrong.

        Raises
        ------
        StorageError
            Of the first worker for which it returns something. One that joins later is told, and
            given nothing.
        """
        self._check, self._known = (function, arguments), set()
        self.admit()

    def share(self, *common: Any) -> None:
        """Let all calls have some arguments before their own, which are sent ahead once."""
        self._common, self._sent = common, []

    def slots(self) -> int:
        """Return how many calls can be at work at a time."""
        threads = sum(self.workers().values())
        return threads if self.most is None else max(1, min(self.most, threads))

    @property
    def client(self) -> Any:
        """The client of Dask."""
        return self.calls.client

    @property
    def say(self) -> Say:
        """What takes a sentence for the user."""
        return self.calls.say

    def workers(self) -> dict[str, int]:
        """Return the threads of each worker by its address, after waiting for one if need be.

        Raises
        ------
        StorageError
            When none comes, or the scheduler is gone.
        """
        return self.calls.present()

    def live(self) -> dict[str, int]:
        """Return the threads of the workers that there are now and that may work."""
        return self.calls.threads()

    def admit(self) -> None:
        """Check all workers that there are; see `require`."""
        for problem in self._problems(list(self.workers())).values():
            raise problem

    def ready(self) -> dict[str, int]:
        """Return the workers that may be given calls; those that have joined are checked."""
        live = self.workers()
        if joined := [name for name in live if name not in self._known]:
            for name, problem in self._problems(joined).items():
                self.calls.refuse(name, problem.problem)
            live = self.workers()
        return live

    def common(self) -> list[Any]:
        """Return what stands for the arguments of all calls."""
        if self._common and not (self._sent and all(f.status == "finished" for f in self._sent)):
            waiting = Waiting(self.client, self._scattered)
            while not waiting.ended(LOOK):
                self.live()
                self.calls.heed()
            if isinstance(waiting.found, BaseException):
                self.live()  # which tells if it is the scheduler that is lost, and not a worker
                return list(self._common)
            self._sent = waiting.found
        return list(self._sent)

    async def _scattered(self) -> Any:
        return await self.client.scatter(list(self._common), hash=False, asynchronous=True)

    def tell_all(self, function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
        """Return what a quick function returns, or raises, at each worker that answers in time."""
        return self._run(function, arguments, list(self.live()))

    def _run(
        self, function: Callable[..., Any], arguments: tuple[Any, ...], names: list[str]
    ) -> dict[str, Any]:
        """Return what a quick function returns, or raises, at some workers; see `tell_all`."""
        found = answers(self.client, names, self.calls.reached, function, arguments)
        return {name: one for name, (one,) in found.items()}

    def _problems(self, names: list[str]) -> dict[str, StorageError]:
        """Return what is wrong with some workers; those that are good are known from here on."""
        found: dict[str, StorageError] = {}
        if self._check is None:
            self._known |= set(names)
            return found
        for name, wrong in self._run(*self._check, names).items():
            if wrong is None:
                self._known.add(name)
            elif not isinstance(wrong, OSError):  # then it is lost, and asked again if it is not
                found[name] = StorageError(f"the worker {name} {wrong}")
        return found


@contextlib.contextmanager
def crew_at(config: Cluster, say: Say, most: int | None = None) -> Iterator[Crew]:
    """Yield the crew of the cluster of a config; see `connected`."""
    with connected(config, say) as calls:
        crew = Crew(calls, most)
        try:
            yield crew
        finally:
            for end in list(crew.at_work):  # of an iteration that was left and not closed
                end()
