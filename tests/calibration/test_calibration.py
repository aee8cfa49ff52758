"""From scores to probabilities."""

import numpy as np
import pytest

from svmtrain.calibration import CALIBRATIONS, Calibration, Curve, fit
from svmtrain.calibration.calibration import class_margins
from svmtrain.metrics.probabilities import Reliability

METHODS = sorted(CALIBRATIONS)


def rows(count, n_classes, seed=0):
    """Return scores that lean to the class of each row, and the classes."""
    generator = np.random.default_rng(seed)
    y = generator.integers(n_classes, size=count)
    scores = generator.standard_normal((count, n_classes))
    scores[np.arange(count), y] += 1.2
    return scores, y


def test_a_margin_is_a_score_less_the_best_of_the_others():
    """From the definition; above 0 for one class a row, 0 for two at a tie."""
    scores = np.array([[3.0, 1.0, 2.0], [1.0, 1.0, 0.0], [-5.0, 4.0, 4.5]])
    slow = [[row[k] - max(np.delete(row, k)) for k in range(3)] for row in scores]
    assert class_margins(scores).tolist() == slow


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_probabilities_are_such(method, n_classes):
    """None is negative, and each row sums to 1; of several classes the label is the likeliest."""
    scores, y = rows(300, n_classes)
    found = fit(scores, y, method).probabilities(scores)
    assert (found >= 0).all()
    assert found.sum(axis=1) == pytest.approx(np.ones(300), abs=1e-12)
    likeliest = found[np.arange(300), scores.argmax(axis=1)] == found.max(axis=1)
    assert likeliest.all() or n_classes == 2


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n_classes", [2, 5])
def test_probabilities_hold_on_rows_that_are_new(method, n_classes):
    """The calibration error is that of so many rows; the scores as logits are far off."""
    scores, y = rows(4000, n_classes)
    calibration = fit(3 * scores, y, method)
    new, classes = rows(20_000, n_classes, seed=1)
    reliability, naive = Reliability(), Reliability()
    labels = new.argmax(axis=1)
    reliability.add(calibration.probabilities(3 * new), classes, labels)
    logits = np.exp(3 * new - (3 * new).max(axis=1, keepdims=True))
    naive.add(logits / logits.sum(axis=1, keepdims=True), classes, labels)
    assert reliability.error < 0.03
    assert naive.error > 0.1
    assert reliability.brier < naive.brier


def test_two_classes_are_each_others_rest():
    """The curve is of the second, and swapping the classes swaps the columns."""
    scores, y = rows(500, 2)
    found = fit(scores, y, "sigmoid").probabilities(scores)
    swapped = fit(scores[:, ::-1], 1 - y, "sigmoid").probabilities(scores[:, ::-1])
    assert swapped[:, ::-1] == pytest.approx(found, abs=1e-6)


def test_a_class_without_rows_has_probabilities_too():
    """All classes share the curve."""
    scores, y = rows(300, 4)
    y[y == 3] = 0
    found = fit(scores, y, "sigmoid").probabilities(scores)
    assert (found[:, 3] > 0).all()


def test_where_the_curve_says_nothing_all_classes_are_as_likely():
    """0 of everything is no distribution."""
    curve = Curve(np.array([0.0, 1.0]), np.array([0.0, 0.0]))
    found = Calibration("isotonic", curve, 2).probabilities(np.array([[1.0, 2.0, 0.0, 0.0]]))
    assert found.tolist() == [[0.25] * 4]
