"""From a config to the rows of a run: files read, labels encoded, rows held out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from svmtrain.config import Config
from svmtrain.data.cache import Say, cache_folder, load_table, silent
from svmtrain.data.dataset import (
    CodedLabels,
    Dataset,
    ReadOptions,
    Table,
    encode_labels,
    find_classes,
)
from svmtrain.data.density import settled
from svmtrain.data.fingerprint import DataFile, identify
from svmtrain.data.splits import TEST_STREAM, VALIDATION_STREAM, split
from svmtrain.errors import DataError, shown


@dataclass(frozen=True)
class Splits:
    """The rows of a run, as read: not scaled.

    Attributes
    ----------
    train : Dataset
    validation, test : Dataset or None
    files : tuple of DataFile
    """

    train: Dataset
    validation: Dataset | None
    test: Dataset | None
    files: tuple[DataFile, ...]


def read_options(config: Config, **changes: Any) -> ReadOptions:
    """Return how the data files of a config are to be understood."""
    data = config.data
    options = ReadOptions(
        target=data.target,
        header=None if isinstance(data.header, str) else data.header,
        delimiter=None if data.delimiter == "auto" else data.delimiter,
    )
    return replace(options, **changes)


def data_files(config: Config) -> tuple[DataFile, ...]:
    """Return the identity of every data file that a config names."""
    data = config.data
    paths = [
        ("train", data.train),
        ("validation", data.validation),
        ("test", data.test),
    ]
    return tuple(
        identify(role, path, cache_folder(path, data.cache))
        for role, path in paths
        if isinstance(path, str)
    )


def load_splits(config: Config, say: Say = silent) -> Splits:
    """Read the data of a config and split them.

    The test rows are taken out first, then the validation rows, each by its own order.

    Parameters
    ----------
    config : Config
    say : callable, optional
        Takes a sentence for the user, about the cache.

    Raises
    ------
    DataError
        For a file that is missing or malformed, or a split that leaves no rows.
    """
    data = config.data
    files = data_files(config)
    table = load_table(data.train, data.format, read_options(config), data.cache, say)
    labels = _labels(table, data.train)
    _refuse_lost_header(config, table, labels)
    classes = find_classes(labels, data.train)
    y = encode_labels(labels, classes, data.train)
    X = settled(table.X, data.sparse, data.train, say)
    whole = Dataset(X, y, classes, table.feature_names, table.categories)
    train, test = _part(config, whole, data.test, TEST_STREAM, say)
    train, validation = _part(config, train, data.validation, VALIDATION_STREAM, say)
    if len(np.unique(train.y)) < len(classes):
        missing = classes[int(np.flatnonzero(train.counts() == 0)[0])]
        raise DataError(
            f"no row of class {shown(missing)} is left to train on; "
            "hold out fewer rows or set data.stratified: true",
            path=data.train,
        )
    return Splits(train, validation, test, files)


def _refuse_lost_header(config: Config, table: Table, labels: Any) -> None:
    """Raise when the first line of a table without a header looks like one after all."""
    if config.data.header != "auto" or table.feature_names is not None:
        return
    first = next(iter(labels))
    if isinstance(labels, CodedLabels):
        alone = int(labels.counts()[labels.codes[0]]) == 1
    else:
        alone = isinstance(labels, list) and labels.count(first) == 1
    if isinstance(first, str) and len(labels) > 2 and alone:
        raise DataError(
            f"the label of the first line, {shown(first)}, is that of no other: "
            "set data.header to true or false",
            path=config.data.train,
            line=1,
        )


def _labels(table: Table, path: str) -> Any:
    if table.labels is None:
        raise DataError("has no labels", path=path)
    return table.labels


def _part(
    config: Config, whole: Dataset, source: str | float | None, stream: int, say: Say
) -> tuple[Dataset, Dataset | None]:
    """Return the rows that stay, and those of a held-out file or fraction."""
    if isinstance(source, str):
        return whole, load_like(config, source, whole, say)
    if not source:
        return whole, None
    stay, held = split(
        whole.y,
        source,
        seed=config.data.seed,
        stream=stream,
        stratified=config.data.stratified,
    )
    return whole.rows(stay), whole.rows(held) if len(held) else None


def load_like(config: Config, path: str, like: Dataset, say: Say = silent) -> Dataset:
    """Read a file that must have the features and classes of another dataset."""
    options = read_options(config, n_features=like.n_features, feature_names=like.feature_names)
    table = load_table(path, config.data.format, options, config.data.cache, say)
    return Dataset(
        settled(table.X, config.data.sparse, path, say),
        encode_labels(_labels(table, path), like.classes, path),
        like.classes,
        like.feature_names,
        table.categories,
    )
