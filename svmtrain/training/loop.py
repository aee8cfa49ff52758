"""The training loop. It reads from top to bottom; what happens each epoch is visible in it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from svmtrain import interrupts
from svmtrain.data.splits import epoch_order
from svmtrain.errors import CheckFailed, DivergedError
from svmtrain.objective.linear import DataTerm, LinearObjective
from svmtrain.objective.losses import Floats
from svmtrain.solvers.dual import DualAscent, DualState
from svmtrain.solvers.lazy_sgd import LazyState
from svmtrain.solvers.solver import Solver
from svmtrain.training.history import EpochRecord, gap_between
from svmtrain.training.reach import reachable
from svmtrain.training.sources import RowSource
from svmtrain.training.state import TrainingState
from svmtrain.training.stopping import BestEpoch, Stopping
from svmtrain.training.ways import Way, way_here

BLOWUP = 1e6
"""A loss or penalty at some step, over the loss at zero weights, that means divergence."""
SANE = 1e3
"""An objective over the loss at zero weights that no epoch may end with, and no checkpoint has."""

ROUNDING = 1e-3
"""How far, as a share, a bound may be above an objective by rounding alone."""


class Journal(Protocol):
    """Where the loop leaves what must survive it."""

    def step(self, loss: float) -> None:
        """Take the mean loss of the rows of a step just before it."""

    def record(self, record: EpochRecord) -> None:
        """Append the record of an epoch."""

    def save(self, state: TrainingState, *, last: bool = False, asked: bool = False) -> None:
        """Save a checkpoint of the state; say so to whom asked for it by a signal."""


class Progress(Protocol):
    """Whom the loop tells how far it is."""

    def step(self, state: TrainingState) -> None:
        """Tell that a step was made."""

    def epoch(self, record: EpochRecord) -> None:
        """Tell that an epoch was completed."""

    def close(self) -> None:
        """Tell that it is over; may be called twice."""


@dataclass(frozen=True)
class Cadence:
    """How often to save: every `count` "epochs", "steps" or "seconds"; "none" for never."""

    count: float = 1
    unit: str = "epochs"

    @property
    def saves(self) -> bool:
        """Whether anything but the end of a run is saved; then every new best epoch is, too."""
        return self.unit != "none"

    def after_step(self, step: int, seconds_since_save: float) -> bool:
        """Return whether a checkpoint is due after a step."""
        if self.unit == "steps":
            return step % int(self.count) == 0
        return self.unit == "seconds" and seconds_since_save >= self.count

    def after_epoch(self, epoch: int) -> bool:
        """Return whether a checkpoint is due after an epoch."""
        return self.unit == "epochs" and epoch % int(self.count) == 0


@dataclass(frozen=True)
class Problem:
    """What is trained, on what, and for how long.

    Attributes
    ----------
    objective : LinearObjective
    solver : Solver or DualAscent
    train : RowSource
    validation : RowSource or None
    epochs, batch_size : int
    shuffle : str
        See `data.splits.epoch_order`.
    seed : int
    way : Way or None
        What makes the steps; None is the solver itself, here.
    """

    objective: LinearObjective
    solver: Solver | DualAscent
    train: RowSource
    validation: RowSource | None
    epochs: int
    batch_size: int
    shuffle: str = "full"
    seed: int = 0
    way: Way | None = None

    @property
    def steps(self) -> Way:
        """What makes the steps."""
        return self.way or way_here(self.objective, self.solver, self.train)


@dataclass(frozen=True)
class Outcome:
    """How the loop ended: `finished` or interrupted, and the reason in words."""

    finished: bool
    reason: str


class Training:
    """One session of a run: from a state to the end, or to a signal.

    Parameters
    ----------
    problem : Problem
    state : TrainingState
        Changed in place.
    stopping, best : Stopping, BestEpoch
        Already replayed over the records of earlier sessions.
    journal, progress : Journal, Progress
    cadence : Cadence
    seconds_before : float
        Training time of earlier sessions.
    """

    def __init__(
        self,
        problem: Problem,
        state: TrainingState,
        *,
        stopping: Stopping,
        best: BestEpoch,
        journal: Journal,
        progress: Progress,
        cadence: Cadence,
        seconds_before: float = 0.0,
    ) -> None:
        self.problem = problem
        self.way = problem.steps
        self.state = state
        self.stopping = stopping
        self.best = best
        self.journal = journal
        self.progress = progress
        self.cadence = cadence
        self.began = time.monotonic() - seconds_before
        self.saved = time.monotonic()
        zero = np.zeros((1, len(state.best_b)))
        y = np.zeros(1, dtype=np.int64)
        delta = problem.objective.delta
        plain = replace(problem.objective, delta=max(delta, 1.0), class_weight=None)
        self.start_loss = float(plain.losses(zero, y)[0][0])
        if problem.objective.class_weight is not None:
            self.start_loss *= max(1.0, float(problem.objective.class_weight.max()))

    def run(self) -> Outcome:
        """Train until the epochs are done, a rule says stop, or a signal comes.

        Raises
        ------
        DivergedError
            At the step at which the run leaves the finite numbers or its loss explodes.
        """
        state, problem = self.state, self.problem
        with np.errstate(over="ignore", invalid="ignore"):
            while state.epoch < problem.epochs and self._goes_on():
                record = self._epoch()
                if record is None:
                    self._save_last()
                    return Outcome(False, "interrupted by a signal")
                self.journal.record(record)
                self.progress.epoch(record)
                improved = self.best.update(record)
                if improved:
                    state.keep_best()
                self.stopping.update(record)
                due = self.cadence.after_epoch(state.epoch) or (improved and self.cadence.saves)
                asked = interrupts.save_asked()
                if asked or due:
                    self._save(asked)
        self._save_last()
        return Outcome(True, self.stopping.reason or f"all {problem.epochs} epochs are done")

    def _goes_on(self) -> bool:
        """Return whether there is no reason to stop; between two epochs, what is proven counts."""
        bound, held = self.stopping.bound, self.problem.validation
        asked = self.stopping.rules.must_reach is not None and self.stopping.reason is None
        if asked and bound is not None and held is not None and not self.state.position:
            lowest = self.stopping.lowest
            most = reachable(self.problem.objective, held, self.state, lowest, bound)
            if most is not None:
                self.stopping.give_up(most)
        return self.stopping.reason is None

    def _epoch(self) -> EpochRecord | None:
        """Make the remaining steps of the current epoch; None when a signal came."""
        state, problem = self.state, self.problem
        n = len(problem.train)
        order = epoch_order(problem.shuffle, problem.seed, state.epoch, n)
        while state.position < n:
            rows = order[state.position : state.position + problem.batch_size]
            term = self.way.step(state, rows)
            if term is None:
                return None
            self._check_finite(term)
            state.position += len(rows)
            state.online_loss += term.loss
            self.journal.step(term.loss / term.count)
            self.progress.step(state)
            if interrupts.pending():
                return None
            due = self.cadence.after_step(state.solver.step, time.monotonic() - self.saved)
            asked = interrupts.save_asked()
            if (due or asked) and self._is_sane(term):
                self._save(asked)
        return self._close_epoch()

    def _close_epoch(self) -> EpochRecord | None:
        """Measure the weights after an epoch; None, and nothing changed, when a signal came."""
        state, problem = self.state, self.problem
        if not self.way.settle(state):
            return None
        W, b = state.solver.weights
        train = problem.train.measure(problem.objective, W, b)
        held = problem.validation
        validation = None if held is None else held.measure(problem.objective, W, b)
        if train is None or (held is not None and validation is None):
            return None
        self._check_finite(train)
        record = self._record(train, validation, W, b)
        if not record.objective <= SANE * self.start_loss:
            raise self._diverged(
                f"an objective of {record.objective:.3g} after epoch {record.epoch}"
            )
        state.epoch += 1
        state.position = 0
        state.online_loss = 0.0
        return record

    def _record(
        self, train: DataTerm, validation: DataTerm | None, W: Floats, b: Floats
    ) -> EpochRecord:
        """Return the record of the epoch under way, from what was measured of its weights."""
        state, problem = self.state, self.problem
        penalty = problem.objective.penalty(W, b)
        norm = math.sqrt(problem.objective.copies * float(np.vdot(W, W)))
        validation_loss = validation.loss / validation.count if validation else None
        if not math.isfinite(penalty + norm + (validation_loss or 0.0)):
            raise self._diverged("weights that are too large to be measured")
        objective = train.loss / train.count + penalty
        bound = self._bound(objective)
        return EpochRecord(
            epoch=state.epoch + 1,
            step=state.solver.step,
            seconds=round(time.monotonic() - self.began, 6),
            lr=problem.solver.rate(state.solver.step - 1),
            online_loss=None
            if isinstance(state.solver, DualState)
            else state.online_loss / len(problem.train),
            train_loss=train.loss / train.count,
            penalty=penalty,
            objective=objective,
            train_accuracy=_accuracy(train),
            validation_loss=validation_loss,
            validation_accuracy=_accuracy(validation) if validation else None,
            weight_norm=norm,
            active_margins=train.active / train.count,
            bound=bound,
            gap=gap_between(objective, bound),
            workers=self.way.rates(),
        )

    def _bound(self, objective: float) -> float | None:
        """End the epoch for the certificate; return the best bound so far, if there is one.

        Raises
        ------
        CheckFailed
            When it is above the objective of the epoch: it bounds another one.
        """
        bound = self._best_bound()
        if bound is not None and bound > (1 + ROUNDING) * objective:
            raise CheckFailed(
                f"the bound {bound:.6g} is above the objective {objective:.6g} after epoch "
                f"{self.state.epoch + 1}: the checkpoint that the run went on from is not its own"
            )
        return bound

    def _best_bound(self) -> float | None:
        state, problem = self.state, self.problem
        if isinstance(state.solver, DualState):  # a cluster may lose variables that proved more
            return max(state.solver.bound, self.stopping.bound or 0.0)
        if state.certificate is None:
            return None
        shift = state.solver.now.shift if isinstance(state.solver, LazyState) else None
        bound = state.certificate.close(len(problem.train), problem.objective.lam_of_column, shift)
        return bound if math.isfinite(bound) else None

    def _check_finite(self, term: DataTerm) -> None:
        """Raise when the step just made, or the loss of some rows, is out of bounds."""
        solver = self.state.solver
        loss = term.loss / term.count
        penalty = self.problem.objective.penalty_of(*solver.squares_at_most())
        if not penalty <= BLOWUP * self.start_loss:
            if not solver.finite():
                raise self._diverged("weights that are not finite")
            penalty = self.problem.objective.penalty_of(*solver.squares())
        if not loss <= BLOWUP * self.start_loss:
            raise self._diverged(f"a loss of {loss:.3g}")
        if not penalty <= BLOWUP * self.start_loss:
            raise self._diverged(f"a penalty of {penalty:.3g}")

    def _is_sane(self, term: DataTerm) -> bool:
        """Return whether the state is worth a checkpoint, and not on its way to diverge."""
        solver = self.state.solver
        value = term.loss / term.count + self.problem.objective.penalty_of(*solver.squares())
        return value <= SANE * self.start_loss

    def _diverged(self, found: str) -> DivergedError:
        step = self.state.solver.step
        return DivergedError(
            f"diverged at step {step} with {found} (lr {self.problem.solver.rate(step - 1):.3g}); "
            "try a smaller solver.lr, solver.lr: auto, or "
            "preprocess.scale: standard"
        )

    def _save_last(self) -> None:
        self.way.collect(self.state)
        self.journal.save(self.state, last=True)

    def _save(self, asked: bool) -> None:
        self.way.collect(self.state)
        self.journal.save(self.state, asked=asked)
        self.saved = time.monotonic()


def _accuracy(term: DataTerm) -> float:
    """Return the share of rows that are correct, of a data term that counted them."""
    if term.correct is None:
        raise ValueError("the data term was not measured")
    return term.correct / term.count
