"""Bounds on the optimum: below it for every loss, and at it where the optimum is known."""

from dataclasses import replace

import numpy as np
import pytest
from quadratic import optimum

from svmtrain.objective.dual import DualPoint, between
from svmtrain.objective.linear import LinearObjective
from svmtrain.objective.losses import LOSSES

EVERY_LOSS = pytest.mark.parametrize("loss", LOSSES)
N, FEATURES, CLASSES = 18, 3, 3


def rows(seed=0):
    """Return rows of overlapping classes."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, CLASSES, N)
    return rng.normal(size=(N, FEATURES)) + np.eye(CLASSES, FEATURES)[y], y


def point(objective, X, y, W, b):
    """Return the dual point of the subgradients at W, b, row by row from the definition."""
    G, g, constant = np.zeros((FEATURES, CLASSES)), np.zeros(CLASSES), 0.0
    for x, label in zip(X, y, strict=True):
        scores = (x @ W + b)[np.newaxis]
        losses, dscores = objective.losses(scores, np.array([label]))
        G += np.outer(x, dscores[0]) / len(y)
        g += dscores[0] / len(y)
        constant += (losses[0] - float(dscores[0] @ scores[0])) / len(y)
    return DualPoint(G, g if objective.bias == "regularized" else np.zeros(0), constant)


@EVERY_LOSS
@pytest.mark.parametrize("bias", ["none", "regularized"])
def test_no_bound_is_above_any_value(loss, bias):
    """Weak duality, at any weights, for subgradients taken at any others."""
    rng = np.random.default_rng(0)
    X, y = rows()
    weight = np.array([0.5, 1.0, 3.0])
    for trial in range(20):
        objective = LinearObjective(
            loss, lam=10.0 ** rng.uniform(-3, 1), delta=rng.uniform(0.2, 2), bias=bias
        )
        objective = replace(objective, class_weight=weight if trial % 2 else None)
        W = rng.normal(size=(2, FEATURES, CLASSES)) * 10.0 ** rng.uniform(-2, 1)
        b = rng.normal(size=(2, CLASSES)) * (bias != "none")
        bound = point(objective, X, y, W[0], b[0]).bound(objective.lam)
        assert bound <= objective.value(X, y, W[1], b[1]) + 1e-12
        assert bound <= objective.value(X, y, W[0], b[0]) + 1e-12


@EVERY_LOSS
def test_the_data_term_sums_what_the_definition_says(loss):
    """Gradient and constant of a batch, with class weights and without."""
    X, y = rows()
    rng = np.random.default_rng(1)
    W, b = rng.normal(size=(FEATURES, CLASSES)), rng.normal(size=CLASSES)
    for weight in (None, np.array([0.5, 1.0, 3.0])):
        objective = LinearObjective(loss, delta=0.7, class_weight=weight)
        want, term = point(objective, X, y, W, b), objective.data_term(X, y, W, b)
        assert term.dual / N == pytest.approx(want.constant, rel=1e-12)
        np.testing.assert_allclose(term.dW / N, want.G, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(term.db / N, want.g, rtol=1e-12, atol=1e-14)


def climb(objective, X, y, enough, value):
    """Return the best of points that follow each other, until the bound is near a value."""
    best = None
    W, b = np.zeros((FEATURES, CLASSES)), np.zeros(CLASSES)
    for _ in range(20000):
        new = point_fast(objective, X, y, W, b)
        best = new if best is None else between(best, new, objective.lam)
        W, b = -best.G / (2 * objective.lam), -best.g / (2 * objective.lam)
        if value - best.bound(objective.lam) < enough * value:
            return best
    raise AssertionError(f"the bound {best.bound(objective.lam)} stays below {value}")


@EVERY_LOSS
def test_the_best_of_many_points_meets_the_optimum(loss):
    """Combined one after the other they come as near as asked for, and never above."""
    X, y = rows()
    objective = LinearObjective(loss, lam=0.1)
    value, _, _ = optimum(objective, X, y)
    bound = climb(objective, X, y, 1e-3, value).bound(objective.lam)
    assert bound <= value * (1 + 1e-9)


@pytest.mark.parametrize("loss", ["weston_watkins_squared", "one_vs_rest_squared"])
@pytest.mark.parametrize("bias", ["none", "regularized"])
def test_the_bound_at_the_optimum_of_a_smooth_loss_is_the_optimum(loss, bias):
    """Its gradient there is the solution of the dual; both values agree at 1e-6."""
    X, y = rows(3)
    objective = LinearObjective(loss, lam=0.2, delta=0.8, bias=bias)
    value, W, b = optimum(objective, X, y)
    found = point(objective, X, y, W, b).bound(objective.lam)
    assert found == pytest.approx(value, rel=1e-6)
    assert found <= value * (1 + 1e-8)


def point_fast(objective, X, y, W, b):
    """Return the dual point of the subgradients at W, b."""
    term = objective.data_term(X, y, W, b)
    return DualPoint(term.dW / N, term.db / N, term.dual / N)


def test_between_is_the_best_point_of_the_line():
    """As a search along it finds; the ends are points of it."""
    rng = np.random.default_rng(2)
    for _ in range(50):
        one, other = (
            DualPoint(rng.normal(size=(3, 2)), rng.normal(size=2), float(rng.normal()))
            for _ in range(2)
        )
        lam = 10.0 ** rng.uniform(-2, 1)
        found = between(one, other, lam).bound(lam)
        along = [
            DualPoint(
                (1 - t) * one.G + t * other.G,
                (1 - t) * one.g + t * other.g,
                (1 - t) * one.constant + t * other.constant,
            ).bound(lam)
            for t in np.linspace(0, 1, 101)
        ]
        assert found >= max(along) - 1e-12
        assert found <= max(along) + 1e-2 * (abs(max(along)) + 1)
    assert between(one, one, 1.0).bound(1.0) == one.bound(1.0)
    higher = replace(one, constant=one.constant + 1)
    assert between(one, higher, 1.0) is higher
    assert between(higher, one, 1.0) is higher


FAULTS = {
    "lambda in place of 4 lambda": lambda p, lam: p.constant - _squares(p) / lam / 8,
    "no squares": lambda p, lam: p.constant,
    "a constant that is too large": lambda p, lam: p.bound(lam) + 0.02 * abs(p.constant),
    "the sign of the squares": lambda p, lam: p.constant + _squares(p) / (4 * lam),
}


def _squares(p):
    return float(np.vdot(p.G, p.G)) + float(np.vdot(p.g, p.g))


@pytest.mark.parametrize("fault", FAULTS)
@EVERY_LOSS
def test_a_wrong_dual_is_caught_by_the_optimum(loss, fault):
    """Where a right bound has nearly met the optimum, a wrong one lies above it."""
    X, y = rows()
    objective = LinearObjective(loss, lam=0.1)
    value, _, _ = optimum(objective, X, y)
    best = climb(objective, X, y, 5e-3, value)
    assert FAULTS[fault](best, objective.lam) > value
