"""Learn from the training rows how columns become features, and make the features of rows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import isfinite

import numpy as np

from svmtrain.data.columns import ColumnRule, Encoder, Rules, Texts, Values, dense_columns
from svmtrain.data.dataset import Dataset
from svmtrain.data.mapped import mapping_of
from svmtrain.data.sparse import Csr, Matrix
from svmtrain.errors import DataError, shown

LIKE_NUMBERS = 0.5
"""A column of text of which more cells than this share are numbers is asked about."""
CARD_LIMIT = 8 << 20
"""Characters that an encoder takes in the header of a model, which holds no more than 16 MiB."""
HELD_LIMIT = 256 << 20
"""Bytes of features of a mapped file that are held in memory all the same."""

FILLS: dict[str, Callable[[Values], float] | None] = {
    "error": None,
    "drop": None,
    "mean": lambda values: float(values.mean()),
    "median": lambda values: float(np.median(values)),
    "most_frequent": lambda values: _commonest(values),
    "constant": None,
}
"""By data.missing, what a gap among numbers is filled with, from the values that are there."""


def needs_encoder(data: Dataset, rules: Rules) -> bool:
    """Return whether the columns of some rows are not features as they are."""
    return bool(data.categories) or rules.missing != "error"


def fit_encoder(train: Dataset, rules: Rules, path: str) -> Encoder:
    """Learn from training rows, whose matrix is as a reader delivers it.

    Raises
    ------
    DataError
        For a column that is all gaps, has too many texts for one-hot or numbers too large to be
        averaged, and for more texts than a model can keep.
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
    encoder = Encoder(tuple(columns), rules, train.feature_names is not None)
    _refuse_much(encoder, path)
    return encoder


def _refuse_much(encoder: Encoder, path: str) -> None:
    """Raise when the texts are too much to be kept in a model."""
    kept = len(json.dumps([encoder.card(), encoder.feature_names], indent=1))
    if kept > CARD_LIMIT:
        most = max(encoder.columns, key=lambda column: len(column.categories or ()))
        raise DataError(
            f"the texts of its columns take {kept:,} characters in a model, which holds at most "
            f"{CARD_LIMIT:,}; drop column {shown(most.name)} (data.drop), which has "
            f"{len(most.categories or ()):,} texts",
            path=path,
        )


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
        at = start if part.at is None else part.at[start : start + len(X)]
        made = encoder.encode(X, data.categories, path, at)
        if not lazy:
            features[start : start + len(X)] = made
        start += len(X)
    if lazy:
        maker = Featurizer(encoder, data.categories, path)
        return replace(part, feature_names=encoder.feature_names, categories={}, maker=maker)
    return Dataset(features, part.y, data.classes, encoder.feature_names, origin=part.places)


def _values_of_columns(train: Dataset, path: str) -> Iterator[tuple[int, Values]]:
    """Yield (place, values that are no gaps) of each column; a few are gathered in each pass."""
    together = max(1, HELD_LIMIT // max(1, 8 * len(train)))
    for first in range(0, train.n_features, together):
        columns = slice(first, min(first + together, train.n_features))
        gathered = [np.asarray(dense_columns(X, path)[:, columns], float) for X in train.blocks()]
        for at, values in enumerate(np.concatenate(gathered).T, start=first):
            yield at, values[~np.isnan(values)]


def _number_rule(
    name: str, present: Values, texts: tuple[str, ...], rules: Rules, path: str
) -> ColumnRule:
    if rules.missing == "constant":
        return ColumnRule(name, None, rules.missing_value)
    find = FILLS[rules.missing]
    if find is None:
        return ColumnRule(name, None, None)
    with np.errstate(over="ignore", invalid="ignore"):
        fill = find(present)
    if not isfinite(fill):
        problem = f"the {rules.missing} of column {shown(name)} is beyond the floats"
        raise DataError(f"{problem} (set data.missing: most_frequent or constant)", path=path)
    return ColumnRule(name, None, fill)


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
    odd = Counter({text: n for text, n in seen.items() if not _is_number(text)})
    share = 1 - sum(odd.values()) / sum(seen.values())
    if odd and share > LIKE_NUMBERS:
        marks = ", ".join(shown(text) for text, _ in odd.most_common(3))
        problem = f"{problem}, and {share:.0%} of its cells are numbers"
        return f"{problem}: is {marks} a gap (data.missing_marks)?"
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
