"""Metrics: against plain loops, and for classes that are never predicted or have no rows."""

import numpy as np
import pytest
import reference

from svmtrain.metrics.classification import Report, confusion_matrix


def drawn(n, n_classes, seed=0):
    """Return true and predicted classes."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, n_classes, n), rng.integers(0, n_classes, n)


def agrees(true, predicted, n_classes):
    """Assert that all figures equal those of plain loops."""
    table = confusion_matrix(true, predicted, n_classes)
    t, p = true.tolist(), predicted.tolist()
    assert table.tolist() == reference.confusion(t, p, n_classes)
    report = Report(table)
    figures = [reference.class_figures(t, p, c) for c in range(n_classes)]
    for found, want in zip(
        (report.precision, report.recall, report.f1), zip(*figures, strict=True), strict=True
    ):
        np.testing.assert_allclose(found, want, rtol=1e-14, atol=0)
    assert report.support.tolist() == [t.count(c) for c in range(n_classes)]
    assert report.accuracy == pytest.approx(
        sum(a == b for a, b in zip(t, p, strict=True)) / len(t), rel=1e-14
    )
    with_rows = [figures[c][1] for c in range(n_classes) if c in t]
    assert report.balanced_accuracy == pytest.approx(sum(with_rows) / len(with_rows), rel=1e-14)
    seen = [figures[c][2] for c in range(n_classes) if c in t or c in p]
    assert report.macro_f1 == pytest.approx(sum(seen) / len(seen), rel=1e-14)


@pytest.mark.parametrize(("n", "n_classes"), [(1, 2), (10, 2), (200, 5), (30, 20)])
def test_figures_equal_plain_loops(n, n_classes):
    """Accuracy, precision, recall, F1 and their means, from counts by hand."""
    agrees(*drawn(n, n_classes), n_classes)


def test_class_that_is_never_predicted_has_precision_zero():
    """0/0 is 0, without a warning."""
    true, predicted = np.array([0, 1, 2, 2]), np.array([0, 1, 0, 1])
    agrees(true, predicted, 3)
    report = Report(confusion_matrix(true, predicted, 3))
    assert (report.precision[2], report.recall[2], report.f1[2]) == (0, 0, 0)


def test_class_without_rows_is_left_out_of_the_means():
    """No rows and no predictions: no part in balanced accuracy or macro F1."""
    true, predicted = np.array([0, 1, 1]), np.array([0, 1, 0])
    agrees(true, predicted, 4)
    three = Report(confusion_matrix(true, predicted, 4))
    two = Report(confusion_matrix(true, predicted, 2))
    assert three.balanced_accuracy == two.balanced_accuracy == 0.75
    assert three.macro_f1 == two.macro_f1


def test_class_that_is_predicted_without_having_rows_counts_in_f1_only():
    """A false class lowers the macro F1 but has no recall to average."""
    true, predicted = np.array([0, 0]), np.array([0, 1])
    agrees(true, predicted, 2)
    report = Report(confusion_matrix(true, predicted, 2))
    assert report.balanced_accuracy == 0.5
    assert report.macro_f1 == pytest.approx(1 / 3)


def test_confusion_matrix_has_a_row_a_true_class():
    """Rows are true classes, columns are predicted ones."""
    table = confusion_matrix(np.array([0, 0, 2]), np.array([1, 1, 2]), 3)
    assert table.tolist() == [[0, 2, 0], [0, 0, 0], [0, 0, 1]]
