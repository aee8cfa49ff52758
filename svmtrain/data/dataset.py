"""What data are to the rest of svmtrain: a table as read, and a dataset with encoded classes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from svmtrain.errors import DataError, shown

Label = int | str
Labels = Sequence[str] | NDArray[np.int64]

INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}", re.ASCII)


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
    """

    target: str | int | None = None
    header: bool | None = None
    delimiter: str | None = None
    labels_required: bool = True
    n_features: int | None = None
    feature_names: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Table:
    """Rows as a reader delivers them.

    Attributes
    ----------
    X : ndarray of float64, shape (n_samples, n_features), C-contiguous, all finite
    labels : list of str, ndarray of int64 shape (n_samples,), or None when the file has none
    feature_names : tuple of str or None
    """

    X: NDArray[np.float64]
    labels: Labels | None
    feature_names: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Dataset:
    """Rows with their classes as numbers.

    Attributes
    ----------
    X : ndarray (n_samples, n_features), float64 or float32, C-contiguous
    y : ndarray of int64 (n_samples,)
        Index into `classes`.
    classes : tuple of int or of str, sorted
    feature_names : tuple of str or None
    """

    X: NDArray[np.floating]
    y: NDArray[np.int64]
    classes: tuple[Label, ...]
    feature_names: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.y)

    def rows(self, index: NDArray[np.intp]) -> Dataset:
        """Return the dataset of the rows at `index`, copied."""
        return replace(self, X=self.X[index], y=self.y[index])

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
    classes: tuple[Label, ...]
    if isinstance(labels, np.ndarray):
        classes = tuple(int(label) for label in np.unique(labels))
    else:
        names = sorted(set(labels))
        plain = all(INTEGER.fullmatch(name) for name in names)
        classes = tuple(sorted(int(name) for name in names)) if plain else tuple(names)
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
    index: dict[Label, int] = {label: number for number, label in enumerate(classes)}
    if isinstance(labels, np.ndarray):
        found: list[Label] = labels.tolist()
        if isinstance(classes[0], str):
            found = [str(label) for label in found]
    elif isinstance(classes[0], int):
        found = [int(name) if INTEGER.fullmatch(name) else name for name in labels]
    else:
        found = list(labels)
    codes = [index.get(label, -1) for label in found]
    if -1 in codes:
        row = codes.index(-1)
        raise DataError(
            f"row {before + row + 1} has the label {shown(found[row])}, which is none of the "
            f"{len(classes)} classes of the model ({_some(classes)})",
            path=path,
        )
    return np.array(codes, dtype=np.int64)


def _some(classes: tuple[Label, ...], limit: int = 6) -> str:
    names = [shown(label) for label in classes[:limit]]
    return ", ".join(names + (["..."] if len(classes) > limit else []))
