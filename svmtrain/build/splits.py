"""From a config to the rows of a run: files read, labels encoded, rows held out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from svmtrain.build.place import HERE, Place
from svmtrain.build.reading import FILES_HERE, Files
from svmtrain.build.too_few import refuse_lost_class, refuse_more_folds
from svmtrain.config import Config
from svmtrain.config.texts import fold_of
from svmtrain.data.cache import Say, silent
from svmtrain.data.columns import Encoder, Rules
from svmtrain.data.dataset import (
    Column,
    Dataset,
    Label,
)
from svmtrain.data.density import compressed
from svmtrain.data.features import encoded, fit_encoder, needs_encoder
from svmtrain.data.fingerprint import DataFile
from svmtrain.data.readers import (
    Paths,
    title,
)
from svmtrain.data.splits import TEST_STREAM, VALIDATION_STREAM, Index, fold, share, split
from svmtrain.errors import DataError


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
    place : Place
        Where they are computed with.
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
    place: Place = HERE

    @property
    def n_columns(self) -> int:
        """The number of columns that the features were made of."""
        return self.train.n_features if self.encoder is None else len(self.encoder.columns)


def load_splits(config: Config, say: Say = silent, read: Files = FILES_HERE) -> Splits:
    """Read the data of a config and split them.

    The test rows are taken out first, then the fold that takes their place, where one is asked
    for, then the validation rows, each by its own order. What is left, or a share of it, is
    trained on.

    Parameters
    ----------
    config : Config
    say : callable, optional
        Takes a note for the user.
    read : Files, optional
        What reads the files, if not this process.

    Raises
    ------
    DataError
        For a file that is missing or malformed, or a split that leaves no rows.
    """
    data = config.data
    files, name = read.identify(config), title(data.train)
    whole = read.whole(config, say)
    config = read.lasting(config)
    held = ("test", data.test, data.test_labels, TEST_STREAM)
    train, test = _part(config, whole, *held, say, read)
    if data.fold is not None:
        train, test = _fold(config, train, name)
    held = ("validation", data.validation, data.validation_labels, VALIDATION_STREAM)
    train, validation = _part(config, train, *held, say, read)
    if data.train_share < 1:
        train = train.rows(_share(config, train))
    raw = Splits(
        *(train, validation, test, files),
        target=read.target(config),
        keep=config.data.keep,
        drop=config.data.drop,
        place=read.place(config, train),
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
    read = FILES_HERE
    whole, lasts = read.whole(config, silent), read.lasting(config)
    held = ("test", data.test, data.test_labels, TEST_STREAM)
    rows, _ = _part(lasts, whole, *held, silent, read)
    refuse_more_folds(rows, folds, title(data.train))
    return dict(zip(rows.classes, rows.counts().tolist(), strict=True))


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


def _part(
    config: Config,
    whole: Dataset,
    role: str,
    source: Paths | float | None,
    labels: Paths | None,
    stream: int,
    say: Say,
    read: Files,
) -> tuple[Dataset, Dataset | None]:
    """Return the rows that stay, and those of held-out files or of a fraction."""
    if not source:
        return whole, None
    if not isinstance(source, float):
        return whole, read.like(config, role, source, labels, whole, say)
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
