"""Scaling: against straightforward formulas, and at the edges of what floats hold."""

import numpy as np
import pytest

from svmtrain.data.scaling import ROW_NORMS, SCALINGS, Scaler
from svmtrain.errors import DataError

NAMES = sorted(SCALINGS)


def column_by_hand(values, scale):
    """Return the scaled values of one column, by the definition of the scaling."""
    if scale == "none":
        return list(values)
    if scale == "standard":
        mean = sum(values) / len(values)
        width = (sum((v - mean) ** 2 for v in values) / len(values)) ** 0.5
    elif scale == "minmax":
        mean, width = min(values), max(values) - min(values)
    else:
        mean, width = 0.0, max(abs(v) for v in values)
    return [(v - mean) / (width or 1.0) for v in values]


def row_by_hand(values, row_norm):
    """Return a row divided by its length."""
    length = sum(v * v for v in values) ** 0.5
    return [v / length for v in values] if row_norm == "l2" and length else list(values)


def table(n=12, n_features=4, seed=0):
    """Return rows with columns of different ranges, one constant and one row of zeros."""
    X = np.random.default_rng(seed).normal(size=(n, n_features)) * [1, 100, 1e-3, 5] + 2
    X[:, 3] = 7.0
    return X


def fitted(X, scale, row_norm="none"):
    """Return the rows scaled by a scaler fitted to them."""
    return Scaler.fit(X, scale, row_norm).transform(X, np.float64)


@pytest.mark.parametrize("row_norm", ROW_NORMS)
@pytest.mark.parametrize("scale", NAMES)
def test_scaled_rows_follow_the_formula(scale, row_norm):
    """Columns first, then the length of each row."""
    X = table()
    columns = [column_by_hand(column, scale) for column in X.T.tolist()]
    want = [row_by_hand(row, row_norm) for row in zip(*columns, strict=True)]
    np.testing.assert_allclose(fitted(X, scale, row_norm), want, rtol=1e-12, atol=1e-12)


