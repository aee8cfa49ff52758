"""The gradient check finds what is wrong, and only that."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from svmtrain.gradcheck import exact, numeric
from svmtrain.gradcheck.compare import Checks, Made, check
from svmtrain.gradcheck.faults import FAULTS
from svmtrain.objective import linear
from svmtrain.objective.kinks import kink_lines
from svmtrain.objective.linear import BIASES, LinearObjective
from svmtrain.objective.losses import LOSSES
from svmtrain.objective.work import Work
from svmtrain.operations.gradcheck import (
    Rows,
    check_exactly,
    check_objective,
    points,
    self_test,
    subject,
)


def rows(n: int = 30, d: int = 4, K: int = 3, whole: bool = False) -> Rows:
    """Return random rows; whole numbers put margins on kinks."""
    random = np.random.default_rng(5)
    X = random.integers(-2, 3, (n, d)).astype(float) if whole else random.normal(size=(n, d))
    return Rows(X, random.integers(K, size=n), K)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("bias", BIASES)
def test_every_loss_passes_at_random_zero_near_zero_and_trained_weights(
    loss: str, bias: str
) -> None:
    """Three ways agree for W, b and X, data term and penalty apart."""
    objective = LinearObjective(loss, 0.5, 0.02, bias, np.array([1.0, 2.0, 0.5]))
    trained = (np.random.default_rng(6).normal(size=(4, 3)), np.zeros(3))
    found = check_objective(objective, rows(), Checks(coordinates=None), trained)
    assert [finding for finding in found if not finding.passed] == []
    names = {finding.point for finding in found}
    assert names == {"random", "zero", "near zero", "trained", "on kinks"}
    assert {finding.pair for finding in found} == {
        "analytic-gates",
        "analytic-numeric",
        "gates-numeric",
    }
    groups = {(f.term, f.group) for f in found} - {("data", "value"), ("penalty", "value")}
    expected = {("data", "W"), ("data", "X"), ("penalty", "W")}
    assert groups == expected | ({("data", "b"), ("penalty", "b")} if bias != "none" else set())


@pytest.mark.parametrize("loss", LOSSES)
def test_whole_numbers_on_kinks_pass_and_are_counted(loss: str) -> None:
    """Between the derivative from the left and that from the right every subgradient is right."""
    some = rows(whole=True)
    point = {
        "W": np.random.default_rng(7).integers(-1, 2, (4, 3)).astype(float),
        "b": np.zeros(3),
        "X": some.X,
    }
    objective = LinearObjective(loss, 1.0, 0.01)
    found = check(subject(objective, some), "whole", point, Checks(coordinates=None))
    assert [finding for finding in found if not finding.passed] == []
    if not loss.endswith("squared"):
        assert sum(finding.kinks_on for finding in found) > 0


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("bias", BIASES[1:])
def test_every_planted_fault_is_caught_for_every_loss(loss: str, bias: str) -> None:
    """A fault that nothing catches is a failure of the checker."""
    results = self_test(LinearObjective(loss, 1.0, 0.03, bias), rows(), Checks())
    assert len(results) == len(FAULTS) >= 12
    harmless = {
        # What cannot go wrong in a free bias, which has no penalty.
        "penalty of the bias the wrong way": bias == "free",
        # A squared loss has no slope at its kink, and one against rest has other margins.
        "kinks counted active, twice": False,
    }
    missed = [r.fault for r in results if not r.caught_by and not harmless.get(r.fault, False)]
    assert missed == []


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("bias", BIASES)
def test_the_analytic_gradient_is_exactly_the_definition(loss: str, bias: str) -> None:
    """In rational numbers, with no tolerance."""
    result = check_exactly(LinearObjective(loss, 1.0, 0.03, bias))
    assert result.passed, result.unequal
    assert result.checked >= 9


def test_the_exact_check_catches_the_last_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gradient that is off by one unit in the last place is not equal."""
    right = LinearObjective.mean_gradient

    def off(self: LinearObjective, term: object, W: np.ndarray, b: np.ndarray) -> object:
        dW, db = right(self, term, W, b)
        dW[0, 0] = np.nextafter(dW[0, 0], np.inf)
        return dW, db

    monkeypatch.setattr(LinearObjective, "mean_gradient", off)
    assert not check_exactly(LinearObjective()).passed


def test_a_gradient_off_by_one_per_mille_is_caught_by_the_differences_alone() -> None:
    """Also when analytic and gates were wrong together."""
    some = rows()
    right = subject(LinearObjective(), some)

    def wrong(point: dict[str, np.ndarray]) -> Made:
        made = right.ways["analytic"](point)
        return Made(made.values, {key: 1.001 * array for key, array in made.gradients.items()})

    broken = replace(right, ways={"analytic": wrong, "gates": wrong})
    found = check(broken, "random", points(some, 0, None)["random"], Checks())
    failed = {finding.pair for finding in found if not finding.passed}
    assert failed == {"analytic-numeric", "gates-numeric"}


