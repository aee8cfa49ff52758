"""From a table of sections to those that a page has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from svmtrain.errors import ConfigError, SvmtrainError

T = TypeVar("T")
Section = Callable[[T], "Mapping[str, Any] | None"]
"""From what a page is about to what the template of a section is given; None for no section."""


def gather(table: Mapping[str, tuple[Section[T], str]], subject: T) -> list[dict[str, Any]]:
    """Return the sections that there is something for, each with its name and title.

    What cannot be shown since data are broken is said in place of a section.

    Raises
    ------
    ConfigError
        When a library is missing.
    """
    found = []
    for name, (make, title) in table.items():
        try:
            content = make(subject)
        except ConfigError:
            raise
        except SvmtrainError as error:
            content = {"problem": str(error)}
        if content is not None:
            found.append({"name": name, "title": title, **content})
    return found
