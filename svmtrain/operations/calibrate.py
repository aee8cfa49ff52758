"""Calibrate a model: fit what turns its scores into probabilities, on rows that trained nothing."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from svmtrain import interrupts
from svmtrain.build import HERE, Place, load_splits
from svmtrain.calibration import fit
from svmtrain.config import load_config
from svmtrain.data.dataset import Dataset, encode_labels
from svmtrain.errors import ConfigError, DataError
from svmtrain.files import refuse_same_file, sha256_file
from svmtrain.model import LinearClassifier
from svmtrain.operations.evaluate import (
    YAML_ENDINGS,
    find_model,
    load_classifier,
    located,
    reading,
    refuse_changed,
    tables_of,
)
from svmtrain.operations.exchange import refuse_existing
from svmtrain.runs.directory import RunDirectory
from svmtrain.runs.kept_files import refuse_inside

CHUNK_ROWS = 4096
MOST_SCORES = 20_000_000
"""Scores that are held at once; of more rows, evenly spread ones are taken."""


def calibrated(
    model: LinearClassifier, rows: Dataset | None, method: str, place: Place = HERE
) -> LinearClassifier:
    """Return a model with its calibration.

    Parameters
    ----------
    model : LinearClassifier
    rows : Dataset or None
        Not scaled, with no part in the training; without any there is no calibration.
    method : str
        A name in `CALIBRATIONS`, or "none".
    place : Place
        Where the rows are.
    """
    if rows is None or len(rows) == 0 or method == "none":
        return replace(model, calibration=None)
    most = max(1, MOST_SCORES // len(model.classes))
    taken = np.arange(len(rows))
    if len(rows) > most:
        taken = np.linspace(0, len(rows) - 1, most).round().astype(np.intp)
    scores = np.concatenate(place.over(rows.rows(taken), scores_of, model))
    return replace(model, calibration=fit(scores, rows.y[taken], method))


def scores_of(rows: Dataset, model: LinearClassifier) -> NDArray[np.float64]:
    """Return the scores of rows that are not scaled yet, (n, n_classes)."""
    scores = np.empty((len(rows), len(model.classes)))
    for start in range(0, len(rows), CHUNK_ROWS):
        interrupts.check()
        X = rows.part(start, start + CHUNK_ROWS)
        scores[start : start + CHUNK_ROWS] = model.decision_function(X)
    return scores


def calibrate_run(run: str | Path, method: str) -> LinearClassifier:
    """Return the model of a run, calibrated on the validation rows of the run.

    Raises
    ------
    ConfigError
        When there is no such run, or it has no validation rows.
    DataError
        When the data changed since.
    """
    directory = RunDirectory(run)
    if directory.path.is_file() and directory.path.suffix not in YAML_ENDINGS:
        raise ConfigError(
            "is no run directory, which has validation rows of its own; name labelled rows: "
            f"svmtrain calibrate {shlex.quote(str(run))} DATA -o FILE",
            path=run,
        )
    directory.require()
    model = load_classifier(run)
    splits = load_splits(load_config(directory.config))
    refuse_changed(model, splits, directory.path)
    if splits.validation is None:
        raise ConfigError(
            "the run has no validation rows; name a file of labelled rows that trained nothing",
            path=directory.path,
        )
    return calibrated(model, splits.validation, method)


def calibrate_file(
    model: str | Path, data: str, method: str, format: str = "auto", labels: str | None = None
) -> LinearClassifier:
    """Return a model calibrated on the labelled rows of some files; see `tables_of`.

    Raises
    ------
    DataError
        When there are no labels or no rows, too many of them, all of one class, or when a file is
        the one that the model was trained on. Copies of its rows in other files are not noticed.
    """
    classifier = load_classifier(model)
    options = reading(classifier, labels_required=True)
    scores, classes, seen = [], [], set()
    for path, before, table in tables_of(data, format, options, labels):
        if path not in seen:
            seen.add(path)
            _refuse_training_rows(classifier, path)
        if table.labels is None:
            raise DataError("has no labels", path=path)
        with located(path, before):
            classes.append(encode_labels(table.labels, classifier.classes, path, before))
            scores.append(classifier.decision_function(classifier.features(table, path, before)))
        if sum(part.size for part in scores) > MOST_SCORES:
            most = MOST_SCORES // len(classifier.classes)
            raise DataError(f"has too many rows to calibrate on; take {most:,}", path=path)
    if not scores:
        raise DataError("there are no rows to calibrate on", path=data)
    y = np.concatenate(classes)
    if len(np.unique(y)) < 2:
        raise DataError("the rows are all of one class; calibrating needs others too", path=data)
    found = fit(np.concatenate(scores), y, method)
    return replace(classifier, calibration=found)


def _refuse_training_rows(model: LinearClassifier, path: str) -> None:
    known = model.trained.get("data")
    train = known.get("train") if isinstance(known, dict) else None
    if not (isinstance(train, dict) and Path(path).is_file()):
        return
    if train.get("sha256") == sha256_file(path):
        raise DataError(
            "is the file that the model was trained on, so its rows look surer than new ones; "
            "leave it out to calibrate on the validation rows of the run",
            path=path,
        )


def refuse_output(source: str | Path, to: str | Path, *, force: bool = False) -> None:
    """Refuse a file that a calibrated model may not be written to, before anything is computed.

    Parameters
    ----------
    source : str or Path
        The model or the run that is calibrated.
    to : str or Path
    force : bool
        Whether a file that exists is replaced.

    Raises
    ------
    ConfigError
        When it is inside a run directory, which then would no longer be what its config makes;
        when it is the model itself; when it exists, unless forced.
    """
    model = find_model(source)
    refuse_same_file(to, [model])
    refuse_inside(to)
    refuse_existing(Path(to), model, force=force)


def save_calibrated(
    model: LinearClassifier, source: str | Path, to: str | Path, *, force: bool = False
) -> Path:
    """Write a calibrated model to a file that is not the one it came from; see `refuse_output`.

    Raises
    ------
    ConfigError
    """
    refuse_output(source, to, force=force)
    model.save(to)
    return Path(to)
