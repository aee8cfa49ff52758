"""From a Config or the schema back to text: YAML, JSON, tables and a starter config."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

from svmtrain.config.cluster import Cluster
from svmtrain.config.keys import KEYS, Key, keys_of
from svmtrain.config.kinds import Either, Kind
from svmtrain.config.plain import reading
from svmtrain.config.schema import SECTIONS, Config
from svmtrain.config.texts import FileName, FilePath, FilePaths, Interval, is_address

_READ_AS_BOOLEAN_BY_SOME = ("y", "Y", "n", "N")
_NEEDS_NO_QUOTES = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*|\.\.?(?:/[A-Za-z0-9_./-]*)?")


@dataclass(frozen=True)
class Row:
    """One key of the schema, as text to show: `type` is what it accepts."""

    key: str
    type: str
    default: str
    help: str


def to_dict(config: Config) -> dict[str, dict[str, object]]:
    """Return the config as plain values that JSON can hold, by YAML names."""
    values: dict[str, dict[str, object]] = {section: {} for section in SECTIONS}
    for key in KEYS.values():
        values[key.section][key.name] = _plain(key.value(config))
    return values


def to_yaml(config: Config, folder: str = "") -> str:
    """Return the whole config as YAML that loads back to an equal config.

    Parameters
    ----------
    config : Config
        Every key of it is written, the defaults as well; but nothing of a cluster where
        all of it is.
    folder : str
        Where the text will be saved: relative paths are written relative to it, so that they
        mean the same files when read from there. Absolute paths stay as they are.
    """
    lines = []
    for section in SECTIONS:
        if section == "cluster" and config.cluster == Cluster():
            continue
        lines.append(f"{section}:")
        for key in keys_of(section):
            value = key.value(config)
            if _is_path(key.kind, value):
                value = _relative(value, folder)
            if key.dotted == "output.name" and not FileName.fits(str(value)):
                value = None  # of a folder that was renamed, and no config could give
            lines.append(f"  {key.name}: {yaml_value(value)}")
    return "\n".join(lines) + "\n"


def yaml_value(value: object) -> str:
    """Return one value as YAML on one line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        pairs = (f"{yaml_value(str(label))}: {yaml_value(one)}" for label, one in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(yaml_value, value)) + "]"
    if isinstance(value, Interval):
        return str(value)
    return _text(str(value))


def schema_rows() -> list[Row]:
    """Return every key with its type, default and help."""
    return [
        Row(
            key=key.dotted,
            type=key.kind.describe(),
            default="(required)" if key.required else yaml_value(key.default),
            help=key.help,
        )
        for key in KEYS.values()
    ]


def schema_text() -> str:
    """Return the schema as a table to read: one key a line, its type on the next."""
    rows = schema_rows()
    width = max(len(row.key) for row in rows)
    middle = max(len(row.default) for row in rows)
    lines = [f"{'key':{width}}  {'default':{middle}}  meaning"]
    for row in rows:
        lines.append(f"{row.key:{width}}  {row.default:{middle}}  {row.help}")
        lines.append(f"{'':{width}}  {'':{middle}}    {row.type}")
    return "\n".join(lines) + "\n"


def schema_json() -> str:
    """Return the schema as a JSON list of objects; `default` is absent from a required key."""
    rows = []
    for row, key in zip(schema_rows(), KEYS.values(), strict=True):
        entry: dict[str, object] = {**dataclasses.asdict(row), "required": key.required}
        del entry["default"]
        if not key.required:
            entry["default"] = _plain(key.default)
        rows.append(entry)
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"


def differences(old: Config, new: Config) -> list[tuple[str, object, object]]:
    """Return (dotted key, old value, new value) for every key that differs, as plain values.

    Two paths are the same when they name the same place as seen from the current folder.
    """
    found = []
    for key in KEYS.values():
        before, after = key.value(old), key.value(new)
        if before == after or (
            _is_path(key.kind, before)
            and _is_path(key.kind, after)
            and _absolute(before) == _absolute(after)
        ):
            continue
        found.append((key.dotted, _plain(before), _plain(after)))
    return found


