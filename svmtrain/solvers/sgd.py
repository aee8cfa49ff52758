"""Stochastic (sub)gradient descent: the state and the update, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from svmtrain.objective.linear import DataTerm, LinearObjective
from svmtrain.objective.losses import Floats
from svmtrain.solvers.averaging import AVERAGING
from svmtrain.solvers.solver import PlainWeights

INITS = ("zeros", "normal")


@dataclass
class SGDState(PlainWeights):
    """Everything that the next step depends on, besides the data.

    Attributes
    ----------
    W, b : ndarray (n_features, n_classes), (n_classes,)
        The weights and biases.
    velocity_W, velocity_b : ndarray
        The momentum; empty (size 0) without momentum.
    mean_W, mean_b : ndarray
        The averaged weights; empty (size 0) without averaging.
    step : int
        Updates made so far; also the number of iterates in the average.
    """

    KIND: ClassVar[str] = "sgd"
    SHAPES: ClassVar[dict[str, str]] = {
        **{"W": "W", "b": "b", "velocity_W": "W?", "velocity_b": "b?"},
        **{"mean_W": "W?", "mean_b": "b?"},
    }

    W: Floats
    b: Floats
    velocity_W: Floats
    velocity_b: Floats
    mean_W: Floats
    mean_b: Floats
    step: int = 0

    def arrays(self) -> dict[str, Floats]:
        """Return the arrays by name, not copied."""
        return {name: getattr(self, name) for name in self.SHAPES}

    @classmethod
    def restore(cls, arrays: Mapping[str, Floats], step: int) -> SGDState:
        """Return the state that `arrays` was made of."""
        return cls(**{name: arrays[name] for name in cls.SHAPES}, step=step)

    @property
    def weights(self) -> tuple[Floats, Floats]:
        """The weights to judge and to predict with: the average where there is one."""
        return (self.mean_W, self.mean_b) if self.mean_W.size else (self.W, self.b)


@dataclass
class SGD:
    """Minimise P(W) = (1/n) sum_i loss_i + lam ||W||^2 by mini-batch subgradient steps.

    The data, the gradient and the order of the rows are the caller's; `step` changes the arrays
    of the state in place and allocates nothing of their size.

    Parameters
    ----------
    rate : callable
        The learning rate of a step, counted from 0.
    momentum : float
        Share of the velocity that is kept; 0 for none.
    nesterov : bool
        Look ahead along the velocity (Sutskever et al., 2013).
    averaging : str
        "none" or a name in `AVERAGING`.

    Notes
    -----
    Source: Robbins and Monro (1951); momentum, Polyak (1964).
    """

    rate: Callable[[int], float]
    momentum: float = 0.0
    nesterov: bool = False
    averaging: str = "none"
    _scratch: dict[int, Floats] = field(default_factory=dict, repr=False)

    def start(self, W: Floats, b: Floats) -> SGDState:
        """Return the state before the first step, with its own copies of W and b."""
        nothing = np.zeros(0, dtype=W.dtype)

        def like(array: Floats, wanted: bool) -> Floats:
            return np.zeros_like(array, order="C") if wanted else nothing.copy()

        moving, averaged = self.momentum > 0, self.averaging != "none"
        return SGDState(
            W=W.copy(order="C"),
            b=b.copy(),
            velocity_W=like(W, moving),
            velocity_b=like(b, moving),
            mean_W=W.copy(order="C") if averaged else nothing.copy(),
            mean_b=b.copy() if averaged else nothing.copy(),
        )

    def descend(self, state: SGDState, objective: LinearObjective, term: DataTerm) -> None:
        """Make one update by the data term of a mini-batch."""
        scratch = self._buffer(state.W)
        self.step(state, objective.mean_gradient(term, state.W, state.b, scratch))

    def step(self, state: SGDState, gradient: tuple[Floats, Floats]) -> None:
        """Make one update with the gradient (dW, db) of the mini-batch objective."""
        lr = self.rate(state.step)
        dW, db = gradient
        self._move(state.W, state.velocity_W, dW, lr)
        self._move(state.b, state.velocity_b, db, lr)
        state.step += 1
        if self.averaging != "none":
            share = AVERAGING[self.averaging](state.step)
            self._average(state.mean_W, state.W, share)
            self._average(state.mean_b, state.b, share)

    def _buffer(self, array: Floats) -> Floats:
        """Return scratch space of the shape and dtype of `array`, the same one every time."""
        scratch = self._scratch.get(array.ndim)
        if scratch is None or scratch.shape != array.shape or scratch.dtype != array.dtype:
            scratch = self._scratch[array.ndim] = np.empty_like(array)
        return scratch

    def _move(self, weights: Floats, velocity: Floats, gradient: Floats, lr: float) -> None:
        change = np.multiply(gradient, -lr, out=self._buffer(weights))
        if self.momentum > 0:
            velocity *= self.momentum
            velocity += change
            if self.nesterov:
                weights += change
                change = np.multiply(velocity, self.momentum, out=change)
            else:
                change = velocity
        weights += change

    def _average(self, mean: Floats, weights: Floats, share: float) -> None:
        change = np.subtract(weights, mean, out=self._buffer(weights))
        change *= share
        mean += change


def initial_weights(
    init: str, n_features: int, n_classes: int, dtype: Any, seed: int
) -> tuple[Floats, Floats]:
    """Return W (n_features, n_classes) and b (n_classes,) to start from.

    "zeros", or "normal": W from a normal distribution with standard deviation 0.01, computed
    from the seed by a scheme of our own (Philox and Box-Muller) that no release of numpy changes.
    """
    W = np.zeros((n_features, n_classes), dtype=dtype)
    b = np.zeros(n_classes, dtype=dtype)
    if init == "normal":
        raw = np.random.Philox(key=np.array([seed, 2**63], dtype=np.uint64)).random_raw(2 * W.size)
        u = (np.asarray(raw, dtype=np.uint64) >> np.uint64(11)).astype(np.float64) * 2.0**-53
        radius = np.sqrt(-2 * np.log1p(-u[: W.size]))
        W[:] = (0.01 * radius * np.cos(2 * np.pi * u[W.size :])).reshape(W.shape)
    return W, b
