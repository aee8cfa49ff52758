"""The points of a sweep: how a grid is written, checked, laid over a config and drawn from."""

import pytest

from svmtrain.config import differences, parse_config
from svmtrain.errors import ConfigError
from svmtrain.experiments.points import Axis, parse_axis, points_of

BASE = parse_config("data: {train: d/x.csv}\n")


def points(*grid, **options):
    """Return the points of a grid over a config of defaults."""
    return points_of(BASE, [parse_axis(text) for text in grid], **options)


def refusal(*grid, **options):
    """Return the sentence that a grid is refused with."""
    with pytest.raises(ConfigError) as caught:
        points(*grid, **options)
    assert caught.value.exit_code == 2
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a.b=1", ("1",)),
        ("a.b = x, y ,z", ("x", "y", "z")),
        ("a.b={u: 1, v: 2},[1, 2],'p,q'", ("{u: 1, v: 2}", "[1, 2]", "'p,q'")),
        ("solver.lr=log:1e-6:1e-1:6", ("1.0e-06", "1.0e-05", "0.0001", "0.001", "0.01", "0.1")),
        ("solver.lr=log:1:100:2", ("1.0", "100.0")),
        ("solver.lr=lin:0:1:5", ("0.0", "0.25", "0.5", "0.75", "1.0")),
        ("solver.epochs=lin:1:10:4", ("1", "4", "7", "10")),
        ("solver.epochs=lin:1:2:4", ("1", "2")),
        ("solver.batch_size=log:8:32:3", ("8", "16", "32")),
        ("objective.delta=log:3:3e3:4", ("3.0", "30.0", "300.0", "3000.0")),
    ],
)
def test_an_axis_is_a_list_or_a_range(text, values):
    """A range has its ends exactly, and round numbers between; whole ones where no others fit."""
    assert parse_axis(text) == Axis(text.partition("=")[0].strip(), values)


def test_a_range_without_a_number_of_values_is_for_draws():
    """Its ends are kept."""
    assert parse_axis("a.b=log:0.5:2") == Axis("a.b", (), "log", 0.5, 2.0)


@pytest.mark.parametrize(
    ("text", "telling"),
    [
        ("solver.lr", "must have the form section.key=a,b,c or section.key=log:LOW:HIGH:N"),
        ("=1", "must have the form"),
        ("a.b=", "must have the form"),
        ("a.b=1,,2", "has a comma with nothing before or after it"),
        ("a.b=1,2,1", "has the value 1 twice"),
        ("a.b=log:0:1:3", "needs 0 < LOW < HIGH, got 0 and 1"),
        ("a.b=log:2:1:3", "needs 0 < LOW < HIGH, got 2 and 1"),
        ("a.b=lin:1:1:3", "needs LOW < HIGH, got 1 and 1"),
        ("a.b=log:1:1e999:3", "needs 0 < LOW < HIGH, got 1 and 1e999"),
        ("a.b=log:1:x:3", "must have the form log:LOW:HIGH:N with three numbers"),
        ("a.b=lin:1:2:3:4", "must have the form lin:LOW:HIGH:N with three numbers"),
        ("a.b=lin:1:2:1", "needs a number of values from 2 to 100,000, got 1"),
        ("a.b=lin:1:2:2.5", "needs a number of values from 2 to 100,000, got 2.5"),
    ],
)
def test_a_grid_of_another_form_is_refused(text, telling):
    """In one sentence that begins with what was given."""
    message = refusal(text)
    assert message.startswith(f"--grid {text}: {telling}")


