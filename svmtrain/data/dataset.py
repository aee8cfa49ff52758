"""What data are to the rest of svmtrain: a table as read, and a dataset with encoded classes."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from svmtrain.data.mapped import Reading
from svmtrain.data.sparse import Csr, Matrix, stacked
from svmtrain.errors import DataError, shown

Label = int | str

Column = str | int
"""A column of a table: its name, or its position from 0 (negative from the end)."""

INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}", re.ASCII)
GAP_MARKS = ("", "?", "NA", "N/A", "n/a", "nan", "NaN", "null", "NULL")
BLOCK_ROWS = 4096


@dataclass(frozen=True, eq=False)
class CodedLabels:
    """The labels of many rows, each text or number kept once.

    Attributes
    ----------
    codes : ndarray of int32 (n_samples,)
        Index into `names`, perhaps mapped from a file.
    names : tuple of str, or of int
        As a reader delivers them; some may have no rows here.
    """

    codes: NDArray[np.int32]
    names: tuple[Label, ...]

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: slice) -> CodedLabels:
        """Return the labels of some rows, not copied when they are consecutive."""
        return CodedLabels(self.codes[rows], self.names)

    def __iter__(self) -> Iterator[Label]:
        return map(self.names.__getitem__, self.codes)

    def counts(self) -> NDArray[np.int64]:
        """Return the number of rows of each name, (n_names,)."""
        return np.bincount(self.codes, minlength=len(self.names)).astype(np.int64)


Labels = Sequence[str] | NDArray[np.int64] | CodedLabels


@dataclass(frozen=True)
class ReadOptions:
    """How a reader is to understand a file.

    Attributes
    ----------
    target : str, int or None
        The label column of a table: its name, or its index from 0 (negative from the end).
        None takes the only column called label, target, class or y.
    header : bool or None
        Whether the first line names the columns; None finds out.
    delimiter : str or None
        One character; None finds out.
    labels_required : bool
        False when predicting: a label column may be missing, and is ignored when present.
    n_features : int or None
        The width that a model expects; None takes the width of the file.
    feature_names : tuple of str or None
        The columns that a model expects, in its order; a table with a header is put in that
        order, and a missing or an extra column is an error.
    labels : str or None
        The file of the labels, for formats that keep them apart (idx, npy); None looks for it
        by the name of the file of the features.
    keep, drop : tuple of Column
        The columns that are features (empty: all), and those that are none; the target is
        neither. Where `feature_names` are expected, those to be dropped need not be there.
    text : bool
        Whether a column may hold text. A column whose first cell that is no gap is not a
        number then is one of text, and all its cells are; without it, text is an error.
    text_columns : tuple of Column
        Columns that hold text whatever they look like.
    gaps : bool
        Whether a cell may be a gap; without it, a gap is an error.
    gap_marks : tuple of str
        What a gap looks like.
    vocabulary : mapping of int to tuple of str
        The texts of each text column, by its place among the features, that are numbered
        already; others are numbered after them.
    on_fault : callable or None
        Takes the error about a row or line of a text file, which is then left out; without it,
        the error is raised.
    """

    target: Column | None = None
    header: bool | None = None
    delimiter: str | None = None
    labels_required: bool = True
    n_features: int | None = None
    feature_names: tuple[str, ...] | None = None
    labels: str | None = None
    keep: tuple[Column, ...] = ()
    drop: tuple[Column, ...] = ()
    text: bool = False
    text_columns: tuple[Column, ...] = ()
    gaps: bool = False
    gap_marks: tuple[str, ...] = GAP_MARKS
    vocabulary: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    on_fault: Callable[[DataError], None] | None = None


@dataclass(frozen=True)
class Table:
    """Rows as a reader delivers them.

    Attributes
    ----------
    X : ndarray of a real dtype, shape (n_samples, n_features), C-contiguous, or Csr
        All finite, but for the gaps of a table that may have some, which are NaN.
    labels : list of str, ndarray of int64 (n_samples,), CodedLabels, or None
        None when the file has none.
    feature_names : tuple of str or None
    categories : mapping of int to tuple of str
        The text columns, by their place: X holds the number of each text in the tuple. In a
        table that is one of several chunks, the tuple grows from chunk to chunk.
    """

    X: Matrix
    labels: Labels | None
    feature_names: tuple[str, ...] | None = None
    categories: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


def joined(tables: Sequence[Table]) -> Table:
    """Return the rows of several tables of one file, in order, as one table.

    The texts of the text columns are numbered as in the last, which knows them all.
    """
    labels = _joined_labels([table.labels for table in tables if table.labels is not None])
    last = tables[-1]
    X = stacked([table.X for table in tables])
    return Table(X, labels, last.feature_names, last.categories)


def _joined_labels(parts: Sequence[Labels]) -> Labels | None:
    """Return the labels of several tables; coded or whole numbers when all of them are."""
    arrays = [part for part in parts if isinstance(part, np.ndarray)]
    coded = [part for part in parts if isinstance(part, CodedLabels)]
    if not parts:
        return None
    if len(arrays) == len(parts):
        return np.concatenate(arrays)
    if len(coded) == len(parts):
        place = {name: code for code, name in enumerate(_union(part.names for part in coded))}
        moved = [np.array([place[name] for name in part.names], np.int32) for part in coded]
        codes = [table[part.codes] for table, part in zip(moved, coded, strict=True)]
        return CodedLabels(np.concatenate(codes), tuple(place))
    return [str(label) for part in parts for label in part]


def _union(groups: Iterable[Iterable[Label]]) -> list[Label]:
    """Return each name of several groups once, by first appearance."""
    return list(dict.fromkeys(chain.from_iterable(groups)))


class Maker(Protocol):
    """Makes features of rows as they are stored."""

    @property
    def n_features(self) -> int:
        """The number of features."""

    def __call__(self, X: Matrix) -> NDArray[Any]:
        """Return the features (n, n_features) of rows X (n, any)."""


@dataclass(frozen=True)
class Dataset:
    """Rows with their classes as numbers: those of a matrix, or some of them.

    Attributes
    ----------
    matrix : ndarray of a real dtype (any, n_features), C-contiguous, or Csr
        Holds the rows, perhaps among others, in memory or mapped from a file.
    y : ndarray of int64 (n_samples,)
        Index into `classes`.
    classes : tuple of int or of str, sorted
    feature_names : tuple of str or None
    categories : mapping of int to tuple of str
        See `Table`.
    at : ndarray of intp (n_samples,) or None
        Where in the matrix the rows stand, ascending; None when they are all of it.
    maker : Maker or None
        Makes features of the rows of the matrix whenever they are looked at; None when they are
        features.
    origin : ndarray of intp (n_samples,) or None
        Where in the file the rows stood, when the matrix was made of some of them; see `places`.
    """

    matrix: Matrix
    y: NDArray[np.int64]
    classes: tuple[Label, ...]
    feature_names: tuple[str, ...] | None = None
    categories: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    at: NDArray[np.intp] | None = None
    maker: Maker | None = None
    origin: NDArray[np.intp] | None = None

    def __len__(self) -> int:
        return len(self.y)

    @property
    def n_features(self) -> int:
        """The number of features."""
        return int(self.matrix.shape[1]) if self.maker is None else self.maker.n_features

    @property
    def sparse(self) -> bool:
        """Whether the matrix is a Csr."""
        return isinstance(self.matrix, Csr)

    @property
    def places(self) -> NDArray[np.intp]:
        """Where in the file, from 0, the rows stand, (n_samples,)."""
        known = self.at if self.origin is None else self.origin
        return np.arange(len(self)) if known is None else known

    @property
    def X(self) -> Matrix:
        """All rows, copied when they are a part of the matrix: not for data of any size."""
        return self._made(self.matrix if self.at is None else self.matrix[self.at])

    def take(self, rows: NDArray[np.intp]) -> Matrix:
        """Return the rows at some places of this dataset, copied."""
        return self._made(self.matrix[rows if self.at is None else self.at[rows]])

    def part(self, start: int, stop: int) -> Matrix:
        """Return consecutive rows, not copied when they stand together in the matrix."""
        if self.at is None:
            return self._made(self.matrix[start:stop])
        at = self.at[start:stop]
        if len(at) and int(at[-1]) - int(at[0]) + 1 == len(at):
            return self._made(self.matrix[int(at[0]) : int(at[-1]) + 1])
        return self._made(self.matrix[at])

    def _made(self, rows: Matrix) -> Matrix:
        return rows if self.maker is None else self.maker(rows)

    def blocks(self, size: int = BLOCK_ROWS) -> Iterator[Matrix]:
        """Yield all rows in order, `size` at a time."""
        reading = Reading(self.matrix)
        for start in range(0, len(self), size):
            stop = min(start + size, len(self))
            yield self.part(start, stop)
            span = stop - start if self.at is None else int(self.at[stop - 1] - self.at[start]) + 1
            reading.saw(stop - start, span)

    def rows(self, index: NDArray[np.intp]) -> Dataset:
        """Return the dataset of the rows at `index`, ascending; nothing but labels is copied."""
        at = index if self.at is None else self.at[index]
        origin = None if self.origin is None else self.origin[index]
        return replace(self, y=self.y[index], at=at, origin=origin)

    def counts(self) -> NDArray[np.int64]:
        """Return the number of rows of each class, (n_classes,)."""
        return np.bincount(self.y, minlength=len(self.classes)).astype(np.int64)


def find_classes(labels: Labels, path: str) -> tuple[Label, ...]:
    """Return the sorted classes of some labels.

    Text labels become integers when every one of them is written as a plain integer (`-1`, `7`,
    not `+1` or `07`), so that each label can be printed again as it was.

    Raises
    ------
    DataError
        When there is only one class.
    """
    names = in_order(_distinct(labels))
    classes = tuple(map(int, names)) if all(map(_is_plain, names)) else tuple(names)
    unprintable = [c for c in classes if isinstance(c, str) and not c.isprintable()]
    if unprintable:
        raise DataError(
            f"the label {shown(unprintable[0])} has a control character in it", path=path
        )
    if len(classes) < 2:
        raise DataError(
            f"every row has the label {shown(classes[0])}; expected at least two classes",
            path=path,
        )
    return classes


def _distinct(labels: Labels) -> Collection[Label]:
    """Return the different labels among some, in any order."""
    if isinstance(labels, np.ndarray):
        return [int(label) for label in np.unique(labels)]
    if isinstance(labels, CodedLabels):
        return [labels.names[code] for code in np.flatnonzero(labels.counts())]
    return set(labels)


def in_order(names: Collection[Label]) -> list[Label]:
    """Return different labels, as they are, in the order of the classes that they stand for."""
    return sorted(names, key=int) if all(map(_is_plain, names)) else sorted(names, key=str)


def _is_plain(name: Label) -> bool:
    return not isinstance(name, str) or INTEGER.fullmatch(name) is not None


def encode_labels(
    labels: Labels, classes: tuple[Label, ...], path: str, before: int = 0
) -> NDArray[np.int64]:
    """Return the index in `classes` of each label, (n_samples,) int64.

    Raises
    ------
    DataError
        When a label is not among the classes; the message names the row, counted from 1 after
        the `before` rows that came before these.
    """
    names = labels.names if isinstance(labels, CodedLabels) else labels
    found = _as_classes(names.tolist() if isinstance(names, np.ndarray) else names, classes)
    index = {label: number for number, label in enumerate(classes)}
    codes = np.array([index.get(label, -1) for label in found], dtype=np.int64)
    if isinstance(labels, CodedLabels):
        codes = codes[labels.codes]
    if codes.min(initial=0) < 0:
        row = int(np.argmin(codes))
        label = found[int(labels.codes[row])] if isinstance(labels, CodedLabels) else found[row]
        raise DataError(
            f"row {before + row + 1} has the label {shown(label)}, which is none of the "
            f"{len(classes)} classes of the model ({_some(classes)})",
            path=path,
        )
    return codes


def _as_classes(names: Sequence[Label], classes: tuple[Label, ...]) -> list[Label]:
    """Return labels as text, or plain integers as numbers, whichever the classes are."""
    if isinstance(classes[0], str):
        return [str(name) for name in names]
    return [
        int(name) if isinstance(name, str) and INTEGER.fullmatch(name) else name for name in names
    ]


def _some(classes: tuple[Label, ...], limit: int = 6) -> str:
    names = [shown(label) for label in classes[:limit]]
    return ", ".join(names + (["..."] if len(classes) > limit else []))
