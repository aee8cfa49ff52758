"""Shards on the workers of Dask: where each is, calls that reach it, and what if it is lost.

Every call is a task for the one worker that has the shard. When that worker is gone, the shard is
made anew at another, from its recipe, and the call is made again: what a call returns is not used
before all shards have answered.
"""

from __future__ import annotations

import contextlib
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from svmtrain.cluster import worker
from svmtrain.cluster.calls import Calls, Task
from svmtrain.cluster.connection import connected
from svmtrain.cluster.engine import Arguments, Pick
from svmtrain.cluster.plan import Worker
from svmtrain.cluster.recipe import Recipe
from svmtrain.cluster.worker import Answer, Setup, opened
from svmtrain.config.cluster import Cluster
from svmtrain.data.cache import Say
from svmtrain.errors import StorageError

T = TypeVar("T")

TRIES = 20


@dataclass
class Clock:
    """What a worker did since somebody last asked."""

    rows: int = 0
    seconds: float = 0.0


@dataclass
class DaskEngine:
    """Shards on the workers that a client of Dask reaches.

    Parameters
    ----------
    calls : Calls
    owner : str
        The run that the shards are for; those of an earlier training of it are let go.
    """

    calls: Calls
    owner: str = ""
    _key: str = field(default_factory=lambda: secrets.token_hex(8))
    _recipes: Sequence[Recipe] = ()
    _homes: dict[int, str] = field(default_factory=dict)
    _setups: list[list[Setup]] = field(default_factory=list)
    _clocks: dict[str, Clock] = field(default_factory=lambda: defaultdict(Clock))

    def spread(self, function: Callable[..., T], each: Sequence[Arguments]) -> list[T]:
        """Return function(*arguments) of all arguments, dealt out to the workers."""
        left, found = dict(enumerate(each)), dict[int, Any]()
        for _ in range(TRIES):
            live = self.calls.workers()
            tasks = {
                k: Task(live[k % len(live)], worker.spread, (function, arguments))
                for k, arguments in left.items()
            }
            found |= {k: opened(answer) for k, answer in self.calls.run(tasks).items()}
            left = {k: arguments for k, arguments in left.items() if k not in found}
            if not left:
                return [found[k] for k in range(len(each))]
        raise self._give_up()

    def least_memory(self) -> int | None:
        """Return how many bytes the worker that may use fewest may; None without a limit."""
        return min(self.calls.memory().values(), default=None)

    def homes(self, shards: int) -> list[Worker]:
        """Return which worker would keep each of so many shards."""
        live, known = self.calls.workers(), self.calls.memory()
        names = [live[k * len(live) // shards] for k in range(shards)]
        return [Worker(name, known.get(name)) for name in names]

    def load(self, recipes: Sequence[Recipe]) -> None:
        """Keep a shard for each recipe from here on; each is made when it is first called."""
        self._drop_all()
        self._key = secrets.token_hex(8)
        self._recipes, self._setups = recipes, [[] for _ in recipes]
        self._homes = {k: home.name for k, home in enumerate(self.homes(len(recipes)))}

    def setup(self, method: str, each: Sequence[Arguments]) -> list[Any]:
        """Call a method of every shard; one that is made anew is called again with the same."""
        found = self.each(method, each)
        for setups, arguments in zip(self._setups, each, strict=True):
            setups.append(Setup(method, arguments))
        return found

    def each(
        self,
        method: str,
        each: Sequence[Arguments | None],
        common: Arguments = (),
        rows: Sequence[int] = (),
    ) -> list[Any]:
        """Call a method of every shard that has arguments; see `Engine`."""
        left = {k: arguments for k, arguments in enumerate(each) if arguments is not None}
        found: dict[int, Answer] = {}
        for _ in range(TRIES):
            self._settle_homes(left)
            known = self.calls.broadcast(common)
            tasks = {
                k: Task(
                    self._homes[k],
                    worker.call,
                    (self._key, k, method, self.calls.apart(arguments, self._homes[k]), *known),
                )
                for k, arguments in left.items()
            }
            answers = self.calls.run(tasks)
            gone = [k for k, answer in answers.items() if answer.missing]
            for k, answer in answers.items():
                if not answer.missing:
                    opened(answer)
                    found[k] = answer
                    self._count(self._homes[k], rows[k] if rows else 0, answer.seconds)
                    del left[k]
            if not left:
                break
            self._revive(gone)
        else:
            raise self._give_up()
        return [found[k].value if k in found else None for k in range(len(each))]

    def of_few(self, picks: Sequence[Pick], function: Callable[..., T], arguments: Arguments) -> T:
        """Return function(rows, *arguments), called at a worker that gets the rows from others."""
        for _ in range(TRIES):
            self._settle_homes([pick.shard for pick in picks])
            tasks = [Task(self._homes[one.shard], worker.pick, (self._key, one)) for one in picks]
            pieces = [self.calls.submit(task) for task in tasks]
            tasks.append(Task(tasks[0].address, worker.joined, (function, arguments, *pieces)))
            futures = dict(enumerate([*pieces, self.calls.submit(tasks[-1])]))
            named = dict(enumerate(tasks))
            self.calls.wait(futures, named, together=True)
            last = len(tasks) - 1
            answers = self.calls.results({last: futures[last]}, named)
            if answers and not answers[last].missing:
                value: T = opened(answers[last])
                return value
            self._revive([pick.shard for pick in picks])
        raise self._give_up()

    def rates(self) -> dict[str, float]:
        """Return the rows a second of each worker since this was last asked."""
        found = {
            name: clock.rows / clock.seconds
            for name, clock in sorted(self._clocks.items())
            if clock.seconds > 0 and clock.rows
        }
        self._clocks.clear()
        return found

    def moves(self) -> bool:
        """Return whether a worker has no shard, and another has several."""
        return bool(self._idle()) and max(self._load().values(), default=0) > 1

    def move(self) -> None:
        """Let workers without shards take some over from those that have most."""
        for name in self._idle():
            load = self._load()
            most = max(load, key=lambda one: load[one])
            if load[most] < 2:
                return
            k = max(k for k, home in self._homes.items() if home == most)
            self.calls.say(f"cluster: shard {k} moves from {most} to {name}, which has none")
            self.calls.submit(Task(most, worker.drop, (self._key, k)))
            self._homes[k] = name

    @property
    def heeds(self) -> bool:
        """Whether calls end when a signal came."""
        return self.calls.heeds

    @heeds.setter
    def heeds(self, value: bool) -> None:
        self.calls.heeds = value

    def workers(self) -> list[str]:
        """Return the addresses of all workers; see `Calls.workers`."""
        return self.calls.workers()

    def close(self) -> None:
        """Let the shards go, unless the scheduler is gone, and they with it."""
        with contextlib.suppress(Exception):  # whatever it is, nothing here depends on it
            if self.calls.client.status == "running":
                self._drop_all()

    def _give_up(self) -> StorageError:
        return StorageError(
            f"workers were lost {TRIES} times in one round; they may have too little memory",
            path=self.calls.at,
        )

    def _load(self) -> dict[str, int]:
        """Return how many shards each worker has that has some."""
        load: dict[str, int] = defaultdict(int)
        for home in self._homes.values():
            load[home] += 1
        return load

    def _idle(self) -> list[str]:
        return sorted(self.calls.live() - set(self._homes.values()))

    def _settle_homes(self, shards: Sequence[int] | Mapping[int, Any]) -> None:
        """Give shards whose worker is gone another one: that with the fewest."""
        live = self.calls.workers()
        for k in shards:
            if self._homes[k] not in live:
                load = self._load()
                home = min(live, key=lambda name: load.get(name, 0))
                self.calls.say(
                    f"cluster: {self._homes[k]} is lost; shard {k} is made anew at {home}"
                )
                self._homes[k] = home

    def _revive(self, shards: Sequence[int]) -> None:
        """Make shards at their workers; one that is lost meanwhile is made at another later."""
        self._settle_homes(shards)
        tasks = {
            k: Task(
                self._homes[k],
                worker.revive,
                (
                    self._key,
                    self.owner,
                    *self.calls.apart(
                        (self._recipes[k], self._setups[k]), self._homes[k], each=True
                    ),
                ),
            )
            for k in shards
        }
        for answer in self.calls.run(tasks).values():
            opened(answer)

    def _count(self, name: str, rows: int, seconds: float) -> None:
        clock = self._clocks[name]
        clock.rows += rows
        clock.seconds += seconds if rows else 0.0

    def _drop_all(self) -> None:
        """Let all shards of this training go."""
        homes = set(self._homes.values()) & self.calls.live()
        self.calls.run({k: Task(name, worker.drop, (self._key,)) for k, name in enumerate(homes)})
        self._homes = {}


@contextlib.contextmanager
def dask_engine(config: Cluster, say: Say, owner: str = "") -> Iterator[DaskEngine]:
    """Yield an engine on the cluster of a config; see `connected`."""
    with connected(config, say) as calls:
        engine = DaskEngine(calls, owner or secrets.token_hex(8))
        try:
            yield engine
        finally:
            engine.close()
