"""Brier score and reliability, from their formulas."""

import numpy as np
import pytest

from svmtrain.metrics.probabilities import BINS, Reliability, coverage


def rows(count=500, n_classes=3):
    """Return probabilities and classes."""
    generator = np.random.default_rng(3)
    probabilities = generator.dirichlet(np.ones(n_classes), count)
    probabilities[0] = [1.0, *[0.0] * (n_classes - 1)]
    return probabilities, generator.integers(n_classes, size=count)


def test_the_figures_are_those_of_slow_loops():
    """Row by row and bin by bin; the surest row of all is in the last bin."""
    probabilities, y = rows()
    found = Reliability()
    labels = probabilities[:, [0, 2, 1]].argmax(axis=1)
    found.add(probabilities, y, labels)
    brier, bins = 0.0, {}
    for p, k, label in zip(probabilities, y, labels, strict=True):
        brier += sum((p[j] - (j == k)) ** 2 for j in range(3))
        place = min(int(p[label] * BINS), BINS - 1)
        bins.setdefault(place, []).append((p[label], label == k))
    assert found.brier == pytest.approx(brier / 500)
    error = sum(abs(sum(c - r for c, r in rows)) for rows in bins.values()) / 500
    assert found.error == pytest.approx(error)
    assert [n for _, _, n in found.points] == [len(bins[b]) for b in sorted(bins)]


def test_blocks_add_up():
    """In any blocks the same."""
    probabilities, y = rows()
    whole, parts = Reliability(), Reliability()
    whole.add(probabilities, y, y)
    for part in (slice(0, 7), slice(7, 300), slice(300, 500)):
        parts.add(probabilities[part], y[part], y[part])
    assert parts.brier == pytest.approx(whole.brier, rel=1e-12)
    assert parts.error == pytest.approx(whole.error, rel=1e-12)


def test_perfect_probabilities_cost_nothing_and_the_worst_cost_two():
    """The ends of the Brier score."""
    for y, score in ((0, 0), (1, 2)):
        found = Reliability()
        found.add(np.array([[1.0, 0.0]]), np.array([y]), np.array([0]))
        assert found.brier == score


def test_a_threshold_leaves_the_surest_rows():
    """Counted by hand; of no rows there is no accuracy."""
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]])
    found = coverage(probabilities, np.array([0, 1, 1]), np.array([0, 0, 1]), (0.5, 0.8, 0.95))
    assert found == [(0.5, 1.0, pytest.approx(2 / 3)), (0.8, pytest.approx(2 / 3), 1.0),
                     (0.95, 0.0, None)]  # fmt: skip
