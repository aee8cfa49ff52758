"""The schema as a table: every key with its section, kind, default and help."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from svmtrain.config.kinds import Kind
from svmtrain.config.schema import SECTIONS, Config


@dataclass(frozen=True)
class Key:
    """One key of the schema.

    Attributes
    ----------
    section, name : str
        As in YAML.
    attribute : str
        The field of the section's dataclass.
    kind : Kind
        What its values are.
    help : str
        One line.
    default : object
        Meaningless when `required`.
    required, common : bool
        Whether it must be given; whether a starter config gives it.
    """

    section: str
    name: str
    attribute: str
    kind: Kind
    help: str
    default: object
    required: bool
    common: bool

    @property
    def dotted(self) -> str:
        """The section and the name, joined by a dot."""
        return f"{self.section}.{self.name}"

    def value(self, config: Config) -> object:
        """Return the value that `config` has for this key."""
        value: object = getattr(getattr(config, self.section), self.attribute)
        return value


def _table() -> dict[str, Key]:
    """Return the keys of all sections by their dotted names."""
    keys = [
        Key(
            section=section,
            name=one.metadata.get("name") or one.name,
            attribute=one.name,
            kind=one.metadata["kind"],
            help=one.metadata["help"],
            default=one.default,
            required=one.default is dataclasses.MISSING,
            common=one.metadata["common"],
        )
        for section, cls in SECTIONS.items()
        for one in dataclasses.fields(cls)
    ]
    return {key.dotted: key for key in keys}


#: Every key by its dotted name, in the order of the schema.
KEYS: dict[str, Key] = _table()


def keys_of(section: str) -> list[Key]:
    """Return the keys of one section."""
    return [key for key in KEYS.values() if key.section == section]
