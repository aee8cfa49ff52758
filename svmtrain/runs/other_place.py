"""What to type when something else stands where a run directory should."""

from __future__ import annotations

import contextlib
import os
import shlex
from pathlib import Path

from svmtrain.config.plain import nearest
from svmtrain.files import near_file

LISTED = 1_000
"""Names that are looked at in a folder."""
RUNS = Path("runs")


def no_run(path: Path) -> str:
    """Return what is found at a path that is no run directory, and what was meant, if it is near.

    As it stands after the path in a message: "is not a run directory (no run.json; ...)".
    """
    try:
        hint = _hint(path)
    except (OSError, ValueError):
        hint = ""
    why = "no run.json" if os.path.lexists(path) else "it does not exist"
    return f"is not a run directory ({why}{hint})"


def near_model(path: Path) -> str:
    """Return the run or the file that a path of no model was probably meant to be, in brackets.

    Nothing where nothing is near.
    """
    try:
        found = _near_run(path) or _near_run(path.parent)
    except (OSError, ValueError):
        found = None
    return near_file(path) if found is None else f" (did you mean {_quoted(found)}?)"


def runs_below(folder: str | Path) -> str | None:
    """Return the first folder of runs in an experiment or in a folder of experiments, quoted.

    None where there is no such folder.
    """
    folder = Path(folder)
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        inner = [Path(entry.path) for entry, _ in zip(entries, range(LISTED), strict=False)]
        for place in (folder, *sorted(inner)):
            if _runs_in(place / RUNS):
                return _quoted(place / RUNS)
    return None


def _hint(path: Path) -> str:
    if path.is_dir():
        for folder in (path, path / RUNS):
            if runs := _runs_in(folder):
                return f"; it holds runs: name one of them, such as {_quoted(folder / runs[0])}"
        return ""
    if path.exists():
        if path.suffix in (".yaml", ".yml"):
            return f"; it is a config: svmtrain fit {_quoted(path)} --resume goes on with its run"
        return "; it is a file"
    near = _near_run(path)
    return "" if near is None else f"; did you mean {_quoted(near)}?"


def _near_run(path: Path) -> Path | None:
    """Return the run of a similar name, beside a path that is not there or in the usual folder."""
    for folder in (path.parent, RUNS):
        near = None if path.exists() else nearest(path.name, _runs_in(folder))
        if near is not None:
            return folder / near
    return None


def _runs_in(folder: Path) -> list[str]:
    """Return the names of the runs and paths in a folder, sorted."""
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        names = [entry.name for entry, _ in zip(entries, range(LISTED), strict=False)]
    marks = ("run.json", "path.json")
    return [name for name in sorted(names) if any((folder / name / m).exists() for m in marks)]


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
