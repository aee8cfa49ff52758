"""The objective: values, gradients and counts against slow loops and central differences."""

from itertools import pairwise

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st

from svmtrain.objective.linear import BIASES, DataTerm, LinearObjective
from svmtrain.objective.losses import LOSSES

NAMES = sorted(LOSSES)
STEP = 1e-5


def drawn(n=20, n_features=4, n_classes=3, seed=0):
    """Return X, y, W, b."""
    rng = np.random.default_rng(seed)
    return (
        rng.normal(0, 1, (n, n_features)),
        rng.integers(0, n_classes, n),
        rng.normal(0, 1, (n_features, n_classes)),
        rng.normal(0, 1, n_classes),
    )


def expected(objective, X, y, W, b):
    """Return what the slow loops make of it, with arrays for lists."""
    weight = objective.class_weight
    found = reference.problem(
        np.asarray(X, dtype=np.float64).tolist(),
        y.tolist(),
        np.asarray(W, dtype=np.float64).tolist(),
        np.asarray(b, dtype=np.float64).tolist(),
        loss=objective.loss,
        delta=objective.delta,
        lam=objective.lam,
        bias=objective.bias,
        class_weight=None if weight is None else weight.tolist(),
    )
    return {key: np.array(value) for key, value in found.items()}


def close(found, want, tolerance=1e-12):
    """Assert equality to a tolerance relative to the size of what is wanted."""
    scale = max(1.0, float(np.abs(want).max(initial=0.0)))
    np.testing.assert_allclose(found, want, rtol=0, atol=tolerance * scale)


def agrees(objective, X, y, W, b, tolerance=1e-12):
    """Assert that value, gradients and counts equal the slow ones, and that inputs stay."""
    before = [array.copy() for array in (X, y, W, b)]
    want = expected(objective, X, y, W, b)
    value, dW, db = objective.value_and_gradient(X, y, W, b)
    close(value, want["value"], tolerance)
    close(dW, want["dW"], tolerance)
    close(db, want["db"], tolerance)
    close(objective.value(X, y, W, b), want["value"], tolerance)
    close(objective.gradient_of_input(X, y, W, b), want["dX"], tolerance)
    with_gradient, measured = objective.data_term(X, y, W, b), objective.measure(X, y, W, b)
    for term in (with_gradient, measured):
        close(term.loss, want["loss"], tolerance)
        assert (term.count, term.active) == (len(y), want["active"])
    assert (with_gradient.correct, measured.correct) == (None, want["correct"])
    for array, copy in zip((X, y, W, b), before, strict=True):
        assert np.array_equal(array, copy)


@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("name", NAMES)
def test_objective_equals_the_loop(name, bias):
    """P, dW, db, dX and the counts equal the slow loops at 1e-12, in every bias mode."""
    for delta, lam in ((1.0, 0.01), (0.3, 2.0), (2.5, 0.0)):
        agrees(LinearObjective(name, delta, lam, bias), *drawn())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "sizes",
    [
        {"n_classes": 2},
        {"n": 1},
        {"n": 1, "n_features": 1, "n_classes": 2},
        {"n": 50, "n_features": 7, "n_classes": 11},
    ],
)
def test_edge_sizes_equal_the_loop(name, sizes):
    """Two classes, one row, one feature, and more classes than a batch has rows of."""
    agrees(LinearObjective(name, 1.0, 0.1), *drawn(**sizes))


@pytest.mark.parametrize("name", NAMES)
def test_class_absent_from_the_batch_equals_the_loop(name):
    """A class without rows still has scores, margins and gradients."""
    X, y, W, b = drawn(n_classes=4)
    y[y == 2] = 1
    agrees(LinearObjective(name, 1.0, 0.1), X, y, W, b)


@pytest.mark.parametrize("name", NAMES)
def test_ties_and_exact_kinks_equal_the_loop(name):
    """Small whole numbers, where many margins are exactly 0 and many scores tie."""
    rng = np.random.default_rng(3)
    X = rng.integers(-1, 2, (60, 3)).astype(float)
    W = rng.integers(-1, 2, (3, 4)).astype(float)
    b = rng.integers(-1, 2, 4).astype(float)
    agrees(LinearObjective(name, 1.0, 0.5), X, rng.integers(0, 4, 60), W, b)


