"""Shards on the workers of Dask: where each is, calls that reach it, and what if it is lost.

Every call is a task for the one worker that has the shard. When that worker is gone, the shard is
made anew at another, from its recipe, and the call is made again: what a call returns is not used
before all shards have answered.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from svmtrain import interrupts
from svmtrain.cluster import worker
from svmtrain.cluster.connection import connected
from svmtrain.cluster.engine import Arguments, Pick, Traffic, same_arrays, size_of
from svmtrain.cluster.plan import Worker
from svmtrain.cluster.recipe import Recipe
from svmtrain.cluster.worker import Answer, Setup
from svmtrain.config.cluster import Cluster
from svmtrain.data.cache import Say
from svmtrain.errors import StorageError

T = TypeVar("T")

TRIES = 20
LOOK = 0.25
"""Seconds between two looks at signals and at which workers there are."""
ANSWER = 2.0
"""Seconds that the scheduler has for an answer before signals are looked at."""
PATIENCE = 10.0
"""Seconds of silence after which, and as often, a worker that is waited for is named."""
LARGE = 64 << 10
"""Bytes from which on arguments are sent apart from their task."""


@dataclass
class Clock:
    """What a worker did since somebody last asked."""

    rows: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Task:
    """A call for one worker: a function of `cluster.worker` and its arguments."""

    address: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    shard: int | None = None


class Lost(Exception):
    """Workers were lost before they answered."""


@dataclass
class DaskEngine:
    """Shards on the workers that a client of Dask reaches.

    Parameters
    ----------
    client : distributed.Client
    at : str
        What messages call the cluster.
    wait : float
        Seconds to wait for a worker when there is none.
    say : callable
        Takes a sentence for the user.
    heeds : bool
        Whether calls end when a signal came.
    """

    client: Any
    at: str
    wait: float
    say: Say
    traffic: Traffic = field(default_factory=Traffic)
    heeds: bool = True
    _key: str = field(default_factory=lambda: secrets.token_hex(8))
    _recipes: Sequence[Recipe] = ()
    _homes: dict[int, str] = field(default_factory=dict)
    _setups: list[list[Setup]] = field(default_factory=list)
    _clocks: dict[str, Clock] = field(default_factory=lambda: defaultdict(Clock))
    _spent: list[Any] = field(default_factory=list)
    _sent: tuple[list[Any], list[Any]] = field(default_factory=lambda: ([], []))

    def spread(
        self, function: Callable[..., T], each: Sequence[Arguments], home: Sequence[int] = ()
    ) -> list[T]:
        """Return function(*arguments) of all arguments, dealt out to the workers."""
        left, found = dict(enumerate(each)), dict[int, Any]()
        for _ in range(TRIES):
            live = self.workers()
            tasks = {
                k: Task(live[k % len(live)], worker.spread, (function, arguments))
                for k, arguments in left.items()
            }
            found |= {k: opened(answer) for k, answer in self._run(tasks).items()}
            left = {k: arguments for k, arguments in left.items() if k not in found}
            if not left:
                return [found[k] for k in range(len(each))]
        raise self._give_up()

    def homes(self, shards: int) -> list[Worker]:
        """Return which worker would keep each of so many shards."""
        live, known = self.workers(), self._memory()
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
            known = self._broadcast(common)
            tasks = {
                k: Task(
                    self._homes[k],
                    worker.call,
                    (self._key, k, method, self._apart(arguments, self._homes[k]), *known),
                    k,
                )
                for k, arguments in left.items()
            }
            answers = self._run(tasks)
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
        values = [found[k].value if k in found else None for k in range(len(each))]
        self.traffic.call(common, [one for one in each if one is not None], values)
        return values

    def of_few(self, picks: Sequence[Pick], function: Callable[..., T], arguments: Arguments) -> T:
        """Return function(rows, *arguments), called at a worker that gets the rows from others."""
        for _ in range(TRIES):
            self._settle_homes([pick.shard for pick in picks])
            pieces = [
                self._submit(Task(self._homes[one.shard], worker.pick, (self._key, one)))
                for one in picks
            ]
            home = self._homes[picks[0].shard]
            answers = self._run({0: Task(home, worker.joined, (function, arguments, *pieces))})
            if answers and not answers[0].missing:
                value: T = opened(answers[0])
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
            self.say(f"cluster: shard {k} moves from {most} to {name}, which has none")
            self._submit(Task(most, worker.drop, (self._key, k)))
            self._homes[k] = name

    def workers(self) -> list[str]:
        """Return the addresses of all workers, after waiting for one where there is none.

        Raises
        ------
        StorageError
            When none comes, or the scheduler is gone.
        """
        until, told = time.monotonic() + self.wait, False
        while not (live := self._live()):
            self._heed()
            if time.monotonic() > until:
                problem = f"no worker came within {self.wait:g} seconds"
                raise StorageError(problem, path=self.at) from TimeoutError(problem)
            if not told:
                told = True
                self.say("cluster: no worker is left; waiting for one")
            time.sleep(LOOK)
        return sorted(live)

    def _heed(self) -> None:
        if self.heeds:
            interrupts.check()

    def close(self) -> None:
        """Let the shards go, unless the scheduler is gone, and they with it."""
        with contextlib.suppress(Exception):  # whatever it is, nothing here depends on it
            if self.client.status == "running":
                self._drop_all()

    def _live(self) -> set[str]:
        """Return the addresses of the workers that the scheduler knows of now.

        Dask itself would try for `wait` seconds to reach one that is gone, whatever signals come.
        """
        from distributed import TimeoutError

        until = time.monotonic() + self.wait
        while True:
            try:
                asked = self.client.scheduler.ncores
                return set(self.client.sync(asked, callback_timeout=ANSWER))
            except TimeoutError as error:
                if self.client.status != "running" or time.monotonic() > until:
                    raise self._gone(error) from error
                self._heed()
            except (OSError, ValueError, RuntimeError, AttributeError) as error:
                raise self._gone(error) from error

    def _gone(self, error: BaseException) -> StorageError:
        why = " ".join(str(error).rpartition(">: ")[2].split()).rstrip(": ")[:120] or "no answer"
        problem = f"the scheduler of the cluster is gone ({why}; --cluster names another)"
        return StorageError(problem, path=self.at)

    def _give_up(self) -> StorageError:
        return StorageError(
            f"workers were lost {TRIES} times in one round; they may have too little memory",
            path=self.at,
        )

    def _memory(self) -> dict[str, int]:
        """Return the memory limit of each worker that has one."""
        found = self.client.run(memory_limit)
        return {name: limit for name, limit in found.items() if limit}

    def _load(self) -> dict[str, int]:
        """Return how many shards each worker has that has some."""
        load: dict[str, int] = defaultdict(int)
        for home in self._homes.values():
            load[home] += 1
        return load

    def _idle(self) -> list[str]:
        return sorted(self._live() - set(self._homes.values()))

    def _settle_homes(self, shards: Sequence[int] | Mapping[int, Any]) -> None:
        """Give shards whose worker is gone another one: that with the fewest."""
        live = self.workers()
        for k in shards:
            if self._homes[k] not in live:
                load = self._load()
                home = min(live, key=lambda name: load.get(name, 0))
                self.say(f"cluster: {self._homes[k]} is lost; shard {k} is made anew at {home}")
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
                    *self._apart((self._recipes[k], self._setups[k]), self._homes[k], each=True),
                    worker.version(),
                ),
                k,
            )
            for k in shards
        }
        for answer in self._run(tasks).values():
            opened(answer)

    def _count(self, name: str, rows: int, seconds: float) -> None:
        clock = self._clocks[name]
        clock.rows += rows
        clock.seconds += seconds if rows else 0.0

    def _broadcast(self, common: Arguments) -> list[Any]:
        """Return arrays for all, sent ahead once where they are large, and not twice."""
        if size_of(common) < LARGE:
            return list(common)
        known, futures = self._sent
        if not same_arrays(known, common) or any(one.status != "finished" for one in futures):
            try:
                futures = self.client.scatter(list(common), hash=False)
            except (OSError, RuntimeError, ValueError) as error:
                raise self._gone(error) from error
            self._sent = ([array.copy() for array in common], futures)
        return list(futures)

    def _apart(self, arguments: Arguments, home: str, each: bool = False) -> Any:
        """Return arguments, or what stands for them, where they are sent to a worker ahead."""
        if size_of(arguments) < LARGE:
            return arguments
        try:
            if each:
                return self.client.scatter(list(arguments), workers=[home], hash=False)
            return self.client.scatter([arguments], workers=[home], hash=False)[0]
        except (OSError, RuntimeError, ValueError):
            return arguments  # the worker is gone by now, as the task will find

    def _submit(self, task: Task) -> Any:
        return self.client.submit(
            *(task.function, *task.arguments),
            workers=[task.address],
            allow_other_workers=False,
            pure=False,
            retries=0,
        )

    def _run(self, tasks: Mapping[int, Task]) -> dict[int, Any]:
        """Return what tasks return; those whose workers are lost are left out."""
        futures = {k: self._submit(task) for k, task in tasks.items()}
        self._spent = list(futures.values())  # the last ones go in the same message as these came
        self._wait(futures, tasks)
        done = {k: one for k, one in futures.items() if one.status == "finished"}
        for one in futures.values():
            if one.status == "error":
                self._raise(one)
        return self._fetch(done, tasks)

    def _raise(self, future: Any) -> None:
        """Raise what a task raised, unless it is that its worker or its data were lost."""
        from distributed.scheduler import KilledWorker

        error = future.exception()
        if not isinstance(error, KilledWorker | OSError):
            raise error

    def _wait(self, futures: dict[int, Any], tasks: Mapping[int, Task]) -> None:
        """Wait until tasks are done, or their workers are lost."""
        from distributed import CancelledError, TimeoutError, wait

        began, told, waiting = time.monotonic(), 0.0, dict(futures)
        while waiting:
            with contextlib.suppress(TimeoutError, CancelledError):
                wait(list(waiting.values()), timeout=LOOK)
            waiting = {k: one for k, one in waiting.items() if one.status == "pending"}
            if not waiting:
                return
            self._heed()
            live, since = self._live(), time.monotonic() - began
            for k in [k for k in waiting if tasks[k].address not in live]:
                waiting.pop(k).cancel()
            if since - told > PATIENCE and waiting:
                told = since
                names = sorted({tasks[k].address for k in waiting})
                more = f" and {len(names) - 3} more" if len(names) > 3 else ""
                self.say(f"cluster: waiting {since:.0f} s for {', '.join(names[:3])}{more}")

    def _fetch(self, done: Mapping[int, Any], tasks: Mapping[int, Task]) -> dict[int, Any]:
        """Bring results here; none of those whose workers are lost with them."""
        from distributed import TimeoutError

        async def gathered(futures: list[Any]) -> Any:
            return await self.client.gather(futures, asynchronous=True)

        patience = PATIENCE
        while done:
            try:
                values = self.client.sync(gathered, list(done.values()), callback_timeout=patience)
                return dict(zip(done, values, strict=True))
            except TimeoutError:
                patience *= 2
            except (OSError, RuntimeError) as error:
                self._live()
                if patience > 600:
                    raise self._gone(error) from error
                patience *= 2
            self._heed()
            live = self._live()
            done = {k: one for k, one in done.items() if tasks[k].address in live}
        return {}

    def _drop_all(self) -> None:
        """Let all shards of this training go."""
        homes = set(self._homes.values()) & self._live()
        self._run({k: Task(name, worker.drop, (self._key,)) for k, name in enumerate(homes)})
        self._homes = {}


def opened(answer: Answer) -> Any:
    """Return the value of an answer, or raise the error that it brings."""
    if answer.failure is not None:
        raise answer.failure.error()
    return answer.value


def memory_limit(dask_worker: Any) -> int | None:
    """Return how many bytes a worker, as Dask hands it over, may use; None without a limit."""
    limit = dask_worker.memory_manager.memory_limit
    return int(limit) if limit else None


@contextlib.contextmanager
def dask_engine(config: Cluster, say: Say) -> Iterator[DaskEngine]:
    """Yield an engine on the cluster of a config; see `connected`."""
    with connected(config, say) as client:
        engine = DaskEngine(client, str(config.at), config.wait, say)
        try:
            yield engine
        finally:
            engine.close()
