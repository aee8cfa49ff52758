"""SGD on sparse rows: the same iterates as on dense ones, at the cost of the non-zeros."""

import numpy as np
import pytest

from svmtrain.data.dataset import Dataset
from svmtrain.data.scaled import dense
from svmtrain.data.scaling import Scaler
from svmtrain.data.sparse import Csr
from svmtrain.objective import sparse_products
from svmtrain.objective.lazy import LazyWeights
from svmtrain.objective.linear import LinearObjective
from svmtrain.objective.losses import LOSSES
from svmtrain.solvers.lazy_sgd import LazySGD, LazyState
from svmtrain.solvers.sgd import SGD
from svmtrain.training.sources import GatheredRows, MemoryRows

N, FEATURES, CLASSES = 40, 13, 3


def rows(seed=0, density=0.3):
    """Return sparse rows with a constant column, an empty column and an empty row, and classes."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N, FEATURES)) * (rng.random((N, FEATURES)) < density)
    X[:, 3], X[:, 5] = 2.0, 0.0
    X[7] = 0.0
    return X, rng.integers(0, CLASSES, N)


def compressed(X):
    """Return a dense array as Csr, row by row."""
    indices = [np.flatnonzero(row) for row in X]
    indptr = np.concatenate([[0], np.cumsum([len(part) for part in indices])])
    values = [row[part] for row, part in zip(X, indices, strict=True)]
    return Csr(np.concatenate(values), np.concatenate(indices), indptr, X.shape)


def rate(lam, schedule):
    """Return a rate by the step."""
    return {
        "constant": lambda step: 0.05,
        "pegasos from the first step": lambda step: 1 / (2 * lam * (step + 1)),
        "large": lambda step: 0.9 / (2 * lam),
    }[schedule]


def both(objective, scaler, schedule, averaging, steps=60, dtype=np.float64):
    """Return the weights of dense and of lazy SGD after every step."""
    X, y = rows()
    names = tuple(range(CLASSES))
    sparse = GatheredRows(Dataset(compressed(X), y, names), scaler, dtype)
    written = MemoryRows(scaler.transform(X, dtype), y)
    step_size = rate(objective.lam, schedule)
    pairs = [
        (SGD(step_size, averaging=averaging), written),
        (LazySGD(step_size, averaging=averaging, shift=scaler.shift), sparse),
    ]
    W = 0.1 * np.random.default_rng(1).normal(size=(FEATURES, CLASSES)).astype(dtype)
    found = []
    for solver, source in pairs:
        state, trace = solver.start(W, W[0].copy()), []
        for step in range(steps):
            batch = np.arange(step * 7, step * 7 + 5) % N
            term = source.term(objective, batch, *state.parameters)
            solver.descend(state, objective, term)
            trace.append((*(part.copy() for part in state.weights), *state.squares(), term.loss))
            assert state.squares_at_most()[0] >= state.squares()[0] * (1 - 1e-12)
        found.append(trace)
    return found


@pytest.mark.parametrize("row_norm", ["none", "l2"])
@pytest.mark.parametrize("scale", ["none", "standard", "minmax", "maxabs"])
@pytest.mark.parametrize("loss", LOSSES)
def test_sparse_steps_equal_dense_ones(loss, scale, row_norm):
    """Every loss, with and without centring: weights, lengths and losses agree at 1e-10."""
    X, _ = rows()
    objective = LinearObjective(loss, lam=0.05, class_weight=np.array([1.0, 2.0, 0.5]))
    found = both(objective, Scaler.fit(X, scale, row_norm), "constant", "tail")
    for one, other in zip(*found, strict=True):
        for left, right in zip(one, other, strict=True):
            np.testing.assert_allclose(left, right, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("bias", ["none", "regularized", "free"])
@pytest.mark.parametrize("averaging", ["none", "polyak", "tail"])
@pytest.mark.parametrize("schedule", ["constant", "pegasos from the first step", "large"])
def test_factors_that_vanish_are_multiplied_out(schedule, averaging, bias):
    """Also a shrinking to nothing at once, and one to a tenth in every step."""
    X, _ = rows()
    objective = LinearObjective(lam=0.5, bias=bias)
    scaler = Scaler.fit(X, "standard", "none")
    for one, other in zip(*both(objective, scaler, schedule, averaging), strict=True):
        for left, right in zip(one, other, strict=True):
            np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-10)


def test_without_a_penalty_nothing_shrinks():
    """Lambda 0 leaves the scale alone."""
    X, _ = rows()
    found = both(LinearObjective(lam=0.0), Scaler.fit(X, "none", "none"), "constant", "polyak")
    np.testing.assert_allclose(found[0][-1][0], found[1][-1][0], rtol=1e-12, atol=1e-12)


def test_float32_stays_float32():
    """No array of the state changes its dtype."""
    X, _ = rows()
    scaler = Scaler.fit(X, "standard", "none")
    found = both(LinearObjective(lam=0.05), scaler, "constant", "tail", dtype=np.float32)
    for one, other in zip(*found, strict=True):
        assert other[0].dtype == other[1].dtype == np.float32
        np.testing.assert_allclose(one[0], other[0], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("scale", ["none", "standard"])
def test_a_state_restored_at_every_step_goes_on_to_the_same_bits(scale):
    """The arrays and the number of steps are all there is."""
    X, y = rows()
    scaler = Scaler.fit(X, scale, "none")
    source = GatheredRows(Dataset(compressed(X), y, (0, 1, 2)), scaler, np.float64)
    solver = LazySGD(lambda step: 1 / (step + 1), "tail", scaler.shift)
    objective = LinearObjective(lam=0.5)
    state = solver.start(np.zeros((FEATURES, CLASSES)), np.zeros(CLASSES))
    other = solver.start(np.zeros((FEATURES, CLASSES)), np.zeros(CLASSES))
    for step in range(50):
        for one in (state, other):
            batch = np.arange(step, step + 4) % N
            solver.descend(one, objective, source.term(objective, batch, *one.parameters))
        copies = {name: array.copy() for name, array in other.arrays().items()}
        other = LazyState.restore(copies, other.step)
        assert set(copies) == set(LazyState.SHAPES)
        for name, array in state.arrays().items():
            assert array.tobytes() == copies[name].tobytes()


def test_a_step_touches_only_the_features_of_its_rows():
    """V and U stay as they are everywhere else."""
    X, y = rows()
    scaler = Scaler.fit(X, "standard", "none")
    source = GatheredRows(Dataset(compressed(X), y, (0, 1, 2)), scaler, np.float64)
    solver = LazySGD(lambda step: 0.01, "polyak", scaler.shift)
    objective = LinearObjective(lam=0.5)
    state = solver.start(np.ones((FEATURES, CLASSES)), np.zeros(CLASSES))
    solver.descend(state, objective, source.term(objective, np.arange(3), *state.parameters))
    before = state.now.V.copy(), state.U.copy()
    batch = np.array([7, 11])
    solver.descend(state, objective, source.term(objective, batch, *state.parameters))
    others = ~(X[batch] != 0).any(axis=0)
    assert others.sum() >= 5
    assert np.array_equal(state.now.V[others], before[0][others])
    assert np.array_equal(state.U[others], before[1][others])


def test_what_is_kept_up_to_date_does_not_drift():
    """After thousands of steps shift^T V is what it should be, and the bound on V holds."""
    X, y = rows()
    scaler = Scaler.fit(X, "standard", "none")
    source = GatheredRows(Dataset(compressed(X), y, (0, 1, 2)), scaler, np.float64)
    solver = LazySGD(lambda step: 1 / (2 * 0.05 * (step + 5)), "tail", scaler.shift)
    objective = LinearObjective(lam=0.05)
    state = solver.start(np.zeros((FEATURES, CLASSES)), np.zeros(CLASSES))
    for step in range(5000):
        batch = np.arange(step * 3, step * 3 + 3) % N
        solver.descend(state, objective, source.term(objective, batch, *state.parameters))
    now = state.now
    np.testing.assert_allclose(now.along, now.shift @ now.V, rtol=1e-12, atol=1e-12)
    assert np.linalg.norm(now.V) <= now.bound


def test_lazy_weights_that_overflow_are_not_finite():
    """So that a run that diverges is noticed."""
    X, y = rows()
    scaler = Scaler.fit(X, "none", "none")
    source = GatheredRows(Dataset(compressed(X), y, (0, 1, 2)), scaler, np.float64)
    solver = LazySGD(lambda step: 1e200, "none", scaler.shift)
    objective = LinearObjective("weston_watkins_squared", lam=0.0)
    state = solver.start(np.zeros((FEATURES, CLASSES)), np.zeros(CLASSES))
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(4):
            term = source.term(objective, np.arange(N), *state.parameters)
            solver.descend(state, objective, term)
        assert not state.finite()


def test_a_dense_term_is_refused():
    """It has no columns."""
    X, y = rows()
    objective = LinearObjective()
    term = objective.data_term(X, y, np.zeros((FEATURES, CLASSES)), np.zeros(CLASSES))
    solver = LazySGD(lambda step: 0.1)
    state = solver.start(np.zeros((FEATURES, CLASSES)), np.zeros(CLASSES))
    with pytest.raises(ValueError, match="sparse"):
        solver.descend(state, objective, term)


def test_lazy_weights_are_the_sum_of_their_parts():
    """W = scale V + shift r^T; scores and lengths follow from the definition."""
    rng = np.random.default_rng(3)
    X, _ = rows()
    scaler = Scaler.fit(X, "standard", "l2")
    V, b, r = rng.normal(size=(FEATURES, CLASSES)), rng.normal(size=3), rng.normal(size=3)
    weights = LazyWeights.of(V, b, scaler.shift)
    weights.scale, weights.r[:] = 0.3, r
    W = 0.3 * V + np.outer(scaler.shift, r)
    np.testing.assert_allclose(weights.dense(), W, rtol=1e-14)
    assert weights.squares_at_most() >= float(np.vdot(W, W))
    sparse = scaler.transform(compressed(X), np.float64)
    want = dense(scaler.transform(X, np.float64)) @ W + b
    np.testing.assert_allclose(weights.scores(sparse), want, rtol=1e-11, atol=1e-11)


def test_products_are_the_same_without_scipys_routines(monkeypatch):
    """They are not of its public interface, and may go."""
    rng = np.random.default_rng(0)
    Z, V, D = compressed(rows()[0]), rng.normal(size=(FEATURES, 3)), rng.normal(size=(N, 3))
    found = []
    for routines in (sparse_products._routines(), None):
        monkeypatch.setattr(sparse_products, "_routines", lambda routines=routines: routines)
        scores, dV = np.ones((N, 3)), np.ones((FEATURES, 3))
        sparse_products.add_product(scores, Z, V)
        sparse_products.add_pulled(dV, Z, D)
        found.append((scores, dV))
    X = rows()[0]
    for scores, dV in found:
        np.testing.assert_allclose(scores, 1 + X @ V, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(dV, 1 + X.T @ D, rtol=1e-12, atol=1e-12)
