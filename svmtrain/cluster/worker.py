"""What runs on a worker: the shards it keeps, and the functions that reach them.

Shards are kept beside Dask's own data, so that it neither moves nor spills them. Each belongs to
a training by its key; what belongs to one that nobody has asked for in a while is let go when
another training begins.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from svmtrain import errors
from svmtrain.cluster.engine import Pick, together
from svmtrain.cluster.recipe import Recipe
from svmtrain.cluster.shard import Shard
from svmtrain.data.dataset import Dataset
from svmtrain.errors import SvmtrainError

FORGOTTEN = 900.0
"""Seconds after which a shard that nobody asked for makes room for those of another training."""


@dataclass
class Kept:
    """A shard that this worker keeps, one caller at a time.

    Attributes
    ----------
    shard : Shard
    owner : str
        The run that it is for, which has one training at a time.
    used : float
    lock : threading.Lock
    """

    shard: Shard
    owner: str
    used: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True)
class Failure:
    """An error of svmtrain as it travels: by its name and its parts."""

    kind: str
    problem: str
    path: str | None
    line: int | None
    column: int | None

    @classmethod
    def of(cls, error: SvmtrainError) -> Failure:
        """Return what travels of an error."""
        return cls(type(error).__name__, error.problem, error.path, error.line, error.column)

    def error(self) -> SvmtrainError:
        """Return the error."""
        known = {one.__name__: one for one in (*_below(SvmtrainError), SvmtrainError)}
        kind: Callable[..., SvmtrainError] = known.get(self.kind, SvmtrainError)
        return kind(self.problem, path=self.path, line=self.line, column=self.column)


def _below(kind: type[SvmtrainError]) -> list[type[SvmtrainError]]:
    """Return the errors of a kind that are made like all others."""
    found = [one for one in vars(errors).values() if isinstance(one, type)]
    return [one for one in found if issubclass(one, kind) and one is not errors.Interrupted]


@dataclass(frozen=True)
class Answer:
    """What comes back of a call.

    Attributes
    ----------
    value : any
    seconds : float
        How long it took.
    missing : bool
        Whether the shard is not here, and nothing was done.
    failure : Failure or None
    """

    value: Any = None
    seconds: float = 0.0
    missing: bool = False
    failure: Failure | None = None


def opened(answer: Answer) -> Any:
    """Return the value of an answer, or raise the error that it brings."""
    if answer.failure is not None:
        raise answer.failure.error()
    return answer.value


@dataclass(frozen=True)
class Setup:
    """A call that a shard must have had before others: a method, and its arguments."""

    method: str
    arguments: tuple[Any, ...]


_kept: dict[tuple[str, int], Kept] = {}
_keeping = threading.Lock()


def scratch() -> str:
    """Return the folder of this worker for copies of files."""
    from distributed import get_worker

    return str(get_worker().local_directory)


def answered(function: Callable[..., Any], *arguments: Any) -> Answer:
    """Return what a function returns, or the error of svmtrain that it raises."""
    began = time.monotonic()
    try:
        value = function(*arguments)
    except SvmtrainError as error:
        return Answer(failure=Failure.of(error))
    except MemoryError:
        problem = "a worker has too little memory for its shards (take more of them)"
        return Answer(failure=Failure.of(errors.StorageError(problem)))
    return Answer(value, time.monotonic() - began)


def spread(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Answer:
    """Call a function that takes the folder of this worker last."""
    return answered(function, *arguments, scratch())


def revive(key: str, owner: str, recipe: Recipe, setups: Sequence[Setup]) -> Answer:
    """Make a shard, and make the calls that it must have had.

    Shards of earlier trainings of the same run are let go first: whoever had them is gone.
    """

    def made() -> None:
        with _keeping:
            _let_go(key, owner)
        shard = Shard(recipe, scratch())
        for setup in setups:
            getattr(shard, setup.method)(*setup.arguments)
        with _keeping:
            _kept[key, recipe.number] = Kept(shard, owner)

    return answered(made)


def call(key: str, number: int, method: str, arguments: tuple[Any, ...], *common: Any) -> Answer:
    """Call a method of a shard."""
    kept = _kept.get((key, number))
    if kept is None:
        return Answer(missing=True)
    with kept.lock:
        kept.used = time.monotonic()
        answer = answered(getattr(kept.shard, method), *arguments, *common)
        kept.used = time.monotonic()
    return answer


def pick(key: str, pick: Pick) -> Dataset | None:
    """Return some rows of a shard, in memory; None where it is not here."""
    kept = _kept.get((key, pick.shard))
    return None if kept is None else together([kept.shard.rows(pick.source, pick.at)])


def joined(
    function: Callable[..., Any], arguments: tuple[Any, ...], *pieces: Dataset | None
) -> Answer:
    """Call a function with rows that were picked."""
    found = [piece for piece in pieces if piece is not None]
    if len(found) < len(pieces):
        return Answer(missing=True)
    return answered(function, together(found), *arguments)


def drop(key: str, number: int | None = None) -> None:
    """Let a shard go, or all of a training."""
    with _keeping:
        for known in [one for one in _kept if one[0] == key and number in (None, one[1])]:
            del _kept[known]


def _let_go(key: str, owner: str) -> None:
    """Let shards of other trainings go: those of the same run, and those long not asked for."""
    late = time.monotonic() - FORGOTTEN
    for known, kept in list(_kept.items()):
        if known[0] != key and (kept.owner == owner or kept.used < late):
            del _kept[known]
