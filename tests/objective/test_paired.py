"""Two classes in one column: the same objective, and the same steps, at half the columns."""

from dataclasses import replace

import numpy as np
import pytest

from svmtrain.data.density import compressed
from svmtrain.data.scaling import Scaler
from svmtrain.objective.linear import LinearObjective
from svmtrain.objective.losses import LOSSES
from svmtrain.solvers.lazy_sgd import LazySGD
from svmtrain.solvers.sgd import SGD
from svmtrain.training.certificate import Certificate
from svmtrain.training.sources import MemoryRows, SparseMemoryRows

N, FEATURES = 40, 5
EVERY_LOSS = pytest.mark.parametrize("loss", LOSSES)
BIASES = pytest.mark.parametrize("bias", ["none", "regularized", "free"])
WEIGHTS = pytest.mark.parametrize("weight", [None, np.array([0.5, 3.0])], ids=["plain", "weighted"])


def rows(seed=0):
    """Return rows of two overlapping classes."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, N)
    X = rng.normal(size=(N, FEATURES)) + y[:, np.newaxis]
    return X * (rng.random(X.shape) < 0.7), y


def both(loss, bias, weight, lam=0.05):
    """Return an objective of two columns, and of one."""
    whole = LinearObjective(loss, delta=0.7, lam=lam, bias=bias, class_weight=weight)
    return whole, whole.narrowed(2)


@EVERY_LOSS
@BIASES
@WEIGHTS
def test_one_column_has_the_value_and_the_gradient_of_two(loss, bias, weight):
    """Of any weights of which one column is minus the other; counts and penalty, too."""
    X, y = rows()
    rng = np.random.default_rng(1)
    w, c = rng.normal(size=(FEATURES, 1)), rng.normal(size=1)
    whole, paired = both(loss, bias, weight)
    W, b = paired.widen(w, c)
    np.testing.assert_array_equal(W, np.hstack([-w, w]))
    for found, want in zip(paired.narrow(W, b), (w, c), strict=True):
        np.testing.assert_array_equal(found, want)
    one, two = paired.data_term(X, y, w, c), whole.data_term(X, y, W, b)
    assert one.loss == pytest.approx(two.loss, rel=1e-13)
    assert one.dual == pytest.approx(two.dual, rel=1e-12)
    assert (one.count, one.active) == (two.count, two.active)
    np.testing.assert_allclose(one.dW, two.dW[:, 1:], rtol=0, atol=1e-12)
    np.testing.assert_allclose(-one.dW, two.dW[:, :1], rtol=0, atol=1e-12)
    np.testing.assert_allclose(one.db, two.db[1:], rtol=0, atol=1e-12)
    assert paired.value(X, y, w, c) == pytest.approx(whole.value(X, y, W, b), rel=1e-13)
    assert paired.measure(X, y, w, c).correct == whole.measure(X, y, W, b).correct


@EVERY_LOSS
def test_a_tie_goes_to_the_first_class(loss):
    """As of two columns with equal scores."""
    _, paired = both(loss, "none", None)
    zero = np.zeros((FEATURES, 1)), np.zeros(1)
    X, y = rows()
    assert paired.measure(X, y, *zero).correct == np.count_nonzero(y == 0)


def test_more_classes_than_two_have_their_columns():
    """And the weights of all are those computed with."""
    objective = LinearObjective().narrowed(3)
    W, b = np.ones((FEATURES, 3)), np.ones(3)
    assert not objective.paired
    assert objective.narrow(W, b)[0] is objective.widen(W, b)[0] is W


@EVERY_LOSS
@BIASES
@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_the_steps_of_one_column_are_those_of_two(loss, bias, sparse):
    """Weights, averages and the bound, through many steps of either kind of rows."""
    X, y = rows()
    scaler = Scaler.fit(X, "standard", "none")
    found = []
    for objective in both(loss, bias, np.array([1.0, 2.0])):
        columns = 1 if objective.paired else 2
        settings = {"rate": lambda step: 0.05 / (1 + step / 9), "averaging": "tail"}
        if sparse:
            solver = LazySGD(**settings, shift=scaler.shift)
            source = SparseMemoryRows(scaler.transform(compressed(X), "float64"), y)
        else:
            solver = SGD(**settings)
            source = MemoryRows(scaler.transform(X, "float64"), y)
        state = solver.start(np.zeros((FEATURES, columns)), np.zeros(columns))
        proof = Certificate.begin(*state.weights, sparse=sparse)
        for epoch in range(3):
            order = np.random.default_rng(epoch).permutation(N)
            for start in range(0, N, 7):
                term = source.term(objective, order[start : start + 7], *state.parameters)
                proof.add(objective, term)
                solver.descend(state, objective, term)
            shift = state.now.shift if sparse else None
            bound = proof.close(N, objective.lam_of_column, shift)
        W, b = objective.widen(*state.weights)
        squares = objective.penalty_of(*state.squares())
        found.append((W, b, bound, squares))
    for two, one in zip(*found, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-10, atol=1e-12)


def test_a_paired_objective_is_the_same_to_those_who_save_it():
    """Only how it is computed differs."""
    whole, paired = both("one_vs_rest", "none", None)
    assert replace(paired, paired=False) == whole
