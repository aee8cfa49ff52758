"""Configs and the schema written as text, and read back."""

import dataclasses
import json

import pytest
from extent import extent
from hypothesis import given, settings
from hypothesis import strategies as st

from svmtrain.config import (
    Config,
    Data,
    Interval,
    differences,
    load_config,
    parse_config,
    schema_json,
    schema_rows,
    schema_text,
    starter,
    to_dict,
    to_yaml,
)
from svmtrain.config.cluster import Address
from svmtrain.config.keys import KEYS
from svmtrain.config.kinds import Boolean, Choice, Descent, Either, Integer, ListOf, Null, Number
from svmtrain.config.render import yaml_value
from svmtrain.config.schema import DEFAULT_LAMBDA, SECTIONS
from svmtrain.config.texts import (
    Delimiter,
    Every,
    FileName,
    FilePath,
    FilePaths,
    Fold,
    Mark,
    Text,
    Weights,
)

BASE = parse_config("data: {train: d/x.csv}\n")
TEXTS = st.text(
    st.characters(exclude_categories=["Cc", "Cs"]) | st.sampled_from("y:#'\"\\-? 0"), min_size=1
)
LABELS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=100)
WEIGHTS = st.floats(1e-300, 1e300)
PART = TEXTS.filter(lambda text: "/" not in text and text not in (".", ".."))
FOLDS = st.integers(2, 9999).flatmap(lambda n: st.integers(1, n).map(lambda k: f"{k}/{n}"))
RELATIVE = st.lists(PART, min_size=1, max_size=3).map("/".join)
PATHS = RELATIVE | RELATIVE.map("/{}".format)


def floats_of(kind):
    """Return the floats within the bounds of a Number."""
    low = kind.above if kind.above is not None else kind.minimum
    high = kind.below if kind.below is not None else kind.maximum
    return st.floats(
        low,
        high,
        allow_nan=False,
        allow_infinity=False,
        exclude_min=kind.above is not None,
        exclude_max=kind.below is not None,
    ).map(lambda value: value + 0.0)


def values_of(kind):
    """Return a strategy for the values of a kind."""
    if isinstance(kind, Either):
        return st.one_of([values_of(one) for one in kind.kinds])
    strategies = {
        Null: lambda: st.none(),
        Boolean: lambda: st.booleans(),
        Choice: lambda: st.sampled_from(kind.choices),
        Integer: lambda: st.integers(
            -kind.maximum if kind.minimum is None else kind.minimum, kind.maximum
        ),
        Number: lambda: floats_of(kind),
        FilePath: lambda: PATHS,
        Address: lambda: st.sampled_from(["local:4", "tcp://h:1", "a/s.json", "s.json"]),
        FilePaths: lambda: PATHS | st.lists(PATHS, min_size=1, max_size=3).map(tuple),
        FileName: lambda: st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,20}", fullmatch=True),
        Text: lambda: TEXTS,
        Mark: lambda: st.just("") | TEXTS,
        Descent: lambda: st.lists(WEIGHTS, min_size=2, max_size=4, unique=True).map(tuple),
        ListOf: lambda: st.lists(values_of(kind.item), max_size=3).map(tuple),
        Fold: lambda: FOLDS,
        Delimiter: lambda: st.sampled_from("\t,;|: #&*!%@`[]{}?<>~=^"),
        Every: lambda: (
            st.builds(
                Interval, st.integers(1, 10**6), st.sampled_from(["epochs", "steps", "seconds"])
            )
            | st.builds(Interval, WEIGHTS, st.just("seconds"))
        ),
        Weights: lambda: st.dictionaries(LABELS, WEIGHTS, min_size=1, max_size=4),
    }
    return strategies[type(kind)]()


@st.composite
def configs(draw):
    """Draw a config that keeps all the rules."""
    sections = {}
    for name, cls in SECTIONS.items():
        keys = [key for key in KEYS.values() if key.section == name]
        sections[name] = cls(**{key.attribute: draw(values_of(key.kind)) for key in keys})
    config = Config(**sections)
    lam = DEFAULT_LAMBDA if config.objective.lam is None else config.objective.lam
    objective = dataclasses.replace(config.objective, lam=lam, C=None)
    solver = dataclasses.replace(config.solver, nesterov=config.solver.momentum > 0)
    data = config.data
    constant, text = data.missing == "constant", data.text != "error"
    fold = data.fold if data.test is None or isinstance(data.test, float) else None
    shuffled = fold is not None or data.train_share < 1
    data = dataclasses.replace(
        data,
        missing_value=data.missing_value if constant else 0.0,
        text_columns=data.text_columns if text else (),
        fold=fold,
        repeat=data.repeat if shuffled else 0,
    )
    return dataclasses.replace(config, data=data, objective=objective, solver=solver)


@settings(max_examples=extent(50, 200), deadline=None)
@given(configs(), st.sampled_from(["", "runs/a", "../elsewhere", "configs"]))
def test_a_config_written_as_yaml_reads_back_equal(config, folder):
    """Every value of every kind survives, from whatever folder the file is read."""
    back = parse_config(to_yaml(config, folder), "config.yaml", folder)
    assert differences(config, back) == []
    if not folder.startswith(".."):
        assert back == config


