"""Calls that the workers of a cluster carry out, each whole at one worker.

A call whose worker is lost is given to another, a few times. Every call is a task of Dask for one
worker, which has no more of them at a time than it has threads. See `cluster.desk` for what runs
there.
"""

from __future__ import annotations

import contextlib
import queue
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from svmtrain import interrupts
from svmtrain.cluster import desk
from svmtrain.cluster.asking import LOOK, Waiting
from svmtrain.cluster.crew import Crew
from svmtrain.cluster.desk import Done
from svmtrain.errors import Interrupted, StorageError

TRIES = 5
"""How often a call is given to a worker before it counts as lost."""
STOPPING = 60.0
"""Seconds that calls have to stop."""


@dataclass(frozen=True)
class Call:
    """A function of a module and its arguments; it is given a `Desk` after those."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Came:
    """What came of a call.

    Attributes
    ----------
    number : int
        Which of the calls it was, from 0.
    done : Done or None
        None for one whose worker was lost, each time that it was given to one.
    """

    number: int
    done: Done | None

    def opened(self) -> Any:
        """Return the value, or raise what the call raised.

        Raises
        ------
        SvmtrainError
            The call's own, or StorageError for one that was lost.
        """
        if self.done is None:
            raise StorageError(lost_too_often())
        if self.done.failure is not None:
            raise self.done.failure.error()
        return self.done.value


def lost_too_often() -> str:
    """Return what is said of a call that is lost."""
    return f"{TRIES} workers were lost that had it in hand; they may have too little memory"


def each(
    crew: Crew,
    calls: Sequence[Call],
    hear: Callable[[int, Any], None] | None = None,
    below: Callable[[], int] | None = None,
) -> Generator[Came, None, None]:
    """Yield what comes of some calls, as they end.

    When the iteration is left before the end, those at work are stopped and waited for.

    Parameters
    ----------
    crew : Crew
    calls : sequence of Call
        Taken in this order.
    hear : callable, optional
        Is given the number of a call and what it tells, in order, while it is at work. A call
        that was lost and is made again tells again.
    below : callable, optional
        Returns the number that a call must be below to be given to a worker yet.

    Raises
    ------
    Interrupted
        When a signal came.
    StorageError
        When the scheduler is gone, or no worker comes.
    """
    crew.admit()
    with _Shift(crew, calls, hear, below) as shift:
        while shift.left or shift.begun:
            interrupts.check()
            shift.hand_out()
            yield from shift.look()


def in_order(crew: Crew, calls: Sequence[Call], ahead: int) -> Generator[Came, None, None]:
    """Yield what comes of some calls, in their order.

    Parameters
    ----------
    crew : Crew
    calls : sequence of Call
    ahead : int
        How many calls may be begun that the next one to be yielded comes before, itself
        included: no more than these wait in memory.
    """
    waiting: dict[int, Came] = {}
    at = 0
    with contextlib.closing(each(crew, calls, below=lambda: at + ahead)) as found:
        for came in found:
            waiting[came.number] = came
            while at in waiting:
                interrupts.check()
                yield waiting.pop(at)
                at += 1


@dataclass(frozen=True)
class _Begun:
    """A call that a worker has in hand."""

    future: Any
    address: str
    attempt: int


class _Shift:
    """The calls that are at work, and those that are left."""

    def __init__(
        self,
        crew: Crew,
        calls: Sequence[Call],
        hear: Callable[[int, Any], None] | None,
        below: Callable[[], int] | None,
    ) -> None:
        self.crew, self.calls, self.hear, self.below = crew, calls, hear, below
        self.left = list(range(len(calls)))
        self.begun: dict[int, _Begun] = {}
        self.tries: Counter[int] = Counter()
        self.heard: Counter[tuple[int, int]] = Counter()
        self.events: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def __enter__(self) -> _Shift:
        if self.hear is not None:
            topic = desk.topic_of(self.crew.key)
            self.crew.client.subscribe_topic(topic, lambda event: self.events.put(event[1]))
        self.crew.at_work.append(self.close)
        return self

    def __exit__(self, *_: object) -> None:
        """End it; see `close`."""
        self.close()

    def close(self) -> None:
        """Stop what is at work, and let go what is kept at the workers; once."""
        if self.close not in self.crew.at_work:
            return
        self.crew.at_work.remove(self.close)
        # There may be nobody left who could be told, or who answers.
        with contextlib.suppress(StorageError, Interrupted):
            if self.begun:
                self._stop()
            self.crew.tell_all(desk.forget, self.crew.key)
        if self.hear is not None:
            with contextlib.suppress(OSError, ValueError, RuntimeError):
                self.crew.client.unsubscribe_topic(desk.topic_of(self.crew.key))

    def hand_out(self) -> None:
        """Give calls to workers that have a thread for them."""
        if not self.left:
            return
        threads = self.crew.ready()
        busy = Counter(one.address for one in self.begun.values())
        most = self.crew.most or sum(threads.values())
        while self.left and len(self.begun) < most:
            name = max(threads, key=lambda one: threads[one] - busy[one])
            if threads[name] <= busy[name]:
                return
            if self.below is not None and self.left[0] >= self.below():
                return
            self._begin(self.left.pop(0), name)
            busy[name] += 1

    def _begin(self, number: int, address: str) -> None:
        call, attempt = self.calls[number], self.tries[number]
        self.tries[number] += 1
        future = self.crew.client.submit(
            *(desk.carry, self.crew.key, number, attempt, call.function),
            *(*self.crew.common(), *call.arguments),
            workers=[address],
            allow_other_workers=False,
            pure=False,
            retries=0,
        )
        self.begun[number] = _Begun(future, address, attempt)

    def look(self) -> Iterator[Came]:
        """Wait a moment; yield what came of the calls that ended."""
        self._wait()
        self._listen()
        live = self.crew.live()
        for number, one in sorted(self.begun.items()):
            if one.future.status == "pending" and one.address in live:
                continue
            done = self._fetched(one) if one.address in live else None  # results are there too
            self._listen()
            del self.begun[number]
            if done is not None and not done.stopped:
                self._catch_up(number, one.attempt, done.told)
                yield Came(number, done)
                continue
            one.future.cancel()
            yield from self._again(number, one.address)

    def _again(self, number: int, address: str) -> Iterator[Came]:
        """Put a call back whose worker was lost; yield it when that was too often."""
        if self.tries[number] >= TRIES:
            yield Came(number, None)
            return
        self.crew.say(f"cluster: {address} is lost; what it had in hand goes to another worker")
        self.left.insert(0, number)
        self.left.sort()

    def _wait(self) -> None:
        """Wait until a call has ended, but no longer than a moment."""
        from distributed import CancelledError, TimeoutError, wait

        if not self.begun:
            time.sleep(LOOK)
            return
        futures = [one.future for one in self.begun.values()]
        with contextlib.suppress(TimeoutError, CancelledError):
            wait(futures, timeout=LOOK, return_when="FIRST_COMPLETED")

    def _fetched(self, one: _Begun) -> Done | None:
        """Return what came of a call that ended; None when it is lost with its worker."""
        if one.future.status == "error":
            self._raise(one.future)
        if one.future.status != "finished":
            return None

        async def gathered() -> Any:
            return await self.crew.client.gather([one.future], asynchronous=True)

        waiting = Waiting(self.crew.client, gathered)
        while not waiting.ended(LOOK):
            interrupts.check()
            if one.address not in self.crew.live():
                return None
        if isinstance(waiting.found, BaseException):  # it was lost on the way
            return None
        done: Done = waiting.found[0]
        return done

    def _raise(self, future: Any) -> None:
        """Raise what a call raised, unless it is that its worker or its arguments were lost."""
        from distributed import CancelledError
        from distributed.scheduler import KilledWorker

        error = future.exception()
        if not isinstance(error, KilledWorker | CancelledError | OSError):
            raise error

    def _listen(self) -> None:
        """Hear what calls at work told."""
        while self.hear is not None:
            try:
                event = self.events.get_nowait()
            except queue.Empty:
                return
            number, attempt = event["number"], event["attempt"]
            one = self.begun.get(number)
            ours = one is not None and one.attempt == attempt
            if ours and event["place"] == self.heard[number, attempt]:
                self.heard[number, attempt] += 1
                self.hear(number, event["message"])

    def _catch_up(self, number: int, attempt: int, told: tuple[Any, ...]) -> None:
        """Hear what a call that has ended told and was not heard on the way."""
        for message in told[self.heard.pop((number, attempt), 0) :]:
            if self.hear is not None:
                self.hear(number, message)

    def _stop(self) -> None:
        """Let all calls stop, and wait for them; say which may have stopped halfway."""
        self.crew.tell_all(desk.stop, self.crew.key)
        until, lost = time.monotonic() + STOPPING, set[str]()
        while self.begun and time.monotonic() < until:
            self._wait()
            live = self.crew.live()
            for number, one in list(self.begun.items()):
                if one.future.status == "pending" and one.address in live:
                    continue
                del self.begun[number]
                if one.future.status != "finished":
                    lost.add(one.address)
        if lost:
            self.crew.say(f"cluster: lost before it had stopped: {', '.join(sorted(lost))}")
        if self.begun:
            names = ", ".join(sorted({one.address for one in self.begun.values()}))
            self.crew.say(f"cluster: still at work after {STOPPING:g} seconds: {names}")
        for one in self.begun.values():
            one.future.cancel()
