"""Margins, and labels that look wrong."""

import numpy as np

from svmtrain.metrics.margins import doubts, margins


def test_a_margin_is_the_own_score_less_the_best_other_one():
    """Row by row, from the definition."""
    scores = np.random.default_rng(0).standard_normal((40, 4))
    y = np.arange(40) % 4
    slow = [s[k] - max(s[j] for j in range(4) if j != k) for s, k in zip(scores, y, strict=True)]
    assert np.array_equal(margins(scores, y), slow)


def test_margins_leave_the_scores_alone():
    """Read-only scores of float32 will do, and stay."""
    scores = np.array([[1, 2], [3, 1]], np.float32)
    scores.flags.writeable = False
    assert margins(scores, np.array([0, 0])).tolist() == [-1, 2]


def test_a_row_is_doubted_when_the_other_class_is_as_clear_as_it_usually_is():
    """Class 1 has a mean margin of 2 where it is recognised: -2 is doubted, -1.9 is not."""
    scores = np.array([[0, 1], [0, 3], [0, 2], [0, 1.9], [0, 5], [4, 0]])
    y = np.array([1, 1, 0, 0, 0, 0])
    assert doubts(scores, y).tolist() == [4, 2]


def test_a_class_that_is_never_recognised_casts_no_doubt():
    """There is nothing to hold a row against."""
    scores = np.array([[0.0, 9.0], [1.0, 0.0]])
    assert doubts(scores, np.array([0, 0])).size == 0
