"""The record of an epoch: one line of JSON, and back."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from svmtrain.training.history import EpochRecord, gap_between

FIELDS = [name for name in EpochRecord.__dataclass_fields__ if name != "workers"]
COUNTS = ("epoch", "step")
OPTIONAL = ("validation_loss", "validation_accuracy")
FINITE = st.floats(allow_nan=False, allow_infinity=False)


def record(**changes):
    """Return a record."""
    figures = {name: 1 if name in COUNTS else 0.1 for name in FIELDS}
    return EpochRecord(**{**figures, **changes})


@settings(derandomize=True, database=None, deadline=None, max_examples=50)
@given(data=st.data())
def test_record_survives_a_round_trip(data):
    """Every float comes back bit for bit, and the same record gives the same line."""
    draw = {
        name: st.integers(0, 2**62)
        if name in COUNTS
        else (st.none() | FINITE if name in OPTIONAL else FINITE)
        for name in FIELDS
    }
    made = EpochRecord(**{name: data.draw(draw[name]) for name in FIELDS})
    found = EpochRecord.from_json(made.to_json())
    assert repr(found) == repr(made)
    assert found.to_json() == made.to_json()
    assert EpochRecord.from_json(made.to_json().encode()) == made


def test_record_is_one_line_with_every_field():
    """A line of metrics.jsonl has no line break in it."""
    line = record(validation_loss=None).to_json()
    assert "\n" not in line
    assert list(json.loads(line)) == FIELDS
    assert json.loads(line)["validation_loss"] is None


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_figures_that_are_not_finite_are_not_written(bad):
    """NaN is no JSON."""
    with pytest.raises(ValueError, match="JSON"):
        record(objective=bad).to_json()


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "[]",
        "1",
        "null",
        "{}",
        '{"epoch": 1}',
        record().to_json()[:-1],
        record().to_json() + record().to_json(),
        record().to_json()[:-1] + ', "more": 1}',
        b"\xff\xfe",
        record().to_json().replace('"lr": 0.1, ', ""),
    ],
)
def test_lines_that_are_no_record_are_value_errors(line):
    """Torn, foreign and incomplete lines are told apart from records."""
    with pytest.raises(ValueError, match=r"."):
        EpochRecord.from_json(line)


@pytest.mark.parametrize(
    ("objective", "bound", "gap"),
    [(2.0, 1.5, 0.25), (2.0, None, None), (2.0, -2.0, 2.0), (1.0, 1.0 + 1e-15, 0.0)],
)
def test_a_gap_is_a_share_of_the_objective_and_never_below_zero(objective, bound, gap):
    """A bound that ends above the objective does so by rounding."""
    assert gap_between(objective, bound) == gap