@pytest.mark.parametrize("name", NAMES)
def test_class_weights_scale_the_loss_of_their_rows(name):
    """Weighted losses equal the loop, and the mean still divides by the plain count."""
    weight = np.array([0.5, 2.0, 3.25])
    agrees(LinearObjective(name, 1.0, 0.1, class_weight=weight), *drawn())
    X, y, W, b = drawn()
    y[:] = 1
    plain = LinearObjective(name, lam=0.0).value(X, y, W, b)
    weighted = LinearObjective(name, lam=0.0, class_weight=weight).value(X, y, W, b)
    close(weighted, 2 * plain)


@pytest.mark.parametrize("name", NAMES)
def test_layout_of_the_arrays_does_not_matter(name):
    """Read-only, non-contiguous and Fortran-ordered arrays equal the loop."""
    X, y, W, b = drawn()
    wide = np.repeat(X, 2, axis=1)
    objective = LinearObjective(name, 1.0, 0.1)
    for variant in (np.asfortranarray(X), wide[:, ::2], X[::-1][::-1]):
        variant.flags.writeable = False
        agrees(objective, variant, y, np.asfortranarray(W), b)
    for array in (X, y, W, b):
        array.flags.writeable = False
    agrees(objective, X, y, W, b)


@pytest.mark.parametrize("name", NAMES)
def test_float32_arrays_stay_float32(name):
    """The gradients have the dtype of the weights and agree within its rounding."""
    X, y, W, b = drawn()
    X, W, b = (array.astype(np.float32) for array in (X, W, b))
    weight = np.array([0.5, 2.0, 3.25])
    objective = LinearObjective(name, 1.0, 0.1, class_weight=weight)
    agrees(objective, X, y, W, b, tolerance=1e-5)
    _, dW, db = objective.value_and_gradient(X, y, W, b)
    assert dW.dtype == db.dtype == np.float32
    assert objective.gradient_of_input(X, y, W, b).dtype == np.float32


def central_difference(function, array):
    """Return the numeric gradient of function() with respect to an array, changed in place."""
    slope = np.zeros_like(array)
    for index in np.ndindex(array.shape):
        kept = array[index]
        array[index] = kept + STEP
        above = function()
        array[index] = kept - STEP
        below = function()
        array[index] = kept
        slope[index] = (above - below) / (2 * STEP)
    return slope


def away_from_kinks(X, y, W, b, delta):
    """Assert that no margin, and no lead of a worst class, is near enough to change sides."""
    scores = X @ W + b
    rows = np.arange(len(y))
    gaps = scores - scores[rows, y][:, np.newaxis] + delta
    gaps[rows, y] = 1
    signed = scores + delta
    signed[rows, y] = delta - scores[rows, y]
    ordered = np.sort(np.where(gaps == 1, -9, gaps), axis=1)
    lead = ordered[:, -1] - ordered[:, -2]
    assert min(np.abs(gaps).min(), np.abs(signed).min(), lead.min()) > 100 * STEP


@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("name", NAMES)
def test_gradients_equal_central_differences(name, bias):
    """Away from kinks, dW, db and dX are the slopes of P."""
    X, y, W, b = drawn(n=7, n_features=3, seed=12)
    away_from_kinks(X, y, W, b, 0.8)
    weight = np.array([0.5, 2.0, 1.25])
    objective = LinearObjective(name, 0.8, 0.3, bias, weight)

    def value():
        return objective.value(X, y, W, b)

    _, dW, db = objective.value_and_gradient(X, y, W, b)
    close(dW, central_difference(value, W), 1e-8)
    close(objective.gradient_of_input(X, y, W, b), central_difference(value, X), 1e-8)
    want = np.zeros(3) if bias == "none" else central_difference(value, b)
    close(db, want, 1e-8)