def test_scaled_columns_have_the_range_they_are_named_for():
    """standard: mean 0 and deviation 1; minmax: 0 to 1; maxabs: at most 1."""
    X = table()[:, :3]
    standard = fitted(X, "standard")
    np.testing.assert_allclose(standard.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(standard.std(axis=0), 1, rtol=1e-12)
    assert fitted(X, "minmax").min(axis=0).tolist() == [0, 0, 0]
    np.testing.assert_allclose(fitted(X, "minmax").max(axis=0), 1, rtol=1e-15)
    np.testing.assert_allclose(np.abs(fitted(-X, "maxabs")).max(axis=0), 1, rtol=1e-15)


@pytest.mark.parametrize("value", [0.1, -0.3, 7.0, 1e-300, 1.1e9, 0.0])
@pytest.mark.parametrize("scale", ["standard", "minmax"])
def test_constant_column_becomes_zeros_and_keeps_its_width(scale, value):
    """Also where the rounding of the mean would make a tiny deviation out of nothing."""
    X = np.full((10, 1), value)
    scaler = Scaler.fit(X, scale, "none")
    assert scaler.factor.tolist() == [1.0]
    assert scaler.transform(X, np.float64).tolist() == [[0.0]] * 10


def test_column_of_zeros_stays_under_maxabs():
    """maxabs divides by nothing when there is nothing."""
    assert fitted(np.zeros((3, 1)), "maxabs").tolist() == [[0.0]] * 3


@pytest.mark.parametrize("scale", NAMES)
def test_row_of_zeros_stays(scale):
    """A row without length is left as it is, not divided by 0."""
    X = np.array([[1.0, -1.0], [0.0, 0.0], [-1.0, 1.0]])
    scaled = fitted(X, scale, "l2")
    assert np.isfinite(scaled).all()
    if scale in ("none", "maxabs", "standard"):
        assert scaled[1].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("size", [1e-320, 1e-200, 1e-30, 1.0, 1e200, 1.7e308])
def test_rows_of_any_size_get_length_one(size):
    """The squares of a row need not be representable for its length to be 1."""
    X = np.array([[3.0, -4.0], [1.0, 0.0]]) / 4 * size
    scaled = Scaler.fit(np.ones((1, 2)), "none", "l2").transform(X, np.float64)
    np.testing.assert_allclose(scaled, [[0.6, -0.8], [1.0, 0.0]], rtol=1e-3)
    if size > 1e-300:
        np.testing.assert_allclose(scaled, [[0.6, -0.8], [1.0, 0.0]], rtol=1e-14)


@pytest.mark.parametrize("scale", ["standard", "minmax"])
def test_column_too_wide_for_float64_is_refused(scale):
    """A range beyond the floats is a DataError that names the feature, not an infinity."""
    X = np.array([[0.0, 1e308], [1.0, -1e308], [2.0, 1e308]])
    with pytest.raises(DataError, match=f"feature 2 .*{scale}"):
        Scaler.fit(X, scale, "none")


@pytest.mark.parametrize("scale", ["minmax", "maxabs"])
def test_column_too_narrow_for_float64_is_refused(scale):
    """A range whose inverse is infinite is a DataError."""
    with pytest.raises(DataError, match="feature 1 "):
        Scaler.fit(np.array([[0.0], [1e-320]]), scale, "none")


def test_huge_columns_that_can_be_scaled_are():
    """maxabs needs no sum: 1e308 becomes 1."""
    scaled = fitted(np.array([[1e308], [-1e308]]), "maxabs")
    np.testing.assert_allclose(scaled, [[1.0], [-1.0]], rtol=1e-14)


def test_values_too_large_for_float32_are_refused():
    """What would become infinite in the dtype asked for is a DataError."""
    scaler = Scaler.fit(np.ones((2, 2)), "none", "none")
    with pytest.raises(DataError, match="row 2"):
        scaler.transform(np.array([[1.0, 1.0], [1.0, 1e300]]), np.float32)


def test_new_rows_far_outside_the_fitted_range_are_refused():
    """Rows that overflow under the scaler of a model are a DataError, not an infinity."""
    scaler = Scaler.fit(np.array([[0.0], [1e-10]]), "minmax", "none")
    with pytest.raises(DataError, match="row 1"):
        scaler.transform(np.array([[1e305]]), np.float64)


@pytest.mark.parametrize("scale", NAMES)
def test_result_is_new_contiguous_and_of_the_dtype_asked_for(scale):
    """Any layout, read-only or not, gives a new C-contiguous array; the input stays."""
    X = table()
    want = fitted(X, scale).astype(np.float32)
    for variant in (X, np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2]):
        kept = variant.copy()
        variant.flags.writeable = False
        scaled = Scaler.fit(variant, scale, "none").transform(variant, np.float32)
        assert scaled.dtype == np.float32
        assert scaled.flags.c_contiguous
        assert not np.shares_memory(scaled, variant)
        assert np.array_equal(variant, kept)
        np.testing.assert_allclose(scaled, want, rtol=1e-6)


@pytest.mark.parametrize("scale", NAMES)
def test_scaler_of_float32_rows_is_float64(scale):
    """The offset and factor are float64 whatever the rows are, as a model stores them."""
    X = table().astype(np.float32)
    scaler = Scaler.fit(X, scale, "none")
    assert scaler.offset.dtype == scaler.factor.dtype == np.float64
    want = Scaler.fit(X.astype(np.float64), scale, "none")
    np.testing.assert_allclose(scaler.offset, want.offset, rtol=1e-12)
    np.testing.assert_allclose(scaler.factor, want.factor, rtol=1e-12)


@pytest.mark.parametrize("scale", NAMES)
def test_one_row_can_be_fitted(scale):
    """A single row has no width and is scaled with a factor of 1, or by its own size."""
    scaled = fitted(np.array([[2.0, -3.0]]), scale)
    want = {"none": [2.0, -3.0], "maxabs": [1.0, -1.0]}.get(scale, [0.0, 0.0])
    assert scaled.tolist() == [want]
