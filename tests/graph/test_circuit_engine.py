"""The engine: values once, gradients added up at forks, nothing left over, no recursion."""

import numpy as np
import pytest

from svmtrain.graph import GATES, GraphError, Variable, apply, compose
from svmtrain.graph.circuit import unbroadcast
from svmtrain.graph.gates import Gate


def test_forward_values_are_computed_once_and_used_by_every_backward(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A counting gate goes forward once, however often the circuit goes back."""
    calls = {"forward": 0, "backward": 0}

    def forward(x: np.ndarray) -> np.ndarray:
        calls["forward"] += 1
        return np.exp(x)

    def backward(g: np.ndarray, out: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, ...]:
        calls["backward"] += 1
        return (g * out,)

    monkeypatch.setitem(GATES, "counted", Gate(forward, backward, 1, "e^x; g e^x; anywhere"))
    x = Variable(1.0, "x")
    y = apply("counted", x)
    f = y * y + y
    for _ in range(3):
        f.backward()
    assert calls == {"forward": 1, "backward": 3}


def test_a_composite_goes_forward_once_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its inner circuit is kept for the way back."""
    calls = []
    inner = GATES["exp"]

    def forward(x: np.ndarray) -> np.ndarray:
        calls.append(1)
        return np.exp(x)

    monkeypatch.setitem(GATES, "exp", Gate(forward, inner.backward, 1, inner.about))
    softplus = compose("softplus", lambda x: apply("log", 1.0 + apply("exp", x)))
    x = Variable(0.5, "x")
    f = apply(softplus, x)
    f.backward()
    f.backward()
    assert len(calls) == 1
    np.testing.assert_allclose(x.grad, 1 / (1 + np.exp(-0.5)), rtol=1e-14)


def test_gradients_add_up_at_forks_and_do_not_pile_up_between_calls() -> None:
    """x is used three times; a second backward gives the same, not twice as much."""
    x = Variable(3.0, "x")
    f = x * x + x
    f.backward()
    assert float(x.grad) == 7
    f.backward()
    assert float(x.grad) == 7


def test_two_outputs_share_a_circuit_without_disturbing_each_other() -> None:
    """Each backward starts from nothing."""
    x = Variable(2.0, "x")
    y = x * x
    f, g = y * 3.0, y + x
    f.backward()
    assert float(x.grad) == 12
    g.backward()
    assert float(x.grad) == 5


def test_a_chain_of_100_000_gates_goes_back_without_recursion() -> None:
    """Reverse topological order is a loop."""
    x = Variable(1.0, "x")
    node = x
    for _ in range(50_000):
        node = -(node + 1.0)
    node.backward()
    assert float(x.grad) == 1


def test_gradients_reach_weights_biases_inputs_and_every_stage_between() -> None:
    """Any node may be asked."""
    X, W, b = Variable(np.ones((2, 3)), "X"), Variable(np.eye(3), "W"), Variable(np.zeros(3), "b")
    scores = X @ W + b
    f = apply("sum", apply("square", scores))
    f.backward()
    np.testing.assert_array_equal(b.grad, [4, 4, 4])
    np.testing.assert_array_equal(W.grad, np.full((3, 3), 4.0))
    np.testing.assert_array_equal(X.grad, np.full((2, 3), 2.0))
    np.testing.assert_array_equal(scores.grad, np.full((2, 3), 2.0))


def test_python_operators_make_gates() -> None:
    """Numbers and arrays may stand on either side."""
    x = Variable(4.0, "x")
    f = abs(-x) / 2 - 1 + (3 - x) * (2 / x) + x**0.5
    f.backward()
    assert float(f.value) == pytest.approx(2 - 1 - 0.5 + 2)
    assert float(x.grad) == pytest.approx(0.5 - 0.5 - (3 - 4) * 2 / 16 + 0.25)
    W = Variable(np.arange(6.0).reshape(2, 3), "W")
    assert (np.ones((1, 2)) @ W).shape == (1, 3)
    assert (W @ W.T).shape == (2, 2)
    assert (np.array([1.0, 2.0, 3.0]) + W).gate == "add"


def test_a_node_tells_what_it_is() -> None:
    """The repr has the name, the gate, its inputs and the value."""
    x, y = Variable(2.0, "x"), Variable(np.ones((2, 2)), "y")
    assert repr(x * x).endswith("= multiply(x, x): 4>")
    assert "shape (2, 2)" in repr(y)
    assert (x + 1).named("f").name == "f"


def test_an_upstream_of_another_shape_is_refused() -> None:
    """It must be the gradient of the output."""
    with pytest.raises(GraphError, match=r"upstream of shape \(2,\) for f of shape \(\)"):
        (Variable(1.0) + 1).named("f").backward([1.0, 2.0])


@pytest.mark.parametrize(
    ("gradient", "shape"),
    [
        ((3, 4), ()),
        ((3, 4), (4,)),
        ((3, 4), (1, 4)),
        ((3, 4), (3, 1)),
        ((2, 3, 4), (3, 1)),
        ((2,), (2,)),
    ],
)
def test_broadcasting_is_undone_by_summing(
    gradient: tuple[int, ...], shape: tuple[int, ...]
) -> None:
    """What was repeated on the way forward adds up on the way back."""
    back = unbroadcast(np.ones(gradient), shape)
    assert back.shape == shape
    assert back.sum() == np.prod(gradient)


def test_a_composite_that_would_lose_a_gradient_is_refused() -> None:
    """What is inside must come in through the inputs."""
    y = Variable(4.0, "y")
    with pytest.raises(GraphError, match="uses y, which is not among its inputs"):
        apply(compose("c", lambda x: x * y), Variable(3.0, "x"))
    with pytest.raises(GraphError, match="must return a node"):
        apply(compose("c", lambda x: 5.0), Variable(3.0, "x"))
