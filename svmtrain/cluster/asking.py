"""Questions to workers that take no work, and whether they have the same svmtrain as this side.

A worker that lacks svmtrain cannot even read a function of it, and may end when it tries. So the
questions about versions are asked by a function of the standard library.
"""

from __future__ import annotations

import pkgutil
import threading
import time
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import Any

from svmtrain.errors import ConfigError, StorageError

LOOK = 0.25
"""Seconds between two looks at which workers there are."""
PATIENCE = 10.0
"""Seconds that an answer may take which takes no work."""

ALIKE = (
    ("svmtrain", "svmtrain:__version__"),
    ("numpy", "numpy:__version__"),
    ("steps of svmtrain in version", "svmtrain:ALGORITHM"),
)
"""What all workers must have the same of: what it is called, and where Python has it."""


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


def answers(
    client: Any,
    names: Collection[str],
    look: Callable[[], Collection[str]],
    function: Callable[..., Any],
    *each: tuple[Any, ...],
) -> dict[str, list[Any]]:
    """Return what a quick function returns, or raises, at each worker that answers in time.

    Parameters
    ----------
    client : distributed.Client
    names : collection of str
        The addresses of the workers.
    look : callable
        Returns the workers that there are; one that has left is not waited for.
    function : callable
    *each : tuple
        Arguments of a call; there is an answer for each.
    """

    async def asked(name: str) -> list[Any]:
        found = []
        for arguments in each:
            one = await client.run(function, *arguments, workers=[name], on_error="return")
            found.append(one[name])
        return found

    waiting = {name: Waiting(client, partial(asked, name)) for name in names}
    until, found = time.monotonic() + PATIENCE, dict[str, list[Any]]()
    while waiting and time.monotonic() < until:
        next(iter(waiting.values())).ended(LOOK)
        for name, one in list(waiting.items()):
            if one.ended(0):
                failed = isinstance(one.found, BaseException)
                found[name] = [one.found] * len(each) if failed else one.found
                del waiting[name]
        if waiting:
            live = look()
            waiting = {name: one for name, one in waiting.items() if name in live}
    return found


def misfits(
    client: Any, names: Collection[str], look: Callable[[], Collection[str]]
) -> dict[str, ConfigError | StorageError]:
    """Return what is wrong with the workers that have not what this side has; see `answers`."""
    found: dict[str, ConfigError | StorageError] = {}
    told = answers(client, names, look, pkgutil.resolve_name, *((place,) for _, place in ALIKE))
    if len(told) < len(names):
        live = look()
        late = f"does not answer within {PATIENCE:g} seconds"
        for name in names:
            if name in live and name not in told:
                found[name] = StorageError(f"the worker {name} {late}")
    for name, theirs in told.items():
        if problem := _misfit(theirs):
            found[name] = ConfigError(f"the worker {name} {problem}")
    return found


def _misfit(theirs: list[Any]) -> str:
    """Return what is wrong with a worker that has these, in the order of `ALIKE`."""
    for (what, place), there in zip(ALIKE, theirs, strict=True):
        if isinstance(there, OSError):  # it is gone
            continue
        if isinstance(there, ModuleNotFoundError) and there.name in ("svmtrain", "numpy"):
            return f"has no {there.name} (pip install 'svmtrain[cluster]' there)"
        if isinstance(there, BaseException):
            return f"cannot run svmtrain: {' '.join(str(there).split())[:120]}"
        here = _here(place)
        if there != here:
            return f"has {what} {there}, and this side {here}: make them the same"
    return ""


def _here(place: str) -> Any:
    """Return what this side has."""
    return pkgutil.resolve_name(place)
