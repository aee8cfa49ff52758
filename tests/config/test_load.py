"""Layers, paths and the checks between keys when a config is loaded."""

import subprocess
import sys

import pytest
from extent import extent
from hypothesis import given, settings
from hypothesis import strategies as st

from svmtrain.config import Config, load_config, parse_config
from svmtrain.config.keys import KEYS
from svmtrain.config.schema import DEFAULT_LAMBDA, SECTIONS
from svmtrain.errors import ConfigError

GOOD = "data:\n  train: x.csv\n"


def refusal(text, *overrides, **options):
    """Return the sentence that a config is refused with."""
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "c.yaml", "", overrides, **options)
    return str(caught.value)


def test_defaults_fill_what_the_file_leaves_out():
    """A file needs the training data and nothing else."""
    config = parse_config(GOOD)
    assert config.data.train == "x.csv"
    for key in KEYS.values():
        default = DEFAULT_LAMBDA if key.dotted == "objective.lambda" else key.default
        assert key.required or key.value(config) == default


def test_a_section_without_keys_is_all_defaults():
    """A section whose keys are all comments is as good as none."""
    assert parse_config(GOOD + "solver:\n  # epochs: 3\n") == parse_config(GOOD)


def test_later_layers_win():
    """Defaults, file, --set and flags, each over the ones before."""
    text = GOOD + "solver: {epochs: 2, batch_size: 2, seed: 2}\n"
    overrides = ["solver.batch_size=9", "solver.batch_size=3", "solver.seed=3"]
    config = parse_config(text, overrides=overrides, flags={"solver.seed": "4"})
    solver = config.solver
    assert (solver.epochs, solver.batch_size, solver.seed) == (2, 3, 4)


def test_a_required_key_may_come_from_the_command_line():
    """What is missing is looked for in all layers."""
    assert parse_config("{}", overrides=["data.train=y.csv"]).data.train == "y.csv"
    assert "data.train is missing: the section 'data' needs the key 'train'" in refusal("{}")


def test_overrides_are_named_in_errors():
    """An error in an override names the override and no line."""
    message = refusal(GOOD, "solver.epochs=0")
    assert message == "--set solver.epochs=0: solver.epochs must be an integer >= 1, got 0"
    assert refusal(GOOD, flags={"solver.epochs": "0"}).startswith("command line: solver.epochs")


@pytest.mark.parametrize("override", ["", "solver", "solver=1", "=", "solver.epochs"])
def test_an_override_without_the_form_is_refused(override):
    """An override is section.key=value."""
    assert refusal(GOOD, override).endswith("must have the form section.key=value")


def test_an_override_without_its_section_is_told_which_it_may_mean():
    """As in a file."""
    assert refusal(GOOD, "epochs=1").endswith("(did you mean solver.epochs?)")


def test_override_values_are_yaml():
    """Mappings, quotes and null are written as in the file."""
    overrides = ["objective.class_weight={a: 2, '0': 1}", "data.target='0'", "data.test="]
    config = parse_config(GOOD, overrides=overrides)
    assert config.objective.class_weight == {"a": 2.0, "0": 1.0}
    assert config.data.target == "0"
    assert config.data.test is None


def test_paths_start_at_the_file_or_at_the_current_folder(tmp_path, monkeypatch):
    """In the file relative to its folder, on the command line to the current one."""
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "c.yaml").write_text(
        "data: {train: ../d/x.csv, test: /abs/t.csv, validation: v.csv}\n"
    )
    monkeypatch.chdir(tmp_path)
    config = load_config("configs/c.yaml", ["data.validation=v.csv"], {"output.dir": "../out"})
    assert config.data.train == "d/x.csv"
    assert config.data.test == "/abs/t.csv"
    assert config.data.validation == "v.csv"
    assert config.output.dir == "../out"
    absolute = load_config(tmp_path / "configs" / "c.yaml")
    assert absolute.data.train == str(tmp_path / "d" / "x.csv")


def test_lambda_and_c_together_are_refused_with_both_lines():
    """One strength, one key; null is not giving it."""
    message = refusal(GOOD + "objective:\n  lambda: 1\n  C: 2\n")
    assert message.startswith("c.yaml:5: objective.lambda and objective.C")
    assert message.endswith("(see objective.lambda, line 4)")
    message = refusal(GOOD, "objective.C=1", "objective.lambda=2")
    assert "--set objective.C=1" in message
    assert "--set objective.lambda=2" in message
    assert parse_config(GOOD + "objective: {lambda: 1, C: null}\n").objective.lam == 1
    assert DEFAULT_LAMBDA == 0.03


