"""Averaging: the running mean equals the explicit weighted mean of the iterates."""

import math

import numpy as np
import pytest
import reference

from svmtrain.solvers.averaging import AVERAGING, TAIL_ETA


def running(name, iterates):
    """Return the running mean after each iterate."""
    mean, means = np.zeros_like(iterates[0]), []
    for count, iterate in enumerate(iterates, start=1):
        mean = mean + AVERAGING[name](count) * (iterate - mean)
        means.append(mean)
    return means


@pytest.mark.parametrize("name", sorted(AVERAGING))
def test_running_mean_equals_the_explicit_weighted_mean(name):
    """After every step, the running mean is the mean with the weights written out."""
    iterates = np.random.default_rng(0).normal(size=(60, 5))
    for count, mean in enumerate(running(name, iterates), start=1):
        weights = reference.iterate_weights(name, count)
        want = reference.weighted_mean(iterates[:count].tolist(), weights)
        np.testing.assert_allclose(mean, want, rtol=0, atol=1e-12)


def test_polyak_is_the_plain_mean():
    """All iterates weigh the same."""
    iterates = np.random.default_rng(1).normal(size=(37, 3))
    np.testing.assert_allclose(
        running("polyak", iterates)[-1], iterates.mean(axis=0), rtol=0, atol=1e-13
    )


def test_tail_weighs_iterate_t_by_its_rising_product():
    """The weight of iterate t is proportional to t (t + 1) ... (t + eta - 1)."""
    count = 25
    left = [
        AVERAGING["tail"](t) * math.prod(1 - AVERAGING["tail"](s) for s in range(t + 1, count + 1))
        for t in range(1, count + 1)
    ]
    product = [math.prod(range(t, t + TAIL_ETA)) for t in range(1, count + 1)]
    for weight, whole in zip(left, product, strict=True):
        assert weight == pytest.approx(whole / sum(product), rel=1e-10)


@pytest.mark.parametrize("name", sorted(AVERAGING))
def test_first_iterate_is_all_of_the_first_mean(name):
    """The start before the first step has no share; later shares are between 0 and 1."""
    shares = [AVERAGING[name](count) for count in range(1, 200)]
    assert shares[0] == 1
    assert all(0 < share < 1 for share in shares[1:])
