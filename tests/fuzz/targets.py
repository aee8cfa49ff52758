"""Every parser that takes foreign bytes: a table of what to call, and what its files are called.

An input is one string of bytes. Where a parser reads several files, the input holds them one
after the other with `NEXT` between, so that a fuzzer changes any of them. The formats of data
come from `READERS`: a new one is tested by being there, and its seeds are asked for.
"""

import contextlib
import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np

from svmtrain import checkpoint, container, strict_json
from svmtrain.cli.runs import show
from svmtrain.config import load_config
from svmtrain.config.load import parse_config
from svmtrain.data import digests
from svmtrain.data import store as stores
from svmtrain.data.dataset import ReadOptions
from svmtrain.data.readers import AUTO, READERS, columns_of, csv_arrow, iter_tables, read_table
from svmtrain.errors import ConfigError, DataError, FetchError, ModelError, ResumeError
from svmtrain.exchange import liblinear_reader
from svmtrain.fetch import part
from svmtrain.fetch.check import problem_with, recorded_sums
from svmtrain.fetch.entries import Output, RemoteFile
from svmtrain.model import load_model
from svmtrain.operations.circuit import read_text, show_expression
from svmtrain.operations.identity import refuse_other
from svmtrain.runs.catalogue import FIGURES, read_records, sort_runs, summarize
from svmtrain.runs.directory import RunDirectory
from svmtrain.runs.journal import saved_metrics
from svmtrain.runs.path import PathDirectory
from tests.fuzz.judge import require

MESSAGE = 1000  # characters, the path apart
CORPUS = Path(__file__).resolve().parent / "corpus"
NEXT = b"\n==== next file ====\n"
ONE = ("data",)
MIXED = {"text": True, "gaps": True}
NOTES = ("x.part", "x.part.source", "SHA256SUMS")
ROWS = 2  # of a chunk
BY_ARROW = ("parquet", "arrow")

# The files of formats that have not just one, in the order of the parts of an input.
FILES = {
    "npy": ("X.npy", "y.npy"),
    "idx": ("images", "labels"),
    "images": ("7/a.png", "8/b.png"),
    "store": ("store.json", "X.npy", "y.npy", "stats.npy", "data.npy", "indices.npy", "indptr.npy"),
}


@dataclass(frozen=True)
class Target:
    """A parser, called on what lies in a folder.

    `errors` are what it may raise, `corpus` is the folder of its seeds, and `make` turns an input
    into the content of the files, or into None when nothing can be made of it. `threads` says
    that pyarrow is at work, whose threads may outlast the call, and `message` is how long its
    errors may be.
    """

    name: str
    read: Callable[[Path], object]
    errors: tuple[type, ...]
    corpus: str
    files: tuple[str, ...] = ONE
    make: Callable[[bytes], bytes | None] = bytes
    threads: bool = False
    message: int = MESSAGE

    def parts(self, content):
        """Return the content of each file, by its name; None when there is nothing to read."""
        made = self.make(content)
        if made is None:
            return None
        if len(self.files) == 1:
            return {self.files[0]: made}
        return dict(zip(self.files, made.split(NEXT), strict=False))

    def seeds(self):
        """Return the inputs that are kept for it, by the names of their files."""
        return {path.name: path.read_bytes() for path in sorted((CORPUS / self.corpus).iterdir())}


def _readers():
    """Yield two targets for every format: as a whole with defaults, and in chunks of any cells."""
    for name, reader in READERS.items():
        files = FILES.get(name, ONE)

        def place(folder, files=files, reader=reader):
            return folder if reader.folder else folder / files[0]

        def whole(folder, name=name, place=place):
            options = ReadOptions(labels=_labels(folder, name))
            return read_table(place(folder), name, options)

        def chunks(folder, name=name, place=place):
            skipped = []
            options = ReadOptions(labels=_labels(folder, name), on_fault=skipped.append, **MIXED)
            columns_of(place(folder), name, options)
            return list(iter_tables(place(folder), name, options, rows=ROWS))

        common = {"errors": (DataError,), "corpus": name, "files": files}
        common["threads"] = name in BY_ARROW
        yield Target(name, whole, **common)
        yield Target(f"{name}-chunks", chunks, **common)


def _labels(folder, name):
    """Return the file of the labels, for a format that has one beside its features."""
    return str(folder / FILES[name][1]) if READERS[name].beside else None


def _csv_by_arrow(folder):
    """Read a table by Arrow's reader, which takes large files only unless told."""
    with mock.patch.object(csv_arrow, "LARGE", 0):
        return read_table(folder / "data", "csv")


def _to_predict(folder):
    """Read a table of any format that is found out, as for a model with two columns."""
    options = ReadOptions(labels_required=False, n_features=2)
    return read_table(folder / "data", AUTO, options)


def _any(folder):
    """Read a file whose format and packing are found out."""
    return read_table(folder / "data", AUTO)


def _overrides(folder):
    """Lay lines over a small config, as `--set` does."""
    lines = (folder / "data").read_bytes().decode("utf-8", "surrogateescape").split("\n")
    return parse_config("data: {train: a.csv}", overrides=lines)


def _circuit(folder):
    """Show the circuit of a file."""
    return show_expression(read_text(str(folder / "data")), {}, name="data", check=True)