@pytest.mark.parametrize("loss", LOSSES)
def test_no_kink_lies_within_the_distance_that_the_lines_give(loss: str) -> None:
    """Below it the losses are linear, or quadratic: second or third differences vanish."""
    some = rows(8)
    point = points(some, 3, None)["random"]
    what = subject(LinearObjective(loss, lam=0.0), some)
    for _, direction in numeric.directions(point["W"].shape, 6, 2, 1):
        distance, _ = numeric.nearest_kink(*what.lines("data", point, "W", direction))
        t = np.linspace(-1, 1, 7) * min(distance, 1.0) * 0.999
        values = [what.value("data", {**point, "W": point["W"] + one * direction}) for one in t]
        order = 3 if loss.endswith("squared") else 2
        assert np.abs(np.diff(values, order)).max() < 1e-12 * max(1.0, max(values))


def test_lines_say_where_a_kink_is() -> None:
    """One row, two classes: the hinge is at 0 when S_1 - S_0 = -delta."""
    values, slopes = kink_lines(
        "weston_watkins", np.array([[0.0, -3.0]]), np.array([[0.0, 1.0]]), np.array([0]), 1.0
    )
    distance, here = numeric.nearest_kink(values, slopes)
    assert (distance, here.size) == (2.0, 0)


def test_a_slope_at_a_kink_is_an_interval() -> None:
    """|x| at 0 has every derivative from -1 to 1."""
    found = numeric.slope(
        lambda x: float(np.abs(x).sum()),
        np.zeros(1),
        np.ones(1),
        lambda d: (np.zeros(1), d),
        smooth=False,
    )
    assert (found.left, found.right, found.kinks) == (-1, 1, 1)
    assert found.distance(0.5) == 0
    assert found.distance(1.5) == 0.5


def test_directions_are_steady_and_of_length_one() -> None:
    """All coordinates when asked for, chosen ones otherwise, then random ones."""
    every = numeric.directions((2, 3), None, 2, 0)
    assert [name for name, _ in every[:2]] == ["[0, 0]", "[0, 1]"]
    assert len(every) == 8
    assert all(np.isclose(np.linalg.norm(direction), 1) for _, direction in every)
    again = numeric.directions((2, 3), 2, 1, 4)
    for (_, one), (_, two) in zip(again, numeric.directions((2, 3), 2, 1, 4), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("loss", LOSSES)
def test_definitions_in_rational_numbers_equal_the_losses(loss: str) -> None:
    """The definitions of the exact check are themselves checked."""
    scores = np.random.default_rng(8).integers(-3, 4, (5, 3)).astype(float)
    y = np.random.default_rng(9).integers(3, size=5)
    losses, _ = LOSSES[loss].function(scores, y, 0.5)
    for row, true, found in zip(scores, y, losses, strict=True):
        exactly = exact.DEFINITIONS[loss]([Fraction(s) for s in row], int(true), Fraction(1, 2))
        assert Fraction(float(found)) == exactly


def test_torch_agrees_where_it_is_installed() -> None:
    """An outside oracle: automatic differentiation of the formula."""
    torch = pytest.importorskip("torch")
    some = rows(40, 6, 5)
    point = points(some, 1, None)["random"]
    tensors = {
        name: torch.tensor(np.array(array), requires_grad=True) for name, array in point.items()
    }
    scores = tensors["X"] @ tensors["W"] + tensors["b"]
    index = torch.arange(len(some.y))
    margins = scores - scores[index, torch.tensor(some.y)][:, None] + 1.0
    mask = torch.ones_like(margins)
    mask[index, torch.tensor(some.y)] = 0
    value = (margins.clamp(min=0) * mask).sum(dim=1).mean()
    value.backward()
    made = subject(LinearObjective(lam=0.0), some).ways["analytic"](point)
    assert made.values["data"] == pytest.approx(float(value.detach()), rel=1e-14)
    for (term, group), gradient in made.gradients.items():
        if term == "data":
            np.testing.assert_allclose(gradient, tensors[group].grad.numpy(), atol=1e-14)


@pytest.mark.parametrize("loss", ["weston_watkins", "crammer_singer", "one_vs_rest"])
def test_a_subgradient_other_than_0_at_a_kink_is_caught(
    loss: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also by the check that a user runs: one of its points sits on kinks."""
    right = LOSSES[loss]

    def wrong(scores: np.ndarray, y: np.ndarray, delta: float, work: Work | None = None) -> object:
        return right.function(scores, y, delta * (1 + 1e-12), work)

    monkeypatch.setitem(linear.LOSSES, loss, replace(right, function=wrong))
    found = check_objective(LinearObjective(loss), rows(), Checks())
    assert {finding.point for finding in found if not finding.passed} == {"on kinks"}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("delta", "scale"), [(1e-9, 1.0), (1.0, 1e9), (1e-6, 1e6)])
def test_an_honest_gradient_passes_whatever_the_scales(
    loss: str, delta: float, scale: float
) -> None:
    """A small margin or large features put kinks near, and no false alarm comes of it."""
    some = rows()
    wide = Rows(some.X * scale, some.y, some.n_classes)
    found = check_objective(LinearObjective(loss, delta, 0.01), wide, Checks())
    assert [finding for finding in found if not finding.passed] == []