@pytest.mark.parametrize("layer", ["overrides", "flags"])
def test_an_override_of_lambda_replaces_the_c_of_the_file(layer):
    """The two stand for each other, so the later layer wins over both."""
    given = {"overrides": ["objective.lambda=3"], "flags": {"objective.lambda": "3"}}[layer]
    objective = parse_config(GOOD + "objective: {C: 1}\n", **{layer: given}).objective
    assert (objective.lam, objective.C) == (3.0, None)
    kept = parse_config(GOOD + "objective: {C: 1}\n", overrides=["objective.lambda=null"]).objective
    assert (kept.lam, kept.C) == (None, 1.0)


def test_nesterov_needs_momentum():
    """Looking ahead along no momentum is a mistake, told at the line of nesterov."""
    message = refusal(GOOD + "solver:\n  nesterov: true\n")
    assert message == "c.yaml:4: solver.nesterov needs solver.momentum > 0, got 0"
    assert parse_config(GOOD + "solver: {nesterov: true, momentum: 0.9}\n").solver.nesterov


def test_folds_and_shuffles_need_what_they_act_on():
    """A fold takes the place of test rows, and a shuffle is of folds or of a share."""
    message = refusal(GOOD, "data.repeat=1")
    assert message == (
        "--set data.repeat=1: data.repeat needs data.fold, or a data.train_share below 1"
    )
    assert "data.fold needs data.test to be null or a fraction" in refusal(
        GOOD, "data.fold=1/5", "data.test=t.csv"
    )


@pytest.mark.parametrize(
    ("text", "telling"),
    [
        ("epochs: 3\n", "unknown section epochs (did you mean solver.epochs?)"),
        ("solver: {lambda: 1}\n", "unknown key solver.lambda (did you mean objective.lambda?)"),
        ("solver: {Epochs: 1}\n", "(did you mean solver.epochs?)"),
        ("preprocess: {zzz: 1}\n", "preprocess.zzz; preprocess has scale, row_norm"),
        ("zzz: 1\n", "unknown section zzz; the sections are data, preprocess, objective"),
        ("solver: 3\n", "solver must be a mapping of keys, got 3"),
        ("solver: [a]\n", "solver must be a mapping of keys, got a list"),
        ('"\\x85": 1\n', "control character U+0085"),
    ],
)
def test_unknown_names_come_with_advice(text, telling):
    """Something near, or where the key belongs, or else the whole list."""
    message = refusal(GOOD + text)
    assert message.startswith("c.yaml:3")
    assert telling in message


def test_every_default_is_a_value_of_its_kind():
    """Defaults pass the checks that values from a file pass."""
    from svmtrain.config.nodes import Source
    from svmtrain.config.render import yaml_value
    from svmtrain.config.strict_yaml import parse_value

    for key in KEYS.values():
        if not key.required:
            node = parse_value(yaml_value(key.default), Source("default"))
            assert key.kind.parse(node, key.dotted) == key.default


def test_importing_the_schema_loads_neither_yaml_nor_numpy():
    """The help of a command may read the schema without the cost of a parser."""
    code = (
        "import sys, svmtrain.config, svmtrain.config.schema; "
        "sys.exit(any(name in sys.modules for name in ('yaml', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


LINES = st.builds(
    "{}: {}".format,
    st.sampled_from([key.name for key in KEYS.values()] + ["zz", "1", "<<"]),
    st.sampled_from(["1", "0.5", "auto", "none", "null", "x", "[", "'1'", "1 epochs", "{a: 1}"])
    | st.text(max_size=8),
)
BODIES = st.dictionaries(
    st.sampled_from([*SECTIONS, "zz"]), st.lists(LINES, max_size=4), max_size=4
)


@settings(max_examples=extent(50, 200), deadline=None)
@given(BODIES, st.lists(st.text(max_size=20) | LINES.map("solver.{}".format), max_size=2))
def test_any_config_gives_a_config_or_a_config_error(bodies, overrides):
    """Whatever a file and overrides hold, the outcome is a Config or one sentence."""
    sections = [f"{name}:\n" + "".join(f"  {x}\n" for x in body) for name, body in bodies.items()]
    error = None
    try:
        config = parse_config("".join(sections) or GOOD, "c.yaml", "", overrides)
    except ConfigError as caught:
        error = caught
    assert isinstance(config, Config) if error is None else "\n" not in str(error)
