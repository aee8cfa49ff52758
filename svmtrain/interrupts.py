"""Signals as a flag. A handler only records the signal; long work asks for it at safe points.

`watching()` installs the handlers; `check()` raises at a safe point; `pending()` only asks. A
second SIGINT ends the process at once. SIGUSR1 is a stop as well, by a scheduler that will start
the command again. SIGUSR2 stops nothing: it asks a training for a checkpoint, see `save_asked`.

A thread that works for another process, which signals do not reach, asks that one: `asking()`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from svmtrain.errors import Interrupted

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
SAVE_SIGNAL = signal.SIGUSR2
PREEMPTED = 75
_received: list[int] = []
_save_asked: list[int] = []
_waiting: list[bool] = []


class _OfThread(threading.local):
    """What a thread asks, besides the signals of its process, whether to stop."""

    stopped: Callable[[], bool] | None = None


_of_thread = _OfThread()


def _record(number: int, frame: FrameType | None) -> None:
    if number == signal.SIGINT and number in _received:
        os._exit(128 + number)
    _received.append(number)
    if _waiting:
        check()


def _record_save(number: int, frame: FrameType | None) -> None:
    _save_asked.append(number)


@contextlib.contextmanager
def waiting() -> Iterator[None]:
    """Let a signal raise at once inside the block: for reads that may wait for ever."""
    _waiting.append(True)
    try:
        yield
    finally:
        _waiting.pop()


@contextlib.contextmanager
def watching() -> Iterator[None]:
    """Record stop signals instead of dying from them, for the length of the block.

    Outside the main thread, where Python allows no handlers, the block runs unwatched.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _received.clear()
    _save_asked.clear()
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN  # under nohup it stays so
    watched = [n for n in STOP_SIGNALS if not (n == signal.SIGHUP and ignored)]
    before = {number: signal.signal(number, _record) for number in watched}
    before[SAVE_SIGNAL] = signal.signal(SAVE_SIGNAL, _record_save)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _received.clear()


@contextlib.contextmanager
def asking(stopped: Callable[[], bool]) -> Iterator[None]:
    """Let the work of this thread in the block stop where it is told to, as by SIGTERM.

    Parameters
    ----------
    stopped : callable
        Returns whether to stop. It is called as often as signals are looked for, so that it must
        be quick.
    """
    before, _of_thread.stopped = _of_thread.stopped, stopped
    try:
        yield
    finally:
        _of_thread.stopped = before


def pending() -> int | None:
    """Return the number of the first stop signal received, or None."""
    return _received[0] if _received else _asked()


def _asked() -> int | None:
    """Return what stands for a signal where this thread is told to stop; else None."""
    stopped = _of_thread.stopped
    return signal.SIGTERM if stopped is not None and stopped() else None


def save_asked() -> bool:
    """Return whether a checkpoint was asked for since the last time that somebody looked."""
    asked = bool(_save_asked)
    _save_asked.clear()
    return asked


def interruption(message: str) -> Interrupted:
    """Return the exception for the pending signal: exit code 75 or 128 plus the number."""
    number = pending() or signal.SIGINT
    code = PREEMPTED if number == signal.SIGUSR1 else 128 + number
    return Interrupted(f"{signal.Signals(number).name}: {message}", code)


def check() -> None:
    """Raise `Interrupted` when a stop signal came; nothing has been lost at this point."""
    if _received or _asked() is not None:
        raise interruption("stopped; no file was changed")
