"""Compressed rows, scaled sparse rows, and statistics by blocks: all as on the dense array."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from svmtrain.data import mapped, sparse
from svmtrain.data.dataset import Dataset, Table, joined
from svmtrain.data.scaled import dense
from svmtrain.data.scaling import SCALINGS, Scaler
from svmtrain.data.sparse import Csr, stacked
from svmtrain.data.statistics import column_statistics
from svmtrain.errors import DataError


def compressed(X):
    """Return a dense array as Csr, row by row."""
    indices = [np.flatnonzero(row) for row in X]
    indptr = np.concatenate([[0], np.cumsum([len(part) for part in indices])]).astype(np.int64)
    values = [row[part] for row, part in zip(X, indices, strict=True)]
    return Csr(np.concatenate(values), np.concatenate(indices), indptr, X.shape)


def table(n=30, p=9, seed=0, density=0.4):
    """Return rows with zeros, among them an empty row and an empty column."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * (rng.random((n, p)) < density)
    X[4], X[:, 2] = 0, 0
    return X


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 6))
@settings(max_examples=60)
def test_compressed_rows_are_indexed_like_the_dense_ones(seed, n, p):
    """Slices with any step, and any row numbers, repeated or not."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * (rng.random((n, p)) < 0.5)
    C = compressed(X)
    assert (len(C), C.shape, C.dtype) == (n, (n, p), X.dtype)
    assert np.array_equal(C.toarray(), X)
    start, stop, step = rng.integers(-n, n + 2, 3)
    for part in (slice(start, stop), slice(start, stop, step or None), rng.integers(0, n, 5)):
        assert np.array_equal(C[part].toarray(), X[part])
        assert C[part].shape == X[part].shape
    columns = np.flatnonzero(rng.random(p) < 0.5)
    assert np.array_equal(C.only(columns).toarray(), X[:, columns])
    assert np.array_equal(C.to_scipy().toarray(), X)
    assert pytest.approx((X != 0).mean()) == C.density


def test_stacked_matrices_have_all_rows_and_the_widest_width():
    """Sparse ones are widened; dense ones take the dtype that holds all."""
    X, Z = table(5, 4), table(6, 7, seed=1)
    whole = stacked([compressed(X), compressed(Z)])
    want = np.zeros((11, 7))
    want[:5, :4], want[5:] = X, Z
    assert np.array_equal(whole.toarray(), want)
    mixed = stacked([np.ones((1, 2), np.uint8), np.full((1, 2), 0.5, np.float32)])
    assert mixed.dtype == np.float32
    both = joined([Table(compressed(X), ["a"] * 5), Table(compressed(Z), ["b"] * 6)])
    assert len(both.X) == len(both.labels) == 11
    assert np.array_equal(compressed(X).widened(6).toarray()[:, :4], X)


def test_without_scipy_products_name_the_extra(monkeypatch):
    """One clear error that says what to install, and what else would do."""
    monkeypatch.setitem(__import__("sys").modules, "scipy.sparse", None)
    monkeypatch.setitem(__import__("sys").modules, "scipy", None)
    with pytest.raises(DataError, match=r"svmtrain\[sparse\].*data\.sparse: false"):
        compressed(table()).to_scipy()


@pytest.mark.parametrize("row_norm", ["none", "l2"])
@pytest.mark.parametrize("scale", SCALINGS)
def test_scaled_sparse_rows_are_the_scaled_dense_rows(scale, row_norm):
    """Written out, multiplied from both sides, and in length."""
    X = table()
    scaler = Scaler.fit(X, scale, row_norm)
    of_sparse = Scaler.fit(compressed(X), scale, row_norm)
    np.testing.assert_allclose(of_sparse.offset, scaler.offset, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(of_sparse.factor, scaler.factor, rtol=1e-12)
    want, found = scaler.transform(X, np.float64), scaler.transform(compressed(X), np.float64)
    close = {"rtol": 1e-11, "atol": 1e-12}
    np.testing.assert_allclose(dense(found), want, **close)
    rng = np.random.default_rng(1)
    W, D = rng.normal(size=(9, 3)), rng.normal(size=(30, 3))
    np.testing.assert_allclose(found.times(W), want @ W, **close)
    np.testing.assert_allclose(found.pull(D), want.T @ D, **close)
    assert found.squares() == pytest.approx(float(np.vdot(want, want)), rel=1e-11)
    assert (found.shape, len(found)) == ((30, 9), 30)


def test_sparse_values_too_large_for_float32_are_refused_by_row():
    """As dense ones are."""
    X = np.zeros((3, 2))
    X[2, 1] = 1e300
    scaler = Scaler.fit(X, "none", "none")
    with pytest.raises(DataError, match="row 3 "):
        scaler.transform(compressed(X), np.float32)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64])
def test_statistics_by_blocks_are_those_of_all_rows(dtype, monkeypatch):
    """Mean, deviation and range, whatever the blocks, dense or sparse."""
    monkeypatch.setattr("svmtrain.data.moments.BLOCK_VALUES", 50)
    X = (table(40, 6) * 20 + 100).astype(dtype)
    X[:, 1] = 3
    values = X.astype(np.float64)
    for block in (1, 7, 40):
        found = column_statistics(X[s : s + block] for s in range(0, 40, block))
        np.testing.assert_allclose(found.mean, values.mean(axis=0), rtol=1e-13)
        np.testing.assert_allclose(found.deviation, values.std(axis=0), rtol=1e-12, atol=1e-12)
        assert np.array_equal(found.low, values.min(axis=0))
        assert np.array_equal(found.high, values.max(axis=0))
        assert found.count == 40


@given(st.integers(0, 2**32 - 1), st.integers(1, 9))
@settings(max_examples=60)
def test_statistics_of_sparse_rows_count_the_zeros(seed, block):
    """Those that are not stored as well."""
    X = table(12, 5, seed=seed)
    C = compressed(X)
    found = column_statistics(C[s : s + block] for s in range(0, 12, block))
    np.testing.assert_allclose(found.mean, X.mean(axis=0), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(found.deviation, X.std(axis=0), rtol=1e-12, atol=1e-15)
    assert np.array_equal(found.low, X.min(axis=0))
    assert np.array_equal(found.high, X.max(axis=0))


@pytest.mark.parametrize("make", [np.asarray, compressed], ids=["dense", "sparse"])
def test_a_dataset_of_some_rows_is_a_view(make):
    """Taken, in parts, in blocks, and as a part of a part."""
    X = table()
    whole = Dataset(make(X), np.arange(30) % 2, (0, 1))
    index = np.array([1, 2, 3, 7, 9, 20, 29])
    part = whole.rows(index)
    assert part.matrix is whole.matrix

    def written(rows):
        return rows.toarray() if isinstance(rows, Csr) else rows

    assert np.array_equal(written(part.X), X[index])
    assert np.array_equal(written(part.take(np.array([6, 0]))), X[[29, 1]])
    assert np.array_equal(written(part.part(0, 3)), X[1:4])
    assert np.array_equal(written(part.rows(np.array([0, 3])).X), X[[1, 7]])
    blocks = [written(block) for block in part.blocks(2)]
    assert [len(block) for block in blocks] == [2, 2, 2, 1]
    assert np.array_equal(np.concatenate(blocks), X[index])
    assert part.counts().tolist() == [2, 5]
    if make is np.asarray:
        assert np.shares_memory(part.part(0, 3), X)


def test_the_module_needs_numpy_alone():
    """scipy is imported when a product is asked for, not before."""
    assert "scipy" not in vars(sparse)


def test_pages_of_a_mapped_matrix_are_given_back_as_it_is_read(tmp_path, monkeypatch):
    """Once more than the limit was looked at, and again; rows in memory are left alone."""
    forgotten = []
    monkeypatch.setattr(mapped, "forget", forgotten.append)
    np.save(tmp_path / "X.npy", np.ones((100, 1024)))
    X = np.asarray(np.load(tmp_path / "X.npy", mmap_mode="r"))
    for matrix, times in ((X, 3), (np.ones((100, 1024)), 0)):
        forgotten.clear()
        reading = mapped.Reading(matrix, limit=30 * X[0].nbytes)
        for _ in range(12):
            reading.saw(10, span=10)
        assert len(forgotten) == times
        assert all(one is matrix for one in forgotten)
        forgotten.clear()
        reading.saw(5)  # anywhere, so that each may have brought its surroundings
        assert len(forgotten) == (times > 0)