@settings(max_examples=extent(40, 100), deadline=None)
@given(configs())
def test_a_config_as_a_dict_is_json(config):
    """The plain form holds nothing that JSON cannot, and every key."""
    plain = to_dict(config)
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert [f"{name}.{key}" for name, body in plain.items() for key in body] == list(KEYS)


def test_a_file_in_the_run_folder_means_the_same_paths(tmp_path, monkeypatch):
    """The resolved config re-runs from where it is saved."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "a").mkdir(parents=True)
    (tmp_path / "runs" / "a" / "config.yaml").write_text(to_yaml(BASE, "runs/a"))
    assert "train: ../../d/x.csv" in to_yaml(BASE, "runs/a")
    assert load_config("runs/a/config.yaml") == BASE


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (1e-5, "1.0e-05"),
        (1e16, "1.0e+16"),
        (0.2, "0.2"),
        ("plain", "plain"),
        ("no", '"no"'),
        ("y", '"y"'),
        ("2024-01-01", '"2024-01-01"'),
        ("a: b", '"a: b"'),
        ("\u2028", '"\\u2028"'),
        ("../x", "../x"),
        ({"0": 1.0, "b": 2.0}, '{"0": 1.0, b: 2.0}'),
        (("a.csv", "b, c"), '[a.csv, "b, c"]'),
        (Interval(1, "epochs"), "1 epochs"),
    ],
)
def test_values_are_written_so_that_every_yaml_reader_agrees(value, text):
    """Quotes where another reading is possible, a dot in every float with an exponent."""
    assert yaml_value(value) == text


def test_differences_name_the_dotted_key_and_both_values():
    """The keys carry their YAML names; equal configs have none."""
    other = parse_config(
        "data: {train: d/x.csv}\nobjective: {lambda: 1}\ncheckpoint: {every: 5 steps}\n"
    )
    assert differences(BASE, BASE) == []
    assert differences(BASE, other) == [
        ("objective.lambda", DEFAULT_LAMBDA, 1.0),
        ("checkpoint.every", "1 epochs", "5 steps"),
    ]


def test_two_spellings_of_one_path_are_no_difference(tmp_path, monkeypatch):
    """A run resumed by an absolute path is the same run."""
    monkeypatch.chdir(tmp_path)
    absolute = dataclasses.replace(BASE, data=Data(train=str(tmp_path / "d" / "x.csv")))
    assert absolute != BASE
    assert differences(BASE, absolute) == []
    renamed = dataclasses.replace(BASE, data=Data(train="d/y.csv"))
    assert differences(BASE, renamed) == [("data.train", "d/x.csv", "d/y.csv")]


def test_a_list_of_paths_moves_with_the_file_and_has_an_order(tmp_path, monkeypatch):
    """Two spellings of the same paths are no difference, another order is one."""
    monkeypatch.chdir(tmp_path)
    config = parse_config("data: {train: [d/x.csv, d/y.csv]}\n")
    assert "train: [../d/x.csv, ../d/y.csv]" in to_yaml(config, "runs")
    absolute = tuple(str(tmp_path / "d" / name) for name in ("x.csv", "y.csv"))
    assert differences(config, dataclasses.replace(config, data=Data(train=absolute))) == []
    swapped = dataclasses.replace(config, data=Data(train=("d/y.csv", "d/x.csv")))
    assert differences(config, swapped) == [
        ("data.train", ["d/x.csv", "d/y.csv"], ["d/y.csv", "d/x.csv"])
    ]
    assert [key for key, _, _ in differences(config, BASE)] == ["data.train"]


def test_the_schema_lists_every_key_with_type_default_and_help():
    """The table, the text and the JSON hold the same keys."""
    rows = schema_rows()
    assert [row.key for row in rows] == list(KEYS)
    assert all(row.type and row.default and row.help for row in rows)
    document = json.loads(schema_json())
    assert [entry["key"] for entry in document] == list(KEYS)
    assert [entry["key"] for entry in document if "default" not in entry] == ["data.train"]
    assert all(row.key in schema_text() for row in rows)


def test_a_starter_config_loads_and_changes_only_what_was_given():
    """What the starter writes live are the defaults, apart from the arguments."""
    text = starter("d/x.csv", format="csv", target="class: 1", test="d/t.csv", folder="configs")
    config = parse_config(text, "configs/c.yaml", "configs")
    assert differences(BASE, config) == [
        ("data.test", None, "d/t.csv"),
        ("data.format", "auto", "csv"),
        ("data.target", None, "class: 1"),
    ]
    assert all(len(line) < 100 for line in text.splitlines())


def test_a_starter_config_loads_with_every_comment_switched_on():
    """The keys behind comments are as valid as the live ones, and all but a cluster's are there."""
    text = starter("d/x.csv")
    live = "\n".join(
        line.replace("#", "", 1) if line.startswith("  #") and line[3] != " " else line
        for line in text.splitlines()
    )
    assert parse_config(live) == parse_config(text) == BASE
    keys = [key for key in KEYS.values() if key.section != "cluster"]
    assert all(f"{key.name}: " in live for key in keys)