def _expression(folder):
    """Show the circuit of an expression, whose values are on the lines after it."""
    text = (folder / "data").read_bytes().decode("utf-8", "replace")
    text, *rest = text.split("\n")
    words = (word.partition("=") for word in rest if "=" in word)
    values = {name.strip(): value for name, _, value in words if name.strip().isidentifier()}
    return show_expression(text, values, upstream=values.pop("upstream", None))


def _records(folder):
    """Go on with the metrics of a checkpoint that knows these bytes, and read them for a table."""
    run, content = RunDirectory(folder), (folder / "metrics.jsonl").read_bytes()
    read_records(run)
    known = SimpleNamespace(
        metrics_length=len(content),
        metrics_sha256=hashlib.sha256(content).hexdigest(),
        state=SimpleNamespace(epoch=len(content.splitlines())),
    )
    return saved_metrics(run, known)


def _run(folder):
    """Sort a run beside another by each of its figures, and show it."""
    run = RunDirectory(folder)
    one = summarize(run)
    sound = SimpleNamespace(name="sound", figures=dict.fromkeys(FIGURES, 0.5) | {"status": "x"})
    for key in FIGURES:
        sort_runs([one, sound, one], key)
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        show.command.callback(str(folder), False)
    lines = told.getvalue().split("\n")
    require(all(map(str.isprintable, lines)), f"not for a terminal: {lines}")


def _identity(folder):
    """Hold what a checkpoint says of its run to what the run is."""
    now = json.loads((CORPUS / "identity" / "seed-0").read_bytes())
    saved = strict_json.parse((folder / "data").read_bytes(), container.HEADER_LIMIT)
    return refuse_other(saved, now, "run")


def _digest_record(folder):
    """Take the digest of a file beside a record of what it was."""
    return digests.read_record(folder / "data")


def _archive(folder):
    """Check a downloaded archive of two members, plain or compressed, and the text in it."""
    output = Output("rows.bin", ("a/one.bin", "a/two.bin"), 4)
    for ending in ("", ".gz", ".bz2"):
        file = RemoteFile(f"data.tar{ending}", ("https://localhost/x",), lines=2, outputs=(output,))
        problem = problem_with(folder / "data", file)
        if problem is None:
            return
    raise FetchError(problem)


def _fetch_notes(folder):
    """Read what a download that broke off left beside itself, and the digests of earlier ones."""
    with part.opened(folder / "x") as begun:
        begun.version_from("https://localhost/x")
    return recorded_sums(folder)


def _signed(content):
    """Return the bytes of a container with the digest that fits them."""
    body = content[: -container.COMMENT_LENGTH]
    return body + container.COMMENT_PREFIX + hashlib.sha256(body).hexdigest().encode()


def _object(content):
    """Return an object in JSON as it is, and None for anything else."""
    try:
        strict_json.parse(content, container.HEADER_LIMIT)
    except ValueError:
        return None
    return content


def _forged(content):
    """Return the container of a header and arrays that are written out in JSON."""
    try:
        document = json.loads(content)
        arrays = {name: _array(*one) for name, one in document["arrays"].items()}
        return container.pack(document["header"], arrays)
    except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError):
        return None


def _array(dtype, values):
    """Return an array of one of the dtypes that are stored."""
    if dtype not in container.DTYPES:
        raise ValueError(dtype)
    with np.errstate(all="ignore"):
        return np.array(values).astype(dtype)


def _containers():
    """Yield targets for models and checkpoints: as they are, signed anew, and made of any parts."""
    for name, load in (("model", load_model), ("checkpoint", checkpoint.load)):

        def read(folder, load=load):
            return load(folder / "data")

        yield Target(name, read, (ModelError,), name)
        yield Target(f"{name}-signed", read, (ModelError,), name, make=_signed)
        yield Target(f"{name}-forged", read, (ModelError,), f"{name}-forged", make=_forged)


OTHERS = (
    Target(
        "liblinear",
        lambda folder: liblinear_reader.read(folder / "data"),
        (ModelError,),
        "liblinear",
    ),
    Target("csv-arrow", _csv_by_arrow, (DataError,), "csv", threads=True),
    Target("any", _any, (DataError,), "any", threads=True),
    Target("to-predict", _to_predict, (DataError,), "any", threads=True),
    Target("compressed", _any, (DataError,), "compressed"),
    Target("store-verify", stores.verify, (DataError,), "store", FILES["store"]),
    Target("digest-record", _digest_record, (), "digest-record"),
    Target("archive", _archive, (FetchError,), "archive"),
    Target("fetch-notes", _fetch_notes, (FetchError,), "fetch-notes", NOTES),
    Target("config", lambda folder: load_config(folder / "data"), (ConfigError,), "config"),
    Target("set", _overrides, (ConfigError,), "set"),
    Target("circuit", _circuit, (ConfigError,), "circuit"),
    Target("expression", _expression, (ConfigError,), "expression"),
    Target("identity", _identity, (ResumeError,), "identity", make=_object, message=10_000),
    Target("metrics", _records, (ResumeError,), "metrics", ("metrics.jsonl",)),
    Target("run", _run, (ModelError,), "run", ("run.json", "metrics.jsonl")),
    Target(
        "path",
        lambda folder: PathDirectory(folder).members(),
        (ModelError,),
        "path",
        ("path.json",),
    ),
)
TARGETS = {target.name: target for target in (*_readers(), *_containers(), *OTHERS)}
