"""Several files as one dataset: a list of paths, in which a path may be a pattern."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from svmtrain.errors import DataError

Paths = str | Path | Sequence[str | Path]


@dataclass(frozen=True)
class DataPath:
    """One file or folder of a dataset, and the file of its labels when that is given."""

    path: str
    labels: str | None = None


def expanded(paths: Paths) -> list[str]:
    """Return the paths that are meant, in order.

    A path with `*`, `?` or `[` in it that does not exist as it stands is a pattern, which means
    the files that match it, sorted by name as plain strings. Names that begin with a dot are
    matched by patterns that do so too.

    Raises
    ------
    DataError
        For a pattern that nothing matches.
    """
    found: list[str] = []
    for path in [paths] if isinstance(paths, (str, Path)) else paths:
        text = str(path)
        if not glob.has_magic(text) or os.path.lexists(text):
            found.append(text)
            continue
        matches = sorted(glob.glob(text))
        if not matches:
            raise DataError("no file matches this pattern", path=text)
        found += matches
    return found


def data_paths(paths: Paths, labels: Paths | None = None) -> list[DataPath]:
    """Return the files of a dataset, each with its labels.

    Parameters
    ----------
    paths, labels : path or sequence of paths
        The labels, if any are given, are as many as the files, in their order.

    Raises
    ------
    DataError
        For a pattern that nothing matches, and when the numbers differ.
    """
    files = expanded(paths)
    if labels is None:
        return [DataPath(path) for path in files]
    beside = expanded(labels)
    if len(beside) != len(files):
        problem = f"{len(beside)} files of labels are given for {len(files)} of data"
        raise DataError(problem, path=title(labels))
    return [DataPath(*pair) for pair in zip(files, beside, strict=True)]


def title(paths: Paths) -> str:
    """Return what messages about all of some paths call them: the first, and how many more."""
    if isinstance(paths, (str, Path)):
        return str(paths)
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{paths[0]}{more}"
