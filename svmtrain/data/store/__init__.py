"""Stores: folders of raw arrays with a description, to train on without reading them whole.

A store holds `store.json` (see `description`), the rows as `X.npy`, or as the three arrays
`data.npy`, `indices.npy` and `indptr.npy` when they are sparse, the labels as `y.npy` (numbers
of the classes in the description), and `stats.npy`: mean, standard deviation, smallest and
largest value of each column. `numpy.load` opens each of the arrays.
"""

from svmtrain.data.store.description import DESCRIPTION, Description
from svmtrain.data.store.reader import describe, is_store, open_store, statistics, verify
from svmtrain.data.store.writer import write_store

__all__ = [
    "DESCRIPTION",
    "Description",
    "describe",
    "is_store",
    "open_store",
    "statistics",
    "verify",
    "write_store",
]
