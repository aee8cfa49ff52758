"""Split data into files, as a training would split them: `svmtrain data split`.

Text keeps its very lines, and is plain if it was compressed. Stores become stores, which are read
as they are wanted; other formats become npz, or stores where npz cannot hold them.
"""

from __future__ import annotations

import contextlib
import csv
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from svmtrain import interrupts
from svmtrain.data.dataset import (
    CodedLabels,
    Dataset,
    Label,
    ReadOptions,
    Table,
    encode_labels,
    find_classes,
    joined,
)
from svmtrain.data.readers import (
    STDIN,
    combined,
    data_paths,
    format_of,
    iter_tables,
    read_each,
    read_table,
)
from svmtrain.data.readers.compressed import unpacked_name
from svmtrain.data.readers.content import UTF8_BOM
from svmtrain.data.readers.csv_sniff import find_delimiter, take_first
from svmtrain.data.readers.opening import opened
from svmtrain.data.readers.text import TextBlocks, text_lines
from svmtrain.data.sparse import Csr
from svmtrain.data.splits import TEST_STREAM, VALIDATION_STREAM, split
from svmtrain.data.store import write_store
from svmtrain.errors import ConfigError, DataError, StorageError
from svmtrain.files import refuse_same_file, replaced_atomically

PARTS = ("train", "test", "validation")
BLOCK_ROWS = 4096
LOSSLESS = {"csv": ".csv", "svmlight": ".svm"}
"""The formats whose lines are kept, each with the ending for a file without one."""


@dataclass(frozen=True)
class Part:
    """One of the files made: its rows, and how many each class has."""

    name: str
    path: str
    rows: int
    classes: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def split_data(
    source: str,
    folder: str | Path,
    *,
    format: str = "auto",
    options: ReadOptions | None = None,
    test: float = 0.2,
    validation: float = 0.0,
    stratified: bool = True,
    seed: int = 0,
    force: bool = False,
) -> list[Part]:
    """Write the rows of some data into files: train, test, and validation if asked for.

    The rows held out are those that a config with the same fractions, `data.stratified` and
    `data.seed` holds out of the same data.

    Raises
    ------
    ConfigError
        When a file is there already (without `force`), or is read from; when the validation rows
        of another split would stay beside these.
    DataError
        As `read_tables`.
    """
    options = replace(options or ReadOptions(), text=True, gaps=True)
    files = data_paths(source, options.labels)
    if any(file.path == STDIN for file in files):
        raise DataError("is read more than once to be split; save it to a file", path=source)
    found = format_of(files[0].path, format)
    counts, table = _read(source, found, options)
    if table.labels is None:
        raise DataError("has no labels", path=source)
    classes = find_classes(table.labels, source)
    y = encode_labels(table.labels, classes, source)
    place = _places(y, test, validation, stratified, seed)
    wanted = PARTS if validation else PARTS[:2]
    ending = _ending(files[0].path, found, table)
    paths = [Path(folder) / f"{name}{ending}" for name in wanted]
    _prepare(Path(folder), paths, [file.path for file in files], force)
    if found in LOSSLESS:
        _write_lines(paths, _lines(counts, found, options, place), _mark(files[0].path))
    else:
        whole = Dataset(table.X, y, classes, table.feature_names)
        for number, path in enumerate(paths):
            interrupts.check()
            _write_rows(path, whole.rows(np.flatnonzero(place == number)), table)
    return [
        _part(name, path, y[place == number], classes)
        for number, (name, path) in enumerate(zip(wanted, paths, strict=True))
    ]


def _read(source: str, format: str, options: ReadOptions) -> tuple[list[tuple[str, int]], Table]:
    """Return the files with their numbers of rows, and all rows; of text without the values."""
    lossless = format in LOSSLESS
    read = _without_values if lossless else read_table
    found = list(read_each(source, format, options, options.labels, read))
    counts = [(path, len(table.X)) for path, table in found]
    tables = [table for _, table in found]
    if not lossless:
        return counts, combined(tables)
    return counts, joined([_bare(table) for table in tables])


def _without_values(path: str, format: str, options: ReadOptions) -> Table:
    """Read a file in chunks and keep the labels: its lines are copied later, not its values."""
    kept, width = [], 0
    for table in iter_tables(path, format, options):
        interrupts.check()
        width = table.X.shape[1]
        kept.append(_bare(table))
    whole = joined(kept)
    return replace(whole, X=np.broadcast_to(0.0, (len(whole.X), width)))


def _bare(table: Table) -> Table:
    """Return a table without its values."""
    return replace(table, X=np.empty((len(table.X), 0)))


def default_folder(source: str) -> str:
    """Return the folder that parts of some data go to, in the current one: after their name."""
    name = Path(unpacked_name(data_paths(source)[0].path)).stem
    return f"{name or 'data'}-parts"


