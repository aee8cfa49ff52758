"""The advice of a learning curve: its figures by hand, and silence where the evidence is weak."""

import numpy as np
import pytest

from svmtrain.experiments.advice import advise
from svmtrain.metrics.paired import wilson


def right(*counts):
    """Return rows that are right and wrong in turns: so many right, so many wrong, ..."""
    return np.concatenate([np.full(n, place % 2 == 0) for place, n in enumerate(counts)])


def advice(before, after, train=1.0, doubted=0):
    """Return the advice of a step from 100 to 200 rows."""
    rows = np.atleast_2d(before)
    return advise(rows=(100, 200), before=rows, after=after, train_accuracy=train, doubted=doubted)


def test_the_interval_of_a_gain_is_the_adjusted_one_of_paired_rows():
    """Of 100 rows 12 are won and 4 lost: by the formula of Bonett and Price, worked out here."""
    found = advice(right(64, 36), np.concatenate([right(60, 4), right(12, 24)]))
    won, lost = 13 / 102, 5 / 102
    error = np.sqrt((won + lost - (won - lost) ** 2) / 102)
    assert found.gain == pytest.approx(0.08, rel=1e-14)
    assert found.error == pytest.approx(error, rel=1e-12)
    assert found.low == pytest.approx(won - lost - 1.959963984540054 * error, rel=1e-12)
    assert found.high == pytest.approx(won - lost + 1.959963984540054 * error, rel=1e-12)
    assert (found.validation_low, found.validation_high) == wilson(72, 100)


def test_draws_that_differ_make_the_gain_less_sure():
    """By the variance of their mean."""
    after = right(90, 10)
    same = advice([right(80, 20), right(80, 20)], after)
    apart = advice([right(70, 30), right(90, 10)], after)
    assert same.gain == pytest.approx(apart.gain) == pytest.approx(0.1)
    spread = np.var([0.7, 0.9], ddof=1) / 2
    steady = ((10 / 4 + 10 / 4 + 2) / 102 - (10 / 102) ** 2) / 102  # half a row won at 20 places
    assert apart.error == pytest.approx(np.sqrt(steady + spread), rel=1e-12)


@pytest.mark.parametrize(
    ("before", "after", "telling"),
    [
        (right(700, 300), right(800, 200), "more rows of this kind probably help: from 100 to 200"),
        (right(9000, 1000), right(9001, 999), "more rows of this kind hardly help: from 100"),
        (right(90, 10), right(93, 7), "the evidence is too weak to say whether more rows help"),
        (right(20), right(20), "the evidence is too weak"),
        (right(93, 7), right(90, 10), "the evidence is too weak"),
    ],
)
def test_more_rows_are_advised_only_where_the_interval_says_so(before, after, telling):
    """Above 0, it says that they help; below half a per cent, hardly; else it says neither."""
    assert advice(before, after).more_rows.startswith(telling)


@pytest.mark.parametrize(
    ("after", "train", "telling"),
    [
        (right(800, 200), 0.95, "it overfits: train accuracy 0.9500, validation 0.8000"),
        (right(800, 200), 0.81, "no overfitting is seen by 1,000 rows: train accuracy 0.8100"),
        (right(10), 1.0, "no overfitting is seen by 10 rows: train accuracy 1.0000"),
    ],
)
def test_overfitting_is_a_train_accuracy_above_the_interval_of_the_other(after, train, telling):
    """And what is left to fit is told where there is some."""
    found = advice(after, after, train).fit
    assert found.startswith(telling)
    assert ("weaker penalty" in found) == (train == 0.81)


@pytest.mark.parametrize(
    ("doubted", "telling"),
    [
        (0, "no label of a validation row looks wrong"),
        (1, "1 of 40 validation rows has a label that looks wrong"),
        (2, "2 of 40 validation rows have labels that look wrong"),
    ],
)
def test_labels_that_look_wrong_are_a_ceiling(doubted, telling):
    """What a perfect model would be measured at, if they are wrong."""
    found = advice(right(40), right(40), doubted=doubted).labels
    assert found.startswith(telling)
    assert doubted == 0 or f"measured at {1 - doubted / 40:.4f}" in found
