"""Data files that the workers of a cluster read; see `build.reading`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from svmtrain.build.place import Place
from svmtrain.build.reading import lasting, named_files, read_options
from svmtrain.cluster.engine import Engine
from svmtrain.cluster.parts import Cuts
from svmtrain.cluster.place import ShardPlace, mode_of
from svmtrain.cluster.plan import Planned, exchange_of, in_lines, refuse_too_large, size_of_shard
from svmtrain.cluster.reading import Facts, survey
from svmtrain.cluster.recipe import Form, Piece, Recipe
from svmtrain.config import Config
from svmtrain.config.texts import is_url
from svmtrain.data.cache import Say
from svmtrain.data.dataset import (
    CodedLabels,
    Column,
    Dataset,
    Label,
    ReadOptions,
    encode_labels,
    find_classes,
    in_order,
)
from svmtrain.data.density import stays_sparse
from svmtrain.data.elsewhere import Elsewhere
from svmtrain.data.fingerprint import DataFile, listed
from svmtrain.data.readers import DataPath, Paths, data_paths, title
from svmtrain.errors import ConfigError, DataError


class ClusterFiles:
    """The data files of a config, as the workers find them.

    Parameters
    ----------
    engine : Engine
    shards : int
    say : callable
        Takes the plan, line by line.
    """

    def __init__(self, engine: Engine, shards: int, say: Say) -> None:
        self.engine, self.shards, self.say = engine, shards, say
        self._facts: dict[str, list[Facts]] = {}
        self._pieces: dict[str, list[tuple[str, ReadOptions]]] = {}
        self._form: Form | None = None

    def identify(self, config: Config) -> tuple[DataFile, ...]:
        """Let the workers look through all files; return the identity of those."""
        refuse_unfit(config)
        found = []
        for role, paths, labels in named_files(config):
            facts = self._survey(config, role, files_of(paths, labels))
            found.append(listed(role, [one.file for one in facts]))
            beside = [one.labels_file for one in facts if one.labels_file is not None]
            if beside:
                found.append(listed(f"{role} labels", beside))
        return tuple(found)

    def _survey(self, config: Config, role: str, files: Sequence[DataPath]) -> list[Facts]:
        """Let the workers look through the files of a role; the first decides the columns."""
        options = read_options(config)
        if role != "train":
            first = self._facts["train"][0]
            width = None if first.ragged else first.n_features
            options = replace(options, n_features=width, feature_names=first.feature_names)
        data, facts, limit = config.data, list[Facts](), self.engine.least_memory()
        for batch in (files[:1], files[1:]):
            calls = [
                (
                    file.path,
                    role,
                    data.format,
                    replace(options, labels=file.labels),
                    data.cache,
                    limit,
                )
                for file in batch
            ]
            facts += self.engine.spread(survey, calls)
            self._pieces.setdefault(role, []).extend((call[0], call[3]) for call in calls)
            if role == "train" and facts and not facts[0].ragged:
                names = facts[0].feature_names or options.feature_names
                width = facts[0].n_features
                options = replace(options, n_features=width, feature_names=names)
        for one, (path, _) in zip(facts, self._pieces[role], strict=True):
            if one.codes is None:
                raise DataError("has no labels", path=path)
        self._facts[role] = facts
        return facts

    def whole(self, config: Config, say: Say) -> Dataset:
        """Return all rows of the training data, as far as they are known here."""
        facts, name = self._facts["train"], title(config.data.train)
        rows, width = sum(map(len, facts)), max(one.n_features for one in facts)
        stored = sum(one.stored for one in facts)
        sparse = stays_sparse(
            *((rows, width), stored, config.data.sparse, name),
            compressed=any(one.sparse for one in facts),
        )
        self._form = Form(width, sparse, facts[0].feature_names)
        labels = labels_of(facts)
        classes = find_classes(labels, name)
        return self._known("train", encode_labels(labels, classes, name), classes)

    def like(
        self, config: Config, role: str, paths: Paths, labels: Paths | None, like: Dataset, say: Say
    ) -> Dataset:
        """Return the rows of the files of another role, likewise."""
        facts = self._facts[role]
        for one, (path, _) in zip(facts, self._pieces[role], strict=True):
            if one.n_features > like.n_features:
                raise DataError(
                    f"has {one.n_features} features; expected {like.n_features}", path=path
                )
        y = encode_labels(labels_of(facts), like.classes, title(paths))
        return self._known(role, y, like.classes)

    def _known(self, role: str, y: np.ndarray, classes: tuple[Label, ...]) -> Elsewhere:
        form = self._need_form()
        dtype = np.result_type(*(one.dtype for one in self._facts["train"]))
        return Elsewhere.of(
            *(role, y, classes, form.n_features),
            dtype=dtype.str,
            sparse=form.sparse,
            feature_names=form.feature_names,
        )

    def _need_form(self) -> Form:
        if self._form is None:
            raise RuntimeError("the training data are looked through first")
        return self._form

    def lasting(self, config: Config) -> Config:
        """Return the config with columns as they are found in other files."""
        first = self._facts["train"][0]
        return lasting(config, *first.columns, first.folder)

    def target(self, config: Config) -> Column | None:
        """Return the label column that is given, or that a store has the name of."""
        given = config.data.target
        return self._facts["train"][0].target if given is None else given

    def place(self, config: Config, train: Dataset) -> Place:
        """Cut the rows into shards, tell the plan, and let the workers have them.

        Raises
        ------
        ConfigError
            When the shards of a worker would take more memory than it has.
        """
        if not isinstance(train, Elsewhere):
            raise TypeError("these rows are in this process")
        if len(train) < self.shards:
            raise ConfigError(
                f"cluster.shards is {self.shards}, and there are {len(train)} rows to train on"
            )
        mode = mode_of(config.cluster, config.solver.name)
        lengths = {role: sum(map(len, facts)) for role, facts in self._facts.items()}
        cuts = Cuts.of(train, lengths, self.shards)
        plan = self._plan(config, train, cuts)
        refuse_too_large(plan)
        place = ShardPlace(self.engine, cuts, mode, config.cluster.interval)
        rounds = -(-len(train) // place.steps(config.solver, len(train)).rows)
        columns = 1 if len(train.classes) == 2 else len(train.classes)
        shape = (train.n_features, columns)
        exchange = exchange_of(config, mode, rounds, len(train), shape)
        for line in [*in_lines(plan, mode), exchange.in_words()]:
            self.say(line)
        self.engine.load([self._recipe(config, cuts, train, k) for k in range(self.shards)])
        return place

    def _plan(self, config: Config, train: Elsewhere, cuts: Cuts) -> list[Planned]:
        workers, counts = self.engine.homes(self.shards), cuts.counts(train)
        begins = cuts.at[train.source]
        return [
            Planned(
                number=k,
                rows=counts[k],
                first=int(begins[k]),
                end=int(begins[k + 1]),
                size=size_of_shard(
                    *(config, self._need_form(), len(train.classes)),
                    {role: int(at[k + 1] - at[k]) for role, at in cuts.at.items()},
                    self._facts,
                    {"train": counts[k], "validation": self._held(config, cuts, train, k)},
                ),
                worker=workers[k],
            )
            for k in range(self.shards)
        ]

    def _held(self, config: Config, cuts: Cuts, train: Elsewhere, k: int) -> int:
        """Return about how many rows a shard validates on."""
        source = config.data.validation
        if isinstance(source, float):
            share = source / max(1e-9, 1 - source)
            return int(cuts.counts(train)[k] * share)
        at = cuts.at["validation"]
        return int(at[k + 1] - at[k])

    def _recipe(self, config: Config, cuts: Cuts, train: Elsewhere, k: int) -> Recipe:
        """Return how a shard is read."""
        pieces = {
            role: pieces_of(self._pieces[role], facts, int(at[k]), int(at[k + 1]))
            for (role, facts), at in zip(self._facts.items(), cuts.at.values(), strict=True)
        }
        data = config.data
        return Recipe(k, pieces, train.classes, self._need_form(), data.format, data.cache)


def pieces_of(
    files: Sequence[tuple[str, ReadOptions]], facts: Sequence[Facts], start: int, stop: int
) -> tuple[Piece, ...]:
    """Return the pieces of files that rows from start to stop, of all of them, are in."""
    found, begin = [], 0
    for (path, options), one in zip(files, facts, strict=True):
        end = begin + len(one)
        if max(start, begin) < min(stop, end):
            found.append(Piece(path, max(start, begin) - begin, min(stop, end) - begin, options))
        begin = end
    return tuple(found)


def labels_of(facts: Sequence[Facts]) -> CodedLabels:
    """Return the labels of several files as one."""
    names = in_order({name for one in facts for name in one.names})
    place = {name: code for code, name in enumerate(names)}
    parts = [
        np.array([place[name] for name in one.names], np.int32)[one.codes]
        for one in facts
        if one.codes is not None
    ]
    return CodedLabels(np.concatenate(parts), tuple(names))


def files_of(paths: Paths, labels: Paths | None) -> list[DataPath]:
    """Return files as the workers find them: absolute paths, and addresses as they are.

    A pattern is looked for from here, in an address by its own file system.
    """
    return [
        DataPath(_absolute(file.path), None if file.labels is None else _absolute(file.labels))
        for file in data_paths(_matching(paths), None if labels is None else _matching(labels))
    ]


def _absolute(path: str) -> str:
    return path if is_url(path) else os.path.abspath(path)


def _matching(paths: Paths) -> list[str]:
    """Return paths with patterns in addresses replaced by what matches them, sorted."""
    found: list[str] = []
    for path in [paths] if isinstance(paths, (str, Path)) else paths:
        text = str(path)
        found += _matching_url(text) if is_url(text) and "*" in text else [text]
    return found


def _matching_url(pattern: str) -> list[str]:
    from fsspec.core import url_to_fs

    try:
        system, inner = url_to_fs(pattern)
        found = sorted(system.glob(inner))
    except (OSError, ValueError, ImportError) as error:
        raise DataError(f"cannot be looked for: {error}", path=pattern) from None
    if not found:
        raise DataError("no file matches this pattern", path=pattern)
    return [system.unstrip_protocol(path) for path in found]


UNFIT: tuple[tuple[str, Callable[[Config], bool]], ...] = (
    ("data.text other than error", lambda config: config.data.text != "error"),
    ("data.missing other than error", lambda config: config.data.missing != "error"),
    ("stop.must_reach", lambda config: config.stop.must_reach is not None),
    (
        "solver.warm_start, or a list of objective.lambda, for solver.name dual",
        lambda config: (
            (config.solver.warm_start is not None or config.objective.is_path)
            and config.solver.name == "dual"
        ),
    ),
)
"""What needs all rows in one place, and when a config asks for it."""


def refuse_unfit(config: Config) -> None:
    """Raise ConfigError for settings that a cluster cannot do."""
    mode_of(config.cluster, config.solver.name)
    for what, asked in UNFIT:
        if asked(config):
            convert = ", or convert the data first" if what.startswith("data.") else ""
            raise ConfigError(
                f"{what} needs all rows in one place, which a cluster has not (train without "
                f"--cluster{convert})"
            )
