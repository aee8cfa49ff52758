"""Whether the state of a checkpoint can be one of the run that goes on from it."""

from __future__ import annotations

import math

from svmtrain.build import Built
from svmtrain.errors import ResumeError
from svmtrain.solvers.dual import LONGEST_REST, DualState
from svmtrain.solvers.lazy_sgd import SMALLEST, LazyState
from svmtrain.training.history import EpochRecord
from svmtrain.training.state import TrainingState

ROUNDING = 1e-4
"""How much more than the dual of its variables, as a share, a saved bound may be."""


def refuse_state(state: TrainingState, built: Built, name: str) -> None:
    """Raise unless counters, arrays, factors and bound of a state fit the data.

    Raises
    ------
    ResumeError
        Naming the run.
    """
    _refuse_counters(state, built, name)
    for array_name, array in built.start.solver.arrays().items():
        saved = state.solver.arrays()[array_name]
        if saved.shape != array.shape or saved.dtype != array.dtype:
            raise ResumeError(
                f"{array_name} of the checkpoint has shape {saved.shape} and dtype {saved.dtype}; "
                f"the run has {array.shape} and {array.dtype}",
                path=name,
            )
    if isinstance(state.solver, DualState):
        _refuse_bound(state, state.solver, built, name)
    if isinstance(state.solver, LazyState):
        _refuse_factors(state.solver, name)


def refuse_bound(state: TrainingState, last: EpochRecord, built: Built, name: str) -> None:
    """Raise unless a state has the bound that the last record tells, no better and no worse.

    Between the last step of an epoch and its record, that of dual ascent may be better already;
    and on a cluster it may be worse, where variables were lost with a worker.
    """
    if last.bound is None:
        return
    found, least, most = last.bound, last.bound, last.bound
    if isinstance(state.solver, DualState):
        found = state.solver.bound
        least = least if built.problem.way is None else -math.inf
        most = math.inf if state.position == len(built.problem.train) else most
    elif state.certificate is not None:
        found = state.certificate.proven(built.problem.objective.lam_of_column)
        rounding = ROUNDING * max(abs(last.bound), last.objective)
        least, most = least - rounding, most + rounding
    if not least <= found <= most:
        raise ResumeError(
            f"the checkpoint has the bound {found:.6g}, but metrics.jsonl has {last.bound:.6g} "
            f"after epoch {last.epoch}",
            path=name,
        )


def _refuse_counters(state: TrainingState, built: Built, name: str) -> None:
    """Raise when step, epoch and position contradict each other."""
    rows, size = len(built.problem.train), built.problem.batch_size
    steps = state.epoch * -(-rows // size) + -(-state.position // size)
    between = state.position % size and state.position != rows
    if between or state.position > rows or steps != state.solver.step:
        raise ResumeError(
            f"step {state.solver.step}, epoch {state.epoch} and position {state.position} "
            f"of the checkpoint do not agree for {rows} rows in batches of {size}",
            path=name,
        )


def _refuse_factors(state: LazyState, name: str) -> None:
    """Raise when sparse weights have factors that no step leaves: the next would divide by them."""
    scale, of_U = state.now.scale, state.of_U
    if abs(scale) < SMALLEST or not SMALLEST <= of_U <= 1:
        raise ResumeError(
            f"the checkpoint has the factors {scale:.6g} and {of_U:.6g}, which no step leaves",
            path=name,
        )


def _refuse_bound(whole: TrainingState, state: DualState, built: Built, name: str) -> None:
    """Raise when the dual variables do not prove the bound, which is computed anew."""
    if max(int(state.rest.max()), int(state.wait.max())) > LONGEST_REST:
        raise ResumeError("the checkpoint has rows that rest for too long", path=name)
    objective, total = built.problem.objective, built.problem.steps.settling(whole)
    if total is None:
        raise TypeError("a state with dual variables needs a way that knows them")
    proven = total.point(objective, len(state.a)).bound(objective.lam_of_column)
    if state.bound > max(proven, 0.0) + ROUNDING * abs(proven):
        raise ResumeError(
            f"the checkpoint has the bound {state.bound:.6g}, but its variables prove {proven:.6g}",
            path=name,
        )
