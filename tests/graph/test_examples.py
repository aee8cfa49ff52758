"""The worked examples in data/circuits, with their numbers."""

from pathlib import Path

import numpy as np
import pytest

from svmtrain.graph.expression import parse
from svmtrain.graph.stages import compare, stages

FOLDER = Path(__file__).parents[2] / "data" / "circuits"
DECIMALS = 1e-10

NEURON = {
    "s": 0.1966119332,
    "w0": -0.1966119332,
    "w1": -0.3932238665,
    "w2": 0.1966119332,
    "x0": 0.3932238665,
    "x1": -0.5898357998,
}
EXPECTED = {
    "multiply.txt": (-12.0, {"x": -3.0, "y": 4.0}),
    "add.txt": (1.0, {"x": 1.0, "y": 1.0}),
    "max.txt": (4.0, {"x": 1.0, "y": 0.0}),
    "sum-times.txt": (-12.0, {"q": -4.0, "x": -4.0, "y": -4.0, "z": 3.0}),
    "neuron.txt": (0.7310585786, NEURON),
    "neuron-stages.txt": (0.7310585786, NEURON),
}


def run(name: str) -> tuple[float, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the value of the output, and values and gradients by node."""
    parsed = parse((FOLDER / name).read_text())
    table = stages(parsed.output, parsed.upstream)
    for comparison in compare(parsed.output, parsed.upstream):
        assert comparison.worst < 1e-8
    values = {stage.node: stage.value for stage in table}
    return parsed.output.value, values, {stage.node: stage.gradient for stage in table}


@pytest.mark.parametrize("name", EXPECTED)
def test_an_example_has_the_published_numbers(name: str) -> None:
    """Value and gradients, to all the digits that are given."""
    value, _, found = run(name)
    expected, gradients = EXPECTED[name]
    assert float(value) == pytest.approx(expected, abs=DECIMALS)
    for node, gradient in gradients.items():
        assert float(found[node]) == pytest.approx(gradient, abs=DECIMALS), node


def test_the_eight_stages_agree_with_the_chain_rule_written_out() -> None:
    """Every intermediate gradient, by hand; x and y add up over their uses."""
    _, v, g = run("stages.txt")
    x, y = 3.0, -4.0
    sigx, sigy = 1 / (1 + np.exp(-x)), 1 / (1 + np.exp(-y))
    num, den = x + sigy, sigx + (x + y) ** 2
    dnum, dinvden = 1 / den, num
    dden = -dinvden / den**2
    dxpy = dden * 2 * (x + y)
    dsigx, dsigy = dden, dnum
    expected = {
        "f": 1.0,
        "num": dnum,
        "invden": dinvden,
        "den": dden,
        "xpysqr": dden,
        "sigx": dsigx,
        "xpy": dxpy,
        "sigy": dsigy,
        "x": dxpy + dsigx * sigx * (1 - sigx) + dnum,
        "y": dxpy + dsigy * sigy * (1 - sigy),
    }
    assert set(g) == set(expected)
    for node, gradient in expected.items():
        assert float(g[node]) == pytest.approx(gradient, rel=1e-13), node
    assert float(v["f"]) == pytest.approx(num / den, rel=1e-15)
    assert float(g["x"]) == pytest.approx(2.0595697955721652, rel=1e-14)
    assert float(g["y"]) == pytest.approx(1.5922327514838093, rel=1e-14)


def test_matrix_gradients_are_products_with_the_transposed_other() -> None:
    """dW = dD X^T and dX = W^T dD, for the given dD."""
    _, values, gradients = run("matmul.txt")
    dD = gradients["D"]
    assert dD.shape == (5, 3)
    np.testing.assert_allclose(gradients["W"], dD @ values["X"].T, rtol=1e-14)
    np.testing.assert_allclose(gradients["X"], values["W"].T @ dD, rtol=1e-14)


def test_every_example_is_described_and_tested() -> None:
    """A file that nobody runs proves nothing."""
    names = {path.name for path in FOLDER.glob("*.txt")}
    assert names == {*EXPECTED, "stages.txt", "matmul.txt"}
    readme = (FOLDER / "README.md").read_text()
    assert all(name in readme for name in names)
