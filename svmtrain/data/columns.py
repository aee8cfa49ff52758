"""From the columns of a table to features: gaps are filled, texts become numbers.

What is needed for it (the texts of a column, what its gaps are filled with) is learned from the
training rows, and kept with the model.

One-hot: a column of text becomes one feature a text, 1 where the row has it and 0 elsewhere.
Ordinal: it becomes the place of the text among the sorted ones. Where data.unseen is ignore, a
text that no training row had becomes zeros, or the place -1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.data.dataset import GAP_MARKS
from svmtrain.data.sparse import Csr, Matrix
from svmtrain.errors import DataError, shown

Values = NDArray[np.float64]
Index = NDArray[np.intp]
Texts = Mapping[int, tuple[str, ...]]
KNOWN_SHOWN = 5

MISSING = ("error", "drop", "mean", "median", "most_frequent", "constant")
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
        One of `MISSING`.
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
        whole: NDArray[np.bool_] = ~np.isnan(dense_columns(X, "")).any(axis=1)
        return whole

    def encode(self, X: Matrix, texts: Texts, path: str, at: int | Index = 0) -> Values:
        """Return the features of some rows, (n, n_features).

        Parameters
        ----------
        X : Matrix (n, n_columns)
            As a reader delivers it: texts as numbers, gaps as NaN.
        texts : mapping of int to tuple of str
            What the numbers of the text columns stand for in X.
        path : str
            What errors call the file.
        at : int or ndarray of intp (n,)
            Where in the file the first row stands, or each of them, from 0; for errors.

        Raises
        ------
        DataError
            For a gap that is not to be filled, or a text that no training row had.
        """
        dense = dense_columns(X, path)
        features = np.zeros((len(dense), self.n_features))
        for place, (column, begin) in enumerate(zip(self.columns, self.places, strict=False)):
            values = np.array(dense[:, place], dtype=np.float64)
            gaps = np.isnan(values)
            if gaps.any() and column.fill is None:
                raise DataError(
                    f"row {_number(at, gaps)} has a gap in column {shown(column.name)}, which "
                    f"data.missing: {self.rules.missing} does not fill",
                    path=path,
                )
            if column.categories is None:
                values[gaps] = column.fill
                features[:, begin] = values
                continue
            codes = self._codes(column, values, gaps, texts.get(place, ()), (path, at))
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
        where: tuple[str, int | Index],
    ) -> NDArray[np.int64]:
        """Return the place of each row's text among the categories, -1 for one that is unseen."""
        known = {text: place for place, text in enumerate(column.categories or ())}
        filled = known.get(str(column.fill), -1)
        place = np.array([known.get(text, -1) for text in texts] + [filled], dtype=np.int64)
        numbers = np.where(gaps, len(texts), values).astype(np.int64)
        codes = place[numbers]
        unseen = (codes < 0) & ~gaps
        if unseen.any() and self.rules.unseen == "error":
            some = ", ".join(shown(text) for text in (column.categories or ())[:KNOWN_SHOWN])
            more = ", ..." if len(known) > KNOWN_SHOWN else ""
            text = texts[numbers[np.argmax(unseen)]]
            path, at = where
            raise DataError(
                f"row {_number(at, unseen)} has {shown(text)} in column "
                f"{shown(column.name)}, which no training row had; known are {some}{more} "
                "(a model trained with data.unseen: ignore lets such rows pass)",
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
        choices = (("text", TEXTS), ("unseen", UNSEEN), ("missing", MISSING))
        for key, names in choices:
            if card[key] not in names:
                raise ValueError(f"the encoder has {key} {shown(card[key])}")
        limit, value = card["max_categories"], card["missing_value"]
        if type(limit) is not int or limit < 1 or not _is_finite(value):
            raise ValueError("the encoder has a limit or a value that is none")
        if type(card["named"]) is not bool or not isinstance(card["columns"], list | tuple):
            raise ValueError("the encoder has no columns")
        marks = card["marks"]
        if not isinstance(marks, list) or any(type(mark) is not str for mark in marks):
            raise ValueError("the encoder has marks of gaps that are no texts")
        columns = tuple(_column_of(column) for column in card["columns"])
        if len({column.name for column in columns}) != len(columns) or not columns:
            raise ValueError("the encoder has no columns, or two of one name")
        if card["text"] == "error" and any(column.categories for column in columns):
            raise ValueError("the encoder has a column of text, and text is an error")
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
        if fill is not None and not _is_finite(fill):
            raise ValueError(f"column {shown(name)} is filled with {shown(fill)}")
        return ColumnRule(name, None, fill)
    if not isinstance(texts, list) or not texts or any(type(text) is not str for text in texts):
        raise ValueError(f"column {shown(name)} has texts that are none")
    if texts != sorted(set(texts)) or (fill is not None and fill not in texts):
        raise ValueError(f"column {shown(name)} has texts that do not agree")
    return ColumnRule(name, tuple(texts), fill)


def _is_finite(value: object) -> bool:
    return isinstance(value, float) and isfinite(value)


def _number(at: int | Index, bad: NDArray[np.bool_]) -> int:
    """Return the number, from 1, of the first bad row; see `Encoder.encode`."""
    first = int(np.argmax(bad))
    return (at + first if isinstance(at, int) else int(at[first])) + 1


def dense_columns(X: Matrix, path: str) -> NDArray[Any]:
    """Return rows of a table, (n, n_columns), which are dense; `DataError` when they are not."""
    if isinstance(X, Csr):
        raise DataError("sparse rows have neither gaps nor columns of text", path=path)
    return X
