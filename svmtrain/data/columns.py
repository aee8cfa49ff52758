"""From the columns of a table to features: gaps are filled, texts become numbers.

What is needed for it (the texts of a column, what its gaps are filled with) is learned from the
training rows, and kept with the model.

One-hot: a column of text becomes one feature a text, 1 where the row has it and 0 elsewhere.
Ordinal: it becomes the place of the text among the sorted ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.data.dataset import GAP_MARKS, Dataset
from svmtrain.data.mapped import mapping_of
from svmtrain.data.sparse import Csr, Matrix
from svmtrain.errors import DataError, shown

Values = NDArray[np.float64]
Texts = Mapping[int, tuple[str, ...]]
KNOWN_SHOWN = 5
HELD_LIMIT = 256 << 20
"""Bytes of features of a mapped file that are held in memory all the same."""
LIKE_NUMBERS = 0.5

FILLS: dict[str, Callable[[Values], float] | None] = {
    "error": None,
    "drop": None,
    "mean": lambda values: float(values.mean()),
    "median": lambda values: float(np.median(values)),
    "most_frequent": lambda values: _commonest(values),
    "constant": None,
}
"""By data.missing, what a gap among numbers is filled with, from the values that are there."""

UNSEEN = ("error", "ignore")
CARD = {
    *("text", "max_categories", "unseen", "missing", "missing_value", "marks"),
    *("named", "columns"),
}
TEXTS = ("error", "onehot", "ordinal")


@dataclass(frozen=True)
class Rules:
    """How columns become features: see the section `data` of a config.

    Attributes
    ----------
    text : str
        One of `TEXTS`.
    max_categories : int
        Most texts that a one-hot column may have.
    unseen : str
        One of `UNSEEN`.
    missing : str
        A name in `FILLS`.
    missing_value : float
        For `constant`.
    marks : tuple of str
        What a gap looks like in a cell; see `ReadOptions`.
    """

    text: str = "error"
    max_categories: int = 100
    unseen: str = "error"
    missing: str = "error"
    missing_value: float = 0.0
    marks: tuple[str, ...] = GAP_MARKS


@dataclass(frozen=True)
class ColumnRule:
    """What becomes of a column.

    Attributes
    ----------
    name : str
        That of the column, or its number from 1.
    categories : tuple of str or None
        The texts that training rows have, sorted; None for a column of numbers.
    fill : float, str or None
        What a gap becomes; None where a gap is an error, or its row is left out.
    """

    name: str
    categories: tuple[str, ...] | None
    fill: float | str | None


@dataclass(frozen=True)
class Encoder:
    """Turns the columns of a table into features.

    Attributes
    ----------
    columns : tuple of ColumnRule
    rules : Rules
    named : bool
        Whether the columns have names of their own.
    """

    columns: tuple[ColumnRule, ...]
    rules: Rules
    named: bool

    @classmethod
    def fit(cls, train: Dataset, rules: Rules, path: str) -> Encoder:
        """Learn from training rows, whose matrix is as a reader delivers it.

        Raises
        ------
        DataError
            For a column that is all gaps, or has too many texts for one-hot.
        """
        names = train.feature_names or [str(at + 1) for at in range(train.n_features)]
        columns = []
        for at, present in _values_of_columns(train, path):
            name, texts = names[at], train.categories.get(at)
            if not len(present):
                raise DataError(
                    f"column {shown(name)} has no value in any training row; drop it (data.drop)",
                    path=path,
                )
            learn = _number_rule if texts is None else _text_rule
            columns.append(learn(name, present, texts or (), rules, path))
        return cls(tuple(columns), rules, train.feature_names is not None)

    @property
    def places(self) -> tuple[int, ...]:
        """Where the features of each column begin among all, and their number at the end."""
        widths = [self._width(column) for column in self.columns]
        return tuple(np.cumsum([0, *widths]).tolist())

    @property
    def n_features(self) -> int:
        """The number of features."""
        return self.places[-1]

    def _width(self, column: ColumnRule) -> int:
        one_hot = column.categories is not None and self.rules.text == "onehot"
        return len(column.categories or ()) if one_hot else 1

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """The names of the features, such as `age` and `work=private`; None without names."""
        if not self.named:
            return None
        names: list[str] = []
        for column in self.columns:
            if column.categories is not None and self.rules.text == "onehot":
                names += [f"{column.name}={text}" for text in column.categories]
            else:
                names.append(column.name)
        return tuple(names)

    @property
    def column_names(self) -> tuple[str, ...] | None:
        """The names of the columns, in order; None without names."""
        return tuple(column.name for column in self.columns) if self.named else None

    @property
    def vocabulary(self) -> dict[int, tuple[str, ...]]:
        """The texts of each text column, by its place, as `ReadOptions` takes them."""
        return {
            at: column.categories
            for at, column in enumerate(self.columns)
            if column.categories is not None
        }

    @property
    def drops(self) -> bool:
        """Whether a row with a gap is left out."""
        return self.rules.missing == "drop"

    def complete(self, X: Matrix) -> NDArray[np.bool_]:
        """Return which rows of X (n, n_columns) have no gap, (n,)."""
        whole: NDArray[np.bool_] = ~np.isnan(_dense(X, "")).any(axis=1)
        return whole

    def encode(self, X: Matrix, texts: Texts, path: str, before: int = 0) -> Values:
        """Return the features of some rows, (n, n_features).

        Parameters
        ----------
        X : Matrix (n, n_columns)
            As a reader delivers it: texts as numbers, gaps as NaN.
        texts : mapping of int to tuple of str
            What the numbers of the text columns stand for in X.
        path : str
            What errors call the file.
        before : int
            Rows of the file that came before these, for errors.

        Raises
        ------
        DataError
            For a gap that is not to be filled, or a text that no training row had.
        """
        dense = _dense(X, path)
        features = np.zeros((len(dense), self.n_features))
        for at, (column, begin) in enumerate(zip(self.columns, self.places, strict=False)):
            values = np.array(dense[:, at], dtype=np.float64)
            gaps = np.isnan(values)
            if gaps.any() and column.fill is None:
                row = before + int(np.argmax(gaps)) + 1
                raise DataError(
                    f"row {row} has a gap in column {shown(column.name)}, which data.missing: "
                    f"{self.rules.missing} does not fill",
                    path=path,
                )
            if column.categories is None:
                values[gaps] = column.fill
                features[:, begin] = values
                continue
            codes = self._codes(column, values, gaps, texts.get(at, ()), (path, before))
            if self.rules.text == "onehot":
                rows = np.flatnonzero(codes >= 0)
                features[rows, begin + codes[rows]] = 1.0
            else:
                features[:, begin] = codes
        return features

    def _codes(
        self,
        column: ColumnRule,
        values: Values,
        gaps: NDArray[np.bool_],
        texts: tuple[str, ...],
        where: tuple[str, int],
    ) -> NDArray[np.int64]:
        """Return the place of each row's text among the categories, -1 for one that is unseen."""
        known = {text: place for place, text in enumerate(column.categories or ())}
        filled = known.get(str(column.fill), -1)
        place = np.array([known.get(text, -1) for text in texts] + [filled], dtype=np.int64)
        numbers = np.where(gaps, len(texts), values).astype(np.int64)
        codes = place[numbers]
        unseen = (codes < 0) & ~gaps
        if unseen.any() and self.rules.unseen == "error":
            row = int(np.argmax(unseen))
            some = ", ".join(shown(text) for text in (column.categories or ())[:KNOWN_SHOWN])
            more = ", ..." if len(known) > KNOWN_SHOWN else ""
            path, before = where
            raise DataError(
                f"row {before + row + 1} has {shown(texts[numbers[row]])} in column "
                f"{shown(column.name)}, which no training row had; known are {some}{more} "
                "(data.unseen: ignore lets such rows pass)",
                path=path,
            )
        return codes

    def card(self) -> dict[str, Any]:
        """Return everything as plain values, as a model keeps it."""
        return {
            "text": self.rules.text,
            "max_categories": self.rules.max_categories,
            "unseen": self.rules.unseen,
            "missing": self.rules.missing,
            "missing_value": self.rules.missing_value,
            "marks": list(self.rules.marks),
            "named": self.named,
            "columns": [
                {
                    "name": column.name,
                    "categories": None if column.categories is None else list(column.categories),
                    "fill": column.fill,
                }
                for column in self.columns
            ],
        }

    @classmethod
    def from_card(cls, card: Mapping[str, Any]) -> Encoder:
        """Return the encoder that a card was made of; ValueError when it is not such a card."""
        if set(card) != CARD:
            raise ValueError("the fields of the encoder are not those expected")
        choices = (("text", TEXTS), ("unseen", UNSEEN), ("missing", tuple(FILLS)))
        for key, names in choices:
            if card[key] not in names:
                raise ValueError(f"the encoder has {key} {shown(card[key])}")
        limit, value = card["max_categories"], card["missing_value"]
        if type(limit) is not int or limit < 1 or type(value) is not float:
            raise ValueError("the encoder has a limit or a value that is none")
        if type(card["named"]) is not bool or not isinstance(card["columns"], list | tuple):
            raise ValueError("the encoder has no columns")
        marks = card["marks"]
        if not isinstance(marks, list) or any(type(mark) is not str for mark in marks):
            raise ValueError("the encoder has marks of gaps that are no texts")
        columns = tuple(_column_of(column) for column in card["columns"])
        if not columns:
            raise ValueError("the encoder has no columns")
        rules = Rules(card["text"], limit, card["unseen"], card["missing"], value, tuple(marks))
        return cls(columns, rules, card["named"])


