"""What the data files of a config hold, before their rows are split."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

import numpy as np

from svmtrain.build.place import HERE, Place
from svmtrain.config import Config
from svmtrain.data.cache import Say, cache_folder, load_table, silent
from svmtrain.data.dataset import (
    CodedLabels,
    Column,
    Dataset,
    ReadOptions,
    Table,
    encode_labels,
    find_classes,
)
from svmtrain.data.density import settled
from svmtrain.data.fingerprint import DataFile, identify
from svmtrain.data.readers import (
    READERS,
    Paths,
    columns_of,
    combined,
    data_paths,
    format_of,
    labels_path,
    read_each,
    title,
)
from svmtrain.data.store import describe, is_store
from svmtrain.errors import ConfigError, DataError, shown


def read_options(config: Config, **changes: Any) -> ReadOptions:
    """Return how the data files of a config are to be understood."""
    data = config.data
    options = ReadOptions(
        target=data.target,
        header=None if isinstance(data.header, str) else data.header,
        delimiter=None if data.delimiter == "auto" else data.delimiter,
        keep=data.keep,
        drop=data.drop,
        text=data.text != "error",
        text_columns=data.text_columns,
        gaps=data.missing != "error",
        gap_marks=data.missing_marks,
    )
    return replace(options, **changes)


def named_files(config: Config) -> Iterator[tuple[str, Paths, Paths | None]]:
    """Yield the role, the files and the files of labels of all data that a config names.

    Raises
    ------
    ConfigError
        When labels are given for data that are not.
    """
    data = config.data
    for role, paths, labels in (
        ("train", data.train, data.labels),
        ("validation", data.validation, data.validation_labels),
        ("test", data.test, data.test_labels),
    ):
        if paths is not None and not isinstance(paths, float):
            yield role, paths, labels
        elif labels is not None:
            raise ConfigError(f"data.{role}_labels is given, but data.{role} names no file")


def data_files(config: Config) -> tuple[DataFile, ...]:
    """Return the identity of the data files that a config names, and of their labels' files.

    Raises
    ------
    ConfigError
        When labels are given for data that are not.
    DataError
        When a file is missing or cannot be read.
    """
    data = config.data
    found, records = [], partial(cache_folder, mode=data.cache)
    for role, paths, labels in named_files(config):
        files = data_paths(paths, labels)
        found.append(identify(role, [file.path for file in files], records))
        beside = [file.labels or labels_path(file.path, data.format) for file in files]
        if known := [path for path in beside if path is not None]:
            found.append(identify(f"{role} labels", known, records))
    return tuple(found)


def _whole(config: Config, say: Say) -> Dataset:
    """Return all rows of the training data, as read."""
    data, name = config.data, title(config.data.train)
    options, read = read_options(config), partial(load_table, cache=data.cache, say=say)
    each = read_each(data.train, data.format, options, data.labels, read)
    table = combined([table for _, table in each])
    labels = _labels(table, name)
    _refuse_lost_header(config, table, labels)
    classes = find_classes(labels, name)
    y = encode_labels(labels, classes, name)
    plain = not table.categories and data.missing == "error"
    X = settled(table.X, data.sparse, name, say) if plain else table.X
    return Dataset(X, y, classes, table.feature_names, table.categories)


def _labels(table: Table, path: str) -> Any:
    if table.labels is None:
        raise DataError("has no labels", path=path)
    return table.labels


def _refuse_lost_header(config: Config, table: Table, labels: Any) -> None:
    """Raise when the first line of a table without a header looks like one after all."""
    data = config.data
    if data.header != "auto" or table.feature_names is not None:
        return
    path, first = data_paths(data.train)[0].path, next(iter(labels))
    if isinstance(labels, CodedLabels):
        alone = int(labels.counts()[labels.codes[0]]) == 1
    else:
        alone = isinstance(labels, list) and labels.count(first) == 1
    if isinstance(first, str) and len(labels) > 2 and alone:
        if format_of(path, data.format) != "csv":
            return
        raise DataError(
            f"the label of the first line, {shown(first)}, is that of no other: "
            "set data.header to true or false",
            path=path,
            line=1,
        )


def load_like(
    config: Config, paths: Paths, like: Dataset, labels: Paths | None = None, say: Say = silent
) -> Dataset:
    """Read files that must have the features and classes of another dataset."""
    options = read_options(
        config,
        n_features=like.n_features,
        feature_names=like.feature_names,
        text=False,
        text_columns=(),
        vocabulary=like.categories,
    )
    read = partial(load_table, cache=config.data.cache, say=say)
    each = list(read_each(paths, config.data.format, options, labels, read))
    codes = [encode_labels(_labels(table, name), like.classes, name) for name, table in each]
    table = combined([table for _, table in each])
    plain = not table.categories and config.data.missing == "error"
    return Dataset(
        settled(table.X, config.data.sparse, title(paths), say) if plain else table.X,
        np.concatenate(codes),
        like.classes,
        like.feature_names,
        table.categories,
    )


def lasting(config: Config, names: tuple[str, ...] | None, width: int, apart: bool) -> Config:
    """Return a config with the columns to keep and drop as they are found in other files.

    Places are those of the training file: other files may have the columns in another order, or
    lack the labels. A store has its labels apart, so that its places last.

    Parameters
    ----------
    config : Config
    names : tuple of str or None
        Of all columns of the training file.
    width : int
        How many they are.
    apart : bool
        Whether its labels are apart.
    """
    data = config.data
    if all(isinstance(column, str) for column in (*data.keep, *data.drop)):
        return config
    if names is not None:
        keep, drop = (
            tuple(column if isinstance(column, str) else names[column] for column in columns)
            for columns in (data.keep, data.drop)
        )
        return replace(config, data=replace(data, keep=keep, drop=drop))
    if not isinstance(data.target, int) or apart:
        return config
    kept, lost = (
        {column % width for column in columns if isinstance(column, int)}
        for columns in (data.keep, data.drop)
    )
    others = set(range(width)) - ((kept or set(range(width))) - lost) - {data.target % width}
    return replace(config, data=replace(data, keep=(), drop=tuple(sorted(others))))


def _target(given: Column | None, path: str) -> Column | None:
    """Return the label column that is given, or that a store has the name of."""
    return describe(path).target if given is None and is_store(path) else given


class Files(Protocol):
    """What the data files of a config hold, as far as splitting them needs to know."""

    def place(self, config: Config, train: Dataset) -> Place:
        """Return where the rows are computed with, once those to train on are known."""

    def identify(self, config: Config) -> tuple[DataFile, ...]:
        """Return the identity of the files; see `data_files`."""

    def whole(self, config: Config, say: Say) -> Dataset:
        """Return all rows of the training data."""

    def like(
        self, config: Config, role: str, paths: Paths, labels: Paths | None, like: Dataset, say: Say
    ) -> Dataset:
        """Return the rows of files that must have the features and classes of another dataset."""

    def lasting(self, config: Config) -> Config:
        """Return the config with columns as they are found in other files; see `lasting`."""

    def target(self, config: Config) -> Column | None:
        """Return the label column that is given, or that a store has the name of."""


class FilesHere:
    """Files that this process reads."""

    def place(self, config: Config, train: Dataset) -> Place:
        """Return this process."""
        return HERE

    def identify(self, config: Config) -> tuple[DataFile, ...]:
        """Return the identity of the files."""
        return data_files(config)

    def whole(self, config: Config, say: Say) -> Dataset:
        """Return all rows of the training data."""
        return _whole(config, say)

    def like(
        self, config: Config, role: str, paths: Paths, labels: Paths | None, like: Dataset, say: Say
    ) -> Dataset:
        """Return the rows of other files."""
        return load_like(config, paths, like, labels, say)

    def lasting(self, config: Config) -> Config:
        """Return the config with columns as they are found in other files."""
        data, first = config.data, data_paths(config.data.train)[0].path
        if all(isinstance(column, str) for column in (*data.keep, *data.drop)):
            return config
        names, width = columns_of(first, data.format, read_options(config))
        return lasting(config, names, width, READERS[format_of(first, data.format)].folder)

    def target(self, config: Config) -> Column | None:
        """Return the label column."""
        return _target(config.data.target, data_paths(config.data.train)[0].path)


FILES_HERE: Files = FilesHere()
