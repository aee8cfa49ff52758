"""How much memory each shard will take on its worker, told and judged before anything is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from svmtrain.build.rows import COMPILED_LIMIT, MAPPED_LIMIT
from svmtrain.cluster.reading import Facts
from svmtrain.cluster.recipe import Form
from svmtrain.config import Config
from svmtrain.data.density import in_words
from svmtrain.errors import ConfigError

SHARE = 0.9
"""Share of a worker's memory limit that its shards may take."""
LISTED = 16
ROW_HERE = 40
"""Bytes a row that this side takes at most: its class, and sorting the order of an epoch."""
WEIGHTS = 6
"""Arrays like the weights that a worker has at once: given, changed, summed, on the way."""


@dataclass(frozen=True)
class Worker:
    """A worker: what it is called, and how many bytes it may use, if that is limited."""

    name: str
    memory: int | None


@dataclass(frozen=True)
class Planned:
    """A shard as it is planned.

    Attributes
    ----------
    number, rows : int
        From 0; training rows.
    first : int
        The first of its rows among all that the files of the training data hold.
    end : int
        One more than the last of them.
    size : int
        Bytes of memory.
    worker : Worker
    """

    number: int
    rows: int
    first: int
    end: int
    size: int
    worker: Worker


def size_of_shard(
    config: Config,
    form: Form,
    n_classes: int,
    n_train: int,
    files: Mapping[str, Sequence[Facts]],
    rows: Mapping[str, int],
) -> int:
    """Return about how many bytes of memory a shard takes.

    Parameters
    ----------
    config : Config
    form : Form
    n_classes, n_train : int
        Its training rows.
    files : mapping of str to sequence of Facts
        By role.
    rows : mapping of str to int
        How many rows it has of the files of each role.
    """
    width = 4 if config.solver.dtype == "float32" else 8
    total = WEIGHTS * form.n_features * n_classes * width
    for role, facts in files.items():
        stored = sum(one.stored for one in facts) / max(1, sum(map(len, facts)))
        cell = max(int(one.dtype[2:]) for one in facts) + (4 if form.sparse else 0)
        cells = stored if form.sparse else form.n_features
        raw = int(rows[role] * cells * cell)
        kept = all(one.mapped and one.sparse == form.sparse for one in facts)
        total += 0 if kept else raw
        if role == "train":
            scaled = int(n_train * cells * (width + (4 if form.sparse else 0)))
            total += 0 if _stays_as_read(config, facts, form, raw, scaled) else scaled
    if config.solver.name == "dual":
        total += 2 * n_train * n_classes * width
    return total


def _stays_as_read(
    config: Config, facts: Sequence[Facts], form: Form, raw: int, scaled: int
) -> bool:
    """Return whether training rows are scaled a batch at a time; see `build.rows`."""
    mapped = all(one.mapped and one.sparse == form.sparse for one in facts)
    whole = all(one.dtype[1] == "f" for one in facts) and not (mapped and raw > MAPPED_LIMIT)
    compiled = config.solver.name == "dual" and scaled <= COMPILED_LIMIT
    return not (whole or compiled)


def refuse_too_large(plan: Sequence[Planned]) -> None:
    """Raise ConfigError when the shards of a worker take more memory than it may use."""
    by_worker: dict[str, list[Planned]] = {}
    for shard in plan:
        by_worker.setdefault(shard.worker.name, []).append(shard)
    for name, shards in by_worker.items():
        limit, needs = shards[0].worker.memory, sum(shard.size for shard in shards)
        if limit is not None and needs > SHARE * limit:
            raise ConfigError(
                f"the rows do not fit: worker {name} would hold {in_words(needs)} in "
                f"{len(shards)} of {len(plan)} shards, and {SHARE:.0%} of its memory limit is "
                f"{in_words(int(SHARE * limit))} (take more workers, or convert the data to a "
                "store, which is mapped)"
            )


@dataclass(frozen=True)
class Exchange:
    """What is exchanged, and what this side holds.

    Attributes
    ----------
    mode : str
    rounds : int
        Of an epoch.
    shape : tuple of int
        Of the weights: (n_features, n_columns).
    width : int
        Bytes of a number in them.
    arrays : int
        How many arrays like them go back and forth in a round.
    here : int
        Bytes that this side takes for classes, orders and dual variables.
    """

    mode: str
    rounds: int
    shape: tuple[int, int]
    width: int
    arrays: int
    here: int

    def in_words(self) -> str:
        """Return it as a line."""
        features, columns = self.shape
        size = features * columns * self.width * self.arrays
        what = "an array" if self.arrays == 1 else f"{self.arrays} arrays"
        return (
            f"plan: {self.rounds:,} round{'s' * (self.rounds > 1)} an epoch, each with {what} of "
            f"{features:,} x {columns} to every shard and back, {in_words(size)} each way; "
            f"{in_words(self.here)} of memory here"
        )


def exchange_of(
    config: Config, mode: str, rounds: int, rows: int, shape: tuple[int, int]
) -> Exchange:
    """Return what is exchanged for training rows and weights of such a size."""
    solver, width = config.solver, 4 if config.solver.dtype == "float32" else 8
    arrays = 1
    if mode == "local":
        arrays += (solver.averaging != "none") + (solver.momentum > 0)
    here = ROW_HERE * rows + (2 * rows * shape[1] * width if mode == "dual" else 0)
    return Exchange(mode, rounds, shape, width, arrays, here)


def in_lines(plan: Sequence[Planned], mode: str) -> list[str]:
    """Return the plan in words: which rows are where, and what memory they take."""
    workers = len({shard.worker.name for shard in plan})
    total = in_words(sum(shard.size for shard in plan))
    lines = [
        f"plan: mode {mode}, {len(plan)} shard{'s' * (len(plan) > 1)} on {workers} "
        f"worker{'s' * (workers > 1)}, about {total} of memory in all"
    ]
    for shard in plan[:LISTED]:
        limit = shard.worker.memory
        of = "" if limit is None else f" of {in_words(limit)}"
        lines.append(
            f"plan: shard {shard.number} is rows {shard.first + 1:,} to {shard.end:,}, "
            f"{shard.rows:,} of them to train on, about {in_words(shard.size)}{of}, on "
            f"{shard.worker.name}"
        )
    if more := len(plan) - LISTED:
        lines += [f"plan: and {more} more shards of the same size"] if more > 0 else []
    return lines