@pytest.mark.parametrize(
    ("grid", "telling"),
    [
        (
            ("solver.lrr=1",),
            "--grid solver.lrr=1: unknown key solver.lrr (did you mean solver.lr?)",
        ),
        (("lr=1",), "--grid lr=1: must have the form section.key=value (did you mean solver.lr?)"),
        (
            ("solver.lr=1,-1",),
            "--grid solver.lr=-1: solver.lr must be a number > 0, got -1",
        ),
        (("solver.lr=1", "solver.lr=2"), "--grid has solver.lr twice"),
        (("objective.lambda=1", "objective.C=2"), "two ways to give one strength"),
        (("objective.lambda=[1, 2],[3, 4]",), "takes one number for objective.lambda"),
        (("data.seed=1,2",), "judged by the same rows"),
        (("output.name=a,b",), "named by it"),
        (("data.header=true,false",), "judged by the same rows"),
        (
            ("data.missing=mean,drop",),
            "--grid data.missing: where data.missing is drop, rows with gaps are left out, and",
        ),
        (("data.missing=drop", "data.missing_marks=[''],['?']"), "data.missing_marks: where"),
        (("data.missing=drop", "data.drop=[a],[b]"), "--grid data.drop: where data.missing is"),
        (("solver.lr=log:1:2",), "--grid solver.lr=log:1:2: needs the number of values"),
        (("solver.lr=lin:1:2:999", "solver.t0=lin:1:2:999"), "the grid has 998,001 points"),
        ((), "a sweep needs at least one --grid"),
    ],
)
def test_points_that_cannot_be_are_refused(grid, telling):
    """By the schema where it is about a key or a value, with its suggestions."""
    assert telling in refusal(*grid)


def test_gaps_may_be_filled_in_several_ways():
    """The rows are the same; so they are where drop is the one value, whatever else is tried."""
    assert len(points("data.missing=mean,median", "data.missing_marks=[''],['?']")) == 4
    assert len(points("data.missing=drop", "data.missing_marks=['?']", "solver.lr=1,2")) == 2


def test_the_points_of_a_grid_are_every_combination_over_the_config():
    """The last axis is the quickest to change; settings that need each other go together."""
    found = points("solver.nesterov=true", "solver.momentum=0.5,0.9", "objective.C=1,2")
    assert [one.name for one in found] == [
        "1-nesterov-true-momentum-0.5-C-1",
        "2-nesterov-true-momentum-0.5-C-2",
        "3-nesterov-true-momentum-0.9-C-1",
        "4-nesterov-true-momentum-0.9-C-2",
    ]
    assert [key for key, _, _ in differences(BASE, found[1].config)] == [
        *("objective.lambda", "objective.C", "solver.momentum", "solver.nesterov", "output.name"),
    ]
    assert (found[1].config.objective.lam, found[1].config.objective.C) == (None, 2.0)
    assert found[0].config.data == BASE.data


def test_a_name_is_one_that_a_config_can_give_whatever_the_values_are():
    """It is short, has no blanks, and its number makes it the only one."""
    weights = "objective.class_weight={a: 1, 'b/c': 2},balanced"
    names = [one.name for one in points(weights, "data.keep=" + "[" + "x, " * 40 + "y]")]
    assert len(set(names)) == 2
    assert all(one.config.output.name == one.name for one in points(weights))
    assert all(len(name) < 70 for name in names)


def test_draws_are_different_points_that_a_seed_has_for_ever():
    """The draws of a seed are fixed here: to change them is to change what a sweep finds."""
    grid = ("solver.lr=log:1e-3:1", "solver.averaging=none,tail")
    found = [one.settings for one in points(*grid, random=4)]
    assert found == DRAWN
    other = [one.settings for one in points(*grid, random=4, seed=1)]
    assert not [one for one in other if one in found]
    many = [float(one.settings["solver.lr"]) for one in points(*grid, random=99)]
    assert len(set(many)) > 95
    assert all(0.001 <= value <= 1 for value in many)
    assert 20 < sum(value < 0.01 for value in many) < 46  # a third of the way in logarithms
    assert len(points("solver.averaging=none,tail", "solver.seed=1,2", random=4)) == 4
    told = refusal("solver.averaging=none,tail", random=3)
    assert told == "--random 3 asks for more points than the grid has: 2"
    assert "--random must be from 1 to 100,000, got 0" in refusal("solver.lr=1", random=0)


DRAWN = [
    {"solver.lr": "0.01564", "solver.averaging": "tail"},
    {"solver.lr": "0.00563", "solver.averaging": "tail"},
    {"solver.lr": "0.03148", "solver.averaging": "tail"},
    {"solver.lr": "0.1683", "solver.averaging": "tail"},
]
