"""Where shards live, and how a call reaches all of them: here, or on the workers of a cluster."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from svmtrain import interrupts
from svmtrain.cluster.plan import Worker
from svmtrain.cluster.recipe import Recipe
from svmtrain.cluster.shard import Shard
from svmtrain.data.dataset import Dataset

T = TypeVar("T")
Index = NDArray[np.intp]
Arguments = tuple[Any, ...]


@dataclass
class Traffic:
    """The bytes of arrays that were exchanged with shards, as if each had a worker of its own.

    Attributes
    ----------
    sent, received : int
        What all shards were sent anew, and what they returned.
    calls : int
    """

    sent: int = 0
    received: int = 0
    calls: int = 0
    _known: list[NDArray[Any]] = field(default_factory=list, repr=False)

    def call(self, common: Arguments, each: Sequence[Arguments], results: Sequence[Any]) -> None:
        """Take note of a call; arrays that are those of the call before need not be sent."""
        self.calls += 1
        if not same_arrays(self._known, common):
            self._known = [array.copy() for array in common]
            self.sent += len(each) * size_of(common)
        self.sent += size_of(each)
        self.received += size_of(results)


def same_arrays(known: Sequence[NDArray[Any]], arrays: Arguments) -> bool:
    """Return whether some arrays have the shapes and values of others."""
    return len(known) == len(arrays) and all(
        one.shape == other.shape and np.array_equal(one, other)
        for one, other in zip(known, arrays, strict=True)
    )


def size_of(value: Any) -> int:
    """Return the bytes of all arrays in plain values and dataclasses."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, Mapping):
        return sum(map(size_of, value.values()))
    if isinstance(value, (list, tuple)):
        return sum(map(size_of, value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return sum(size_of(getattr(value, one.name)) for one in dataclasses.fields(value))
    return 0


@dataclass(frozen=True)
class Pick:
    """Some rows of a shard.

    Attributes
    ----------
    shard : int
    source : str
        The role of the files that hold them.
    at : ndarray of intp (n,) or None
        Their numbers among the rows that the shard has of those; None for all.
    """

    shard: int
    source: str
    at: Index | None


class Engine(Protocol):
    """What keeps shards and reaches them. A call raises `Interrupted` when a signal came.

    Attributes
    ----------
    heeds : bool
        Whether it does; not while what is on the workers is brought here to be saved.
    """

    heeds: bool

    def spread(self, function: Callable[..., T], each: Sequence[Arguments]) -> list[T]:
        """Return function(*arguments) of all arguments, called wherever there is room.

        The function takes a folder for scratch as its last argument.
        """

    def least_memory(self) -> int | None:
        """Return how many bytes the worker that may use fewest may; None without a limit."""

    def homes(self, shards: int) -> list[Worker]:
        """Return which worker would keep each of so many shards."""

    def load(self, recipes: Sequence[Recipe]) -> None:
        """Keep a shard for each recipe from here on, in the place of all that were kept."""

    def setup(self, method: str, each: Sequence[Arguments]) -> list[Any]:
        """Call a method of every shard; one that is made anew is called again with the same."""

    def each(
        self,
        method: str,
        each: Sequence[Arguments | None],
        common: Arguments = (),
        rows: Sequence[int] = (),
    ) -> list[Any]:
        """Call a method of every shard, but those without arguments; return results in order.

        Parameters
        ----------
        method : str
        each : sequence of tuple or None
            The first arguments, by shard; None for no call, whose result is None.
        common : tuple of ndarray
            The last ones, the same for all.
        rows : sequence of int
            Over how many rows each call goes, for the rates.
        """

    def of_few(self, picks: Sequence[Pick], function: Callable[..., T], arguments: Arguments) -> T:
        """Return function(rows, *arguments), called at a worker that gets some rows of shards."""

    def rates(self) -> dict[str, float] | None:
        """Return the rows a second of each worker since this was last asked."""

    def moves(self) -> bool:
        """Return whether shards should move to workers that have none."""

    def move(self) -> None:
        """Move shards to workers that have none; they are made anew there."""


def together(pieces: Sequence[Dataset]) -> Dataset:
    """Return the rows of several shards as one dataset in memory."""
    from svmtrain.data.sparse import stacked

    whole = stacked([piece.X for piece in pieces])
    return dataclasses.replace(
        pieces[0], matrix=whole, y=np.concatenate([piece.y for piece in pieces]), at=None
    )


class InProcess:
    """Shards in this very process, one call after the other: for tests and measurements."""

    def __init__(self, scratch: str = ".") -> None:
        self.traffic, self.heeds = Traffic(), True
        self.shards: list[Shard] = []
        self._scratch = scratch

    def spread(self, function: Callable[..., T], each: Sequence[Arguments]) -> list[T]:
        """Return function(*arguments) of all arguments."""
        return [function(*arguments, self._scratch) for arguments in each]

    def least_memory(self) -> int | None:
        """Return that there is no limit."""
        return None

    def homes(self, shards: int) -> list[Worker]:
        """Return this process."""
        return [Worker("this process", None)] * shards

    def load(self, recipes: Sequence[Recipe]) -> None:
        """Keep a shard for each recipe."""
        self.shards = [Shard(recipe, self._scratch) for recipe in recipes]

    def setup(self, method: str, each: Sequence[Arguments]) -> list[Any]:
        """Call a method of every shard."""
        return self.each(method, each)

    def each(
        self,
        method: str,
        each: Sequence[Arguments | None],
        common: Arguments = (),
        rows: Sequence[int] = (),
    ) -> list[Any]:
        """Call a method of every shard that has arguments."""
        if self.heeds:
            interrupts.check()
        found = [
            None if one is None else getattr(shard, method)(*one, *common)
            for shard, one in zip(self.shards, each, strict=True)
        ]
        self.traffic.call(common, [one for one in each if one is not None], found)
        return found

    def of_few(self, picks: Sequence[Pick], function: Callable[..., T], arguments: Arguments) -> T:
        """Return what a function makes of some rows of shards."""
        pieces = [self.shards[pick.shard].rows(pick.source, pick.at) for pick in picks]
        return function(together(pieces), *arguments)

    def rates(self) -> None:
        """Return that there are no workers."""

    def moves(self) -> bool:
        """Return that there is nowhere to go."""
        return False

    def move(self) -> None:
        """Do nothing."""
