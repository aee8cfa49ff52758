"""Models to the forms of other programs, and models of LIBLINEAR to ours."""

from __future__ import annotations

import os
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from svmtrain.config.plain import nearest
from svmtrain.errors import ConfigError, printable
from svmtrain.exchange import liblinear_reader
from svmtrain.exchange.forms import EXPORTS, Write
from svmtrain.files import refuse_same_file, sha256_bytes, write_atomic
from svmtrain.operations.evaluate import find_model, load_classifier


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes
    ----------
    path : str
    form : str
    size : int
        Bytes.
    sha256 : str
    notes : tuple of str
        What whoever uses the file must know.
    use : str
        What uses it.
    """

    path: str
    form: str
    size: int
    sha256: str
    notes: tuple[str, ...]
    use: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {**asdict(self), "notes": list(self.notes)}


def export_model(
    model: str | Path, form: str, output: str | Path | None = None, *, force: bool = False
) -> Written:
    """Write a model in the form of another program.

    Parameters
    ----------
    model : str or Path
        A model, a checkpoint or a run directory.
    form : str
        A name in `EXPORTS`.
    output : str or Path, optional
        The file to write; the name of the model or run with the ending of the form, in the
        current folder, when not given.
    force : bool
        Whether a file that exists is replaced.

    Raises
    ------
    ConfigError
        For a form that is unknown or cannot carry the model, and for an output that exists.
    ModelError
        For a model that cannot be used.
    StorageError
        When the file cannot be written.
    """
    if form not in EXPORTS:
        near = nearest(form, EXPORTS)
        meant = f" (did you mean {near}?)" if near else ""
        known = ", ".join(EXPORTS)
        raise ConfigError(f"--to must be one of {known}; got {printable(form)!r}{meant}")
    source = find_model(model)
    writers = EXPORTS[form].writers
    path = _named_after(model, next(iter(writers))) if output is None else Path(output)
    write = _writer(form, path)
    classifier = load_classifier(model)
    refuse_existing(path, source, force=force)
    try:
        made = write(classifier)
    except ConfigError as error:
        raise ConfigError(error.problem, path=source) from None
    write_atomic(path, made.content)
    digest, use = sha256_bytes(made.content), _use(form, path)
    return Written(str(path), form, len(made.content), digest, made.notes, use)


def _use(form: str, path: Path) -> str:
    """Return what uses a file of a form."""
    ways = EXPORTS[form].use
    way = ways.get(path.suffix, next(iter(ways.values())))
    file = str(path) if "!r" in way else shlex.quote(str(path))
    return way.format(file=file)


def _named_after(model: str | Path, ending: str) -> Path:
    """Return a name in the current folder: that of a run, or of a file without its ending."""
    name = os.path.basename(os.path.abspath(model))
    return Path((name if os.path.isdir(model) else Path(name).stem) + ending)


def _writer(form: str, path: Path) -> Write:
    """Return what makes the content of a file; its ending decides where there are several."""
    writers = EXPORTS[form].writers
    if len(writers) == 1:
        return next(iter(writers.values()))
    if path.suffix not in writers:
        endings = " or ".join(writers)
        raise ConfigError(f"the name of an output for {form} must end in {endings}", path=path)
    return writers[path.suffix]


def refuse_existing(path: Path, source: str | Path, *, force: bool) -> None:
    """Raise ConfigError for an output that exists, unless it may be replaced, or is the input."""
    refuse_same_file(path, [source])
    if path.is_dir():
        raise ConfigError("is a folder; name a file", path=path)
    if os.path.lexists(path) and not force:
        raise ConfigError("exists already: --force replaces it, -o names another", path=path)


def import_model(path: str | Path, output: str | Path, *, force: bool = False) -> Written:
    """Write a model of LIBLINEAR as a model of svmtrain.

    Parameters
    ----------
    path : str or Path
        A file that `liblinear-train` saved.
    output : str or Path
    force : bool
        Whether a file that exists is replaced.

    Raises
    ------
    ConfigError
        For an output that exists.
    ModelError
        For a file that is missing, malformed or none of classification.
    """
    classifier, notes = liblinear_reader.read(path)
    target = Path(output)
    refuse_existing(target, path, force=force)
    content = classifier.to_bytes()
    write_atomic(target, content)
    return Written(str(target), "svmtrain", len(content), sha256_bytes(content), notes)
