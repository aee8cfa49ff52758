"""What to say of data that do not fit a model: what it was trained on, and what these are."""

from __future__ import annotations

import re

from svmtrain.data.dataset import ReadOptions
from svmtrain.data.readers import READERS, STDIN, format_of
from svmtrain.data.readers.features import listed
from svmtrain.errors import DataError, NoLabelsError, shown

NEEDS_LABELS = "this needs labels, which svmtrain predict does not"
WHAT = {
    "csv": "a table",
    "parquet": "a table",
    "arrow": "a table",
    "images": "a folder of pictures",
    "store": "a store",
}
"""What data of a format are; of others, the format says it."""
TWO_NUMBERS = re.compile(r"column \d+ is called '[-+0-9.eE]+', as is")


def misfit(error: DataError, path: str, format: str, options: ReadOptions) -> DataError:
    """Return an error about data that were read for a model, in words of the model.

    Parameters
    ----------
    error : DataError
        What reading them raised.
    path : str
        Of the data; `-` is standard input.
    format : str
        A name in `READERS`, or "auto".
    options : ReadOptions
        How the model wants data to be read.
    """
    problem = error.problem
    names = options.feature_names
    if names is not None and _lacks_header(error):
        told = (
            f"has no header line, and the model finds its columns by their names: {listed(names)}"
        )
        return DataError(f"{told} (write the names as its first line)", path=error.path)
    if _lacks_labels(error, options):
        return NoLabelsError(
            f"{problem}; {NEEDS_LABELS}", path=error.path, line=error.line, column=error.column
        )
    if path == STDIN or not ("no columns to keep" in problem or "but the model expects" in problem):
        return error
    found = format_of(path, format)
    columns = READERS[found].columns is not None
    if columns is (names is not None):
        return error
    what = WHAT.get(found, f"{found} data")
    before = "" if "no columns to keep" in problem else f"{problem}: "
    return DataError(f"{before}{_trained_on(options)}, and this is {what}", path=error.path)


def _trained_on(options: ReadOptions) -> str:
    """Return what a model was trained on, as far as it knows."""
    if options.feature_names is not None:
        return f"the model was trained on a table with the columns {listed(options.feature_names)}"
    return f"the model was trained on rows of {options.n_features:,} values without names"


def _lacks_header(error: DataError) -> bool:
    """Return whether a table has no header, or a row of numbers was taken for one."""
    return error.problem.startswith("has no header to find") or (
        error.line == 1 and TWO_NUMBERS.match(error.problem) is not None
    )


def _lacks_labels(error: DataError, options: ReadOptions) -> bool:
    """Return whether labels were looked for in vain."""
    if not options.labels_required:
        return False
    target = f"no column is called {shown(options.target)};"
    outside = "lies outside the subfolders of pictures"
    return isinstance(error, NoLabelsError) or error.problem.startswith((target, outside))
