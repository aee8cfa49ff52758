"""Columns that are the same are found by their digests, and no others."""

import numpy as np
from extent import extent
from hypothesis import given, settings
from hypothesis import strategies as st

from svmtrain.data.density import compressed
from svmtrain.data.duplicates import MOST_DENSE_COLUMNS, ColumnDigests

VALUES = st.sampled_from([0.0, 1.0, -2.5, np.nan])


@given(st.data(), st.integers(1, 6), st.integers(1, 5), st.integers(0, 6), st.booleans())
@settings(max_examples=extent(50, 200), deadline=None)
def test_digests_are_the_same_where_columns_are(data, rows, columns, cut, sparse):
    """Whatever the blocks: compared with the columns themselves."""
    values = VALUES.filter(np.isfinite) if sparse else VALUES
    X = np.array(
        data.draw(
            st.lists(
                st.lists(values, min_size=columns, max_size=columns), min_size=rows, max_size=rows
            )
        )
    )
    digests = ColumnDigests()
    for block in (X[:cut], X[cut:]):
        digests.add(compressed(block) if sparse else block)
    found = digests.result()
    assert len(found) == columns
    for one in range(columns):
        for other in range(columns):
            same = np.array_equal(X[:, one], X[:, other], equal_nan=True)
            assert (found[one] == found[other]) == same


def test_a_value_in_another_row_or_twice_is_another_column():
    """Sums alone would not tell these apart; blocks may grow wider."""
    first = compressed(np.array([[1.0, 2.0], [2.0, 1.0]]))
    second = compressed(np.array([[3.0, 3.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]))
    digests = ColumnDigests()
    digests.add(first)
    digests.add(second)
    assert len(set(digests.result())) == 3


def test_very_wide_dense_rows_have_no_digests():
    """A hash a column would be much memory."""
    digests = ColumnDigests()
    digests.add(np.zeros((1, MOST_DENSE_COLUMNS + 1)))
    assert digests.result() == []
