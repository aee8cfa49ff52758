"""Orders and splits: a fixed scheme, disjoint and complete, in proportion."""

import numpy as np
import pytest

from svmtrain.config.data import MOST_REPEATS
from svmtrain.data.splits import (
    BUFFER_RUNS,
    DRAW_STREAM,
    FOLD_STREAM,
    RUN_ROWS,
    RUNS_STREAM,
    SAMPLE_STREAM,
    SHARE_STREAM,
    TEST_STREAM,
    VALIDATION_STREAM,
    epoch_order,
    fold,
    in_order,
    random_order,
    share,
    split,
)

FRACTIONS = (0.0, 0.1, 0.25, 0.5, 0.9, 0.99)


def test_the_scheme_of_orders_never_changes_silently():
    """The permutations of some seeds are fixed here: to change them is to change the scheme."""
    found = {key: random_order(*key, 10).tolist() for key in ORDERS}
    assert found == ORDERS


ORDERS = {
    (0, 0): [0, 2, 9, 1, 8, 5, 4, 3, 6, 7],
    (0, 1): [5, 3, 7, 8, 2, 4, 1, 0, 6, 9],
    (1, 0): [3, 5, 2, 9, 7, 0, 8, 6, 1, 4],
    (9223372036854775808, 4611686018427387904): [1, 8, 7, 5, 2, 0, 4, 9, 6, 3],
}


def test_order_is_a_permutation_that_depends_on_seed_and_stream():
    """Every row once; another seed or another stream is another order."""
    order = random_order(3, 4, 100)
    assert sorted(order.tolist()) == list(range(100))
    assert np.array_equal(order, random_order(3, 4, 100))
    assert not np.array_equal(order, random_order(4, 4, 100))
    assert not np.array_equal(order, random_order(3, 5, 100))
    assert not np.array_equal(order, random_order(4, 3, 100))


def test_streams_of_splits_are_no_epochs():
    """The streams of test, validation and sample differ, and no epoch reaches them."""
    streams = [TEST_STREAM, VALIDATION_STREAM, SAMPLE_STREAM, DRAW_STREAM]
    streams += [first + MOST_REPEATS * k for first in (FOLD_STREAM, SHARE_STREAM) for k in (0, 1)]
    assert streams == sorted(set(streams))
    assert streams[0] >= 2**62
    assert streams[-1] < RUNS_STREAM


def test_order_is_about_uniform():
    """Over many epochs, each row is about equally often the first."""
    firsts = np.bincount([random_order(0, epoch, 5)[0] for epoch in range(2000)], minlength=5)
    assert firsts.min() > 330
    assert firsts.max() < 470


