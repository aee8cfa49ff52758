"""What runs on a worker for a crew: calls that tell on the way, and stop when they are asked to.

See `cluster.tasks`, which is the other side.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from svmtrain import interrupts
from svmtrain.cluster.worker import FORGOTTEN, Failure, scratch
from svmtrain.errors import Interrupted, SvmtrainError

LOOK = 0.5
"""Seconds between two looks whether anybody still waits for a call."""


@dataclass
class Desk:
    """What a call finds at its worker, as its last argument.

    Attributes
    ----------
    scratch : str
        The folder for copies of files from elsewhere.
    tell : callable
        Takes plain values (numbers, texts, lists, dicts), which the other side hears at once.
    kept : any
        What the call before it, of the same crew and on the same thread, left here.
    """

    scratch: str
    tell: Callable[[Any], None]
    kept: Any = None


@dataclass(frozen=True)
class Done:
    """What came of a call.

    Attributes
    ----------
    value : any
    told : tuple
        All that it told.
    failure : Failure or None
    stopped : bool
        Whether it ended since it was asked to.
    """

    value: Any = None
    told: tuple[Any, ...] = ()
    failure: Failure | None = None
    stopped: bool = False


_stopped: set[str] = set()
_kept: dict[tuple[str, int], tuple[float, Any]] = {}


def topic_of(key: str) -> str:
    """Return the topic of Dask's events that the calls of a crew tell under."""
    return f"svmtrain-{key}"


def carry(
    key: str, number: int, attempt: int, function: Callable[..., Any], *arguments: Any
) -> Done:
    """Make a call, as a task of Dask.

    Parameters
    ----------
    key : str
        That of the crew.
    number, attempt : int
        Which call it is, and how often it was given to a worker before.
    function : callable
    *arguments
        A `Desk` comes after them.
    """
    from distributed import get_worker

    here, told, slot = get_worker(), list[Any](), (key, threading.get_ident())

    def tell(message: Any) -> None:
        marks = {"number": number, "attempt": attempt, "place": len(told)}
        told.append(message)
        here.log_event(topic_of(key), {**marks, "message": message})

    _let_go(key)
    desk = Desk(scratch(), tell, _kept.pop(slot, (0.0, None))[1])
    try:
        with interrupts.asking(Asked(key, here)):
            value = function(*arguments, desk)
    except Interrupted:
        return Done(told=tuple(told), stopped=True)
    except SvmtrainError as error:
        return Done(told=tuple(told), failure=Failure.of(error))
    if desk.kept is not None:
        _kept[slot] = (time.monotonic(), desk.kept)
    return Done(value, tuple(told))


class Asked:
    """Whether the call of this thread is to stop: it was asked to, or nobody waits for it.

    The process that gave it may be gone, or have given it to another worker. Dask then calls off
    the task, which ends no thread.
    """

    def __init__(self, key: str, here: Any) -> None:
        self.key, self.here = key, here
        self.task, self.next, self.left = here.get_current_task(), 0.0, False

    def __call__(self) -> bool:
        """Return whether to stop."""
        if self.left or self.key in _stopped:
            return True
        now = time.monotonic()
        if now >= self.next:
            self.next = now + LOOK
            task = self.here.state.tasks.get(self.task)
            self.left = task is None or task.state == "cancelled"
        return self.left


def stop(key: str) -> None:
    """Let the calls of a crew that are at work here stop at the next safe point."""
    _stopped.add(key)


def forget(key: str) -> None:
    """Let all that is kept for a crew go."""
    _stopped.discard(key)
    for slot in [slot for slot in list(_kept) if slot[0] == key]:
        _kept.pop(slot, None)


def _let_go(key: str) -> None:
    """Let what other crews keep go that was not used in a while: they may have died."""
    late = time.monotonic() - FORGOTTEN
    for slot, (used, _) in list(_kept.items()):
        if slot[0] != key and used < late:
            _kept.pop(slot, None)
