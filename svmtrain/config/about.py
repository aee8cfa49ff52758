"""What the fields of a config's sections carry besides their values."""

from __future__ import annotations

from svmtrain.config.kinds import Kind


def about(
    kind: Kind, help_line: str, *, name: str | None = None, common: bool = False
) -> dict[str, object]:
    """Return the metadata of a field.

    `name` is the key in YAML where that is no Python name; `common` puts the key to use in a
    starter config, where the others are comments.
    """
    return {"kind": kind, "help": help_line, "name": name, "common": common}
