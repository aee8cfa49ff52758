"""From a config to the rows of a run: files read, labels encoded, rows held out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from svmtrain.build.too_few import refuse_lost_class, refuse_more_folds
from svmtrain.config import Config
from svmtrain.config.texts import fold_of
from svmtrain.data.cache import Say, cache_folder, load_table, silent
from svmtrain.data.columns import Encoder, Rules
from svmtrain.data.dataset import (
    CodedLabels,
    Column,
    Dataset,
    Label,
    ReadOptions,
    Table,
    encode_labels,
    find_classes,
)
from svmtrain.data.density import compressed, settled
from svmtrain.data.features import encoded, fit_encoder, needs_encoder
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
from svmtrain.data.splits import TEST_STREAM, VALIDATION_STREAM, Index, fold, share, split
from svmtrain.data.store import describe, is_store
from svmtrain.errors import ConfigError, DataError, shown


@dataclass(frozen=True)
class Splits:
    """The rows of a run, as read: not scaled.

    Attributes
    ----------
    train : Dataset
    validation, test : Dataset or None
    files : tuple of DataFile
    encoder : Encoder or None
        What made these features of the columns of a table; None when they are the columns.
    target : Column or None
        The label column, as the config says or, of a store, as the store does.
    left_out : mapping of str to int
        The rows of train, validation and test that are not among these, since they have gaps.
    keep, drop : tuple of Column
        The columns that were and were not features, by names that other files have too; without
        names, all that were no features are in `drop`, by their places from 0.
    """

    train: Dataset
    validation: Dataset | None
    test: Dataset | None
    files: tuple[DataFile, ...]
    encoder: Encoder | None = None
    target: Column | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)
    keep: tuple[Column, ...] = ()
    drop: tuple[Column, ...] = ()

    @property
    def n_columns(self) -> int:
        """The number of columns that the features were made of."""
        return self.train.n_features if self.encoder is None else len(self.encoder.columns)


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
    named = (
        ("train", data.train, data.labels),
        ("validation", data.validation, data.validation_labels),
        ("test", data.test, data.test_labels),
    )
    found, records = [], partial(cache_folder, mode=data.cache)
    for role, paths, labels in named:
        if paths is None or isinstance(paths, float):
            if labels is not None:
                problem = f"data.{role}_labels is given, but data.{role} names no file"
                raise ConfigError(problem)
            continue
        files = data_paths(paths, labels)
        found.append(identify(role, [file.path for file in files], records))
        beside = [file.labels or labels_path(file.path, data.format) for file in files]
        if known := [path for path in beside if path is not None]:
            found.append(identify(f"{role} labels", known, records))
    return tuple(found)


def load_splits(config: Config, say: Say = silent) -> Splits:
    """Read the data of a config and split them.

    The test rows are taken out first, then the fold that takes their place, where one is asked
    for, then the validation rows, each by its own order. What is left, or a share of it, is
    trained on.

    Parameters
    ----------
    config : Config
    say : callable, optional
        Takes a note for the user.

    Raises
    ------
    DataError
        For a file that is missing or malformed, or a split that leaves no rows.
    """
    data = config.data
    files, name = data_files(config), title(data.train)
    whole = _whole(config, say)
    config = _lasting(config)
    held = (data.test, data.test_labels, TEST_STREAM)
    train, test = _part(config, whole, *held, say)
    if data.fold is not None:
        train, test = _fold(config, train, name)
    held = (data.validation, data.validation_labels, VALIDATION_STREAM)
    train, validation = _part(config, train, *held, say)
    if data.train_share < 1:
        train = train.rows(_share(config, train))
    raw = Splits(
        *(train, validation, test, files),
        target=_target(data.target, data_paths(data.train)[0].path),
        keep=config.data.keep,
        drop=config.data.drop,
    )
    found = _encoded(config, raw, say)
    refuse_lost_class(config, whole, found.train, "train" in found.left_out, name)
    return found


def counts_to_deal(config: Config, folds: int) -> dict[Label, int]:
    """Return how many rows of each class so many folds are dealt from: those not in data.test.

    Raises
    ------
    DataError
        When there are fewer rows than folds, or for a file that is missing or malformed.
    """
    data = config.data
    whole = _whole(config, silent)
    rows, _ = _part(_lasting(config), whole, data.test, data.test_labels, TEST_STREAM, silent)
    refuse_more_folds(rows, folds, title(data.train))
    return dict(zip(rows.classes, rows.counts().tolist(), strict=True))


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


def _lasting(config: Config) -> Config:
    """Return a config with the columns to keep and drop as they are found in other files.

    Places are those of the training file: other files may have the columns in another order, or
    lack the labels. A store has its labels apart, so that its places last.
    """
    data, first = config.data, data_paths(config.data.train)[0].path
    if all(isinstance(column, str) for column in (*data.keep, *data.drop)):
        return config
    names, width = columns_of(first, data.format, read_options(config))
    if names is not None:
        keep, drop = (
            tuple(column if isinstance(column, str) else names[column] for column in columns)
            for columns in (data.keep, data.drop)
        )
        return replace(config, data=replace(data, keep=keep, drop=drop))
    if not isinstance(data.target, int) or READERS[format_of(first, data.format)].folder:
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


def _encoded(config: Config, splits: Splits, say: Say) -> Splits:
    """Return the rows with features in place of columns, learned from the training rows."""
    data, train = config.data, splits.train
    rules = Rules(
        text=data.text,
        max_categories=data.max_categories,
        unseen=data.unseen,
        missing=data.missing,
        missing_value=data.missing_value,
        marks=data.missing_marks,
    )
    if not needs_encoder(train, rules):
        return splits
    encoder = fit_encoder(train, rules, title(data.train))
    parts = {"train": train, "validation": splits.validation, "test": splits.test}
    sources = {"train": data.train, "validation": data.validation, "test": data.test}
    found: dict[str, Dataset] = {}
    left_out: dict[str, int] = {}
    for role, part in parts.items():
        if part is None:
            continue
        source = sources[role]
        name = title(data.train if source is None or isinstance(source, float) else source)
        found[role] = encoded(part, encoder, name)
        if len(found[role]) < len(part):
            lost = left_out[role] = len(part) - len(found[role])
            say(f"{lost:,} of {len(part):,} {role} rows have gaps and are left out")
        if not len(found[role]):
            raise DataError(
                f"every {role} row has a gap (set data.missing to fill them)", path=name
            )
        if data.sparse is True:
            found[role] = replace(found[role], matrix=compressed(found[role].X), maker=None)
    return replace(
        splits,
        train=found["train"],
        validation=found.get("validation"),
        test=found.get("test"),
        encoder=encoder,
        left_out=left_out,
    )


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


def _labels(table: Table, path: str) -> Any:
    if table.labels is None:
        raise DataError("has no labels", path=path)
    return table.labels


def _part(
    config: Config,
    whole: Dataset,
    source: Paths | float | None,
    labels: Paths | None,
    stream: int,
    say: Say,
) -> tuple[Dataset, Dataset | None]:
    """Return the rows that stay, and those of held-out files or of a fraction."""
    if not source:
        return whole, None
    if not isinstance(source, float):
        return whole, load_like(config, source, whole, labels, say)
    stay, held = split(
        whole.y,
        source,
        seed=config.data.seed,
        stream=stream,
        stratified=config.data.stratified,
    )
    return whole.rows(stay), whole.rows(held) if len(held) else None


def _fold(config: Config, whole: Dataset, name: str) -> tuple[Dataset, Dataset]:
    """Return the rows that stay, and those of the fold that a config asks for."""
    data = config.data
    which, count = fold_of(str(data.fold))
    refuse_more_folds(whole, count, name)
    stay, held = fold(
        *(whole.y, which, count),
        seed=data.seed,
        repeat=data.repeat,
        stratified=data.stratified,
    )
    return whole.rows(stay), whole.rows(held)


def _share(config: Config, train: Dataset) -> Index:
    """Return the numbers of the training rows that a config wants to be trained on."""
    data = config.data
    return share(
        *(train.y, data.train_share),
        seed=data.seed,
        repeat=data.repeat,
        stratified=data.stratified,
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
