"""From a YAML file and the command line to a Config.

Later layers win: the defaults of the schema, the file, `--set`, the flags of a command.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from svmtrain.config import nodes
from svmtrain.config.keys import KEYS, keys_of
from svmtrain.config.nodes import Node, Place, Scalar, Source, cut, found
from svmtrain.config.plain import nearest
from svmtrain.config.schema import DEFAULT_LAMBDA, SECTIONS, Config
from svmtrain.config.texts import NAME_LIMIT, FileName
from svmtrain.errors import ConfigError, shown

Layer = dict[str, Node]

LAMBDA = "objective.lambda"
C = "objective.C"


def load_config(
    path: str | os.PathLike[str],
    overrides: Sequence[str] = (),
    flags: Mapping[str, str] | None = None,
) -> Config:
    """Read a config file and lay the command line over it.

    Parameters
    ----------
    path : str or path-like
        A YAML file. Relative paths in it are relative to its folder.
    overrides : sequence of str
        Each is `section.key=value`, as given to `--set`, the value in YAML; of two for the same
        key the later wins. Relative paths are relative to the current folder. Since
        objective.lambda and objective.C stand for each other, giving one here removes the other
        when the file has it.
    flags : mapping of str to str, optional
        Values in YAML by dotted key, from the options of a command. They win over `overrides`,
        and likewise remove the counterpart of lambda or C.

    Raises
    ------
    ConfigError
        For the first thing found wrong, in one sentence that names where.
    """
    from svmtrain.config import strict_yaml

    name = os.fspath(path)
    return _resolve(strict_yaml.read_file(name), name, overrides, flags or {})


def run_name(path: str | Path) -> str:
    """Return the name of the run of a config that gives none: that of its file.

    Raises
    ------
    ConfigError
        When it is not one that a config could give, and so could not be read again.
    """
    name = Path(path).stem
    if not FileName.fits(name):
        raise ConfigError(
            f"{shown(name)} cannot name a run: at most {NAME_LIMIT} letters, digits, '.', "
            "'_' and '-', no dot first (name it with --name, or rename the file)",
            path=path,
        )
    return name


def parse_config(
    text: str,
    name: str = "config",
    folder: str = "",
    overrides: Sequence[str] = (),
    flags: Mapping[str, str] | None = None,
) -> Config:
    """Read a config from a text, as `load_config` does from a file.

    Parameters
    ----------
    text : str
        YAML.
    name : str
        What messages call the text.
    folder : str
        Relative paths in the text are relative to it.
    overrides, flags
        See `load_config`.
    """
    from svmtrain.config import strict_yaml

    top = strict_yaml.parse_mapping(text, Source(name, folder))
    return _resolve(top, name, overrides, flags or {})


def _resolve(
    top: nodes.Mapping, name: str, overrides: Iterable[str], flags: Mapping[str, str]
) -> Config:
    """Join the layers, parse every value by its kind and check the keys against each other."""
    merged: Layer = {}
    for layer in (_file_layer(top), _set_layer(overrides), _flag_layer(flags)):
        _refuse_both(layer)
        if _given(layer, LAMBDA):
            merged.pop(C, None)
        if _given(layer, C):
            merged.pop(LAMBDA, None)
        merged.update(layer)
    for key in KEYS.values():
        if key.required and key.dotted not in merged:
            raise ConfigError(
                f"{key.dotted} is missing: the section {key.section!r} needs the key {key.name!r} "
                f"({key.help}: {key.kind.describe()})",
                path=name,
            )
    values: dict[str, dict[str, object]] = {section: {} for section in SECTIONS}
    for dotted, node in merged.items():
        key = KEYS[dotted]
        values[key.section][key.attribute] = key.kind.parse(node, dotted)
    objective = values["objective"]
    if objective.get("lam") is None and objective.get("C") is None:
        objective["lam"] = DEFAULT_LAMBDA
    config = Config(**{section: cls(**values[section]) for section, cls in SECTIONS.items()})
    _refuse_useless(config, merged)
    return config


def _refuse_useless(config: Config, merged: Layer) -> None:
    """Refuse a setting that has no effect without another."""
    data, solver = config.data, config.solver
    useless = {
        "solver.nesterov": (
            solver.nesterov and solver.momentum == 0,
            "solver.momentum > 0, got 0",
        ),
        "data.text_columns": (
            bool(data.text_columns) and data.text == "error",
            "data.text to be onehot or ordinal, got error",
        ),
        "data.repeat": (
            data.repeat != 0 and data.fold is None and data.train_share == 1,
            "data.fold, or a data.train_share below 1",
        ),
        "data.fold": (
            data.fold is not None and isinstance(data.test, str | tuple),
            "data.test to be null or a fraction, got a file: a fold takes its place",
        ),
        "data.missing_value": (
            data.missing_value != 0 and data.missing != "constant",
            f"data.missing to be constant, got {data.missing}",
        ),
    }
    for dotted, (wrong, needed) in useless.items():
        if wrong:
            raise merged[dotted].place.error(f"{dotted} needs {needed}")


def _file_layer(top: nodes.Mapping) -> Layer:
    """Return the values of a file by dotted key."""
    layer: Layer = {}
    for section, body in top.entries:
        if section.text not in SECTIONS:
            raise _unknown_section(section)
        if isinstance(body, Scalar) and body.means == "null":
            continue
        if not isinstance(body, nodes.Mapping):
            raise body.place.error(f"{section.text} must be a mapping of keys, got {found(body)}")
        for key, value in body.entries:
            layer[_known(section.text, key.text, key.place)] = value
    return layer


def _set_layer(overrides: Iterable[str]) -> Layer:
    """Return the values of `--set` by dotted key."""
    layer: Layer = {}
    for override in overrides:
        source = Source(cut(f"--set {override}"), has_lines=False)
        dotted, equals, value = override.partition("=")
        section, dot, key = dotted.strip().partition(".")
        if not equals or not dot:
            meant = _did_you_mean(_keys_called(dotted.strip()) if dotted.strip() else [])
            raise ConfigError(f"must have the form section.key=value{meant}", path=source.name)
        layer[_known(section, key, Place(source, 1, 1))] = _value(value, source)
    return layer


def _flag_layer(flags: Mapping[str, str]) -> Layer:
    """Return the values of a command's flags by dotted key."""
    source = Source("command line", has_lines=False)
    layer: Layer = {}
    for dotted, value in flags.items():
        section, _, key = dotted.partition(".")
        layer[_known(section, key, Place(source, 1, 1))] = _value(value, source)
    return layer


