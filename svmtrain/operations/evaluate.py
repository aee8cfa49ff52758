"""Judge a model on labelled rows."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from svmtrain import interrupts
from svmtrain.build import Splits, load_splits
from svmtrain.config import load_config
from svmtrain.config.render import yaml_value
from svmtrain.data.cache import Say, cache_folder, silent
from svmtrain.data.columns import Encoder
from svmtrain.data.dataset import ReadOptions, Table, encode_labels
from svmtrain.data.readers import STDIN, data_paths, iter_tables
from svmtrain.data.readers.store_folder import between
from svmtrain.data.store import is_store, verify
from svmtrain.errors import ConfigError, DataError, ModelError, VersionError
from svmtrain.model import LinearClassifier, load_model
from svmtrain.objective.features import Rows
from svmtrain.objective.losses import Classes
from svmtrain.operations.job import Session
from svmtrain.operations.judged import (
    CHUNK_ROWS,
    Evaluation,
    Judged,
    evaluate_rows,
    evaluation,
    judge,
)
from svmtrain.operations.misfit import NEEDS_LABELS, misfit
from svmtrain.operations.place import at_place
from svmtrain.runs.directory import RunDirectory, is_path
from svmtrain.runs.other_place import near_model, no_run

SPLITS = ("train", "validation", "test")
DATA_ENDINGS = (".csv", ".tsv", ".svm", ".libsvm", ".txt", ".parquet", ".arrow", ".gz", ".bz2")
YAML_ENDINGS = (".yaml", ".yml")


def find_model(path: str | Path) -> Path:
    """Return the model file that a path means: a file, or the model of a run directory."""
    path = Path(path)
    if not path.is_dir():
        return path
    run = RunDirectory(path)
    if is_path(path):
        run.require()
    if not run.exists():
        raise ModelError(no_run(path), path=path)
    if not run.model.exists():
        files = run.checkpoint_files()
        hint = f"; until then {files[0]} can be used as a model" if files else ""
        again = shlex.quote(str(path))
        raise ModelError(f"has no model yet: svmtrain resume {again} goes on{hint}", path=path)
    return run.model


def load_classifier(path: str | Path) -> LinearClassifier:
    """Load the classifier of a model file, a checkpoint, or a run directory.

    Raises
    ------
    ModelError
        When it is missing or damaged; of a file in a run it says what can be done.
    """
    file = find_model(path)
    try:
        return load_model(file)
    except VersionError:
        raise
    except ModelError as error:
        folders = (file.parent, file.parent.parent)  # of a model, of a checkpoint
        runs = [folder for folder in folders if RunDirectory(folder).exists()]
        hint = ""
        if runs and file.exists():
            again = shlex.quote(str(runs[0]))
            hint = f"; svmtrain runs repair {again} says what can be done"
        elif not os.path.lexists(path):
            hint = near_model(Path(path))
        elif file.suffix in DATA_ENDINGS:
            hint = "; the model comes first, then the data"
        raise ModelError(f"{error.problem}{hint}", path=error.path) from None


def reading(classifier: LinearClassifier, *, labels_required: bool) -> ReadOptions:
    """Return how to read rows for a classifier.

    A row with a gap that the model leaves out is read to be judged, where it can be left out,
    but not to be labelled: every row of the file gets a label.
    """
    encoder = classifier.encoder
    options = ReadOptions(
        target=classifier.target,
        labels_required=labels_required,
        n_features=classifier.n_features,
        feature_names=classifier.feature_names,
        keep=classifier.keep,
        drop=classifier.drop,
    )
    if encoder is None:
        return options
    return replace(
        options,
        n_features=len(encoder.columns),
        feature_names=encoder.column_names,
        vocabulary=encoder.vocabulary,
        gaps=encoder.rules.missing != "error" and (labels_required or not encoder.drops),
        gap_marks=encoder.rules.marks,
        header=_has_header(encoder),
    )


def _has_header(encoder: Encoder) -> bool | None:
    """Return whether a table has a header; None where its numbers tell.

    A row of text looks like one, and must not be lost.
    """
    texts = len(encoder.vocabulary)
    if not texts or (encoder.named and texts < len(encoder.columns)):
        return None
    return encoder.named


def reading_from(data: str) -> AbstractContextManager[None]:
    """Return the block to read data in: a signal ends a wait for standard input at once."""
    return interrupts.waiting() if data == STDIN else nullcontext()


@contextlib.contextmanager
def located(path: str, before: int) -> Iterator[None]:
    """Give an error about some rows of a file its path, and say where its rows are counted from."""
    try:
        yield
    except DataError as error:
        if error.path is not None:
            raise
        counted = f" (rows counted after the first {before:,})" if before else ""
        raise DataError(f"{error.problem}{counted}", path=path) from None


def verify_store(path: str) -> None:
    """Hold a store to its digests, if there is one at a path; nothing else is looked at.

    Raises
    ------
    DataError
        When it is damaged.
    """
    if is_store(path):
        verify(path, cache_folder(path, "auto"))


def tables_of(
    data: str, format: str, options: ReadOptions, labels: str | None = None
) -> Iterator[tuple[str, int, Table]]:
    """Yield (file, rows of it that came before, table) for the chunks of one or several files.

    Parameters
    ----------
    data, labels : str
        A file, a folder, or a pattern; `-` is standard input.
    format : str
        A name in `READERS`, or "auto".
    options : ReadOptions
    """
    for file in data_paths(data, labels):
        yield from tables_in(Part(file.path, file.labels), format, options)


@dataclass(frozen=True)
class Part:
    """A file of data, with the file of its labels where that is given, or some rows of a store.

    Attributes
    ----------
    path : str
    labels : str or None
    start, stop : int
        The rows of a store, without the last; None is all that follow.
    """

    path: str
    labels: str | None = None
    start: int = 0
    stop: int | None = None

    @property
    def whole(self) -> bool:
        """Whether it is all of its file."""
        return self.start == 0 and self.stop is None

    def tables(self, format: str, options: ReadOptions) -> Iterator[Table]:
        """Return its rows, in tables."""
        if self.whole:
            return iter_tables(self.path, format, options, rows=CHUNK_ROWS)
        ends = (self.start, self.stop)
        return between(Path(self.path), self.path, options, CHUNK_ROWS, *ends)


def tables_in(part: Part, format: str, options: ReadOptions) -> Iterator[tuple[str, int, Table]]:
    """Yield (file, rows of it that came before, table) for the chunks of a part; see `tables_of`.

    A store is held to its digests where all of it is read.
    """
    if part.whole:
        verify_store(part.path)
    before, options = part.start, replace(options, labels=part.labels)
    with reading_from(part.path):
        tables = part.tables(format, options)
        while (table := _next(tables, part.path, format, options)) is not None:
            interrupts.check()
            yield part.path, before, table
            before += len(table.X)


def _next(tables: Iterator[Table], path: str, format: str, options: ReadOptions) -> Table | None:
    """Return the next table of a file, None at its end; errors are told in words of the model."""
    try:
        return next(tables, None)
    except DataError as error:
        raise misfit(error, path, format, options) from None


def evaluate_file(
    model: str | Path, data: str, format: str = "auto", labels: str | None = None
) -> Evaluation:
    """Judge a model on labelled files, in chunks; see `tables_of`.

    Raises
    ------
    ModelError, DataError
    """
    classifier = load_classifier(model)
    tables = tables_of(data, format, reading(classifier, labels_required=True), labels)
    return evaluation(classifier, [judge_tables(classifier, tables)])


def judge_tables(classifier: LinearClassifier, tables: Iterable[tuple[str, int, Table]]) -> Judged:
    """Return what labelled rows say of a classifier, chunk by chunk; see `tables_of`."""
    left_out = 0

    def parts() -> Iterable[tuple[Rows, Classes]]:
        nonlocal left_out
        for path, before, table in tables:
            if table.labels is None:
                raise DataError(f"has no labels; {NEEDS_LABELS}", path=path)
            with located(path, before):
                y = encode_labels(table.labels, classifier.classes, path, before)
                at: int | NDArray[np.intp] = before
                if classifier.encoder is not None and classifier.encoder.drops:
                    whole = np.flatnonzero(classifier.encoder.complete(table.X))
                    left_out += len(y) - len(whole)
                    table, y, at = replace(table, X=table.X[whole]), y[whole], before + whole
                yield classifier.transform(classifier.features(table, path, at)), y

    return replace(judge(classifier, parts()), left_out=left_out)


def evaluate_split(
    run: str | Path, split: str, cluster: str | None = None, say: Say = silent
) -> Evaluation:
    """Judge the model of a run on its own train, validation or test rows.

    Parameters
    ----------
    run : str or Path
    split : str
    cluster : str, optional
        Where the rows are to be read and judged: see `cluster.at` of a config.
    say : callable
        Takes a sentence about the cluster.

    Raises
    ------
    ConfigError
        When the run has no such rows, or the path is no run directory.
    DataError
        When the data are not those that the run had: its splits would be others.
    """
    directory = RunDirectory(run)
    if directory.path.is_file() and directory.path.suffix not in YAML_ENDINGS:
        raise ConfigError(
            "is no run directory, which has rows of its own; name the data to judge it on: "
            f"svmtrain evaluate {shlex.quote(str(run))} DATA",
            path=run,
        )
    directory.require()
    classifier = load_classifier(directory.path)
    with _split(directory, cluster, say) as splits:
        refuse_changed(classifier, splits, directory.path)
        rows = getattr(splits, split)
        others = [name for name in SPLITS if getattr(splits, name) is not None]
        if rows is None:
            raise ConfigError(
                f"the run has no {split} rows, only {' and '.join(others)} rows: "
                f"try --split {others[-1]}, or name a file of labelled rows",
                path=directory.path,
            )
        found = evaluate_rows(classifier, rows, splits.place)
    return replace(found, left_out=splits.left_out.get(split, 0))


@contextlib.contextmanager
def _split(run: RunDirectory, cluster: str | None, say: Say) -> Iterator[Splits]:
    """Yield the rows of a run, read here or by the workers of a cluster."""
    if cluster is None:
        yield load_splits(load_config(run.config))
        return
    config = load_config(run.config, flags={"cluster.at": yaml_value(cluster)})
    settled = replace(  # what only the training had to do with
        config,
        stop=replace(config.stop, must_reach=None),
        solver=replace(config.solver, warm_start=None),
    )
    with at_place(settled, Session(say=say)) as (placed, session):
        yield load_splits(placed, say, session.files)


def refuse_changed(classifier: LinearClassifier, splits: Splits, run: Path) -> None:
    """Raise when a data file is not the one that the classifier's run was begun with."""
    before = classifier.trained.get("data")
    for file in splits.files:
        known = before.get(file.role) if isinstance(before, dict) else None
        if isinstance(known, dict) and known.get("sha256") != file.sha256:
            raise DataError(
                f"the {file.role} data ({file.name}) changed since the run was made; "
                "name the file to judge the model on it as it is now",
                path=run,
            )
