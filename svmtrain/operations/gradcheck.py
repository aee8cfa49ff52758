"""The gradient check of a config, a run or a model: three ways that were made apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain import interrupts
from svmtrain.data.scaled import SparseRows
from svmtrain.gradcheck import exact
from svmtrain.gradcheck.compare import Checks, Finding, Made, Point, Subject, Way, check
from svmtrain.gradcheck.faults import FAULTS, Facts, Fault
from svmtrain.graph import hinge
from svmtrain.graph.circuit import gradients as backpropagate
from svmtrain.objective.kinks import kink_lines
from svmtrain.objective.linear import DataTerm, LinearObjective
from svmtrain.objective.losses import Classes, Floats
from svmtrain.solvers.lazy_sgd import LazySGD

Array = NDArray[np.float64]
ON_KINKS = "on kinks"
SEED_STREAMS = {"random": 1, "near zero": 2}


@dataclass(frozen=True)
class Rows:
    """Rows to check on: X (n, n_features) in float64, and their classes.

    Rows that are trained on sparse are there as such, too.
    """

    X: Array
    y: Classes
    n_classes: int
    sparse: SparseRows | None = None


def points(
    rows: Rows, seed: int, weights: tuple[Floats, Floats] | None = None, bias: str = "free"
) -> dict[str, Point]:
    """Return the weights to check at, by name: random, zero, near zero, and those of a run.

    Without a bias in the objective, b is 0.
    """
    shape = (rows.X.shape[1], rows.n_classes)
    found: dict[str, Point] = {}
    for name, scale in (("random", 1.0), ("zero", 0.0), ("near zero", 1e-3)):
        key = np.array([seed, SEED_STREAMS.get(name, 0)], dtype=np.uint64)
        generator = np.random.Generator(np.random.Philox(key=key))
        W = scale * generator.standard_normal(shape) / np.sqrt(shape[0])
        b = scale * generator.standard_normal(shape[1])
        found[name] = {"W": W, "b": b if bias != "none" else 0 * b, "X": rows.X}
    if weights is not None:
        W, b = (np.asarray(array, dtype=np.float64) for array in weights)
        found["trained"] = {"W": W, "b": b, "X": rows.X}
    return found


class _Ways:
    """An objective on rows of the classes y, as the check wants it: two ways, value, kinks."""

    def __init__(self, objective: LinearObjective, rows: Rows) -> None:
        self.objective = objective
        self.bare = replace(objective, lam=0.0)
        self.y = rows.y
        self.rows = rows.sparse

    def analytic(self, point: Point) -> Made:
        """Make values and gradients by the formulas."""
        X, W, b = point["X"], point["W"], point["b"]
        data, dW, db = self.bare.value_and_gradient(X, self.y, W, b)
        nothing = DataTerm(0.0, 1, 0, 0, np.zeros_like(W), np.zeros_like(b))
        penalty_W, penalty_b = self.objective.mean_gradient(nothing, W, b)
        gradients: dict[tuple[str, str], Any] = {
            ("data", "W"): dW,
            ("data", "X"): self.objective.gradient_of_input(X, self.y, W, b),
            ("penalty", "W"): penalty_W,
        }
        if self.objective.bias != "none":
            gradients["data", "b"], gradients["penalty", "b"] = db, penalty_b
        return Made({"data": data, "penalty": self.objective.penalty(W, b)}, gradients)

    def sparse(self, point: Point) -> Made:
        """Make the data term as training on sparse rows does: what a step of length 1 takes."""
        if self.rows is None:
            raise ValueError("the rows are not sparse")
        W, b = point["W"], point["b"]
        solver = LazySGD(lambda step: 1.0, shift=self.rows.shift)
        state = solver.start(W, b)
        term = state.now.term(self.bare, self.rows, self.y)
        solver.descend(state, self.bare, term)
        after, moved = state.weights
        gradients: dict[tuple[str, str], Array] = {("data", "W"): W - after}
        if self.objective.bias != "none":
            gradients["data", "b"] = b - moved
        penalty = self.objective.penalty(*solver.start(W, b).weights)
        return Made({"data": term.loss / term.count, "penalty": penalty}, gradients)

    def gates(self, point: Point) -> Made:
        """Make values and gradients by backpropagation."""
        circuit = _circuit(self.objective, point, self.y)
        inputs = {"W": circuit.W, "b": circuit.b, "X": circuit.X}
        gradients: dict[tuple[str, str], Array] = {}
        for term, output, groups in (
            ("data", circuit.data, "WXb"),
            ("penalty", circuit.penalty, "Wb"),
        ):
            found = backpropagate(output, np.ones_like(output.value))
            for group in groups if self.objective.bias != "none" else groups.replace("b", ""):
                gradient = found.get(inputs[group], np.zeros(point[group].shape))
                gradients[term, group] = gradient.reshape(point[group].shape)
        values = {"data": float(circuit.data.value), "penalty": float(circuit.penalty.value)}
        return Made(values, gradients)

    def value(self, term: str, point: Point) -> float:
        """Return the function that numeric derivatives are taken of."""
        if term == "penalty":
            return self.objective.penalty(point["W"], point["b"])
        return self.bare.value(point["X"], self.y, point["W"], point["b"])

    def lines(self, term: str, point: Point, group: str, way: Array) -> tuple[Array, Array]:
        """Return the linear functions whose zeros are kinks, along a direction."""
        if term == "penalty":
            return np.zeros(0), np.zeros(0)
        X, W = point["X"], point["W"]
        scores = X @ W + point["b"]
        slopes = {
            "W": lambda: X @ way,
            "b": lambda: np.broadcast_to(way, scores.shape),
            "X": lambda: way @ W,
        }[group]()
        rule = self.objective
        values, speeds = kink_lines(rule.loss, scores, slopes, self.y, rule.delta)
        return np.asarray(values), np.asarray(speeds)

    def scales(self, point: Point) -> dict[str, float]:
        """Return the natural size of the data term's gradient in each group."""

        def size(array: Array) -> float:
            return float(np.sqrt(np.mean(np.square(array))))

        return {"W": size(point["X"]), "b": 1.0, "X": size(point["W"]) / len(self.y)}


