"""SGD: each step against the textbook formula, its state, its allocations, its start."""

import copy
import tracemalloc

import numpy as np
import pytest
import reference

from svmtrain.solvers.sgd import SGD, initial_weights

MOVES = [
    {},
    {"momentum": 0.9},
    {"momentum": 0.8, "nesterov": True},
]
AVERAGES = ["none", "polyak", "tail"]
DTYPES = [np.float64, np.float32]


def rate(step):
    """Return a rate that changes with the step."""
    return 0.3 / (1 + 0.1 * step)


def gradients(steps, shape=(4, 3), dtype=np.float64, seed=0):
    """Return random gradients (dW, db)."""
    rng = np.random.default_rng(seed)
    return [
        (rng.normal(size=shape).astype(dtype), rng.normal(size=shape[1]).astype(dtype))
        for _ in range(steps)
    ]


def begin(solver, shape=(4, 3), dtype=np.float64):
    """Return a state that starts away from zero."""
    rng = np.random.default_rng(9)
    W, b = rng.normal(size=shape), rng.normal(size=shape[1])
    return solver.start(W.astype(dtype), b.astype(dtype))


@pytest.mark.parametrize("averaging", AVERAGES)
@pytest.mark.parametrize("move", MOVES)
def test_steps_equal_the_reference(move, averaging):
    """Plain, momentum and nesterov, averaged or not, equal the formulas at 1e-12."""
    solver = SGD(rate, averaging=averaging, **move)
    state = begin(solver)
    slow = reference.SGD(
        reference.flat(state.W.tolist(), state.b.tolist()),
        rate=rate,
        averaging=averaging,
        **move,
    )
    for dW, db in gradients(40):
        solver.step(state, (dW, db))
        slow.step(reference.flat(dW.tolist(), db.tolist()))
        found = reference.flat(state.W.tolist(), state.b.tolist())
        np.testing.assert_allclose(found, slow.w, rtol=0, atol=1e-12)
        judged = reference.flat(*(array.tolist() for array in state.weights))
        np.testing.assert_allclose(judged, slow.judged(), rtol=0, atol=1e-12)
    assert state.step == 40


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("averaging", AVERAGES)
@pytest.mark.parametrize("move", MOVES)
def test_step_leaves_the_gradient_and_the_dtypes_alone(move, averaging, dtype):
    """Only the state changes, in place, and every array of it keeps its dtype."""
    solver = SGD(rate, averaging=averaging, **move)
    state = begin(solver, dtype=dtype)
    arrays = state.arrays()
    for dW, db in gradients(3, dtype=dtype):
        kept = dW.copy(), db.copy()
        solver.step(state, (dW, db))
        assert np.array_equal(dW, kept[0])
        assert np.array_equal(db, kept[1])
    for name, array in state.arrays().items():
        assert array is arrays[name]
        assert array.dtype == dtype


def test_start_copies_what_it_is_given():
    """The weights given stay as they are, and unused parts of the state are empty."""
    W, b = np.ones((2, 2)), np.ones(2)
    solver = SGD(rate)
    state = solver.start(W, b)
    solver.step(state, (np.ones((2, 2)), np.ones(2)))
    assert W.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert b.tolist() == [1.0, 1.0]
    unused = ("velocity_W", "velocity_b", "mean_W", "mean_b")
    assert [state.arrays()[name].size for name in unused] == [0, 0, 0, 0]
    assert state.weights == (state.W, state.b)


@pytest.mark.parametrize("averaging", AVERAGES)
@pytest.mark.parametrize("move", MOVES)
def test_step_allocates_nothing_of_the_size_of_the_weights(move, averaging):
    """After the first step, memory in use never grows by a tenth of W."""
    solver = SGD(rate, averaging=averaging, **move)
    shape = (200, 100)
    state = begin(solver, shape)
    (first, second) = gradients(2, shape)
    solver.step(state, first)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        solver.step(state, second)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak - before < state.W.nbytes / 10


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("averaging", AVERAGES)
@pytest.mark.parametrize("move", MOVES)
def test_the_state_holds_all_that_the_next_steps_need(move, averaging, dtype):
    """Copied at any step and continued by a new solver, it gives the same bits."""
    steps = gradients(12, dtype=dtype)
    for split in range(len(steps)):
        solver = SGD(rate, averaging=averaging, **move)
        state = begin(solver, dtype=dtype)
        for gradient in steps[:split]:
            solver.step(state, gradient)
        resumed, other = copy.deepcopy(state), SGD(rate, averaging=averaging, **move)
        for gradient in steps[split:]:
            solver.step(state, gradient)
            other.step(resumed, gradient)
        assert resumed.step == state.step
        for name, array in state.arrays().items():
            assert array.tobytes() == resumed.arrays()[name].tobytes()


@pytest.mark.parametrize("move", MOVES)
def test_a_solver_carries_nothing_from_one_state_to_another(move):
    """One solver used for a float64 state and then a float32 one steps each as a new one would."""
    shared, fresh = (SGD(rate, averaging="tail", **move) for _ in range(2))
    wide = begin(shared)
    shared.step(wide, gradients(1)[0])
    found, want = begin(shared, dtype=np.float32), begin(fresh, dtype=np.float32)
    for gradient in gradients(5, dtype=np.float32):
        shared.step(found, gradient)
        fresh.step(want, gradient)
    for name, array in want.arrays().items():
        assert array.tobytes() == found.arrays()[name].tobytes()


def test_zeros_start_at_zero():
    """The init `zeros` is all zeros, in the dtype asked for."""
    W, b = initial_weights("zeros", 3, 2, np.float32, seed=5)
    assert W.dtype == b.dtype == np.float32
    assert W.shape == (3, 2)
    assert not W.any()
    assert not b.any()


def test_normal_start_is_small_and_normal():
    """The init `normal` has mean 0, standard deviation 0.01, and a bias of 0."""
    W, b = initial_weights("normal", 500, 40, np.float64, seed=1)
    assert not b.any()
    assert abs(W.mean()) < 3e-4
    assert W.std() == pytest.approx(0.01, rel=0.02)
    assert np.mean(np.abs(W) < 0.01) == pytest.approx(0.6827, abs=0.01)
    assert np.isfinite(W).all()


def test_normal_start_depends_on_the_seed_alone():
    """The same seed gives the same weights; another seed gives others."""
    first, again, other = (
        initial_weights("normal", 20, 3, np.float64, seed=seed)[0] for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_normal_start_never_changes_silently():
    """The figures for seed 0 are fixed here: to change them is to change the scheme."""
    W, _ = initial_weights("normal", 2, 2, np.float64, seed=0)
    np.testing.assert_allclose(W.ravel(), NORMAL_SEED_0, rtol=1e-13, atol=0)


NORMAL_SEED_0 = [
    -0.007866984113726128,
    -0.01026584456620534,
    0.00193182830491975,
    0.022969290645489533,
]
