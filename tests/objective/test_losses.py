"""The losses, held to slow loops at 1e-12, and to their behaviour at the edges."""

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st

from svmtrain.objective.losses import LOSSES

NAMES = sorted(LOSSES)
DELTAS = (0.25, 1.0, 3.0)


def expected(name, scores, y, delta):
    """Return losses, dscores and active count by the slow loops."""
    rows = [
        reference.LOSSES[name](row, int(c), delta)
        for row, c in zip(scores.tolist(), y, strict=True)
    ]
    losses, dscores, active = zip(*rows, strict=True)
    return np.array(losses), np.array(dscores), sum(active)


def agrees(name, scores, y, delta, atol=1e-12):
    """Assert that the vectorized loss equals the slow one."""
    losses, dscores = LOSSES[name].function(scores, y, delta)
    want_losses, want_dscores, active = expected(name, scores, y, delta)
    np.testing.assert_allclose(losses, want_losses, rtol=atol, atol=atol)
    np.testing.assert_allclose(dscores, want_dscores, rtol=atol, atol=atol)
    assert LOSSES[name].active(dscores) == active
    assert losses.dtype == dscores.dtype == scores.dtype
    assert losses.shape == (len(y),)
    assert dscores.shape == scores.shape


def drawn(n, n_classes, seed=0):
    """Return random scores and classes."""
    rng = np.random.default_rng(seed)
    return rng.normal(0, 2, (n, n_classes)), rng.integers(0, n_classes, n)


def test_the_slow_loops_know_every_loss():
    """A loss that is entered in the table is tested by being there."""
    assert set(reference.LOSSES) == set(LOSSES)


@pytest.mark.parametrize("delta", DELTAS)
@pytest.mark.parametrize(("n", "n_classes"), [(1, 2), (1, 5), (40, 2), (40, 3), (25, 10)])
@pytest.mark.parametrize("name", NAMES)
def test_vectorized_loss_equals_the_loop(name, n, n_classes, delta):
    """Losses, dscores and the active count equal the slow loop, row by row."""
    agrees(name, *drawn(n, n_classes, seed=n + n_classes), delta)


@pytest.mark.parametrize("name", NAMES)
def test_ties_and_kinks_equal_the_loop(name):
    """Scores on a coarse grid, full of ties and of margins of exactly 0, equal the loop."""
    rng = np.random.default_rng(1)
    for n_classes in (2, 3, 6):
        scores = rng.integers(-3, 4, (200, n_classes)) / 2.0
        agrees(name, scores, rng.integers(0, n_classes, 200), 1.0)


@pytest.mark.parametrize("name", NAMES)
def test_subgradient_at_the_kink_is_zero(name):
    """A margin of exactly 0 costs nothing and pulls nowhere."""
    at_kink = {
        False: np.array([[2.0, 1.0, 1.0]]),
        True: np.array([[1.0, -1.0, -1.0]]),
    }[LOSSES[name].own_term]
    losses, dscores = LOSSES[name].function(at_kink, np.array([0]), 1.0)
    assert losses.tolist() == [0.0]
    assert np.abs(dscores).tolist() == [[0.0, 0.0, 0.0]]
    assert LOSSES[name].active(dscores) == 0


@pytest.mark.parametrize("name", NAMES)
def test_just_above_the_kink_the_hinge_is_active(name):
    """The smallest positive margin counts as active."""
    scores = np.array([[2.0, 1.0 + 1e-12]])
    if LOSSES[name].own_term:
        scores = np.array([[1.0, -1.0 + 1e-12]])
    losses, dscores = LOSSES[name].function(scores, np.array([0]), 1.0)
    assert losses[0] > 0
    assert dscores[0, 1] > 0
    assert LOSSES[name].active(dscores) == 1


@pytest.mark.parametrize("name", ["crammer_singer", "crammer_singer_squared"])
def test_first_of_equally_bad_classes_takes_the_gradient(name):
    """Of two worst classes at a tie, the one with the smaller index is blamed, alone."""
    _, dscores = LOSSES[name].function(np.array([[0.0, 3.0, 3.0]]), np.array([0]), 1.0)
    assert dscores[0, 1] == -dscores[0, 0] > 0
    assert dscores[0, 2] == 0


def test_weston_watkins_by_hand():
    """The worked example of the CS231n notes: scores 13, -7, 11, class 0, delta 10."""
    losses, dscores = LOSSES["weston_watkins"].function(
        np.array([[13.0, -7.0, 11.0]]), np.array([0]), 10.0
    )
    assert losses.tolist() == [8.0]
    assert dscores.tolist() == [[-1.0, 0.0, 1.0]]


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"one_vs_rest", "one_vs_rest_squared"}))
def test_zero_scores_cost_delta_a_hinge(name):
    """The true class is left out of the sum: it adds no constant delta."""
    losses, _ = LOSSES[name].function(np.zeros((1, 5)), np.array([2]), 3.0)
    hinges = 1 if name.startswith("crammer") else 4
    assert losses[0] == hinges * (9.0 if name.endswith("squared") else 3.0)


@pytest.mark.parametrize("name", NAMES)
def test_layout_does_not_matter_and_inputs_stay(name):
    """Read-only, Fortran-ordered and non-contiguous scores give the same, and stay as they are."""
    scores, y = drawn(30, 4, seed=5)
    y.flags.writeable = False
    wide = np.repeat(scores, 2, axis=1)
    for variant in (np.asfortranarray(scores), wide[:, ::2], scores[::-1][::-1]):
        before = variant.copy()
        variant.flags.writeable = False
        agrees(name, variant, y, 1.0)
        assert np.array_equal(variant, before)


@pytest.mark.parametrize("name", NAMES)
def test_float32_scores_stay_float32(name):
    """Losses and dscores come in the dtype of the scores, equal within its rounding."""
    scores, y = drawn(30, 4, seed=6)
    agrees(name, scores.astype(np.float32), y, 0.7, atol=2e-5)


@pytest.mark.parametrize("name", NAMES)
def test_nan_in_the_scores_reaches_the_loss(name):
    """A NaN is not masked by the hinge: the loss of its row is NaN."""
    scores, y = drawn(4, 3, seed=7)
    scores[2, (y[2] + 1) % 3] = np.nan
    losses, _ = LOSSES[name].function(scores, y, 1.0)
    assert np.isnan(losses).tolist() == [False, False, True, False]


@pytest.mark.parametrize("name", NAMES)
def test_every_loss_names_its_formula_and_source(name):
    """What is printed for people is there."""
    assert "max(0" in LOSSES[name].formula
    assert "(19" in LOSSES[name].source or "(20" in LOSSES[name].source


@settings(derandomize=True, database=None, deadline=None, max_examples=60)
@given(data=st.data(), name=st.sampled_from(NAMES))
def test_any_scores_equal_the_loop(data, name):
    """Whatever the numbers, vectorized and slow agree to 1e-12 of the largest of them."""
    n_classes = data.draw(st.integers(2, 5))
    value = st.floats(-50, 50, allow_subnormal=False)
    rows = st.lists(value, min_size=n_classes, max_size=n_classes)
    scores = np.array(data.draw(st.lists(rows, min_size=1, max_size=6)))
    y = np.array([data.draw(st.integers(0, n_classes - 1)) for _ in scores])
    agrees(name, scores, y, data.draw(st.floats(0.01, 10)))
