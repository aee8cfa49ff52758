"""Find the file of the labels, for formats that keep them apart from the features."""

from __future__ import annotations

import os
import re

from svmtrain.data.readers.compressed import ENDINGS, unpacked_name
from svmtrain.data.readers.opening import STDIN_NAME
from svmtrain.errors import NoLabelsError, shown

ASK = "name the labels: data.labels in a config, --labels with a command"


def labels_beside(path: str, *rules: tuple[str, str]) -> str:
    """Return the path of the labels that lie beside the features, by their name.

    Parameters
    ----------
    path : str
        Of the features.
    *rules : pair of str
        Regular expressions and what to put in their place, each applied where it matches last
        in the name of the file. One must match. The labels may be compressed as the features
        are, in another way, or not.

    Raises
    ------
    DataError
        When no rule fits the name, or there is no file of the name that was found.
    """
    if path == STDIN_NAME:
        raise NoLabelsError(f"has no labels beside it ({ASK})", path=path)
    folder, name = os.path.split(path)
    plain = unpacked_name(name)
    changed = plain
    for pattern, new in rules:
        if found := list(re.finditer(pattern, changed)):
            start, end = found[-1].span()
            changed = changed[:start] + new + changed[end:]
    if changed == plain:
        problem = "does not tell by its name what its labels are called"
        raise NoLabelsError(f"{problem} ({ASK})", path=path)
    for ending in (name[len(plain) :], "", *ENDINGS):
        candidate = os.path.join(folder, changed + ending)
        if os.path.exists(candidate):
            return candidate
    tried = changed + name[len(plain) :]
    problem = f"found no labels beside it: there is no {shown(tried)}"
    raise NoLabelsError(f"{problem} ({ASK})", path=path)
