"""What a worker reads: the facts of a file, and the rows of a shard."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.cluster.recipe import Form, Piece, Recipe
from svmtrain.config.texts import is_url
from svmtrain.data.cache import cache_folder, load_table
from svmtrain.data.dataset import (
    CodedLabels,
    Dataset,
    Label,
    ReadOptions,
    Table,
    encode_labels,
)
from svmtrain.data.density import compressed, in_words
from svmtrain.data.fingerprint import DataFile, identify
from svmtrain.data.mapped import mapping_of
from svmtrain.data.readers import (
    READERS,
    columns_of,
    combined,
    format_of,
    labels_path,
)
from svmtrain.data.readers.features import Columns
from svmtrain.data.sparse import Csr
from svmtrain.data.store import describe, is_store
from svmtrain.errors import ConfigError, DataError, StorageError

WHOLE = ("npz", "parquet", "arrow")
"""Formats that are read into memory as a whole."""
SHARE = 0.6
"""Share of a worker's memory limit that a file may have: Dask stops a worker near its limit."""


@dataclass(frozen=True)
class Facts:
    """What a file holds, without its cells.

    Attributes
    ----------
    file : DataFile
    labels_file : DataFile or None
        Where the labels are in a file of their own.
    codes : ndarray of int32 (n_rows,), or None without labels
    names : tuple of label
        What the codes stand for.
    n_features : int
    dtype : str
    sparse : bool
    stored : int
        Cells that are stored.
    mapped : bool
        Whether the rows stay on disk until they are looked at.
    feature_names : tuple of str or None
    columns : Columns
        See `readers.columns_of`.
    ragged, folder : bool
        See `readers.Reader`.
    target : str, int or None
        The label column that a store has the name of.
    """

    file: DataFile
    labels_file: DataFile | None
    codes: NDArray[np.int32] | None
    names: tuple[Label, ...]
    n_features: int
    dtype: str
    sparse: bool
    stored: int
    mapped: bool
    feature_names: tuple[str, ...] | None
    columns: Columns
    ragged: bool
    folder: bool
    target: Any

    def __len__(self) -> int:
        return 0 if self.codes is None else len(self.codes)


def survey(
    path: str,
    role: str,
    format: str,
    options: ReadOptions,
    cache: str,
    limit: int | None,
    scratch: str,
) -> Facts:
    """Return the facts of a file.

    Parameters
    ----------
    path, format, options, cache
        See `load_table`.
    role : str
    limit : int or None
        Bytes of memory that there are.
    scratch : str
        The folder for copies of files from elsewhere.

    Raises
    ------
    DataError, StorageError
        As `load_table`.
    ConfigError
        When the file takes more memory than there is.
    """
    place, options = _here(path, options, scratch)
    _refuse_larger(place, path, format, limit)
    table = load_table(place, format, options, cache)
    records = partial(cache_folder, mode=cache)
    beside = options.labels or labels_path(place, format)
    values = table.X.data if isinstance(table.X, Csr) else table.X
    reader = READERS[format_of(place, format)]
    codes, names = _coded(table)
    return Facts(
        file=identify(role, place, records),
        labels_file=None if beside is None else identify(f"{role} labels", beside, records),
        codes=codes,
        names=names,
        n_features=table.X.shape[1],
        dtype=values.dtype.str,
        sparse=isinstance(table.X, Csr),
        stored=int(values.size),
        mapped=mapping_of(values) is not None,
        feature_names=table.feature_names,
        columns=columns_of(place, format, options),
        ragged=reader.ragged,
        folder=reader.folder,
        target=describe(place).target if is_store(place) else None,
    )


def _refuse_larger(place: str, path: str, format: str, limit: int | None) -> None:
    """Raise for a file that is read as a whole, and is larger than the memory that there is."""
    if limit is None or not os.path.isfile(place) or format_of(place, format) not in WHOLE:
        return
    size = os.path.getsize(place)
    if size > limit * SHARE:
        raise ConfigError(
            f"has {in_words(size)}, and a worker that reads it may take {in_words(limit)} (cut it "
            "into parts, or convert it to a store, which is mapped)",
            path=path,
        )


