"""Every fault of some data, with file and line: `svmtrain data check`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from svmtrain import interrupts
from svmtrain.data.dataset import Labels, ReadOptions, find_classes
from svmtrain.data.readers import data_paths, iter_tables
from svmtrain.data.store import is_store, verify
from svmtrain.errors import DataError


@dataclass(frozen=True)
class Checked:
    """What a check found.

    Attributes
    ----------
    faults : list of DataError
        In the order in which they were met.
    rows : int
        Rows without fault.
    files : int
    complete : bool
        False when the limit was reached, and more faults may follow.
    unread : list of DataError
        The faults that a file could not be read past: more may follow each.
    """

    faults: list[DataError]
    rows: int
    files: int
    complete: bool
    unread: list[DataError] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "rows": self.rows,
            "files": self.files,
            "complete": self.complete and not self.unread,
            "faults": [
                {"path": f.path, "line": f.line, "column": f.column, "problem": f.problem}
                for f in self.faults
            ],
        }


class _Enough(Exception):
    """The limit is reached."""


def check_data(
    source: str, format: str = "auto", options: ReadOptions | None = None, limit: int = 20
) -> Checked:
    """Read data to their end and return all that is wrong with them, up to a number of faults.

    Rows of text files are judged one by one. Files of other formats are checked whole, and give
    their first fault; the digests of a store are verified.

    Parameters
    ----------
    source, format, options
        See `data_info`.
    limit : int
        At least 1.
    """
    faults: list[DataError] = []

    def take(fault: DataError) -> None:
        faults.append(fault)
        if len(faults) >= limit:
            raise _Enough

    options = replace(options or ReadOptions(), on_fault=take)
    rows, labels, complete = 0, Counter[str](), True
    unread: list[DataError] = []
    try:
        files = data_paths(source, options.labels)
    except DataError as fault:
        return Checked([fault], 0, 0, True)
    for file in files:
        if len(faults) >= limit:
            complete = False
            break
        try:
            if is_store(file.path):
                verify(file.path)
            for table in iter_tables(file.path, format, replace(options, labels=file.labels)):
                interrupts.check()
                rows += len(table.X)
                labels.update(_names(table.labels))
        except _Enough:
            complete = False
            break
        except DataError as fault:
            if faults and fault.problem == "holds no rows":
                continue
            faults.append(fault)
            if fault.line is not None:
                unread.append(fault)
    if labels and not faults:
        try:
            find_classes(list(labels), source)
        except DataError as fault:
            faults.append(fault)
    return Checked(faults, rows, len(files), complete, unread)


def _names(labels: Labels | None) -> Counter[str]:
    if isinstance(labels, np.ndarray):
        values, counts = np.unique(labels, return_counts=True)
        return Counter(dict(zip(map(str, values.tolist()), counts.tolist(), strict=True)))
    return Counter(map(str, labels or ()))
