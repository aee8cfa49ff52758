"""What there are too few rows for, and what helps."""

from __future__ import annotations

import numpy as np

from svmtrain.config import Config
from svmtrain.data.dataset import Dataset
from svmtrain.errors import DataError, shown


def refuse_more_folds(rows: Dataset, count: int, path: str) -> None:
    """Raise DataError when there are more folds than rows that are dealt out to them."""
    if count > len(rows):
        raise DataError(f"has {len(rows)} rows for {count} folds", path=path)


def refuse_lost_class(
    config: Config, whole: Dataset, train: Dataset, gaps: bool, path: str
) -> None:
    """Raise DataError when a class has no row to train on.

    Parameters
    ----------
    config : Config
    whole, train : Dataset
        All rows, and those that are left of them to train on.
    gaps : bool
        Whether rows were left out since they have gaps.
    path : str
        What to call the data.
    """
    counts = train.counts()
    if counts.all():
        return
    missing = int(np.flatnonzero(counts == 0)[0])
    rows, data = int(whole.counts()[missing]), config.data
    advice = ["fill gaps in place of data.missing: drop"] if gaps else []
    if data.fold is None or rows > 1:
        advice.append("hold out fewer rows")
    if not data.stratified and (data.fold is None or rows > 1):
        advice.append("set data.stratified: true")
    else:
        advice.append("give the class more rows")
    raise DataError(
        f"no row of class {shown(train.classes[missing])} is left to train on, of {rows:,} in all; "
        + " or ".join(advice),
        path=path,
    )
