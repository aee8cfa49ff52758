"""The workers of a cluster that calls are given to: who they are, and what all must have."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from svmtrain import interrupts
from svmtrain.cluster.connection import connected
from svmtrain.cluster.worker import version
from svmtrain.config.cluster import Cluster
from svmtrain.data.cache import Say
from svmtrain.errors import ConfigError, StorageError

LOOK = 0.25
"""Seconds between two looks at which workers there are."""
PATIENCE = 10.0
"""Seconds that an answer may take which takes no work."""

Check = tuple[Callable[..., str | None], tuple[Any, ...]]


class Waiting:
    """Something that Dask does in the background, while another thread waits and may give up.

    Parameters
    ----------
    client : distributed.Client
    function : callable
        Returns what is to be awaited.

    Attributes
    ----------
    found : any
        What came of it: the error, if it raised one.
    """

    def __init__(self, client: Any, function: Callable[[], Awaitable[Any]]) -> None:
        self.found: Any = None
        self._function, self._ended = function, threading.Event()
        client.loop.add_callback(self._work)

    async def _work(self) -> None:
        try:
            self.found = await self._function()
        except BaseException as error:  # it is for the thread that waits
            self.found = error
        finally:
            self._ended.set()

    def ended(self, seconds: float) -> bool:
        """Return whether it has ended, after waiting for so long at most."""
        return self._ended.wait(seconds)


@dataclass
class Crew:
    """The workers that a client of Dask reaches, and what they are asked for.

    Parameters
    ----------
    client : distributed.Client
    at : str
        What messages call the cluster.
    wait : float
        Seconds to wait for a worker when there is none.
    say : callable
        Takes a sentence for the user.
    most : int, optional
        How many calls may be at work at a time; by default as many as the workers have threads.

    Attributes
    ----------
    key : str
        What its calls are known by at the workers.
    at_work : list of callable
        What ends the calls that are at work.
    """

    client: Any
    at: str
    wait: float
    say: Say
    most: int | None = None
    key: str = field(default_factory=lambda: secrets.token_hex(8))
    at_work: list[Callable[[], None]] = field(default_factory=list)
    _check: Check | None = None
    _known: dict[str, bool] = field(default_factory=dict)
    _common: tuple[Any, ...] = ()
    _sent: list[Any] = field(default_factory=list)

    def require(self, function: Callable[..., str | None], *arguments: Any) -> None:
        """Call a function at every worker, now and when one joins: it returns what is wrong.

        Raises
        ------
        StorageError, ConfigError
            Of the first worker for which it returns something, or of another svmtrain. One that
            joins later is told, and given nothing.
        """
        self._check, self._known = (function, arguments), {}
        self.admit()

    def share(self, *common: Any) -> None:
        """Let all calls have some arguments before their own, which are sent ahead once."""
        self._common, self._sent = common, []

    def slots(self) -> int:
        """Return how many calls can be at work at a time."""
        threads = sum(self.workers().values())
        return threads if self.most is None else max(1, min(self.most, threads))

    def workers(self) -> dict[str, int]:
        """Return the threads of each worker by its address, after waiting for one if need be.

        Raises
        ------
        StorageError
            When none comes, or the scheduler is gone.
        """
        until, told = time.monotonic() + self.wait, False
        while not (live := self.live()):
            interrupts.check()
            if time.monotonic() > until:
                raise StorageError(f"no worker came within {self.wait:g} seconds", path=self.at)
            if not told:
                told = True
                self.say("cluster: no worker is left; waiting for one")
            time.sleep(LOOK)
        return live

    def live(self) -> dict[str, int]:
        """Return the threads of the workers that the scheduler knows of now and that may work."""
        try:
            found: dict[str, int] = self.client.nthreads()
        except (OSError, ValueError, RuntimeError) as error:
            raise self.gone(error) from error
        return {name: n for name, n in sorted(found.items()) if self._known.get(name, True)}

    def gone(self, error: BaseException) -> StorageError:
        """Return what is said of a scheduler that does not answer any more."""
        why = " ".join(str(error).split())[:120]
        return StorageError(f"the scheduler of the cluster is gone ({why})", path=self.at)

    def admit(self) -> None:
        """Check all workers that there are; see `require`."""
        self._admit(list(self.workers()), joined=False)

    def ready(self) -> dict[str, int]:
        """Return the workers that may be given calls; those that have joined are checked."""
        live = self.workers()
        if joined := [name for name in live if name not in self._known]:
            self._admit(joined, joined=True)
            live = self.workers()
        return live

    def common(self) -> list[Any]:
        """Return what stands for the arguments of all calls."""
        if self._common and not (self._sent and all(f.status == "finished" for f in self._sent)):
            try:
                self._sent = self.client.scatter(list(self._common), hash=False)
            except (OSError, RuntimeError, ValueError) as error:
                raise self.gone(error) from error
        return list(self._sent)

    def tell_all(self, function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
        """Return what a quick function returns, or raises, at each worker that answers in time."""
        return self._run(function, arguments, list(self.live()))

    def _run(
        self, function: Callable[..., Any], arguments: tuple[Any, ...], names: list[str]
    ) -> dict[str, Any]:
        """Return what a quick function returns, or raises, at some workers; see `tell_all`."""

        async def asked(name: str) -> Any:
            found = await self.client.run(function, *arguments, workers=[name], on_error="return")
            return found[name]

        waiting = {name: Waiting(self.client, partial(asked, name)) for name in names}
        until, found = time.monotonic() + PATIENCE, dict[str, Any]()
        while waiting and time.monotonic() < until:
            next(iter(waiting.values())).ended(LOOK)
            for name, one in list(waiting.items()):
                if one.ended(0):
                    found[name] = one.found
                    del waiting[name]
            if waiting:
                live = self.live()
                waiting = {name: one for name, one in waiting.items() if name in live}
        return found

    def _admit(self, names: list[str], joined: bool) -> None:
        """Check workers before they are given anything."""
        for name, problem in self._problems(names).items():
            if not joined:
                raise problem
            self.say(f"cluster: {name} joined and is given nothing: {problem.problem}")
            self._known[name] = False

    def _problems(self, names: list[str]) -> dict[str, StorageError | ConfigError]:
        """Return what is wrong with some workers; those that are good are known from here on."""
        found: dict[str, StorageError | ConfigError] = {}
        ours = version()
        told = self._run(version, (), names)
        for name in self.live():
            if name in names and name not in told:
                found[name] = StorageError(
                    f"the worker {name} does not answer within {PATIENCE:g} seconds"
                )
        for name, theirs in told.items():
            if isinstance(theirs, OSError):
                continue  # it is gone
            if isinstance(theirs, Exception):
                why = " ".join(str(theirs).split())[:120]
                found[name] = ConfigError(f"the worker {name} cannot run svmtrain: {why}")
            elif theirs != ours:
                one, other = (f"svmtrain {v[0]} with numpy {v[2]}" for v in (theirs, ours))
                found[name] = ConfigError(
                    f"the worker {name} has {one}, and this side {other}: make them the same"
                )
            else:
                self._known[name] = True
        if self._check is not None and (good := [name for name in names if name not in found]):
            for name, wrong in self._run(*self._check, good).items():
                if wrong is not None:
                    found[name] = StorageError(f"the worker {name} {wrong}")
        return found


@contextlib.contextmanager
def crew_at(config: Cluster, say: Say, most: int | None = None) -> Iterator[Crew]:
    """Yield the crew of the cluster of a config; see `connected`."""
    with connected(config, say) as client:
        crew = Crew(client, str(config.at), config.wait, say, most)
        try:
            yield crew
        finally:
            for end in list(crew.at_work):  # of an iteration that was left and not closed
                end()
