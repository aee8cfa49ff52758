"""What models say of rows that they did not see, as CSV."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from svmtrain.build import load_splits
from svmtrain.config import load_config
from svmtrain.data.dataset import Dataset
from svmtrain.errors import DataError, ModelError
from svmtrain.files import read_bytes, write_atomic
from svmtrain.metrics.margins import margins
from svmtrain.model import LinearClassifier, load_model
from svmtrain.operations.evaluate import refuse_changed
from svmtrain.operations.job import Job
from svmtrain.operations.judged import CHUNK_ROWS
from svmtrain.runs.directory import RunDirectory

COLUMNS = ("row", "label", "predicted", "margin")
CSV_LIMIT = 1 << 32


def predict_held(run: RunDirectory, file: Path, split: str, job: Job | None) -> None:
    """Write what the model of a finished run says of the rows of a split.

    Parameters
    ----------
    run : RunDirectory
    file : Path
        Has a line for each row: its number in the data file from 1, without a header; its label;
        the predicted one; how far the score of its label is above the best other one; and the
        scores of all classes.
    split : str
        "test" or "validation".
    job : Job or None
        What has the rows already; None to read them again.

    Raises
    ------
    DataError
        When the run has no such rows, or they are not those that it had.
    """
    model = load_model(run.model)
    if job is None:
        splits = load_splits(load_config(run.config))
        refuse_changed(model, splits, run.path)
    else:
        splits = job.splits
    rows: Dataset | None = getattr(splits, split)
    if rows is None:
        raise DataError(f"has no {split} rows", path=run.path)
    write_atomic(file, _table(model, rows).encode())


def _table(model: LinearClassifier, rows: Dataset) -> str:
    """Return the lines of a file of predictions."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*COLUMNS, *(f"score_{label}" for label in model.classes)])
    for start in range(0, len(rows), CHUNK_ROWS):
        scores = model.decision_function(rows.part(start, start + CHUNK_ROWS))
        y, places = rows.y[start : start + CHUNK_ROWS], rows.places[start : start + CHUNK_ROWS]
        found, reach = scores.argmax(axis=1), margins(scores, y)
        for i in range(len(y)):
            labels = (model.classes[y[i]], model.classes[found[i]])
            figures = (float(reach[i]), *scores[i].tolist())
            writer.writerow([int(places[i]) + 1, *labels, *map(repr, figures)])
    return stream.getvalue()


def read_table(file: Path) -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows of a file of predictions, as texts.

    Raises
    ------
    ModelError
        When it is missing or not such a file.
    """
    content = read_bytes(file, ModelError, CSV_LIMIT)
    try:
        header, *rows = csv.reader(io.StringIO(content.decode("utf-8"), newline=""))
    except (UnicodeDecodeError, ValueError, csv.Error):
        header, rows = [], []
    if tuple(header[: len(COLUMNS)]) != COLUMNS or any(len(row) != len(header) for row in rows):
        raise ModelError("is not a table of predictions", path=file)
    return header, rows


def read_right(file: Path) -> NDArray[np.bool_]:
    """Return which rows of a file of predictions were labelled right, (n,)."""
    _, rows = read_table(file)
    return np.array([row[1] == row[2] for row in rows], dtype=bool)


def collected(files: list[tuple[Path, list[object]]], names: list[str], out: Path) -> int:
    """Write the rows of several files of predictions as one, with columns of their own before.

    Parameters
    ----------
    files : list of (Path, list)
        Each with what its rows have in the columns before.
    names : list of str
        The names of those columns.
    out : Path

    Returns
    -------
    int
        The number of rows.
    """
    header: list[str] = []
    rows: list[list[object]] = []
    for file, marks in files:
        header, found = read_table(file)
        rows += [[*marks, *row] for row in found]
    place = len(names)
    rows.sort(key=lambda row: (row[0], int(str(row[place]))))
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerows([[*names, *header], *rows])
    write_atomic(out, stream.getvalue().encode())
    return len(rows)


def read_scores(file: Path) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the scores (n, n_classes) of a file of predictions, and the class of each row (n,).

    Raises
    ------
    ModelError
        When a label or a score is none.
    """
    header, rows = read_table(file)
    first = len(COLUMNS)
    names = {name.removeprefix("score_"): place for place, name in enumerate(header[first:])}
    try:
        scores = np.array([[float(cell) for cell in row[first:]] for row in rows])
        y = np.array([names[row[1]] for row in rows], dtype=np.int64)
    except (ValueError, KeyError):
        raise ModelError("is not a table of predictions", path=file) from None
    return scores.reshape(len(rows), len(names)), y