def _coded(table: Table) -> tuple[NDArray[np.int32] | None, tuple[Label, ...]]:
    """Return the labels of a table, each kept once; None where it has none."""
    labels = table.labels
    if labels is None:
        return None, ()
    if isinstance(labels, CodedLabels):
        return np.array(labels.codes), labels.names
    if isinstance(labels, np.ndarray):
        numbers, codes = np.unique(labels, return_inverse=True)
        return codes.astype(np.int32), tuple(int(number) for number in numbers)
    place = {name: code for code, name in enumerate(dict.fromkeys(labels))}
    return np.array([place[name] for name in labels], np.int32), tuple(place)


def read_role(recipe: Recipe, role: str, scratch: str) -> Dataset:
    """Return the rows of a shard that are in the files of a role, in their order."""
    pieces = recipe.pieces.get(role, ())
    if not pieces:
        form = recipe.form
        empty = np.zeros((0, form.n_features))
        X = compressed(empty) if form.sparse else empty
        none = np.zeros(0, np.int64)
        return Dataset(X, none, recipe.classes, form.feature_names)
    tables, codes = [], []
    for piece in pieces:
        table = _cut(piece, recipe, scratch)
        if table.labels is None:
            raise DataError("has no labels", path=piece.path)
        codes.append(encode_labels(table.labels, recipe.classes, piece.path, piece.start))
        tables.append(replace(table, labels=None, X=formed(table.X, recipe.form)))
    X = tables[0].X if len(tables) == 1 else combined(tables).X
    return Dataset(X, np.concatenate(codes), recipe.classes, recipe.form.feature_names)


def _cut(piece: Piece, recipe: Recipe, scratch: str) -> Table:
    """Return the rows of a piece; what is not mapped is copied, so that the rest can go."""
    place, options = _here(piece.path, piece.options, scratch)
    table = load_table(place, recipe.format, options, recipe.cache)
    if len(table.X) < piece.stop:
        raise DataError(f"has {len(table.X):,} rows now; it had {piece.stop:,}", path=piece.path)
    rows = slice(piece.start, piece.stop)
    X, labels = table.X[rows], table.labels
    values = table.X.data if isinstance(table.X, Csr) else table.X
    if mapping_of(values) is None and len(X) < len(table.X):
        X = X[np.arange(len(X))]
    return replace(table, X=X, labels=None if labels is None else labels[rows])


def formed(X: Any, form: Form) -> Any:
    """Return rows with the width and in the form of a shard's."""
    if isinstance(X, Csr):
        X = X.widened(form.n_features)
        return X if form.sparse else X.toarray(X.dtype)
    return compressed(X) if form.sparse else X


def _here(path: str, options: ReadOptions, scratch: str) -> tuple[str, ReadOptions]:
    """Return a path in this machine's file system, and options that name such ones."""
    labels = None if options.labels is None else local_path(options.labels, scratch)
    return local_path(path, scratch), replace(options, labels=labels)


def local_path(path: str, scratch: str) -> str:
    """Return a path of this machine for a path or a URL, whose file is copied here once.

    Raises
    ------
    DataError
        When it cannot be read.
    """
    if not is_url(path):
        return path
    from fsspec.core import url_to_fs

    try:
        system, inner = url_to_fs(path)
        if "file" in _protocols(system):
            return str(inner)
        name = hashlib.sha256(path.encode()).hexdigest()[:32]
        copy = Path(scratch) / name / os.path.basename(inner)
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            part = copy.with_name(f"{copy.name}.{os.getpid()}.part")
            system.get_file(inner, str(part))
            os.replace(part, copy)
    except OSError as error:
        if error.errno is None or isinstance(error, FileNotFoundError):
            raise DataError(f"cannot be read: {error.strerror or error}", path=path) from None
        raise StorageError.from_os_error(error, "read", path) from error
    except (ImportError, ValueError) as error:
        raise DataError(f"cannot be read: {error}", path=path) from None
    return str(copy)


def _protocols(system: Any) -> tuple[str, ...]:
    """Return the protocols that a file system of fsspec goes by."""
    known = system.protocol
    return (known,) if isinstance(known, str) else tuple(known)