def _column_of(card: Any) -> ColumnRule:
    """Return the rule of a column from its part of a card."""
    if not isinstance(card, dict) or set(card) != {"name", "categories", "fill"}:
        raise ValueError("a column of the encoder has other fields than expected")
    name, texts, fill = card["name"], card["categories"], card["fill"]
    if type(name) is not str:
        raise ValueError("a column of the encoder has no name")
    if texts is None:
        if fill is not None and type(fill) is not float:
            raise ValueError(f"column {shown(name)} is filled with {shown(fill)}")
        return ColumnRule(name, None, fill)
    if not isinstance(texts, list) or any(type(text) is not str for text in texts):
        raise ValueError(f"column {shown(name)} has texts that are none")
    if texts != sorted(set(texts)) or (fill is not None and fill not in texts):
        raise ValueError(f"column {shown(name)} has texts that do not agree")
    return ColumnRule(name, tuple(texts), fill)


def needs_encoder(data: Dataset, rules: Rules) -> bool:
    """Return whether the columns of some rows are not features as they are."""
    return bool(data.categories) or rules.missing != "error"


@dataclass(frozen=True)
class Featurizer:
    """Makes features of rows as a reader delivers them; see `Encoder.encode`."""

    encoder: Encoder
    texts: Texts
    path: str

    @property
    def n_features(self) -> int:
        """The number of features."""
        return self.encoder.n_features

    def __call__(self, X: Matrix) -> Values:
        """Return the features (n, n_features) of rows X (n, n_columns)."""
        return self.encoder.encode(X, self.texts, self.path)


