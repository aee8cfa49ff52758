"""The two curves, held to their definitions."""

import numpy as np
import pytest

from svmtrain.calibration.curve import logistic
from svmtrain.calibration.isotonic import fit_isotonic, isotonic
from svmtrain.calibration.sigmoid import fit_sigmoid, sigmoid


def rows(count, seed=0, width=1.0):
    """Return margins, and which rows are of the class: the likelier, the larger the margin."""
    generator = np.random.default_rng(seed)
    margins = width * generator.standard_normal(count)
    return margins, generator.random(count) < logistic(2 * margins / width - 0.5)


def cross_entropy(slope, offset, margins, positive):
    """Return Platt's objective, from the formula."""
    ahead = int(positive.sum())
    high, low = (ahead + 1) / (ahead + 2), 1 / (len(margins) - ahead + 2)
    total = 0.0
    for margin, is_positive in zip(margins, positive, strict=True):
        p = 1 / (1 + np.exp(-(slope * margin + offset)))
        t = high if is_positive else low
        total -= t * np.log(p) + (1 - t) * np.log(1 - p)
    return total / len(margins)


@pytest.mark.parametrize("width", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("count", [5, 200])
def test_the_sigmoid_is_the_minimum(count, width):
    """Any step away from it costs, whatever the scale of the margins."""
    margins, positive = rows(count, width=width)
    curve = fit_sigmoid(margins, positive)
    slope, offset = curve.x[0], curve.y[0]
    least = cross_entropy(slope, offset, margins, positive)
    for a, b in ((1e-3, 0), (-1e-3, 0), (0, 1e-3), (0, -1e-3), (1e-3, 1e-3), (-1e-3, 1e-3)):
        assert cross_entropy(slope + a / width, offset + b, margins, positive) > least


def test_the_sigmoid_finds_what_made_the_rows():
    """Slope 2 and offset -0.5, within the error of 50,000 rows."""
    curve = fit_sigmoid(*rows(50_000))
    assert curve.x[0] == pytest.approx(2, abs=0.05)
    assert curve.y[0] == pytest.approx(-0.5, abs=0.05)


def test_the_sigmoid_never_falls():
    """Where the margins mislead, it says what the rows say without them."""
    margins, positive = rows(300)
    curve = fit_sigmoid(-margins, positive)
    assert curve.x[0] == 0
    share = positive.mean()
    assert sigmoid(curve, margins) == pytest.approx(np.full(300, share), abs=0.01)


@pytest.mark.parametrize(
    ("margins", "positive"),
    [
        ([-2, -1, 1, 2], [0, 0, 1, 1]),
        ([1, 1, 1], [0, 1, 1]),
        ([1, 2, 3], [0, 0, 0]),
        ([0.5], [1]),
        ([-1e300, 1e300], [0, 1]),
    ],
)
def test_the_sigmoid_is_finite_where_rows_are_few_or_parted(margins, positive):
    """The smoothed targets see to it; no probability is 0 or 1 on the rows themselves."""
    at = np.array(margins, float)
    found = sigmoid(fit_sigmoid(at, np.array(positive, bool)), at)
    assert ((found > 0) & (found < 1)).all()


def slow_isotonic(margins, positive):
    """Return the values at the rows: max over starts of min over ends of the mean between."""
    at = np.unique(margins)
    hits = [positive[margins == m] for m in at]
    values = []
    for i in range(len(at)):
        means = [
            min(np.concatenate(hits[j : k + 1]).mean() for k in range(i, len(at)))
            for j in range(i + 1)
        ]
        values.append(max(means))
    return dict(zip(at, values, strict=True))


@pytest.mark.parametrize("seed", range(6))
def test_isotonic_is_the_best_function_that_never_falls(seed):
    """By the min-max formula; with equal margins among the rows."""
    margins, positive = rows(40, seed)
    margins = margins.round(1)
    slow = slow_isotonic(margins, positive)
    found = isotonic(fit_isotonic(margins, positive), margins)
    assert found == pytest.approx([slow[m] for m in margins], abs=1e-12)


def test_isotonic_is_level_beyond_its_rows():
    """The nearest row has the last word."""
    curve = fit_isotonic(np.array([1.0, 2.0, 3.0]), np.array([False, True, True]))
    assert isotonic(curve, np.array([-9.0, 9.0])).tolist() == [0.0, 1.0]
    assert (np.diff(curve.x) > 0).all()


def test_the_logistic_function_does_not_overflow():
    """0, 1/2 and 1 at the ends and the middle."""
    assert logistic(np.array([-1e9, 0.0, 1e9])).tolist() == [0.0, 0.5, 1.0]