def subject(objective: LinearObjective, rows: Rows) -> Subject:
    """Return what is checked of an objective on some rows."""
    ways = _Ways(objective, rows)
    smooth = objective.loss in ("weston_watkins_squared", "one_vs_rest_squared")
    made: dict[str, Way] = {"analytic": ways.analytic, "gates": ways.gates}
    if rows.sparse is not None:
        made["sparse"] = ways.sparse
    return Subject(made, ways.value, ways.lines, ways.scales, smooth)


def _circuit(objective: LinearObjective, point: Point, y: Classes) -> hinge.HingeCircuit:
    return hinge.build(
        objective.loss,
        point["X"],
        y,
        point["W"],
        point["b"],
        delta=objective.delta,
        lam=objective.lam,
        bias=objective.bias,
        class_weight=objective.class_weight,
    )


def check_objective(
    objective: LinearObjective,
    rows: Rows,
    checks: Checks,
    weights: tuple[Floats, Floats] | None = None,
    names: Iterable[str] | None = None,
) -> list[Finding]:
    """Check an objective on some rows, at several weights; return every comparison made.

    And on a tiny problem of whole numbers, "on kinks", where margins are exactly 0: random
    weights on real rows hardly ever are.
    """
    what, findings = subject(objective, rows), []
    for name, point in points(rows, checks.seed, weights, objective.bias).items():
        if names is None or name in names:
            interrupts.check()
            findings += check(what, name, point, checks)
    if names is None or ON_KINKS in names:
        plain = replace(objective, class_weight=None)
        few, point = _kinked(plain)
        findings += check(subject(plain, few), ON_KINKS, point, checks)
    return findings


@dataclass(frozen=True)
class ExactResult:
    """An exact check: how many elements, and the first that is not equal."""

    checked: int
    unequal: str | None

    @property
    def passed(self) -> bool:
        """Whether every element was equal."""
        return self.unequal is None


