"""The curve in text."""

from dataclasses import replace

from svmtrain.report.text_curve import HEIGHT, WIDTH, text_curve
from svmtrain.training.history import EpochRecord

RECORD = EpochRecord(1, 1, 0.1, 0.1, 0.5, 0.5, 0.0, 0.5, 0.9, None, None, 1.0, 0.1)


def records(objectives, bounds=None):
    """Return records with these objectives."""
    bounds = bounds or [None] * len(objectives)
    return [
        replace(RECORD, epoch=i + 1, objective=value, bound=bound)
        for i, (value, bound) in enumerate(zip(objectives, bounds, strict=True))
    ]


def test_the_highest_value_is_at_the_top_and_the_last_at_the_bottom():
    """A falling line goes from corner to corner."""
    lines = text_curve(records([8, 7, 6, 5, 4, 3, 2, 1])).splitlines()
    assert lines[0] == "objective (*) by epoch"
    assert lines[1] == "8 |*"
    assert lines[HEIGHT] == "1 |       *"
    assert lines[-1].split() == ["1", "8"]


def test_the_bound_stands_below_the_objective():
    """As dots, and the title says so."""
    text = text_curve(records([4, 3, 2.5, 2.4], [None, 1.0, 1.4, 1.8]))
    assert "lower bound of its optimum (.)" in text
    assert text.count("*") == 4 + 1
    assert text.count(".") == 3 + 1


def test_a_useless_bound_does_not_flatten_the_curve():
    """It is left out."""
    assert "bound" not in text_curve(records([4, 3, 2], [-1e9, -1e8, -1e7]))


def test_values_far_apart_have_a_logarithmic_scale():
    """It is said."""
    assert "logarithmic" in text_curve(records([1000, 10, 0.1]))
    assert "logarithmic" not in text_curve(records([3, 2, 0.0]))


def test_many_epochs_fit_a_terminal():
    """With the first and the last among them, in plain ASCII."""
    text = text_curve(records([1 / (i + 1) for i in range(5000)]))
    assert max(map(len, text.splitlines())) < WIDTH + 20
    assert text.isascii()
    assert text.splitlines()[-1].split() == ["1", "5000"]


def test_too_few_epochs_have_no_curve():
    """Two points are no curve, and equal ones are a flat one."""
    assert text_curve(records([2, 1])) == ""
    assert text_curve(records([1.0, 1.0, 1.0])).count("*") == 3 + 1
