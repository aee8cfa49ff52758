"""Parts of rows appended to one array, and cut into tables of one length."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from svmtrain.data.dataset import Table
from svmtrain.data.readers.growing import Growing, in_rows


@given(sizes=st.lists(st.integers(0, 50)), width=st.none() | st.integers(1, 3))
def test_parts_become_one_array(sizes, width):
    """All that was appended is there, in order and C-contiguous, and nothing else."""
    row = () if width is None else (width,)
    parts = [np.full((size, *row), number) for number, size in enumerate(sizes)]
    growing = Growing(np.float64, width)
    for part in parts:
        growing.append(part)
    whole = growing.whole()
    assert whole.tolist() == np.concatenate([np.empty((0, *row)), *parts]).tolist()
    assert whole.shape == (sum(sizes), *row)
    assert whole.flags.c_contiguous


@given(sizes=st.lists(st.integers(1, 20), min_size=1), rows=st.integers(1, 30))
def test_tables_are_cut_into_the_same_number_of_rows(sizes, rows):
    """Every table but the last has as many rows as are asked for, and no row is lost."""
    numbers = np.arange(sum(sizes))
    cuts = np.cumsum(sizes)[:-1]
    tables = [Table(part[:, None], [str(n) for n in part]) for part in np.split(numbers, cuts)]
    found = list(in_rows(iter(tables), rows))
    assert [len(table.X) for table in found[:-1]] == [rows] * (len(found) - 1)
    assert 1 <= len(found[-1].X) <= rows
    assert np.concatenate([table.X for table in found]).ravel().tolist() == numbers.tolist()
    assert [label for table in found for label in table.labels] == list(map(str, numbers))
