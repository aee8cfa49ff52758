"""What to type when something else stands where a config should."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from svmtrain.config.plain import nearest

ENDINGS = (".yaml", ".yml")
LISTED = 1_000
"""Names that are looked at in a folder: more than anybody keeps configs."""


def advice(path: str | os.PathLike[str]) -> str:
    """Return what to do about a path that is no config, in brackets; nothing if that is not known.

    A run directory is gone on with, data get a config, and a name that is near is one mistyped.
    """
    place = Path(path)
    try:
        if place.is_dir():
            return _of_folder(place)
        if place.exists():
            return "" if place.name.endswith(ENDINGS) else _of_data(place)
        return _of_missing(place)
    except (OSError, ValueError):
        return ""


def _of_folder(folder: Path) -> str:
    """Return what to do about a folder in place of a config."""
    if (folder / "path.json").exists() or (folder / "config.yaml").exists():
        run = shlex.quote(str(folder))
        inner = shlex.quote(str(folder / "config.yaml"))
        return f" (it is a run: svmtrain resume {run} goes on with it, and {inner} is its config)"
    return " (a config is a file in YAML)"


def _of_data(file: Path) -> str:
    """Return how to begin with what is likely data."""
    stem = file.name.lstrip(".").partition(".")[0] or "data"
    return (
        f" (if it is data: svmtrain config init {shlex.quote(str(file))} "
        f"-o {shlex.quote(stem)}.yaml writes a config for it)"
    )


def _of_missing(file: Path) -> str:
    """Return the name in the same folder that was probably meant."""
    if file.name == "config.yaml" and (file.parent / "run.json").exists():
        info = shlex.quote(str(file.parent / "run.json"))
        return f" (the run lost it; {info} has the command that makes the run again with --force)"
    with os.scandir(file.parent) as entries:
        names = [entry.name for entry, _ in zip(entries, range(LISTED), strict=False)]
    stems = {Path(name).stem: name for name in sorted(names) if name.endswith(ENDINGS)}
    near = nearest(file.stem, stems)
    if near is None:
        return ""
    return f" (did you mean {shlex.quote(str(file.parent / stems[near]))}?)"
