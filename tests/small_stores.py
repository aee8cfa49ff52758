"""Small tables, and a copy of the os module whose calls fail, for the tests of stores."""

import os
from types import SimpleNamespace

import numpy as np

from svmtrain import files
from svmtrain.data.dataset import Table
from svmtrain.data.sparse import Csr
from svmtrain.data.store import arrays as store_arrays
from svmtrain.data.store import folder as store_folder


def dense_table(rows=50, width=6, dtype=np.uint8, seed=0):
    """Return rows of a dtype with labels of text."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 100, (rows, width)).astype(dtype)
    return Table(X, [f"c{number}" for number in rng.integers(0, 3, rows)])


def sparse_table(rows=40, width=9, seed=0, dtype=np.float64):
    """Return sparse rows, some of them empty, with whole numbers as labels."""
    rng = np.random.default_rng(seed)
    cells = np.where(rng.random((rows, width)) < 0.3, rng.normal(size=(rows, width)), 0)
    cells[::7] = 0
    row, column = np.nonzero(cells)
    indptr = np.searchsorted(row, np.arange(rows + 1)).astype(np.int64)
    X = Csr(cells[row, column].astype(dtype), column.astype(np.int32), indptr, (rows, width))
    return Table(X, rng.integers(-1, 2, rows).astype(np.int64))


def in_parts(table, size):
    """Yield a table in parts of so many rows."""
    for start in range(0, len(table.X), size):
        part = slice(start, start + size)
        yield Table(table.X[part], table.labels[part], table.feature_names, table.categories)


def cells_of(matrix):
    """Return a matrix written out."""
    return matrix.toarray(matrix.dtype) if isinstance(matrix, Csr) else np.asarray(matrix)


def same(found, table):
    """Assert that two tables hold the same rows, labels and names."""
    assert found.X.dtype == table.X.dtype
    assert np.array_equal(cells_of(found.X), cells_of(table.X), equal_nan=True)
    assert list(found.labels) == list(table.labels)
    assert found.feature_names == table.feature_names
    assert dict(found.categories) == dict(table.categories)


def names(folder):
    """Return the names in a folder."""
    return sorted(os.listdir(folder))


CALLS = ("open", "write", "fsync", "lseek", "read", "mkdir", "rename", "replace", "listdir")


class Failing:
    """A copy of os for all that writes a store, whose n-th call fails."""

    def __init__(self, monkeypatch, act):
        self.left = -1
        self.act = act
        self.fake = SimpleNamespace(**vars(os))
        for name in CALLS:
            setattr(self.fake, name, self._counted(getattr(os, name)))
        for module in (files, store_arrays, store_folder):
            monkeypatch.setattr(module, "os", self.fake)
        monkeypatch.setattr(store_folder, "_exchange", self._counted(store_folder._exchange))

    def _counted(self, call):
        def counted(*args, **kwargs):
            self.left -= 1
            if self.left == -1:
                self.act()
            return call(*args, **kwargs)

        return counted


def no_space():
    """Fail as a full disk does."""
    raise OSError(28, os.strerror(28))
