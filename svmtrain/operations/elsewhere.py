"""Judge and label rows where they are: at the workers of a cluster, each a part of the data."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from svmtrain import interrupts
from svmtrain.cluster.crew import Crew, crew_at
from svmtrain.cluster.desk import Desk
from svmtrain.cluster.files import files_of
from svmtrain.cluster.reading import local_path
from svmtrain.cluster.tasks import Call, in_order
from svmtrain.config import load_config, parse_config
from svmtrain.config.cluster import Cluster
from svmtrain.config.render import yaml_value
from svmtrain.config.texts import is_url
from svmtrain.data.cache import Say
from svmtrain.data.readers import STDIN, DataPath
from svmtrain.data.store import describe, is_store
from svmtrain.errors import ConfigError, Interrupted, SvmtrainError
from svmtrain.files import create_folders, refuse_same_file, write_atomic
from svmtrain.model import LinearClassifier
from svmtrain.operations.evaluate import (
    Part,
    judge_tables,
    load_classifier,
    reading,
    tables_in,
    verify_store,
)
from svmtrain.operations.judged import CHUNK_ROWS, Evaluation, Judged, evaluation
from svmtrain.operations.predict import head_of, labelled, written
from svmtrain.operations.predictions import Wanted
from svmtrain.runs.directory import RunDirectory
from svmtrain.runs.kept_files import refuse_kept

PART_ROWS = 16 * CHUNK_ROWS
"""Rows of a store that are a part of the data; whole chunks, so that scores are the same bits."""
AHEAD = 2
"""How many parts may be begun or wait in memory, for each that can be at work at a time."""


def cluster_of(where: str, model: str | Path) -> Cluster:
    """Return where a cluster is, and how it is reached: as the config of a run says, if it has one.

    Raises
    ------
    ConfigError
        When the address has no known form.
    """
    run, flags = RunDirectory(model), {"cluster.at": yaml_value(where)}
    if run.exists() and run.config.exists():
        return load_config(run.config, flags=flags).cluster
    return parse_config("data: {train: none}", flags=flags).cluster


def evaluate_elsewhere(
    model: str | Path,
    data: str,
    cluster: str,
    format: str = "auto",
    labels: str | None = None,
    say: Say = print,
) -> Evaluation:
    """Judge a model on labelled files that the workers of a cluster read.

    Rows stay where they are read: sums come back, and are added in the order of the parts.

    Parameters
    ----------
    model : str or Path
    data, labels : str
        A file, a folder, a store, an address such as s3://bucket/part.csv, or a pattern.
    cluster : str
        See `cluster.at` of a config.
    format : str
        A name in `READERS`, or "auto".
    say : callable
        Takes a sentence about the cluster.

    Raises
    ------
    ModelError, DataError, ConfigError, StorageError
    """
    classifier, files = load_classifier(model), named_files(data, labels)
    with crew_at(cluster_of(cluster, model), say) as crew:
        parts = parts_of(crew, files)
        crew.share(classifier)
        calls = [Call(judge_there, (part, format)) for part in parts]
        ended = in_order(crew, calls, AHEAD * crew.slots())
        found: list[Judged] = [came.opened() for came in ended]
    return evaluation(classifier, found)


def named_files(data: str, labels: str | None = None) -> list[DataPath]:
    """Return the files of data, as workers find them.

    Raises
    ------
    ConfigError
        For standard input.
    DataError
        For a pattern that nothing matches.
    """
    if data == STDIN:
        raise ConfigError(
            "with --cluster the workers read the data, and have no part in the standard input of "
            "this command: name a file or a pattern"
        )
    return files_of(data, labels)


def parts_of(crew: Crew, files: Sequence[DataPath]) -> list[Part]:
    """Return the parts of some files, in order: each a file, or so many rows of a large store.

    The workers see which paths are stores, and hold large ones to their digests.
    """
    groups = max(1, min(len(files), AHEAD * crew.slots()))
    calls = [
        Call(measure_there, (tuple(file.path for file in files[k::groups]),)) for k in range(groups)
    ]
    rows: list[int | None] = [None] * len(files)
    for came in in_order(crew, calls, groups):
        rows[came.number :: groups] = came.opened()
    return [
        part
        for file, count in zip(files, rows, strict=True)
        for part in _cut(Part(file.path, file.labels), count)
    ]


def _cut(part: Part, rows: int | None) -> list[Part]:
    """Return the parts of a file; of a store, its number of rows is known."""
    if rows is None or rows <= PART_ROWS:
        return [part]
    starts = range(0, rows, PART_ROWS)
    return [replace(part, start=start, stop=min(start + PART_ROWS, rows)) for start in starts]


def measure_there(paths: Sequence[str], desk: Desk) -> list[int | None]:
    """Return the rows of each path that is a store, and large; it is verified."""
    found: list[int | None] = []
    for path in paths:
        rows = describe(path).rows if not is_url(path) and is_store(path) else None
        if rows is not None and rows > PART_ROWS:
            verify_store(path)
        found.append(rows)
    return found


@contextlib.contextmanager
def at_hand(part: Part, scratch: str) -> Iterator[Part]:
    """Yield a part as it is in the file system of this worker; errors tell of it as it was named.

    A file from elsewhere is copied here for as long as the block lasts.
    """
    own = os.path.join(scratch, secrets.token_hex(8))
    named = {path: path for path in (part.path, part.labels) if path is not None}
    here = {local_path(path, own): path for path in named}
    places = {path: place for place, path in here.items()}
    labels = None if part.labels is None else places[part.labels]
    try:
        yield replace(part, path=places[part.path], labels=labels)
    except Interrupted:
        raise
    except SvmtrainError as error:
        path = here.get(error.path or "", error.path)
        raise type(error)(error.problem, path=path, line=error.line, column=error.column) from error
    finally:
        for place in here:
            _drop(Path(place), Path(own))


def _drop(copy: Path, own: Path) -> None:
    """Delete a copy, and the folders that were made for it."""
    if own not in copy.parents:
        return
    with contextlib.suppress(OSError):
        copy.unlink()
        copy.parent.rmdir()
        own.rmdir()


def judge_there(classifier: LinearClassifier, part: Part, format: str, desk: Desk) -> Judged:
    """Return what the rows of a part say of a classifier."""
    with at_hand(part, desk.scratch) as here:
        options = reading(classifier, labels_required=True)
        return judge_tables(classifier, tables_in(here, format, options))


@dataclass(frozen=True)
class Text:
    """What is written of a part: its lines as text, its rows, and how many were rejected."""

    text: str
    rows: int
    rejected: int


def label_there(
    classifier: LinearClassifier, part: Part, format: str, wanted: Wanted, desk: Desk
) -> Text:
    """Return what is written of the rows of a part, which are numbered from its first."""
    with at_hand(part, desk.scratch) as here:
        options = reading(classifier, labels_required=False)
        texts, rows, rejected = list[str](), 0, 0
        for chunk in labelled(classifier, wanted, tables_in(here, format, options)):
            texts.append(written(chunk.lines, wanted.form))
            rows += chunk.rows
            rejected += chunk.rejected
    return Text("".join(texts), rows, rejected)


class PredictionsElsewhere:
    """What is written of some rows, made by the workers of a cluster; see `predictions_at`.

    Parameters
    ----------
    crew : Crew
    classifier : LinearClassifier
    files : sequence of DataPath
        See `named_files`.
    format, wanted
        See `Predictions`.

    Attributes
    ----------
    parts : list of Part
    rows, rejected : int
        How many rows there were so far, and how many of them were rejected.
    """

    def __init__(
        self,
        crew: Crew,
        classifier: LinearClassifier,
        files: Sequence[DataPath],
        format: str,
        wanted: Wanted,
    ) -> None:
        self.crew, self.parts = crew, parts_of(crew, files)
        self.classifier, self.format, self.wanted = classifier, format, wanted
        self.head = head_of(classifier, wanted)
        self.rows = self.rejected = 0

    def each(self) -> Iterator[str]:
        """Yield the lines of each part as text, in order, whichever is made first."""
        self.crew.share(self.classifier)
        calls = [Call(label_there, (part, self.format, self.wanted)) for part in self.parts]
        for came in in_order(self.crew, calls, AHEAD * self.crew.slots()):
            found: Text = came.opened()
            explained = self.wanted.form == "explain" and self.rows
            text = numbered(found.text, self.rows) if explained else found.text
            self.rows += found.rows
            self.rejected += found.rejected
            yield text

    def texts(self) -> Iterator[str]:
        """Yield what is written, piece by piece, the header first."""
        yield self.head
        yield from self.each()

    def save(self, folder: str) -> None:
        """Write a file for each part into a folder, in order, each with the header.

        Raises
        ------
        ConfigError
            When a file of an earlier call would stay among them, or data would be replaced.
        Interrupted
            When a signal came.
        """
        ending = "csv" if self.head else "txt"
        files = [Path(folder) / f"part-{k:05}.{ending}" for k in range(len(self.parts))]
        refuse_mixed(Path(folder), files)
        for file in files:
            refuse_kept(file)
            refuse_same_file(file, [part.path for part in self.parts])
        create_folders(Path(folder))
        done = 0
        try:
            for file, text in zip(files, self.each(), strict=True):
                write_atomic(file, (self.head + text).encode())
                done += 1
        except Interrupted:
            kept = f"stopped; {done} of {len(files)} parts are written"
            raise interrupts.interruption(f"{kept}, and the same command begins again") from None


def refuse_mixed(folder: Path, files: Sequence[Path]) -> None:
    """Raise ConfigError when a folder holds parts that these files would not replace."""
    others = sorted(set(folder.glob("part-*")) - set(files))
    if others:
        raise ConfigError(
            f"holds {others[0].name}, which is none of the {len(files)} parts that are written; "
            "name another folder, or delete it",
            path=folder,
        )


def numbered(text: str, before: int) -> str:
    """Return lines of CSV with the numbers that they begin with counted on."""
    lines = csv.reader(io.StringIO(text, newline=""))
    return written(([int(row[0]) + before, *row[1:]] for row in lines), "explain")


@contextlib.contextmanager
def predictions_at(
    cluster: str,
    model: str | Path,
    data: str,
    format: str = "auto",
    wanted: Wanted | None = None,
    say: Say = print,
) -> Iterator[PredictionsElsewhere]:
    """Yield what is written of rows that the workers of a cluster read and label.

    Parameters
    ----------
    cluster : str
        See `cluster.at` of a config.
    model : str or Path
    data, format, wanted
        See `Predictions`; data may be an address such as s3://bucket/part.csv.
    say : callable
        Takes a sentence about the cluster.

    Raises
    ------
    ModelError, DataError, ConfigError, StorageError
    """
    classifier, wanted = load_classifier(model), wanted or Wanted()
    wanted.check(classifier, str(model))
    files = named_files(data)
    with crew_at(cluster_of(cluster, model), say) as crew:
        yield PredictionsElsewhere(crew, classifier, files, format, wanted)
