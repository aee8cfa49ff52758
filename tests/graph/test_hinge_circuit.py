"""The losses out of gates equal the analytic ones, which were made apart from them."""

import ast
from pathlib import Path

import numpy as np
import pytest

import svmtrain.graph
from svmtrain.graph import hinge
from svmtrain.objective.linear import BIASES, LinearObjective
from svmtrain.objective.losses import LOSSES


def test_every_loss_has_a_recipe() -> None:
    """To add a loss is to add it here too."""
    assert set(hinge.RECIPES) == set(LOSSES)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize(("n", "d", "K"), [(1, 3, 2), (7, 4, 3), (12, 5, 6)])
def test_gates_and_analytic_gradients_are_equal(
    loss: str, bias: str, n: int, d: int, K: int
) -> None:
    """Value and gradients for W, b and X, with class weights, delta and the penalty."""
    random = np.random.default_rng(n)
    X, W, b = random.normal(size=(n, d)), random.normal(size=(d, K)), random.normal(size=K)
    y = random.integers(K, size=n)
    weight = random.uniform(0.5, 2, K)
    b = b if bias != "none" else np.zeros(K)
    objective = LinearObjective(loss, 0.7, 0.05, bias, weight)
    circuit = hinge.build(loss, X, y, W, b, delta=0.7, lam=0.05, bias=bias, class_weight=weight)
    circuit.objective.backward()
    value, dW, db = objective.value_and_gradient(X, y, W, b)
    assert float(circuit.objective.value) == pytest.approx(value, rel=1e-14)
    np.testing.assert_allclose(circuit.W.grad, dW, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(
        circuit.X.grad, objective.gradient_of_input(X, y, W, b), rtol=1e-12, atol=1e-14
    )
    if bias == "none":
        assert circuit.b.grad is None
    else:
        np.testing.assert_allclose(circuit.b.grad[0], db, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("loss", LOSSES)
def test_at_kinks_both_take_the_same_subgradient(loss: str) -> None:
    """Whole numbers put margins exactly on 0, and several classes on the same maximum."""
    X = np.array([[1.0, 0], [0, 1], [1, 1], [2, -1]])
    y = np.array([0, 1, 2, 0])
    W, b = np.array([[1.0, 0, 0], [0, 1, 0]]), np.zeros(3)
    circuit = hinge.build(loss, X, y, W, b, lam=0.5)
    circuit.objective.backward()
    _, dW, db = LinearObjective(loss, 1.0, 0.5).value_and_gradient(X, y, W, b)
    np.testing.assert_array_equal(circuit.W.grad, dW)
    np.testing.assert_allclose(circuit.b.grad[0], db, rtol=0, atol=1e-15)


def test_the_room_of_gates_imports_nothing_of_the_objective() -> None:
    """Or their agreement would say nothing."""
    folder = Path(svmtrain.graph.__file__).parent
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            module = getattr(node, "module", None) or ""
            names = [alias.name for alias in getattr(node, "names", [])]
            assert not any("svmtrain.objective" in name for name in [module, *map(str, names)])
