"""Dual ascent: never down, never above any objective, and to the optimum that scipy finds."""

import copy
from dataclasses import replace

import numpy as np
import pytest
from quadratic import optimum

from svmtrain.data.density import compressed
from svmtrain.data.scaling import Scaler
from svmtrain.objective.compiled import CompiledRows
from svmtrain.objective.dual_form import FEASIBLE, simplex
from svmtrain.objective.features import gram
from svmtrain.objective.linear import LinearObjective
from svmtrain.objective.losses import LOSSES
from svmtrain.solvers.dual import LONGEST_REST, DualAscent, DualState, Settling

N, FEATURES = 18, 3
WEIGHTS_OF = {2: np.array([0.5, 2.0]), 3: np.array([0.5, 1.0, 3.0])}
WEIGHT = WEIGHTS_OF[3]
EVERY_LOSS = pytest.mark.parametrize("loss", FEASIBLE)
BIASES = pytest.mark.parametrize("bias", ["none", "regularized"])
WEIGHTED = pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
CLASSES = pytest.mark.parametrize("n_classes", [3, 2])
FORMS = ["dense", "sparse", "centred", "compiled dense", "compiled sparse", "compiled centred"]
HELD = pytest.mark.parametrize("form", FORMS)
FEW = pytest.mark.parametrize("form", ["dense", "compiled centred"])
"""Rows in blocks, and rows one by one in compiled loops."""


