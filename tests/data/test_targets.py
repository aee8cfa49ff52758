"""Labels that look like a number to predict, and columns that count the rows."""

import numpy as np
import pytest

from svmtrain.data.targets import counts_rows, like_numbers


@pytest.mark.parametrize(
    ("classes", "rows", "asked"),
    [
        (range(21), 41, True),
        (range(21), 42, False),
        (range(20), 20, False),
        ([f"{i}.5" for i in range(30)], 40, True),
        ([*map(str, range(29)), "many"], 40, False),
    ],
)
def test_labels_are_doubted_where_they_are_numbers_and_hardly_repeat(classes, rows, asked):
    """Over 20 of them, and more than half as many as rows."""
    found = like_numbers(tuple(classes), rows, "income")
    assert (found is not None) is asked
    assert found is None or found.startswith(
        f"{len(classes)} classes over {rows} rows: is 'income'"
    )


@pytest.mark.parametrize(
    ("column", "counted"),
    [
        (np.random.default_rng(0).permutation(50) + 7, True),
        (np.arange(19), False),
        (np.arange(50) * 2, False),
        (np.r_[np.arange(49), 0], False),
        (np.r_[0, 0, np.arange(2, 48), 49, 49], False),
        (np.arange(50) + 0.5, False),
    ],
)
def test_a_column_counts_the_rows_by_its_moments(column, counted):
    """In any order and from any number; one number twice and another missing is told apart."""
    moments = (column.min(), column.max(), column.mean(), column.std())
    assert counts_rows(len(column), *map(float, moments)) is counted