def _prepare(folder: Path, paths: list[Path], sources: list[str], force: bool) -> None:
    """Make the folder, and refuse to write what is there or what is read."""
    for path in paths:
        refuse_same_file(path, sources)
        if path.exists() and not force:
            raise ConfigError("is there already (--force replaces it)", path=path)
    for name in PARTS:
        other = paths[0].with_name(f"{name}{paths[0].suffix}")
        if other not in paths and paths[0].exists() and other.exists():
            raise ConfigError("is of another split and would stay; remove it first", path=other)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError.from_os_error(error, "make", folder) from error


def _part(name: str, path: Path, y: NDArray[np.int64], classes: tuple[Label, ...]) -> Part:
    counts = np.bincount(y, minlength=len(classes)).tolist()
    return Part(name, str(path), len(y), dict(zip(map(str, classes), counts, strict=True)))


def _places(
    y: NDArray[np.int64], test: float, validation: float, stratified: bool, seed: int
) -> NDArray[np.int8]:
    """Return which part each row goes to: 0 train, 1 test, 2 validation."""
    place = np.zeros(len(y), dtype=np.int8)
    stay, held = split(y, test, seed=seed, stream=TEST_STREAM, stratified=stratified)
    place[held] = 1
    if validation:
        _, held = split(
            y[stay], validation, seed=seed, stream=VALIDATION_STREAM, stratified=stratified
        )
        place[stay[held]] = 2
    return place


def keeps_its_form(part: str) -> bool:
    """Return whether a part is read as its source is; others hold their labels and names."""
    return Path(part).suffix not in (".npz", ".store")


def _ending(path: str, format: str, table: Table) -> str:
    if format in LOSSLESS:
        return Path(unpacked_name(path)).suffix or LOSSLESS[format]
    stored = format == "store" or isinstance(table.X, Csr) or table.categories
    return ".store" if stored else ".npz"


def _mark(path: str) -> bytes:
    """Return the byte order mark that a text begins with, if any."""
    with opened(path) as source:
        return UTF8_BOM if source.head.startswith(UTF8_BOM) else b""


def _lines(
    files: list[tuple[str, int]], format: str, options: ReadOptions, place: NDArray[np.int8]
) -> Iterator[tuple[int | None, bytes]]:
    """Yield (part, raw lines) for each record; None is the header, which goes to every part.

    A file has a header when it has one record more than rows; that of the first file is kept.
    """
    records = {"csv": _csv_records, "svmlight": _svmlight_records}[format]
    count = 0
    for path, rows in files:
        with opened(path) as source:
            header = sum(1 for _ in records(source.stream, options, path)) > rows
        with opened(path) as source:
            for raw in records(source.stream, options, path):
                interrupts.check()
                if not header:
                    yield int(place[count]), raw
                    count += 1
                elif path == files[0][0]:
                    yield None, raw
                header = False


def _csv_records(stream: BinaryIO, options: ReadOptions, name: str) -> Iterator[bytes]:
    """Yield the raw lines of each record; one with a quoted line end has several."""
    taken: list[str] = []

    def lines() -> Iterator[str]:
        for line in text_lines(TextBlocks(stream, name)):
            taken.append(line)
            yield line

    source = lines()
    head = take_first(source)
    taken.clear()
    delimiter = find_delimiter(head, options, name)

    def again() -> Iterator[str]:
        for line in head:
            taken.append(line)
            yield line
        yield from source

    for row in csv.reader(again(), delimiter=delimiter, strict=True, skipinitialspace=True):
        raw = "".join(taken).encode()
        taken.clear()
        if row:
            yield raw


def _svmlight_records(stream: BinaryIO, options: ReadOptions, name: str) -> Iterator[bytes]:
    """Yield the lines that hold a row."""
    for _, _, line in TextBlocks(stream, name):
        if line.split(b"#", 1)[0].strip():
            yield line


def _write_lines(paths: list[Path], lines: Iterator[tuple[int | None, bytes]], mark: bytes) -> None:
    """Write lines to their parts, each of which begins with a mark.

    The last line of a file may lack its end; it gets the one of the line before.
    """
    end = b"\n"
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(replaced_atomically(path)).buffer for path in paths]
        for stream in streams:
            stream.write(mark)
        for part, raw in lines:
            if raw.endswith(b"\n"):
                end = b"\r\n" if raw.endswith(b"\r\n") else b"\n"
            whole = raw if raw.endswith(b"\n") else raw + end
            for stream in streams if part is None else [streams[part]]:
                stream.write(whole)


def _write_rows(path: Path, rows: Dataset, table: Table) -> None:
    """Write rows as npz, or as a store when they are sparse or have columns of text."""
    codes = CodedLabels(rows.y.astype(np.int32), rows.classes)
    if path.suffix == ".store":
        blocks = rows.blocks(BLOCK_ROWS)
        tables = (
            Table(X, codes[at : at + len(X)], rows.feature_names, table.categories)
            for at, X in zip(range(0, len(rows), BLOCK_ROWS), blocks, strict=True)
        )
        write_store(tables, path, replace=os.path.lexists(path))
        return
    arrays: dict[str, Any] = {"X": rows.X, "y": np.array([*codes])}
    if rows.feature_names is not None:
        arrays["feature_names"] = np.array(rows.feature_names)
    with replaced_atomically(path) as stream:
        np.savez(stream.buffer, **arrays)