def rows(seed=0, n=N, n_classes=3):
    """Return rows of overlapping classes, some features of them 0."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % n_classes)
    X = rng.normal(size=(n, FEATURES)) + np.eye(n_classes, FEATURES)[y]
    return X * (rng.random(X.shape) < 0.8), y


def held(X, form):
    """Return rows in one of the forms, and what they are when they are written out."""
    if form.startswith("compiled"):
        pytest.importorskip("numba")
    if form.endswith("dense"):
        return (CompiledRows.dense(X) if form.startswith("compiled") else X), X
    scaler = Scaler.fit([X], "standard" if form.endswith("centred") else "none", "none")
    sparse = scaler.transform(compressed(X), X.dtype)
    if form.startswith("compiled"):
        return CompiledRows.sparse(sparse), sparse.toarray()
    return sparse, sparse.toarray()


def taking(X, y):
    """Return what a solver gets rows by their numbers from."""
    return lambda rows: (X[rows], y[rows])


def begin(n=N, dtype=np.float64, form="dense", columns=3):
    """Return a solver and its state before the first step."""
    solver = DualAscent(n, kernel="numba" if form.startswith("compiled") else "numpy")
    return solver, solver.start(np.ones((FEATURES, columns), dtype), np.ones(columns, dtype))


def batches(epoch, n=N, size=5):
    """Return the rows of each batch of an epoch, the last one smaller."""
    order = np.random.default_rng(epoch).permutation(n)
    return [order[start : start + size] for start in range(0, n, size)]


def settle(state, objective, X, y):
    """Compute weights and bound anew."""
    total = Settling.begin(state)
    total.add(objective, X, y, state.a)
    total.close(state, objective)


def train(objective, X, y, epochs, gap=0.0, dtype=np.float64, form="dense", size=N):
    """Return the state after some epochs, or when its gap is small enough."""
    solver, state = begin(len(y), dtype, form, 1 if objective.paired else 3)
    for epoch in range(epochs):
        for part in batches(epoch, len(y), size):
            solver.ascend(state, objective, taking(X, y), part)
        settle(state, objective, X, y)
        if objective.value(X, y, *state.weights) - state.bound <= gap:
            break
    return state


def dual_value(objective, X, y, a):
    """Return D(a), W(a) and b(a) from their definition, by loops over all classes."""
    if objective.paired:
        whole = np.repeat(a, 2, axis=1)
        if not objective.rule.own_term:
            whole[np.arange(len(y)), y] = 0
        a = whole
    n, n_classes, lam, own = len(y), a.shape[1], objective.lam, objective.rule.own_term
    W, b, worth = np.zeros((FEATURES, n_classes)), np.zeros(n_classes), 0.0
    for x, label, of_row in zip(X, y, a, strict=True):
        c = 1.0 if objective.class_weight is None else objective.class_weight[label]
        worth += c * objective.delta * sum(of_row)
        if objective.rule.squared and objective.loss.startswith("crammer_singer"):
            worth -= c * sum(of_row) ** 2 / 4
        elif objective.rule.squared:
            worth -= c * sum(v * v for v in of_row) / 4
        for j in range(n_classes):
            u = np.zeros(n_classes)
            u[j] = c * of_row[j] * (-1 if own and j == label else 1)
            if not own:
                assert j != label or of_row[j] == 0
                u[label] -= u[j]
            W -= np.outer(x, u) / (2 * lam * n)
            b -= u / (2 * lam * n)
    squares = np.sum(W * W) + (np.sum(b * b) if objective.bias == "regularized" else 0.0)
    return worth / n - lam * squares, W, b * (objective.bias == "regularized")


def objective_of(loss, n_classes=3, weighted=True, **settings):
    """Return an objective as a run computes with it."""
    weight = WEIGHTS_OF[n_classes] if weighted else None
    return LinearObjective(loss, class_weight=weight, **settings).narrowed(n_classes)


def test_every_loss_has_a_dual():
    """The table of what is feasible knows them all."""
    assert set(FEASIBLE) == set(LOSSES)


@EVERY_LOSS
@BIASES
@WEIGHTED
@CLASSES
@HELD
def test_the_dual_never_falls_and_is_never_above_the_objective(
    loss, bias, weighted, n_classes, form
):
    """After each step, at the value of the definition; the weights are those of its variables."""
    X, y = rows(n_classes=n_classes)
    X, written = held(X, form)
    objective = objective_of(loss, n_classes, weighted, lam=0.03, delta=0.7, bias=bias)
    solver, state = begin(form=form, columns=1 if objective.paired else 3)
    best = 0.0
    for epoch in range(6):
        for part in batches(epoch):
            term = solver.ascend(state, objective, taking(X, y), part)
            assert (term.loss, term.count) == (0.0, len(part))
            value, W, b = dual_value(objective, written, y, state.a)
            assert value >= best - 1e-14
            assert value <= objective.value(written, y, *state.weights) + 1e-14
            best = value
            found = objective.widen(*state.weights)
            np.testing.assert_allclose(found[0], W, rtol=0, atol=1e-12)
            np.testing.assert_allclose(found[1], b, rtol=0, atol=1e-12)
            np.testing.assert_allclose(FEASIBLE[loss](state.a), state.a, rtol=0, atol=1e-15)
        settle(state, objective, X, y)
        assert state.bound == pytest.approx(best, rel=1e-12)
    assert state.step == 6 * 4


@EVERY_LOSS
@pytest.mark.parametrize(
    ("bias", "weighted"),
    [("none", True), ("regularized", False), ("regularized", True)],
    ids=["no bias, weighted", "plain", "weighted"],
)
@CLASSES
@FEW
def test_the_optimum_is_that_of_an_independent_solver(loss, bias, weighted, n_classes, form):
    """At 1e-6, bound and objective, in whatever form the rows are held."""
    X, y = rows(2, n_classes=n_classes)
    X, written = held(X, form)
    objective = objective_of(loss, n_classes, weighted, lam=0.1, delta=0.8, bias=bias)
    value, W, _ = optimum(replace(objective, paired=False), written, y)
    state = train(objective, X, y, 2000, 8e-7 * value, form=form)
    assert state.bound == pytest.approx(value, rel=1e-6)
    assert objective.value(written, y, *state.weights) == pytest.approx(value, rel=1e-6)
    np.testing.assert_allclose(objective.widen(*state.weights)[0], W, rtol=0, atol=2e-3)


@EVERY_LOSS
@BIASES
@CLASSES
@pytest.mark.parametrize("forms", [("dense", "sparse"), ("compiled dense", "compiled sparse")])
def test_sparse_rows_give_what_dense_ones_give(loss, bias, n_classes, forms):
    """The bound at 1e-10, variables and weights at 1e-8, as D is flat there."""
    X, y = rows(4, n_classes=n_classes)
    objective = objective_of(loss, n_classes, lam=0.05, bias=bias)
    one, other = (train(objective, held(X, form)[0], y, 5, form=form) for form in forms)
    assert other.bound == pytest.approx(one.bound, rel=1e-10)
    for name in ("a", "W", "b"):
        np.testing.assert_allclose(getattr(other, name), getattr(one, name), rtol=0, atol=1e-8)


@pytest.mark.parametrize("form", FORMS[1:])
def test_products_are_those_of_the_rows_written_out(form):
    """Whatever holds them, and of some of them."""
    X, _ = rows(5)
    X, written = held(X, form)
    some = np.array([3, 0, 7])
    rng = np.random.default_rng(0)
    for columns in (1, 3, 20):
        W, u = rng.normal(size=(FEATURES, columns)), rng.normal(size=(3, columns))
        u[1] = 0
        np.testing.assert_allclose(X[some].times(W), written[some] @ W, rtol=0, atol=1e-12)
        np.testing.assert_allclose(X[some].pull(u), written[some].T @ u, rtol=0, atol=1e-12)
    np.testing.assert_allclose(gram(X), written @ written.T, rtol=0, atol=1e-12)
    if form.startswith("compiled"):
        np.testing.assert_allclose(X.squares, np.square(written).sum(axis=1), rtol=0, atol=1e-12)


@EVERY_LOSS
@CLASSES
@FEW
def test_float32_stays_float32_and_comes_as_near(loss, n_classes, form):
    """The bound is one of the objective to the precision of the weights."""
    X, y = rows(1, n_classes=n_classes)
    X32, written = held(X.astype(np.float32), form)
    objective = objective_of(loss, n_classes, lam=0.1)
    exact = train(objective, written.astype(np.float64), y, 60)
    state = train(objective, X32, y, 60, dtype=np.float32, form=form)
    assert {array.dtype for array in (state.W, state.b, state.a)} == {np.dtype(np.float32)}
    assert state.bound == pytest.approx(exact.bound, rel=1e-4)
    assert objective.value(written, y, *state.weights) >= state.bound * (1 - 1e-6)


@HELD
def test_rows_that_do_not_move_rest_longer_and_longer(form):
    """And are looked at again in the end: a row is never left out for good."""
    X, y = rows(6)
    X, _ = held(X, form)
    objective = LinearObjective(lam=1000.0)  # all variables go to 1 in the first step
    solver, state = begin(form=form)
    waits = []
    for _ in range(16):
        solver.ascend(state, objective, taking(X, y), np.arange(N))
        waits.append(int(state.wait[0]))
        assert (state.wait == state.wait[0]).all()
    assert waits[:6] == [0, 1, 0, 3, 2, 1]
    assert max(waits) == LONGEST_REST
    assert waits.count(0) == 4


@EVERY_LOSS
@FEW
def test_the_state_holds_all_that_the_next_steps_need(loss, form):
    """Through its arrays, at any step, and continued by a new solver, it gives the same bits."""
    X, y = rows(3)
    objective = LinearObjective(loss, lam=0.05)
    X, _ = held(X, form)
    steps = [part for epoch in range(4) for part in batches(epoch, size=9)]
    for split in range(len(steps)):
        solver, state = begin(form=form)
        for part in steps[:split]:
            solver.ascend(state, objective, taking(X, y), part)
        state.bound = 0.1
        other, again = (
            DualState.restore(copy.deepcopy(state.arrays()), state.step),
            begin(form=form)[0],
        )
        for part in steps[split:]:
            solver.ascend(state, objective, taking(X, y), part)
            again.ascend(other, objective, taking(X, y), part)
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
@pytest.mark.parametrize("form", ["dense", "sparse", "compiled dense", "compiled sparse"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n", [1, 2])
def test_rows_of_zeros_and_single_rows_are_no_trouble(loss, n, form, dtype):
    """Nothing divides by the length of a row; at the optimum, steps leave everything as it is."""
    objective = LinearObjective(loss, lam=0.1, bias="none")
    (X, _), y = held(np.zeros((n, FEATURES), dtype), form), np.arange(n)
    state = train(objective, X, y, 60, dtype=dtype, form=form)
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