@pytest.mark.parametrize("n", [1, 5, 255, 256, 257, 16384, 16385, 40000])
def test_blocks_visit_every_row_once_and_run_by_run(n):
    """A buffer holds whole runs of consecutive rows, shuffled; the next begins when it is empty."""
    order = epoch_order("blocks", 3, 1, n)
    assert sorted(order.tolist()) == list(range(n))
    assert np.array_equal(order, epoch_order("blocks", 3, 1, n))
    runs_of_rows = random_order(3, RUNS_STREAM + 1, -(-n // RUN_ROWS))
    start = 0
    for first in range(0, len(runs_of_rows), BUFFER_RUNS):
        runs = runs_of_rows[first : first + BUFFER_RUNS]
        rows = [row for run in runs for row in range(run * RUN_ROWS, min(n, (run + 1) * RUN_ROWS))]
        found = order[start : start + len(rows)]
        assert sorted(found.tolist()) == sorted(rows)
        start += len(rows)
    if n > 1000:
        assert not np.array_equal(order, epoch_order("blocks", 3, 2, n))
        assert not np.array_equal(order, epoch_order("blocks", 4, 1, n))
        assert np.abs(np.diff(order)).mean() > RUN_ROWS / 4


def test_epoch_orders_follow_the_setting():
    """full: a new order an epoch; once: that of epoch 0; none: as the rows are."""
    full = [epoch_order("full", 7, epoch, 50).tolist() for epoch in range(3)]
    assert full[0] != full[1] != full[2] != full[0]
    assert [epoch_order("once", 7, epoch, 50).tolist() for epoch in range(3)] == [full[0]] * 3
    assert epoch_order("none", 7, 2, 4).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("stratified", [True, False])
@pytest.mark.parametrize("fraction", FRACTIONS)
def test_split_is_disjoint_and_complete(fraction, stratified):
    """Each row is in exactly one part; both parts are in ascending order."""
    y = np.random.default_rng(0).integers(0, 4, 101)
    stay, held = split(y, fraction, seed=1, stream=TEST_STREAM, stratified=stratified)
    assert sorted([*stay.tolist(), *held.tolist()]) == list(range(101))
    assert stay.tolist() == sorted(stay.tolist())
    assert held.tolist() == sorted(held.tolist())


@pytest.mark.parametrize("fraction", FRACTIONS)
def test_stratified_split_takes_the_same_share_of_every_class(fraction):
    """Each class gives its share, rounded, but always keeps a row."""
    y = np.repeat([0, 1, 2, 3], [100, 40, 11, 1])
    y = y[random_order(5, 5, len(y))]
    stay, held = split(y, fraction, seed=1, stream=TEST_STREAM, stratified=True)
    given = np.bincount(y[held], minlength=4).tolist()
    assert given == [min(round(fraction * n), n - 1) for n in (100, 40, 11, 1)]
    assert np.bincount(y[stay], minlength=4).min() >= 1


def test_plain_split_takes_its_share_of_all_rows():
    """Without strata, the fraction is of the rows as a whole."""
    y = np.repeat([0, 1], [90, 10])
    _, held = split(y, 0.3, seed=1, stream=TEST_STREAM, stratified=False)
    assert len(held) == 30


@pytest.mark.parametrize("stratified", [True, False])
def test_the_only_row_of_a_class_stays(stratified):
    """A class, or a table, of one row holds nothing out."""
    stay, held = split(np.array([0]), 0.9, seed=0, stream=TEST_STREAM, stratified=stratified)
    assert (stay.tolist(), held.tolist()) == ([0], [])


def test_split_depends_on_seed_and_stream():
    """Test rows and validation rows are drawn apart, and again for another seed."""
    y = np.zeros(200, dtype=np.int64)
    held = [
        split(y, 0.2, seed=seed, stream=stream, stratified=True)[1].tolist()
        for seed, stream in ((0, TEST_STREAM), (1, TEST_STREAM), (0, VALIDATION_STREAM))
    ]
    assert held[0] != held[1]
    assert held[0] != held[2]


@pytest.mark.parametrize("n", [0, 1, 2, 5000])
@pytest.mark.parametrize("bits", [64, 40, 33, 3])
def test_the_fast_order_is_that_of_a_stable_sort(n, bits):
    """Also where many keys share their upper half, and where whole keys are equal."""
    keys = np.random.Philox(key=np.array([n, bits], dtype=np.uint64)).random_raw(n)
    for shift in (0, 64 - bits):
        some = (keys >> np.uint64(64 - bits)) << np.uint64(shift)
        np.testing.assert_array_equal(in_order(some), np.argsort(some, kind="stable"))


@pytest.mark.parametrize("stratified", [True, False])
@pytest.mark.parametrize("count", [2, 3, 7, 23])
def test_folds_hold_out_every_row_once_in_equal_parts(count, stratified):
    """Sizes differ by one at most; when stratified, those of every class do, too."""
    y = np.repeat([0, 1, 2, 3], [9, 5, 8, 1])[random_order(5, 5, 23)]
    how = {"seed": 3, "repeat": 2, "stratified": stratified}
    parts = [fold(y, which, count, **how) for which in range(1, count + 1)]
    assert sorted(np.concatenate([held for _, held in parts]).tolist()) == list(range(23))
    for stay, held in parts:
        assert sorted([*stay, *held]) == list(range(23))
        assert (stay.tolist(), held.tolist()) == (sorted(stay), sorted(held))
    sizes = [len(held) for _, held in parts]
    assert max(sizes) - min(sizes) <= 1
    if stratified:
        counts = np.array([np.bincount(y[held], minlength=4) for _, held in parts])
        assert np.ptp(counts, axis=0).max() <= 1


def test_a_repeat_or_a_seed_deals_other_folds():
    """And the same ones again by the same numbers."""
    y = np.zeros(200, dtype=np.int64)
    keys = [(0, 0), (0, 1), (1, 0), (0, 0)]
    held = [fold(y, 1, 5, seed=s, repeat=r, stratified=True)[1].tolist() for s, r in keys]
    assert held[0] == held[3]
    assert len({tuple(one) for one in held}) == 3


@pytest.mark.parametrize("stratified", [True, False])
def test_a_smaller_share_is_part_of_a_larger_one(stratified):
    """Rows are added and none is left out; a class keeps its proportion and at least one row."""
    y = np.repeat([0, 1, 2], [80, 19, 1])[random_order(5, 5, 100)]
    how = {"seed": 1, "repeat": 0, "stratified": stratified}
    before = set()
    for fraction in (0.001, 0.125, 0.25, 0.5, 0.9, 1.0):
        rows = share(y, fraction, **how)
        assert rows.tolist() == sorted(rows)
        assert before <= set(rows.tolist())
        before = set(rows.tolist())
        if stratified:
            wanted = [max(1, round(fraction * n)) for n in (80, 19, 1)]
            assert np.bincount(y[rows], minlength=3).tolist() == wanted
        else:
            assert len(rows) == max(1, round(fraction * 100))
    assert len(before) == 100
    others = share(y, 0.5, seed=1, repeat=1, stratified=stratified)
    assert set(others.tolist()) != set(share(y, 0.5, **how).tolist())