def _value(text: str, source: Source) -> Node:
    """Return the node of a value from the command line."""
    from svmtrain.config import strict_yaml

    return strict_yaml.parse_value(text, source)


def _known(section: str, name: str, place: Place) -> str:
    """Return the dotted key, when the schema has it."""
    dotted = f"{section}.{name}"
    if dotted in KEYS:
        return dotted
    if section not in SECTIONS:
        raise _unknown_section(Scalar(section, True, place))
    names = [key.name for key in keys_of(section)]
    near = nearest(name, names)
    meant = _keys_called(name) or ([f"{section}.{near}"] if near else [])
    advice = _did_you_mean(meant) or f"; {section} has {', '.join(names)}"
    raise place.error(f"unknown key {cut(dotted)}{advice}")


def _unknown_section(section: Scalar) -> ConfigError:
    """Return the error for a name at the top that is no section."""
    near = nearest(section.text, SECTIONS)
    meant = _keys_called(section.text) or ([near] if near else [])
    advice = _did_you_mean(meant) or f"; the sections are {', '.join(SECTIONS)}"
    return section.place.error(f"unknown section {cut(section.text)}{advice}")


def _keys_called(name: str) -> list[str]:
    """Return the dotted keys of all sections that end in `name`."""
    return [key.dotted for key in KEYS.values() if key.name == name]


def _did_you_mean(meant: list[str]) -> str:
    """Return the question, or nothing when there is nothing to suggest."""
    return f" (did you mean {' or '.join(meant)}?)" if meant else ""


def _given(layer: Layer, dotted: str) -> bool:
    """Return whether a layer has a value other than null for a key."""
    node = layer.get(dotted)
    return node is not None and not (isinstance(node, Scalar) and node.means == "null")


def _refuse_both(layer: Layer) -> None:
    """Refuse lambda and C in the same layer."""
    if _given(layer, LAMBDA) and _given(layer, C):
        lam, c = layer[LAMBDA].place, layer[C].place
        later, other = (c, f"{LAMBDA}, {lam}") if c.line > lam.line else (lam, f"{C}, {c}")
        raise later.error(
            f"{LAMBDA} and {C} are two ways to give one strength; keep one of them (see {other})"
        )
