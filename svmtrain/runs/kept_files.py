"""What no output of a command may replace: files of runs and experiments, configs and models."""

from __future__ import annotations

import os
from pathlib import Path

from svmtrain.errors import ConfigError

MARKS = {
    "run.json": "a run directory",
    "path.json": "a path of runs",
    "experiment.json": "the folder of an experiment",
}
"""The file that makes a folder what it is, and what that is."""
ENDINGS = {".yaml": "a config", ".yml": "a config", ".npz": "a model or data"}
ARCHIVE = b"PK\x03\x04"


def refuse_inside(output: str | Path) -> None:
    """Raise ConfigError for an output in a folder that svmtrain keeps, at any depth.

    A run is what its config makes, and nothing else.
    """
    for folder in Path(os.path.realpath(output)).parents:
        for mark, what in MARKS.items():
            if (folder / mark).is_file():
                raise ConfigError(
                    f"lies inside {what}, which holds only what svmtrain keeps there; name a "
                    "file elsewhere",
                    path=output,
                )


def refuse_kept(output: str | Path) -> None:
    """Raise ConfigError for an output of text where a config or model is, or would be looked for.

    Parameters
    ----------
    output : str or Path
        Other files are replaced; see `refuse_inside` for folders.
    """
    refuse_inside(output)
    path = Path(os.path.realpath(output))
    if path.is_file() and path.suffix.lower() not in ENDINGS and _is_archive(path):
        raise ConfigError("is a model or another archive, and no text; name another", path=output)
    if path.suffix.lower() in ENDINGS and not path.is_dir():
        what = ENDINGS[path.suffix.lower()]
        raise ConfigError(
            f"is named like {what}, and predictions are text; name a file such as "
            f"{path.stem}.txt or {path.stem}.csv",
            path=output,
        )


def _is_archive(path: Path) -> bool:
    """Return whether a file begins as a model does, whatever it is called."""
    try:
        with path.open("rb") as file:
            return file.read(len(ARCHIVE)) == ARCHIVE
    except OSError:
        return False  # what cannot be read cannot be told; writing has errors of its own
