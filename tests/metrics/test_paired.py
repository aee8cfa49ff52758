"""How sure an accuracy is, and whether two classifiers differ."""

import math

import numpy as np
import pytest

from svmtrain.metrics.paired import Z95, compare, holm, mcnemar, wilson


@pytest.mark.parametrize(("right", "rows"), [(0, 10), (10, 10), (81, 263), (9241, 10_000)])
def test_wilsons_interval_solves_its_equation(right, rows):
    """Its ends are the shares p for which the observed one is z standard errors of p away."""
    share = right / rows
    for end in wilson(right, rows):
        reach = Z95**2 * end * (1 - end) / rows
        assert (share - end) ** 2 == pytest.approx(reach, abs=1e-12)


def test_wilsons_interval_has_known_figures():
    """81 of 263: Newcombe (1998), Two-sided confidence intervals, table I, method 3."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_an_interval_of_no_rows_is_refused():
    """There is no share of nothing."""
    with pytest.raises(ValueError, match="at least one row"):
        wilson(0, 0)


@pytest.mark.parametrize(("one", "other"), [(0, 0), (0, 1), (3, 4), (5, 24), (1, 60), (40, 40)])
def test_mcnemar_is_the_binomial_test_in_whole_numbers(one, other):
    """Twice the tail of a fair coin, counted with integers."""
    n, least = one + other, min(one, other)
    tail = sum(math.comb(n, k) for k in range(least + 1))
    assert mcnemar(one, other) == pytest.approx(min(1.0, 2 * tail / 2**n), rel=1e-12)
    assert mcnemar(one, other) == mcnemar(other, one)


def test_holm_multiplies_by_the_comparisons_that_are_left():
    """Worked out by hand; later ones are never below earlier ones, none is above 1."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


def test_holm_counts_the_comparisons_that_were_not_made():
    """Picked from six, the two smallest are multiplied by six and by five."""
    assert holm([0.001, 0.004], among=6) == pytest.approx([0.006, 0.02])


def test_of_many_equal_classifiers_none_is_called_better_too_often():
    """The leader is picked on the rows that test it; with all pairs counted, 5 % is kept."""
    generator, wrong = np.random.default_rng(7), 0
    for _ in range(200):
        right = generator.random((8, 400)) < 0.9
        best = int(right.sum(axis=1).argmax())
        pairs = [
            mcnemar(int((right[best] & ~r).sum()), int((r & ~right[best]).sum()))
            for k, r in enumerate(right)
            if k != best
        ]
        wrong += min(holm(pairs, among=8 * 7 // 2)) < 0.05
    assert wrong <= 10


def accurate(rows, *parts):
    """Return which rows are right: everything but the ranges given."""
    right = np.ones(rows, bool)
    for start, stop in parts:
        right[start:stop] = False
    return right


def test_two_hundredths_of_a_percent_are_a_tie():
    """92.41 and 92.43 % of 10,000 rows, with 150 errors of their own each."""
    one = accurate(10_000, (0, 759))
    other = accurate(10_000, (152, 909))
    pair = compare(other, one)
    assert (one.mean(), other.mean()) == (0.9241, 0.9243)
    assert pair.difference == pytest.approx(0.0002)
    assert pair.low < 0 < pair.high
    assert pair.p > 0.5


def test_two_percent_are_not():
    """The interval lies above 0, and McNemar agrees."""
    pair = compare(accurate(10_000, (0, 500)), accurate(10_000, (0, 700)))
    assert pair.low > 0
    assert pair.p < 1e-6


def test_the_bootstrap_has_the_spread_that_the_differences_have():
    """A percentile interval is near 1.96 standard errors of the mean of -1, 0 and 1."""
    generator = np.random.default_rng(1)
    one, other = generator.random(4000) < 0.9, generator.random(4000) < 0.88
    pair = compare(one, other)
    difference = one.astype(float) - other
    reach = Z95 * difference.std() / math.sqrt(4000)
    assert (pair.high - pair.low) / 2 == pytest.approx(reach, rel=0.05)
    assert (pair.high + pair.low) / 2 == pytest.approx(difference.mean(), abs=0.05 * reach)


def test_rows_that_do_not_match_are_refused():
    """A pair needs the same rows."""
    with pytest.raises(ValueError, match="cannot be compared"):
        compare(accurate(3), accurate(4))
