"""Calls that reach the workers of Dask, and what is known of the workers. It knows no shard.

Every call is a task for one worker. A task whose worker is lost has no result: who called decides
what is to be done.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from svmtrain import interrupts
from svmtrain.cluster.asking import misfits
from svmtrain.cluster.engine import Arguments, same_arrays, size_of
from svmtrain.data.cache import Say
from svmtrain.errors import StorageError

LOOK = 0.25
"""Seconds between two looks at signals and at which workers there are."""
ANSWER = 2.0
"""Seconds that the scheduler has for an answer before signals are looked at."""
PATIENCE = 10.0
"""Seconds of silence after which, and as often, a worker that is waited for is named."""
LONGEST = 600.0
"""Seconds that results may take to come here."""
LARGE = 64 << 10
"""Bytes above which arguments are sent apart from their task."""


@dataclass(frozen=True)
class Task:
    """A call for one worker: a function of `cluster.worker` and its arguments."""

    address: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]


@dataclass
class Calls:
    """What reaches the workers.

    Parameters
    ----------
    client : distributed.Client
    at : str
        What messages call the cluster.
    patience : float
        Seconds to wait for a worker when there is none.
    say : callable
        Takes a sentence for the user.
    heeds : bool
        Whether calls end when a signal came.
    """

    client: Any
    at: str
    patience: float
    say: Say
    heeds: bool = True
    _fit: dict[str, bool] = field(default_factory=dict)
    _spent: list[Any] = field(default_factory=list)
    _sent: tuple[list[Any], list[Any]] = field(default_factory=lambda: ([], []))

    def workers(self) -> list[str]:
        """Return the addresses of all workers, after waiting for one where there is none.

        Raises
        ------
        StorageError
            When none comes, or the scheduler is gone.
        """
        return sorted(self.present())

    def present(self) -> dict[str, int]:
        """Return the threads of each worker by its address; see `workers`."""
        until, told = time.monotonic() + self.patience, False
        while not (threads := self.threads()):
            self.heed()
            if time.monotonic() > until:
                problem = f"no worker came within {self.patience:g} seconds"
                raise StorageError(problem, path=self.at) from TimeoutError(problem)
            if not told:
                told = True
                self.say("cluster: no worker is left; waiting for one")
            time.sleep(LOOK)
        return threads

    def live(self) -> set[str]:
        """Return the addresses of the workers that the scheduler knows of now and that may work."""
        return set(self.threads())

    def threads(self) -> dict[str, int]:
        """Return the threads of each worker that there is now and that may work.

        One that joins is asked whether it has the same svmtrain first; if not, it is told of and
        given nothing.
        """
        found = self.reached()
        self._fit = {name: fit for name, fit in self._fit.items() if name in found}
        if joined := [name for name in found if name not in self._fit]:
            wrong = misfits(self.client, joined, self.reached)
            self._fit |= dict.fromkeys(joined, True)
            for name, problem in wrong.items():
                self.refuse(name, problem.problem)
        return {name: n for name, n in sorted(found.items()) if self._fit[name]}

    def refuse(self, name: str, problem: str) -> None:
        """Give nothing to a worker from here on, and say why."""
        self._fit[name] = False
        self.say(f"cluster: {name} joined and is given nothing: {problem}")

    def require_alike(self) -> None:
        """Ask all workers that there are whether they have the same svmtrain.

        Raises
        ------
        ConfigError, StorageError
            When one has another or none, or does not answer.
        """
        names = self.reached()
        for problem in misfits(self.client, names, self.reached).values():
            raise problem
        self._fit = dict.fromkeys(names, True)

    def reached(self) -> dict[str, int]:
        """Return the threads of each worker that the scheduler knows of now.

        Dask itself would try for `patience` seconds to reach one that is gone, whatever signals
        come.
        """
        from distributed import TimeoutError

        until = time.monotonic() + self.patience
        while True:
            try:
                asked = self.client.scheduler.ncores
                found: dict[str, int] = self.client.sync(asked, callback_timeout=ANSWER)
                return found
            except TimeoutError as error:
                if self.client.status != "running" or time.monotonic() > until:
                    raise self.gone(error) from error
                self.heed()
            except (OSError, ValueError, RuntimeError, AttributeError) as error:
                raise self.gone(error) from error

    def gone(self, error: BaseException) -> StorageError:
        """Return the error for a scheduler that does not answer."""
        from distributed import TimeoutError

        why = " ".join(str(error).rpartition(">: ")[2].split()).rstrip(": ")[:120]
        if isinstance(error, TimeoutError) or not why:
            why = f"no answer in {ANSWER:g} s"
        return StorageError(f"the scheduler of the cluster is gone ({why})", path=self.at)

    def memory(self) -> dict[str, int]:
        """Return the memory limit of each worker that has one."""
        try:
            info = self.client.scheduler_info(n_workers=-1)
        except TypeError:  # before releases that leave workers out of the answer
            info = self.client.scheduler_info()
        limits = {name: one.get("memory_limit") for name, one in info["workers"].items()}
        return {name: int(limit) for name, limit in limits.items() if limit}

    def heed(self) -> None:
        """Raise `Interrupted` when a signal came, unless that is to wait."""
        if self.heeds:
            interrupts.check()

    def broadcast(self, common: Arguments) -> list[Any]:
        """Return arrays for all, sent ahead once where they are large, and not twice."""
        if size_of(common) <= LARGE:
            return list(common)
        known, futures = self._sent
        if not same_arrays(known, common) or any(one.status != "finished" for one in futures):
            sent = self._ahead(list(common))
            if sent is None:
                return list(common)
            self._sent = ([array.copy() for array in common], sent)
        return list(self._sent[1])

    def apart(self, arguments: Arguments, home: str, each: bool = False) -> Any:
        """Return arguments, or what stands for them, where they are sent to a worker ahead."""
        if size_of(arguments) <= LARGE:
            return arguments
        if each:
            return self._ahead(list(arguments), workers=[home]) or arguments
        sent = self._ahead([arguments], workers=[home])
        return arguments if sent is None else sent[0]

    def _ahead(self, values: list[Any], **where: Any) -> list[Any] | None:
        """Return futures of values that workers have; None where one was lost that took them."""

        async def put() -> Any:
            return await self.client.scatter(values, hash=False, asynchronous=True, **where)

        try:
            sent: list[Any] = self.client.sync(put, callback_timeout=LONGEST)
        except Exception:  # whatever the scheduler met at a worker that it was just losing
            self.live()  # which tells if it is the scheduler that is lost
            return None
        return sent

    def submit(self, task: Task) -> Any:
        """Begin a task; return its future."""
        return self.client.submit(
            *(task.function, *task.arguments),
            workers=[task.address],
            allow_other_workers=False,
            pure=False,
            retries=0,
        )

    def run(self, tasks: Mapping[int, Task]) -> dict[int, Any]:
        """Return what tasks return; those whose workers are lost are left out."""
        futures = {k: self.submit(task) for k, task in tasks.items()}
        self._spent = list(futures.values())  # the last ones go in the same message as these came
        self.wait(futures, tasks)
        return self.results(futures, tasks)

    def results(self, futures: Mapping[int, Any], tasks: Mapping[int, Task]) -> dict[int, Any]:
        """Return what tasks that were waited for return; those that were lost are left out."""
        done = {k: one for k, one in futures.items() if one.status == "finished"}
        for one in futures.values():
            if one.status == "error":
                self._raise(one)
        return self._fetch(done, tasks)

    def _raise(self, future: Any) -> None:
        """Raise what a task raised, unless it is that its worker or its data were lost."""
        from distributed import CancelledError
        from distributed.scheduler import KilledWorker

        error = future.exception()
        if not isinstance(error, KilledWorker | CancelledError | OSError):
            raise error

    def wait(
        self, futures: dict[int, Any], tasks: Mapping[int, Task], *, together: bool = False
    ) -> None:
        """Wait until tasks are done, or their workers are lost; together: or one of them is."""
        from distributed import CancelledError, TimeoutError, wait

        began, told, waiting = time.monotonic(), 0.0, dict(futures)
        while waiting:
            with contextlib.suppress(TimeoutError, CancelledError):
                wait(list(waiting.values()), timeout=LOOK)
            waiting = {k: one for k, one in waiting.items() if one.status == "pending"}
            if not waiting:
                return
            self.heed()
            live, since = self.live(), time.monotonic() - began
            lost = [k for k in (futures if together else waiting) if tasks[k].address not in live]
            for k in list(waiting) if lost and together else lost:
                waiting.pop(k).cancel()
            if since - told > PATIENCE and waiting:
                told = since
                self._name({tasks[k].address for k in waiting}, since)

    def _name(self, addresses: Collection[str], since: float) -> None:
        """Say which workers are waited for, and for how long."""
        names = sorted(addresses)
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        self.say(f"cluster: waiting {since:.0f} s for {', '.join(names[:3])}{more}")

    def _fetch(self, done: Mapping[int, Any], tasks: Mapping[int, Task]) -> dict[int, Any]:
        """Bring results here; none of those whose workers are lost with them."""
        from distributed import CancelledError, TimeoutError

        async def gathered(futures: list[Any]) -> Any:
            return await self.client.gather(futures, asynchronous=True)

        patience, began = PATIENCE, time.monotonic()
        while done:
            try:
                values = self.client.sync(gathered, list(done.values()), callback_timeout=patience)
                return dict(zip(done, values, strict=True))
            except TimeoutError:
                patience *= 2
                self._name({tasks[k].address for k in done}, time.monotonic() - began)
            except CancelledError:  # what they need was lost, and Dask has let them go
                left = {k: one for k, one in done.items() if one.status == "finished"}
                done = left if len(left) < len(done) else {}
            except (OSError, RuntimeError) as error:
                self.live()
                if patience > LONGEST:
                    raise self.gone(error) from error
                patience *= 2
            self.heed()
            live = self.live()
            done = {k: one for k, one in done.items() if tasks[k].address in live}
        return {}