@pytest.mark.parametrize("tolerance", [1e-12, 1e-8])
@pytest.mark.parametrize("name", NAMES)
def test_the_comparison_catches_a_gradient_off_by_one_per_mille(name, tolerance):
    """The check itself is checked: one entry of dW wrong by a thousandth does not pass."""
    X, y, W, b = drawn()
    objective = LinearObjective(name, 1.0, 0.1)
    want = expected(objective, X, y, W, b)["dW"]
    _, dW, _ = objective.value_and_gradient(X, y, W, b)
    dW[1, 1] *= 1.001
    with pytest.raises(AssertionError):
        close(dW, want, tolerance)


def test_penalty_has_no_half():
    """lambda ||W||^2, not lambda/2 ||W||^2; the gradient of the penalty is 2 lambda W."""
    W, b = np.array([[3.0, 0.0], [0.0, 4.0]]), np.array([1.0, 2.0])
    assert LinearObjective(lam=0.5, bias="free").penalty(W, b) == 12.5
    assert LinearObjective(lam=0.5, bias="none").penalty(W, b) == 12.5
    assert LinearObjective(lam=0.5, bias="regularized").penalty(W, b) == 15.0
    empty = DataTerm(0.0, 1, 0, 0, np.zeros((2, 2)), np.zeros(2))
    dW, db = LinearObjective(lam=0.5).mean_gradient(empty, W, b)
    assert dW.tolist() == W.tolist()
    assert db.tolist() == b.tolist()


def test_bias_modes_differ_only_in_the_bias():
    """none: no gradient; free: that of the data; regularized: 2 lambda b on top."""
    X, y, W, b = drawn()
    found = {
        bias: LinearObjective(lam=0.25, bias=bias).value_and_gradient(X, y, W, b) for bias in BIASES
    }
    assert found["none"][2].tolist() == [0.0, 0.0, 0.0]
    close(found["regularized"][2], found["free"][2] + 0.5 * b)
    close(found["regularized"][0], found["free"][0] + 0.25 * float(b @ b))
    assert found["none"][0] == found["free"][0]
    assert np.array_equal(found["none"][1], found["regularized"][1])


def test_first_class_wins_a_tie():
    """A row whose class ties with an earlier one is not correct; with a later one, it is."""
    X, W, b = np.ones((2, 1)), np.zeros((1, 2)), np.zeros(2)
    assert LinearObjective().measure(X, np.array([0, 1]), W, b).correct == 1


def test_out_receives_the_gradient():
    """The buffer given is the dW returned, whatever it held before."""
    X, y, W, b = drawn()
    buffer = np.full_like(W, np.nan)
    objective = LinearObjective()
    term = objective.data_term(X, y, W, b, out=buffer)
    assert term.dW is buffer
    assert np.array_equal(buffer, objective.data_term(X, y, W, b).dW)


def test_term_without_gradient_has_no_mean_gradient():
    """A measured term cannot be mistaken for one with a gradient of zero."""
    X, y, W, b = drawn()
    objective = LinearObjective()
    with pytest.raises(ValueError, match="without its gradient"):
        objective.mean_gradient(objective.measure(X, y, W, b), W, b)
    both = objective.measure(X, y, W, b) + objective.data_term(X, y, W, b)
    assert both.dW is None
    assert both.db is None


@settings(derandomize=True, database=None, deadline=None, max_examples=60)
@given(
    cuts=st.lists(st.integers(1, 29), max_size=6, unique=True),
    name=st.sampled_from(NAMES),
    bias=st.sampled_from(BIASES),
)
def test_data_terms_add_up_over_chunks(cuts, name, bias):
    """However the rows are cut, the terms of the parts add up to the term of the whole."""
    X, y, W, b = drawn(n=30)
    objective = LinearObjective(name, 1.0, 0.1, bias, np.array([1.0, 2.0, 0.5]))
    whole = objective.data_term(X, y, W, b)
    edges = [0, *sorted(cuts), 30]
    parts = [objective.data_term(X[low:high], y[low:high], W, b) for low, high in pairwise(edges)]
    total = parts[0]
    for part in parts[1:]:
        total += part
    close(total.loss, whole.loss)
    close(total.dW, whole.dW)
    close(total.db, whole.db)
    assert (total.count, total.active, total.correct) == (
        whole.count,
        whole.active,
        whole.correct,
    )