def encoded(data: Dataset, encoder: Encoder, path: str, block: int = 4096) -> Dataset:
    """Return a dataset of features; rows with a gap are left out where the encoder drops them.

    Features of rows that are mapped from a file and would be large are made whenever they are
    looked at; others are held in memory. Every row is looked at once, so that what is wrong with
    one is told now.
    """
    part = data
    if encoder.drops:
        kept = [encoder.complete(rows) for rows in data.blocks(block)]
        part = data.rows(np.flatnonzero(np.concatenate(kept)))
    mapped = not isinstance(data.matrix, Csr) and mapping_of(data.matrix) is not None
    lazy = mapped and len(part) * encoder.n_features * 8 > HELD_LIMIT
    features = np.empty((0 if lazy else len(part), encoder.n_features))
    start = 0
    for X in part.blocks(block):
        made = encoder.encode(X, data.categories, path, start)
        if not lazy:
            features[start : start + len(X)] = made
        start += len(X)
    if lazy:
        maker = Featurizer(encoder, data.categories, path)
        return replace(part, feature_names=encoder.feature_names, categories={}, maker=maker)
    return Dataset(features, part.y, data.classes, encoder.feature_names)


def _values_of_columns(train: Dataset, path: str) -> Iterator[tuple[int, Values]]:
    """Yield (place, values that are no gaps) of each column; a few are gathered in each pass."""
    together = max(1, HELD_LIMIT // max(1, 8 * len(train)))
    for first in range(0, train.n_features, together):
        columns = slice(first, min(first + together, train.n_features))
        gathered = [np.asarray(_dense(X, path)[:, columns], float) for X in train.blocks()]
        for at, values in enumerate(np.concatenate(gathered).T, start=first):
            yield at, values[~np.isnan(values)]


def _dense(X: Matrix, path: str) -> NDArray[Any]:
    if isinstance(X, Csr):
        raise DataError("sparse rows have neither gaps nor columns of text", path=path)
    return X


def _number_rule(
    name: str, present: Values, texts: tuple[str, ...], rules: Rules, path: str
) -> ColumnRule:
    if rules.missing == "constant":
        return ColumnRule(name, None, rules.missing_value)
    fill = FILLS[rules.missing]
    return ColumnRule(name, None, None if fill is None else fill(present))


def _text_rule(
    name: str, present: Values, texts: tuple[str, ...], rules: Rules, path: str
) -> ColumnRule:
    """Return the rule of a column of text; a gap becomes its commonest text, if it is filled."""
    counts = np.bincount(present.astype(np.int64), minlength=len(texts))
    seen = {text: int(count) for text, count in zip(texts, counts, strict=True) if count}
    if rules.text == "onehot" and len(seen) > rules.max_categories:
        raise DataError(_too_many(name, seen, rules.max_categories), path=path)
    filled = rules.missing not in ("error", "drop")
    fill = max(sorted(seen), key=lambda text: seen[text]) if filled else None
    return ColumnRule(name, tuple(sorted(seen)), fill)


def _too_many(name: str, seen: Mapping[str, int], limit: int) -> str:
    """Return what is wrong with a column of too many texts, and what may be the reason."""
    problem = f"column {shown(name)} has {len(seen):,} texts; one-hot takes at most {limit:,}"
    numbers = sum(count for text, count in seen.items() if _is_number(text))
    if numbers > LIKE_NUMBERS * sum(seen.values()):
        odd = Counter({text: n for text, n in seen.items() if not _is_number(text)})
        marks = ", ".join(shown(text) for text, _ in odd.most_common(3))
        return f"{problem}, and most are numbers: is {marks} a gap (data.missing_marks)?"
    return f"{problem} (drop it, raise data.max_categories, or set data.text: ordinal)"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _commonest(values: Values) -> float:
    """Return the value that is there most often, the smallest of several."""
    found, counts = np.unique(values, return_counts=True)
    return float(found[np.argmax(counts)])
