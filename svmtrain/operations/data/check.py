"""Every fault of some data, with file and line: `svmtrain data check`."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from svmtrain import interrupts
from svmtrain.data.dataset import ReadOptions, find_classes
from svmtrain.data.readers import DataPath, data_paths, expecting, iter_tables
from svmtrain.data.store import is_store, verify
from svmtrain.errors import DataError
from svmtrain.operations.data.facts import label_counts
from svmtrain.operations.data.warnings import alike
from svmtrain.operations.evaluate import reading_from


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
    warnings : list of str
        What is no fault, but may not be meant.
    """

    faults: list[DataError]
    rows: int
    files: int
    complete: bool
    unread: list[DataError] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

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
            "warnings": self.warnings,
        }


class _Enough(Exception):
    """The limit is reached."""


class _Check:
    """What has been found so far."""

    def __init__(self, format: str, options: ReadOptions, limit: int) -> None:
        self.faults: list[DataError] = []
        self.unread: list[DataError] = []
        self.rows = 0
        self.labels: Counter[str] = Counter()
        self._format, self._limit = format, limit
        self._options, self._first = replace(options, on_fault=self.take), True

    def take(self, fault: DataError) -> None:
        """Keep a fault, and stop when there are enough."""
        # Its traceback would keep all the rows that were at hand.
        self.faults.append(fault.with_traceback(None))
        if len(self.faults) >= self._limit:
            raise _Enough

    def files(self, files: list[DataPath]) -> None:
        """Read files; the first that can be read decides which columns the others have."""
        for file in files:
            before = len(self.faults)
            self._options = replace(self._options, labels=file.labels)
            try:
                self._file(file.path, len(files) > 1)
            except DataError as fault:
                # Of a file all of whose rows are wrong, that it has none is no fault of its own.
                if len(self.faults) > before and fault.problem == "holds no rows":
                    continue
                if fault.line is not None:
                    self.unread.append(fault)
                self.take(fault)

    def _file(self, path: str, among_others: bool) -> None:
        if is_store(path):
            verify(path)
        table = None
        with reading_from(path):
            for table in iter_tables(path, self._format, self._options):
                interrupts.check()
                self.rows += len(table.X)
                self.labels.update(label_counts(table.labels))
        if among_others and table is not None:
            self._options = expecting(table, self._options, self._first, path, self._format)
            self._first = False

    def across(self, source: str) -> list[str]:
        """Look at the labels of all rows together, where no row is wrong; return warnings."""
        if self.faults or not self.rows:
            return []
        if not self.labels:
            self.take(DataError("has no labels", path=source))
            return []
        names = sorted(self.labels)
        try:
            find_classes(names, source)
        except DataError as fault:
            self.take(fault)
        return list(alike(names))


def check_data(
    source: str, format: str = "auto", options: ReadOptions | None = None, limit: int = 20
) -> Checked:
    """Read data to their end and return all that is wrong with them, up to a number of faults.

    Rows of text files are judged one by one, each by the first thing that is wrong with it. Files
    of other formats are checked whole, and give their first fault; the digests of a store are
    verified. Files that are one dataset must have the same columns.

    Parameters
    ----------
    source, format, options
        See `data_info`.
    limit : int
        At least 1.
    """
    check = _Check(format, options or ReadOptions(), limit)
    files: list[DataPath] = []
    warnings: list[str] = []
    complete = False
    with contextlib.suppress(_Enough):
        try:
            files = data_paths(source, None if options is None else options.labels)
        except DataError as fault:
            check.take(fault)
        check.files(files)
        warnings = check.across(source)
        complete = True
    return Checked(check.faults, check.rows, len(files), complete, check.unread, warnings)