def starter(
    train: str,
    *,
    format: str | None = None,
    target: str | int | None = None,
    test: str | float | None = None,
    text: str | None = None,
    missing: str | None = None,
    drop: tuple[str | int, ...] = (),
    header: bool | None = None,
    delimiter: str | None = None,
    labels: str | None = None,
    text_columns: tuple[str | int, ...] = (),
    remarks: Mapping[str, str] | None = None,
    folder: str = "",
) -> str:
    """Return a commented config to start from.

    The most used keys are live, the rest are comments that show their defaults. Nothing is said of
    a cluster: who has one names it.

    Parameters
    ----------
    train, test : str
        Data files, relative to the current folder unless absolute; for test also the fraction of
        the training rows.
    format : str, optional
        Of the data files; by default told from the file.
    target : str or int, optional
        The column of the labels.
    text, missing : str, optional
        What to do about columns of text and gaps, where there are some.
    drop : tuple of str or int
        Columns that can be no features.
    header, delimiter, labels, text_columns : optional
        As in a config; what is not given is found out again.
    remarks : mapping of str to str, optional
        By dotted key, what else is to be said of it.
    folder : str
        Where the config will be saved.
    """
    given: dict[str, object] = {
        "data.train": _relative(train, folder),
        "data.format": format,
        "data.target": target,
        "data.test": _relative(test, folder) if isinstance(test, str) else test,
        "data.text": text,
        "data.missing": missing,
        "data.drop": drop or None,
        "data.header": header,
        "data.delimiter": delimiter,
        "data.labels": None if labels is None else _relative(labels, folder),
        "data.text_columns": text_columns or None,
    }
    lines = [
        "# A config for svmtrain. To change a key that is switched off, remove its '#'.",
        "",
    ]
    for section, cls in SECTIONS.items():
        if section == "cluster":
            continue
        lines += [f"# {cls.__doc__}", f"{section}:"]
        for key in keys_of(section):
            lines += _starter_lines(
                key, given.get(key.dotted), folder, (remarks or {}).get(key.dotted, "")
            )
        lines.append("")
    return "\n".join(lines)


def _starter_lines(key: Key, given: object, folder: str, remark: str) -> list[str]:
    """Return the help and the line of one key, which is live when given or common."""
    value = key.default if given is None else given
    if given is None and _is_path(key.kind, value):
        value = _relative(value, folder)
    live = given is not None or key.common
    text = f"{key.help}: {key.kind.describe()}"
    comment = [
        line
        for part in (text, remark)
        for line in textwrap.wrap(part, 94, initial_indent="  # ", subsequent_indent="  #   ")
    ]
    return [*comment, f"  {'' if live else '#'}{key.name}: {yaml_value(value)}"]


def _plain(value: object) -> object:
    """Return a value as JSON holds it."""
    if isinstance(value, Interval):
        return str(value)
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if isinstance(value, Mapping) else value


def _is_path(kind: Kind, value: object) -> bool:
    """Return whether `value` of `kind` is a path, or several."""
    kinds = kind.kinds if isinstance(kind, Either) else (kind,)
    paths = any(isinstance(one, (FilePath, FilePaths)) for one in kinds)
    return paths and isinstance(value, (str, tuple))


def _relative(value: object, folder: str) -> object:
    """Return a path, or several, as seen from `folder`; absolute paths stay absolute."""
    if isinstance(value, tuple):
        return tuple(_relative(path, folder) for path in value)
    path = str(value)
    lasts = os.path.isabs(path) or is_address(path)
    return path if lasts else os.path.relpath(path, folder or os.curdir)


def _absolute(value: object) -> object:
    """Return a path, or several, as seen from the root."""
    if isinstance(value, tuple):
        return [_absolute(path) for path in value]
    return str(value) if is_address(str(value)) else os.path.abspath(str(value))


def _float(value: float) -> str:
    """Return a float that reads back exactly, in the form that every YAML reader knows."""
    text = repr(value)
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{exponent}" if e else text


def _text(text: str) -> str:
    """Return a text as a YAML scalar, in double quotes unless it is plainly plain."""
    ambiguous = reading(text) is not None or text in _READ_AS_BOOLEAN_BY_SOME
    if _NEEDS_NO_QUOTES.fullmatch(text) and not ambiguous:
        return text
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    """Return a character as it stands between double quotes."""
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
