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
LISTED, MANY = 16, 50
"""Shards that are told one by one; rounds of an epoch above which that is said to be slow."""
ROW_HERE = 40
"""Bytes a row that this side takes at most: its class, and sorting the order of an epoch."""
PROCESS = 150 << 20
"""Bytes of a worker without any rows: Python, Dask, numpy and what they load."""
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
    rows: Mapping[str, int],
    files: Mapping[str, Sequence[Facts]],
    used: Mapping[str, int],
) -> int:
    """Return about how many bytes of memory a shard takes at most.

    Parameters
    ----------
    config : Config
    form : Form
    n_classes : int
    rows : mapping of str to int
        How many rows it has of the files of each role.
    files : mapping of str to sequence of Facts
        By role.
    used : mapping of str to int
        How many of them it trains on (train) and validates on (validation).
    """
    width = 4 if config.solver.dtype == "float32" else 8
    weights = WEIGHTS * form.n_features * n_classes * width
    kept, first, later, scaled = 0, 0, 0, 0
    for role, facts in files.items():
        stored = sum(one.stored for one in facts) / max(1, sum(map(len, facts)))
        cell = max(int(one.dtype[2:]) for one in facts) + (4 if form.sparse else 0)
        cells = stored if form.sparse else form.n_features
        if not _mapped(facts, form):
            own, whole = (int(n * cells * cell) for n in (rows[role], max(map(len, facts))))
            kept += own
            if role == "train":
                first = own + whole
            else:
                later = max(later, whole)
        if role == "train":
            each = cells * (width + (4 if form.sparse else 0))
            for part, count in used.items():
                size = int(count * each)
                dual = part == "train" and config.solver.name == "dual"
                raw = int(rows[role] * cells * cell)
                scaled += 0 if _stays_as_read(facts, form, raw, size, dual) else size
    if config.solver.name == "dual":
        scaled += 2 * used.get("train", 0) * n_classes * width
    return weights + max(first, kept + scaled + later)


def _mapped(facts: Sequence[Facts], form: Form) -> bool:
    """Return whether rows stay on disk until they are looked at."""
    return all(one.mapped and one.sparse == form.sparse for one in facts)


def _stays_as_read(facts: Sequence[Facts], form: Form, raw: int, scaled: int, dual: bool) -> bool:
    """Return whether rows are scaled a batch at a time; see `build.rows`."""
    large = _mapped(facts, form) and raw > MAPPED_LIMIT
    whole = all(one.dtype[1] == "f" for one in facts) and not large
    return not (whole or (dual and scaled <= COMPILED_LIMIT))


def refuse_too_large(plan: Sequence[Planned]) -> None:
    """Raise ConfigError when the shards of a worker take more memory than it may use."""
    by_worker: dict[str, list[Planned]] = {}
    for shard in plan:
        by_worker.setdefault(shard.worker.name, []).append(shard)
    for name, shards in by_worker.items():
        limit = shards[0].worker.memory
        needs = PROCESS + sum(shard.size for shard in shards)
        if limit is not None and needs > SHARE * limit:
            raise ConfigError(
                f"the rows do not fit: worker {name} would take {in_words(needs)} for "
                f"{len(shards)} of the {len(plan)} shards, and {SHARE:.0%} of its memory limit is "
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
        slow = self.mode == "sync" and self.rounds > MANY
        hint = " (many small ones: a larger solver.batch_size, or cluster.mode local, is faster)"
        return (
            f"plan: {self.rounds:,} round{'s' * (self.rounds > 1)} an epoch{hint if slow else ''}, "
            f"each with {what} of {features:,} x {columns} to every shard and back, "
            f"{in_words(size)} each way; {in_words(self.here)} of memory here"
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
    if (more := len(plan) - LISTED) > 0:
        lines.append(f"plan: and {more} more shards of the same size")
    return lines