def check_exactly(objective: LinearObjective) -> ExactResult:
    """Hold the analytic gradient to the definition on a tiny problem, with no tolerance.

    Four rows (so that the mean is exact), whole numbers, delta and lambda powers of two; the
    margins are not whole, so that no kink is near.
    """
    small = replace(objective, delta=0.5, lam=0.25, class_weight=None)
    X = np.array([[2.0, -1, 3], [0, 4, -2], [1, 1, -3], [-2, 3, 1]])
    y = np.array([0, 2, 1, 2])
    W = np.array([[1.0, -2, 0], [3, 1, -1], [0, 2, 1]])
    b = np.array([0.25, -0.125, 0.0625]) if small.bias != "none" else np.zeros(3)
    _, dW, db = small.value_and_gradient(X, y, W, b)
    rational = [[[Fraction(float(v)) for v in row] for row in array] for array in (X, W, [b])]

    def value(weights: exact.Matrix, bias: exact.Matrix) -> Fraction:
        return exact.objective(
            small.loss,
            rational[0],
            y.tolist(),
            weights,
            bias[0],
            delta=Fraction(1, 2),
            lam=Fraction(1, 4),
            bias=small.bias,
        )

    def first_unequal() -> str | None:
        for i, j in np.ndindex(W.shape):
            slope = exact.derivative(lambda w: value(w, rational[2]), rational[1], i, j)
            if Fraction(float(dW[i, j])) != slope:
                return f"W[{i}, {j}] is {dW[i, j]}, by definition {slope}"
        for j in range(len(b)) if small.bias != "none" else ():
            slope = exact.derivative(lambda v: value(rational[1], v), rational[2], 0, j)
            if Fraction(float(db[j])) != slope:
                return f"b[{j}] is {db[j]}, by definition {slope}"
        return None

    return ExactResult(W.size + (len(b) if small.bias != "none" else 0), first_unequal())


@dataclass(frozen=True)
class SelfTest:
    """A planted fault, and the checks that caught it: pairs and terms, such as "gates-numeric"."""

    fault: str
    caught_by: tuple[str, ...]


def self_test(objective: LinearObjective, rows: Rows, checks: Checks) -> list[SelfTest]:
    """Plant every fault in the analytic gradient; return what caught it.

    Besides the rows, a tiny problem of whole numbers is checked, where margins sit on kinks.
    """
    plain = replace(objective, class_weight=None)
    random = points(rows, checks.seed, bias=objective.bias)["random"]
    places = [(objective, rows, random), (plain, *_kinked(objective))]
    results = []
    for name, fault in FAULTS.items():
        caught: dict[str, None] = {}
        for what, some, point in places:
            broken = _plant(fault, what, some, point)
            for finding in check(broken, "random", point, checks):
                if not finding.passed:
                    caught[f"{finding.pair} {finding.term} {finding.group}"] = None
        results.append(SelfTest(name, tuple(caught)))
    return results


def _plant(fault: Fault, objective: LinearObjective, rows: Rows, point: Point) -> Subject:
    """Return the subject with a fault in its analytic gradient."""
    right = subject(objective, rows)
    facts = _facts(objective, rows, point)

    def wrong(where: Point) -> Made:
        return fault(right.ways["analytic"](where), where, facts)

    return replace(right, ways={**right.ways, "analytic": wrong})


def _kinked(objective: LinearObjective) -> tuple[Rows, Point]:
    """Return a problem of whole numbers whose margins are 0 in places."""
    X = np.array([[1.0, 0], [0, 1], [1, 1], [2, -1]])
    y = np.array([0, 1, 2, 0])
    W = np.array([[1.0, 0, 0], [0, 1, 0]]) * objective.delta
    rows = Rows(X, y, 3)
    return rows, {"W": W, "b": np.zeros(3), "X": X}


def _facts(objective: LinearObjective, rows: Rows, point: Point) -> Facts:
    scores = rows.X @ point["W"] + point["b"]
    _, dscores = objective.losses(scores, rows.y)
    own = scores[np.arange(len(rows.y)), rows.y][:, np.newaxis]
    margins = scores - own + objective.delta
    return Facts(
        rows.X,
        np.asarray(dscores, dtype=np.float64),
        margins,
        rows.y,
        objective.delta,
        objective.lam,
    )
