"""Classes: what becomes a number, what stays text, and what is refused."""

import numpy as np
import pytest

from svmtrain.data.dataset import Dataset, encode_labels, find_classes
from svmtrain.errors import DataError


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["10", "9", "-1", "9"], (-1, 9, 10)),
        (["0", "1"], (0, 1)),
        (["b", "a", "b"], ("a", "b")),
        (["+1", "-1"], ("+1", "-1")),
        (["07", "7"], ("07", "7")),
        (["-0", "0"], ("-0", "0")),
        (["1", "2.0"], ("1", "2.0")),
        (["\u0661", "2"], ("2", "\u0661")),
        (["1 ", "1"], ("1", "1 ")),
        (["1234567890123456789", "1"], ("1", "1234567890123456789")),
        (np.array([3, -2, 3]), (-2, 3)),
    ],
)
def test_classes_are_sorted_and_numbers_only_when_all_are_plain(labels, classes):
    """Integers when each can be printed again as it was written; else text, all of them."""
    found = find_classes(labels, "t.csv")
    assert found == classes
    assert [type(label) for label in found] == [type(label) for label in classes]


@pytest.mark.parametrize("labels", [["a", "a"], ["1"], np.array([5, 5, 5])])
def test_one_class_only_is_refused(labels):
    """There is nothing to tell apart; the message shows the only label."""
    with pytest.raises(DataError, match=r"t\.csv: every row has the label .*at least two"):
        find_classes(labels, "t.csv")


@pytest.mark.parametrize(
    ("labels", "classes", "codes"),
    [
        (["9", "-1", "10"], (-1, 9, 10), [1, 0, 2]),
        (["b", "a"], ("a", "b"), [1, 0]),
        (["07", "7"], ("07", "7"), [0, 1]),
        (np.array([3, -2]), (-2, 3), [1, 0]),
        (np.array([7, 1]), ("1", "7", "x"), [1, 0]),
        (["b", "b"], ("a", "b", "c"), [1, 1]),
    ],
)
def test_labels_are_encoded_by_their_place_among_the_classes(labels, classes, codes):
    """The code is the index; integer labels fit classes that are text of integers."""
    found = encode_labels(labels, classes, "t.csv")
    assert found.tolist() == codes
    assert found.dtype == np.int64


@pytest.mark.parametrize(
    ("labels", "classes", "row", "label"),
    [
        (["a", "z"], ("a", "b"), 2, "'z'"),
        (["1", "+2"], (1, 2), 2, r"'\+2'"),
        (["02"], (1, 2), 1, "'02'"),
        (["1", "-0"], (0, 1), 2, "'-0'"),
        (["1", "1", "3"], (1, 2), 3, "3"),
        (np.array([1, 5]), (1, 2), 2, "5"),
        (np.array([5]), ("a", "b"), 1, "'5'"),
        (["1.0"], (1, 2), 1, r"'1\.0'"),
    ],
)
def test_unknown_label_names_the_row(labels, classes, row, label):
    """The first row with a label that is no class is named, with the label."""
    with pytest.raises(DataError, match=rf"t\.csv: row {row} has the label {label}, .*2 classes"):
        encode_labels(labels, classes, "t.csv")


def test_message_about_an_unknown_label_lists_a_few_classes():
    """Six classes are shown, and that there are more."""
    with pytest.raises(DataError, match=r"100 classes of the model \(0, 1, 2, 3, 4, 5, \.\.\.\)$"):
        encode_labels(["x"], tuple(range(100)), "t.csv")


@pytest.mark.parametrize("labels", [["3", "-4", "12"], ["x", "07", "+1"], np.array([4, 2, 9])])
def test_encoded_labels_decode_to_what_was_read(labels):
    """Classes by code give back every label as it stands in the file."""
    classes = find_classes(labels, "t.csv")
    codes = encode_labels(labels, classes, "t.csv")
    assert [str(classes[code]) for code in codes] == [str(label) for label in labels]


def test_dataset_counts_and_picks_rows():
    """Rows are copies; a class without rows counts 0."""
    data = Dataset(np.arange(6.0).reshape(3, 2), np.array([0, 2, 2]), (1, 2, 3))
    assert len(data) == 3
    assert data.counts().tolist() == [1, 0, 2]
    part = data.rows(np.array([2, 0]))
    assert part.y.tolist() == [2, 0]
    assert part.X.tolist() == [[4.0, 5.0], [0.0, 1.0]]
    assert part.classes == data.classes
    part.X[:] = 0
    assert data.X[2, 0] == 4.0
