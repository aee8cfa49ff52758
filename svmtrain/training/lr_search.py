"""`lr: auto`: try step sizes on a sample of the training rows, and take the best."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from svmtrain import interrupts
from svmtrain.data.splits import SAMPLE_STREAM, epoch_order, random_order
from svmtrain.errors import DivergedError
from svmtrain.objective.linear import LinearObjective
from svmtrain.objective.losses import Floats
from svmtrain.solvers.solver import Solver
from svmtrain.training.sources import RowSource

SAMPLE_ROWS = 2048
TRIAL_STEPS = 1000
COARSE, FINE = 4.0, 2.0
PRUDENCE = 1.005
FARTHEST = 8

SolverFor = Callable[[float, int, int], Solver]
"""From lr, total steps and steps per epoch to a solver."""


@dataclass(frozen=True)
class LrSearch:
    """What was tried: pairs of a step size and the objective it reached (None: it diverged)."""

    lr: float
    tried: tuple[tuple[float, float | None], ...]


def sample(seed: int, n: int) -> NDArray[np.intp]:
    """Return the rows that step sizes are tried on, of n, ascending: at most `SAMPLE_ROWS`."""
    return np.sort(random_order(seed, SAMPLE_STREAM, n)[:SAMPLE_ROWS])


def first_guess(rows: RowSource, momentum: float) -> float:
    """Return the inverse of the mean squared length of a row, a power of two.

    A step of this size changes the score of an average row by about one.
    """
    squares = rows.mean_square()
    if not math.isfinite(squares):
        raise DivergedError(
            "the features are too large for any step size; scale them (preprocess.scale: standard)"
        )
    return float(2.0 ** round(math.log2((1 - momentum) / (squares + 1))))


def search(
    rows: RowSource,
    objective: LinearObjective,
    solver_for: SolverFor,
    start: tuple[Floats, Floats],
    *,
    batch_size: int,
    seed: int,
    momentum: float = 0.0,
) -> LrSearch:
    """Return the best step size found, and all that were tried.

    A trial makes at most `TRIAL_STEPS` steps over the rows, which are a `sample`. The search starts
    at `first_guess`, goes up or down by a factor of 4 as long as that helps, and then looks a
    factor of 2 to both sides; of all that come within half a per cent of the best, the smallest
    is taken. It depends on the rows, the objective, the solver and the seed
    alone, not on the number of epochs of the run.
    """
    results: dict[float, float] = {}

    @np.errstate(over="ignore", invalid="ignore")
    def trial(lr: float) -> float:
        if lr not in results:
            interrupts.check()
            W, b = train_briefly(rows, objective, solver_for, lr, start, batch_size, seed)
            term = rows.measure(objective, W, b)
            if term is None:
                raise interrupts.interruption("stopped; no file was changed")
            value = term.loss / term.count + objective.penalty(W, b)
            results[lr] = value if math.isfinite(value) else math.inf
        return results[lr]

    best = first_guess(rows, momentum)
    for factor in (1 / COARSE, COARSE):
        for _ in range(FARTHEST):
            hopeless = factor < 1 and math.isinf(trial(best))
            if not (hopeless or trial(best * factor) < trial(best)):
                break
            best *= factor
    best = min((best, best / FINE, best * FINE), key=trial)
    if math.isinf(trial(best)):
        raise DivergedError(
            f"every step size tried diverged, down to {best:.3g}; scale the features "
            "(preprocess.scale: standard) or give solver.lr"
        )
    enough = PRUDENCE * trial(best)
    best = min(lr for lr, value in results.items() if value <= enough)
    tried = ((lr, value if math.isfinite(value) else None) for lr, value in results.items())
    return LrSearch(best, tuple(sorted(tried)))


def train_briefly(
    rows: RowSource,
    objective: LinearObjective,
    solver_for: SolverFor,
    lr: float,
    start: tuple[Floats, Floats],
    batch_size: int,
    seed: int,
    steps: int = TRIAL_STEPS,
) -> tuple[Floats, Floats]:
    """Return the weights and biases after a short training with `lr`, finite or not."""
    n = len(rows)
    per_epoch = -(-n // batch_size)
    total = min(steps, 30 * per_epoch)
    solver = solver_for(lr, total, per_epoch)
    state = solver.start(*start)
    with np.errstate(over="ignore", invalid="ignore"):
        while state.step < total:
            order: NDArray[np.intp] = epoch_order("full", seed, state.step // per_epoch, n)
            for begin in range(0, n, batch_size):
                if state.step == total:
                    break
                batch = order[begin : begin + batch_size]
                term = rows.term(objective, batch, *state.parameters)
                solver.descend(state, objective, term)
    weights: tuple[Floats, Floats] = state.weights
    return weights
