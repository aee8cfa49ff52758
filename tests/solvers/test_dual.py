"""Dual ascent: never down, never above any objective, and to the optimum that scipy finds."""

import copy

import numpy as np
import pytest
from quadratic import optimum

from svmtrain.data.density import compressed
from svmtrain.data.scaled import SparseRows
from svmtrain.data.scaling import Scaler
from svmtrain.objective.dual_form import FEASIBLE, simplex
from svmtrain.objective.features import gram
from svmtrain.objective.linear import LinearObjective
from svmtrain.objective.losses import LOSSES
from svmtrain.solvers import dual_fast
from svmtrain.solvers.dual import DualAscent, DualState, Settling

N, FEATURES, CLASSES = 18, 3, 3
WEIGHT = np.array([0.5, 1.0, 3.0])
EVERY_LOSS = pytest.mark.parametrize("loss", FEASIBLE)
BIASES = pytest.mark.parametrize("bias", ["none", "regularized"])
WEIGHTS = pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
SWEEPS = pytest.mark.parametrize("sweep", [None, dual_fast.sweep], ids=["moves", "sweeps"])
"""The steps of numpy, and those that are compiled, here as plain Python."""


def rows(seed=0, n=N):
    """Return rows of overlapping classes, some features of them 0."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % CLASSES)
    X = rng.normal(size=(n, FEATURES)) + np.eye(CLASSES, FEATURES)[y]
    return X * (rng.random(X.shape) < 0.8), y


def begin(n=N, dtype=np.float64, sweep=None):
    """Return a solver and its state before the first step."""
    solver = DualAscent(n, sweep=sweep)
    return solver, solver.start(np.ones((FEATURES, CLASSES), dtype), np.ones(CLASSES, dtype))


def batches(epoch, n=N, size=5):
    """Return the rows of each batch of an epoch, the last one smaller."""
    order = np.random.default_rng(epoch).permutation(n)
    return [order[start : start + size] for start in range(0, n, size)]


def settle(state, objective, X, y):
    """Compute weights and bound anew."""
    total = Settling.begin(state)
    total.add(objective, X, y, state.a)
    total.close(state, objective)


def train(objective, X, y, epochs, gap=0.0, dtype=np.float64, sweep=None):
    """Return the state after some epochs, or when its gap is small enough."""
    solver, state = begin(len(y), dtype, sweep)
    for epoch in range(epochs):
        for part in batches(epoch, len(y)):
            solver.ascend(state, objective, X[part], y[part], part)
        settle(state, objective, X, y)
        if objective.value(X, y, *state.weights) - state.bound <= gap:
            break
    return state


def dual_value(objective, X, y, a):
    """Return D(a) from its definition, by loops."""
    lam, n, own = objective.lam, len(y), objective.rule.own_term
    W, b, worth = np.zeros((FEATURES, CLASSES)), np.zeros(CLASSES), 0.0
    for x, label, of_row in zip(X, y, a, strict=True):
        c = 1.0 if objective.class_weight is None else objective.class_weight[label]
        worth += c * objective.delta * sum(of_row)
        if objective.rule.squared and objective.loss.startswith("crammer_singer"):
            worth -= c * sum(of_row) ** 2 / 4
        elif objective.rule.squared:
            worth -= c * sum(v * v for v in of_row) / 4
        for j in range(CLASSES):
            u = np.zeros(CLASSES)
            u[j] = c * of_row[j] * (-1 if own and j == label else 1)
            if not own:
                assert j != label or of_row[j] == 0
                u[label] -= u[j]
            W -= np.outer(x, u) / (2 * lam * n)
            b -= u / (2 * lam * n)
    squares = np.sum(W * W) + (np.sum(b * b) if objective.bias == "regularized" else 0.0)
    return worth / n - lam * squares, W, b * (objective.bias == "regularized")


def test_every_loss_has_a_dual():
    """The table of what is feasible knows them all."""
    assert set(FEASIBLE) == set(LOSSES)


@EVERY_LOSS
@BIASES
@WEIGHTS
@SWEEPS
def test_the_dual_never_falls_and_is_never_above_the_objective(loss, bias, weight, sweep):
    """After each step, at the value of the definition; the weights are those of its variables."""
    X, y = rows()
    objective = LinearObjective(loss, lam=0.03, delta=0.7, bias=bias, class_weight=weight)
    solver, state = begin(sweep=sweep)
    best = 0.0
    for epoch in range(6):
        for part in batches(epoch):
            before = objective.measure(X[part], y[part], *state.weights)
            term = solver.ascend(state, objective, X[part], y[part], part)
            assert term == before
            value, W, b = dual_value(objective, X, y, state.a)
            assert value >= best - 1e-14
            assert value <= objective.value(X, y, *state.weights) + 1e-14
            best = value
            np.testing.assert_allclose(state.W, W, rtol=0, atol=1e-12)
            np.testing.assert_allclose(state.b, b, rtol=0, atol=1e-12)
            np.testing.assert_array_equal(FEASIBLE[loss](state.a), state.a)
        settle(state, objective, X, y)
        assert state.bound == pytest.approx(best, rel=1e-12)
    assert state.step == 6 * 4


@EVERY_LOSS
@pytest.mark.parametrize(
    ("bias", "weight"),
    [("none", WEIGHT), ("regularized", None), ("regularized", WEIGHT)],
    ids=["no bias, weighted", "plain", "weighted"],
)
@pytest.mark.parametrize("held", ["dense", "sparse", "sweeps"])
def test_the_optimum_is_that_of_an_independent_solver(loss, bias, weight, held):
    """At 1e-6, bound and objective: of dense rows, sparse rows, and by compiled steps."""
    X, y = rows(2)
    objective = LinearObjective(loss, lam=0.1, delta=0.8, bias=bias, class_weight=weight)
    value, W, _ = optimum(objective, X, y)
    held_rows = SparseRows(compressed(X)) if held == "sparse" else X
    sweep = dual_fast.sweep if held == "sweeps" else None
    state = train(objective, held_rows, y, 2000, 8e-7 * value, sweep=sweep)
    assert state.bound == pytest.approx(value, rel=1e-6)
    assert objective.value(X, y, *state.weights) == pytest.approx(value, rel=1e-6)
    np.testing.assert_allclose(state.W, W, rtol=0, atol=2e-3)


@EVERY_LOSS
@BIASES
@pytest.mark.parametrize("scale", ["none", "standard"])
def test_sparse_rows_give_what_dense_ones_give(loss, bias, scale):
    """Centred or not: the bound at 1e-10, variables and weights at 1e-8, as D is flat there."""
    X, y = rows(4)
    objective = LinearObjective(loss, lam=0.05, bias=bias, class_weight=WEIGHT)
    scaler = Scaler.fit([X], scale, "l2" if scale == "standard" else "none")
    whole = scaler.transform(X, np.float64)
    sparse = scaler.transform(compressed(X), np.float64)
    assert isinstance(sparse, SparseRows)
    np.testing.assert_allclose(gram(sparse), gram(whole), rtol=0, atol=1e-12)
    one, other = (train(objective, held, y, 5) for held in (whole, sparse))
    assert other.bound == pytest.approx(one.bound, rel=1e-10)
    for name, array in one.arrays().items():
        np.testing.assert_allclose(other.arrays()[name], array, rtol=0, atol=1e-8)


@EVERY_LOSS
@SWEEPS
def test_float32_stays_float32_and_comes_as_near(loss, sweep):
    """The bound is one of the objective to the precision of the weights."""
    X, y = rows(1)
    objective = LinearObjective(loss, lam=0.1, class_weight=WEIGHT)
    exact = train(objective, X, y, 200)
    state = train(objective, X.astype(np.float32), y, 200, dtype=np.float32, sweep=sweep)
    assert {array.dtype for array in (state.W, state.b, state.a)} == {np.dtype(np.float32)}
    assert state.bound == pytest.approx(exact.bound, rel=1e-4)
    assert objective.value(X, y, *state.weights) >= state.bound * (1 - 1e-6)


@EVERY_LOSS
def test_the_state_holds_all_that_the_next_steps_need(loss):
    """Through its arrays, at any step, and continued by a new solver, it gives the same bits."""
    X, y = rows(3)
    objective = LinearObjective(loss, lam=0.05)
    steps = [part for epoch in range(3) for part in batches(epoch)]
    for split in range(len(steps)):
        solver, state = begin()
        for part in steps[:split]:
            solver.ascend(state, objective, X[part], y[part], part)
        state.bound = 0.1
        other = DualState.restore(copy.deepcopy(state.arrays()), state.step)
        for part in steps[split:]:
            solver.ascend(state, objective, X[part], y[part], part)
            DualAscent(N).ascend(other, objective, X[part], y[part], part)
        assert (other.step, other.bound) == (state.step, 0.1)
        for name, array in state.arrays().items():
            assert array.tobytes() == other.arrays()[name].tobytes()


def test_start_is_zero_whatever_weights_it_is_given():
    """W must be that of a = 0; a step has no learning rate."""
    solver, state = begin()
    assert not any(array.any() for array in state.arrays().values())
    assert solver.rate(7) == 0.0
    assert state.squares() == state.squares_at_most() == (0.0, 0.0)
    assert state.finite()
    state.b[0] = np.nan
    assert not state.finite()


@EVERY_LOSS
@SWEEPS
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n", [1, 2])
def test_rows_of_zeros_and_single_rows_are_no_trouble(loss, n, sweep, dtype):
    """Nothing divides by the length of a row; at the optimum, steps leave everything as it is."""
    objective = LinearObjective(loss, lam=0.1, bias="none")
    X, y = np.zeros((n, FEATURES), dtype), np.arange(n)
    state = train(objective, X, y, 60, dtype=dtype, sweep=sweep)
    assert not state.W.any()
    assert state.bound == pytest.approx(objective.value(X, y, *state.weights), rel=1e-6)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_simplex_finds_the_nearest_point(dtype):
    """As bisection for the number that is taken from all of a row does."""
    rng = np.random.default_rng(0)
    a = (rng.normal(size=(200, 4)) * 2).astype(dtype)
    a[0], a[1], a[2] = 0, 0.25, [3, 0, 0, 0]
    found = simplex(a)
    assert found.dtype == dtype
    for of_row, near in zip(a.astype(float), found, strict=True):
        low, high = of_row.max() - 1, of_row.max()
        if np.maximum(of_row, 0).sum() > 1:
            for _ in range(60):
                middle = (low + high) / 2
                over = np.maximum(of_row - middle, 0).sum() > 1
                low, high = (middle, high) if over else (low, middle)
        else:
            low = 0.0
        np.testing.assert_allclose(near, np.maximum(of_row - low, 0), rtol=0, atol=1e-6)
    large = simplex(np.array([[1e30, 0, 1e30, -1e30]], dtype=dtype))
    assert large.tolist() == [[0.5, 0, 0.5, 0]]
