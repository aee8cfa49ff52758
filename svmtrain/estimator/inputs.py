"""Rows and labels as programs hand them over: checked, and refused as scikit-learn would.

Anything that numpy makes a table of numbers, DataFrames among it, and sparse matrices of scipy.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.data.density import settled
from svmtrain.data.sparse import Csr, Matrix
from svmtrain.errors import DataError, shown
from svmtrain.estimator.conventions import own_or_sklearn

NAMES_SHOWN = 5


def rows_of(X: Any) -> Matrix:
    """Return rows (n, n_features) in float64, dense and C-contiguous, or sparse.

    Raises
    ------
    ValueError
        When they are no table of finite real numbers, or an empty one.
    TypeError
        When a cell is neither a number nor a text.
    """
    rows = _sparse(X) if hasattr(X, "tocsr") else _dense(X)
    for count, what in zip(rows.shape, ("sample(s)", "feature(s)"), strict=True):
        if count < 1:
            raise ValueError(
                f"Found array with 0 {what} (shape={tuple(rows.shape)}) while a minimum of 1 is "
                "required."
            )
    values = rows.data if isinstance(rows, Csr) else rows
    if not np.isfinite(values).all():
        found = "NaN" if np.isnan(values).any() else "infinity or a value too large for float64"
        raise ValueError(f"Input X contains {found}.")
    try:
        return settled(rows, "auto", "X", lambda text: None)
    except DataError as error:
        raise ValueError(error.problem) from None


def _dense(X: Any) -> NDArray[np.float64]:
    array = np.asarray(X)
    if array.dtype.kind == "c":
        raise ValueError("Complex data not supported: X holds complex numbers")
    if array.ndim != 2:
        raise ValueError(
            f"Expected 2D array, got {array.ndim}D array instead. Reshape your data: a row is "
            "X.reshape(1, -1), a feature X.reshape(-1, 1)."
        )
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, dtype=np.float64)


def _sparse(X: Any) -> Csr:
    if X.dtype.kind == "c":
        raise ValueError("Complex data not supported: X holds complex numbers")
    if len(X.shape) != 2:
        raise ValueError(f"Expected 2D array, got {len(X.shape)}D array instead. Reshape your data")
    rows = X.tocsr()
    if not rows.has_canonical_format:
        rows = rows.copy()
        rows.sum_duplicates()
    values = rows.data.astype(np.float64)
    return Csr(values, rows.indices, rows.indptr.astype(np.int64), rows.shape)


def names_of(X: Any) -> NDArray[Any] | None:
    """Return the names of the columns of a DataFrame, if all of them are texts."""
    columns = getattr(X, "columns", None)
    if columns is None:
        return None
    names = list(columns)
    return np.array(names, dtype=object) if all(isinstance(one, str) for one in names) else None


def refuse_other_columns(owner: str, X: Any, names: NDArray[Any] | None) -> None:
    """Compare the names of columns with those of the fit; warn where one side has none.

    Raises
    ------
    ValueError
        When both have names, and they are others or in another order.
    """
    given = names_of(X)
    if given is None and names is None:
        return
    if given is None or names is None:
        has, was = ("has", "without") if names is None else ("does not have valid", "with")
        text = f"X {has} feature names, but {owner} was fitted {was} feature names"
        warnings.warn(text, UserWarning, stacklevel=4)
        return
    if list(given) == list(names):
        return
    text = "The feature names should match those that were passed during fit.\n"
    unseen, missing = sorted({*given} - {*names}), sorted({*names} - {*given})
    if unseen:
        text += f"Feature names unseen at fit time:\n{_listed(unseen)}"
    if missing:
        text += f"Feature names seen at fit time, yet now missing:\n{_listed(missing)}"
    if not unseen and not missing:
        text += "Feature names must be in the same order as they were in fit.\n"
    raise ValueError(text)


def _listed(names: list[str]) -> str:
    lines = [f"- {name}\n" for name in names[:NAMES_SHOWN]]
    return "".join(lines) + ("- ...\n" if len(names) > NAMES_SHOWN else "")


def labels_of(y: Any, owner: str, rows: int) -> NDArray[Any]:
    """Return the labels (n,) of as many rows, as they are.

    Raises
    ------
    ValueError
        When there are none or not as many, or they are measurements and no labels.
    """
    if y is None:
        raise ValueError(f"{owner} requires y to be passed, but the target y is None")
    labels = np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        warning = own_or_sklearn("DataConversionWarning", UserWarning)
        text = "A column-vector y was passed when a 1d array was expected: use y.ravel()"
        warnings.warn(text, warning, stacklevel=4)
        labels = labels.ravel()
    if labels.ndim != 1:
        raise ValueError(f"y should be a 1d array, got an array of shape {labels.shape} instead.")
    if len(labels) != rows:
        raise ValueError(
            f"Found input variables with inconsistent numbers of samples: {[rows, len(labels)]}"
        )
    if labels.dtype.kind == "c":
        raise ValueError("Complex data not supported: y holds complex numbers")
    if labels.dtype.kind == "f":
        if not np.isfinite(labels).all():
            found = "NaN" if np.isnan(labels).any() else "infinity"
            raise ValueError(f"Input y contains {found}.")
        if (labels != np.floor(labels)).any():
            raise ValueError("Unknown label type: continuous. Labels are texts or whole numbers.")
    return labels


def places_in(classes: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.int64]:
    """Return the place of each label among the classes, (n,).

    Raises
    ------
    ValueError
        For a label that is none of them.
    """
    places = np.searchsorted(classes, labels)
    places[places == len(classes)] = 0
    wrong = classes[places] != labels
    if wrong.any():
        label, known = labels[wrong].tolist()[0], shown(classes.tolist())
        raise ValueError(f"y holds {shown(label)}, which is none of the classes {known}")
    return places.astype(np.int64)
