"""What npz and npy share: which arrays may be features and labels, and what becomes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.data.dataset import Labels, ReadOptions
from svmtrain.data.readers.blocks import check_finite
from svmtrain.data.readers.features import check_width
from svmtrain.data.readers.npy_header import NpyHeader
from svmtrain.errors import DataError, shown


def check_matrix(X: NpyHeader, path: str) -> None:
    """Raise `DataError` unless an array can be features: rows and columns of numbers."""
    if len(X.shape) != 2:
        raise DataError(f"X has shape {shown(X.shape)}; expected two dimensions", path=path)
    if X.dtype.kind == "U":
        raise DataError("X holds text; expected numbers", path=path)
    if X.shape[0] < 1:
        raise DataError("X has no rows", path=path)
    check_width(X.shape[1], ReadOptions(), path)


def check_vector(key: str, header: NpyHeader, length: int, of: str, path: str) -> None:
    """Raise `DataError` unless an array has one dimension, with a value for each of X's `of`."""
    if len(header.shape) != 1:
        problem = f"{key} has shape {shown(header.shape)}; expected one dimension"
        raise DataError(problem, path=path)
    if header.shape[0] != length:
        problem = f"{key} has {header.shape[0]} values, but X has {length} {of}"
        raise DataError(problem, path=path)


def check_booleans(values: NDArray[Any], what: str, path: str) -> None:
    """Raise `DataError` for booleans that are neither 0 nor 1; other values pass."""
    if values.dtype.kind == "b" and (values.view(np.uint8) > 1).any():
        raise DataError(f"{what} holds booleans that are neither 0 nor 1", path=path)


def features_of(
    values: NDArray[Any], start: int, order: list[int] | None, path: str
) -> NDArray[Any]:
    """Return rows of X, finite, in C order and native bytes; `start` is the number of the first.

    They keep their dtype, but for booleans, which become uint8, and float16, which becomes
    float32: numpy computes with it far more slowly.
    """
    if values.dtype.kind == "b":
        values = values.view(np.uint8)
    dtype = np.dtype(np.float32) if values.dtype == np.float16 else values.dtype.newbyteorder("=")
    with np.errstate(invalid="ignore"):
        X = np.ascontiguousarray(values, dtype=dtype)
    check_finite(X, start, path)
    return X if order is None else np.ascontiguousarray(X[:, order])


def labels_of(y: NDArray[Any], path: str, what: str = "y", start: int = 0) -> Labels:
    """Return labels as int64, or as a list of str for text and booleans.

    Parameters
    ----------
    y : ndarray (n,)
    path, what : str
        What errors call the file, and the labels in it.
    start : int
        The number of the first row, from 0.

    Raises
    ------
    DataError
        For a label that is neither an integer nor text; its row counts from 0, as in numpy.
    """
    if y.dtype.kind == "U":
        return texts_of(y, what, path)
    if y.dtype.kind == "b":
        return [str(value) for value in y.tolist()]
    fits = np.ones(len(y), dtype=np.bool_)
    if y.dtype.kind == "u":
        fits = y.astype(np.uint64) < np.uint64(2**63)
    if y.dtype.kind == "f":
        y = y.astype(np.float64)
        fits = np.isfinite(y) & (np.abs(y) < 2**53) & (np.floor(y) == y)
    if not fits.all():
        row = int(np.argmin(fits))
        problem = f"{what} is {y[row]} in row {start + row} (from 0); expected an integer"
        raise DataError(problem, path=path)
    return y.astype(np.int64)


def texts_of(values: NDArray[Any], what: str, path: str) -> list[str]:
    """Return a unicode array as strings without blanks around them; none may be empty."""
    try:
        whole = [str(value) for value in values.tolist()]
        "".join(whole).encode().decode()  # numpy lets characters pass that do not exist
    except ValueError:
        raise DataError(f"{what} holds text that is not Unicode", path=path) from None
    texts = [text.strip() for text in whole]
    if "" in texts:
        raise DataError(f"{what} is empty in row {texts.index('')} (from 0)", path=path)
    return texts
