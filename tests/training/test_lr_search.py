"""`lr: auto`: the search is deterministic, tells what it tried, and never takes what diverged."""

import math

import numpy as np
import pytest
from small_runs import start, write_config

from svmtrain.build import build, load_splits
from svmtrain.config import load_config
from svmtrain.errors import DivergedError
from svmtrain.objective.linear import LinearObjective
from svmtrain.solvers.sgd import SGD
from svmtrain.training.lr_search import first_guess, search
from svmtrain.training.sources import MemoryRows


def problem(scale=1.0):
    """Return rows of two classes and weights to start from."""
    X = np.random.default_rng(0).normal(size=(80, 4)) * scale
    y = (X[:, 0] + 0.3 * X[:, 1] > 0).astype(np.int64)
    return X, y, (np.zeros((4, 2)), np.zeros(2))


def constant(lr, total, per_epoch):
    """Return a solver of one rate."""
    return SGD(rate=lambda step: lr)


def find(X, y, start_at, *, loss="weston_watkins", seed=0, solver_for=constant):
    """Search with a small penalty."""
    objective = LinearObjective(loss, lam=0.01)
    rows = MemoryRows(X, y)
    return search(rows, objective, solver_for, start_at, batch_size=8, seed=seed)


def test_the_same_seed_gives_the_same_search():
    """To the last bit."""
    assert find(*problem(), seed=3) == find(*problem(), seed=3)


def test_the_best_is_among_those_tried_and_nearly_as_good_as_any():
    """Of all within half a per cent of the best value, it is the smallest."""
    found = find(*problem())
    values = dict(found.tried)
    finite = [value for value in values.values() if value is not None]
    assert values[found.lr] <= 1.005 * min(finite)
    smaller = [value for lr, value in found.tried if lr < found.lr and value is not None]
    assert all(value > 1.005 * min(finite) for value in smaller)
    assert [lr for lr, _ in found.tried] == sorted(values)
    assert len(found.tried) >= 4


def test_values_are_the_objectives_that_a_short_training_reaches():
    """A rate far too small leaves the loss where it began: one for each wrong class."""
    found = find(*problem(), solver_for=lambda lr, *rest: constant(lr * 1e-20, *rest))
    assert all(value == pytest.approx(1.0, abs=1e-6) for _, value in found.tried)


def test_a_first_guess_that_diverges_is_left_behind():
    """The search goes down until something holds."""
    X, y, at = problem()
    guess = first_guess(MemoryRows(X, y), 0.0)

    def solver_for(lr, *rest):
        return constant(lr if lr < guess / 50 else 1e300, *rest)

    found = find(X, y, at, loss="weston_watkins_squared", solver_for=solver_for)
    values = dict(found.tried)
    assert values[guess] is None
    assert found.lr < guess / 50
    assert math.isfinite(values[found.lr])


def test_when_everything_diverges_the_error_says_what_to_do():
    """No step size is made up."""
    X, y, at = problem()
    with pytest.raises(DivergedError, match=r"every step size .*preprocess\.scale: standard"):
        find(
            *(X, y, at),
            loss="weston_watkins_squared",
            solver_for=lambda lr, *rest: constant(1e300, *rest),
        )


def test_features_whose_squares_overflow_are_an_error():
    """Not a failed logarithm."""
    with pytest.raises(DivergedError, match="too large"):
        find(*problem(1e200))


def test_the_first_guess_is_a_power_of_two_that_follows_the_scale():
    """Rows ten times as long take steps about a hundred times as short."""
    X, y, _ = problem()
    guesses = [first_guess(MemoryRows(X * scale, y), 0.0) for scale in (10.0, 100.0)]
    assert all(math.log2(guess).is_integer() for guess in guesses)
    assert 64 <= guesses[0] / guesses[1] <= 128
    rows = MemoryRows(X, y)
    assert first_guess(rows, 0.9) < first_guess(rows, 0.0)


def test_the_rate_does_not_depend_on_the_epochs_of_the_run(tmp_path):
    """So that a run can be prolonged; also under a schedule that plans by them."""
    path = write_config(tmp_path, "lr: auto")
    for schedule in ("pegasos", "cosine"):
        found = []
        for epochs in (2, 50):
            words = (f"solver.epochs={epochs}", f"solver.schedule={schedule}")
            config = load_config(path, words)
            found.append(build(config, load_splits(config)).search)
        assert found[0] == found[1]


def test_a_run_records_what_was_tried(tmp_path):
    """In run.json, and a resume keeps it."""
    run = start(write_config(tmp_path, "lr: auto"), "run")
    info = run.read_info()
    assert info["lr"] in [lr for lr, _ in info["lr_tried"]]
    start(tmp_path / "c.yaml", "run", "solver.epochs=6", resume=True)
    again = run.read_info()
    assert (again["lr"], again["lr_tried"]) == (info["lr"], info["lr_tried"])
    assert again["epochs"] == 6
