"""Make a run again from its config and data, in memory, and compare all that it left."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from svmtrain import interrupts
from svmtrain.build import best_metric, build, load_splits
from svmtrain.config import Config
from svmtrain.errors import InUseError, ModelError
from svmtrain.files import read_bytes
from svmtrain.model import LinearClassifier, load_model
from svmtrain.operations.fit import finished, keep_best_metric, reload_config
from svmtrain.operations.identity import identity, other_environment, refuse_other
from svmtrain.operations.job import Job, Session
from svmtrain.operations.place import at_place
from svmtrain.operations.train import choose
from svmtrain.operations.warm_start import find_start
from svmtrain.runs.catalogue import read_records
from svmtrain.runs.directory import RunDirectory
from svmtrain.runs.trace import read_trace
from svmtrain.training.history import EpochRecord
from svmtrain.training.loop import Cadence, Training
from svmtrain.training.progress import make_progress
from svmtrain.training.state import TrainingState
from svmtrain.training.stopping import BestEpoch, Stopping, StopRules

MODEL_LIMIT = 1 << 34


@dataclass(frozen=True)
class Verification:
    """What came of making a run again.

    Attributes
    ----------
    run : str
    epochs, steps : int
        How many the run has.
    same_epochs, same_steps : int
        How many were made again with the same figures; of the steps, the run may not have kept
        the losses of all.
    model : bool
        Whether there was a model to compare; a run that is not finished has none of its own.
    environment : tuple of str
        What is another here than where the run was made, and what may come of it.
    difference : str or None
        The first difference; None when there is none.
    """

    run: str
    epochs: int
    steps: int
    same_epochs: int
    same_steps: int
    model: bool
    environment: tuple[str, ...]
    difference: str | None

    @property
    def equal(self) -> bool:
        """Whether the run came out the same."""
        return self.difference is None

    def to_dict(self) -> dict[str, object]:
        """Return plain values."""
        return {**asdict(self), "environment": list(self.environment), "equal": self.equal}


class _DifferenceFound(Exception):
    """Ends the training that is compared, at the first difference."""


class Comparison:
    """A journal that holds what it is told against what a run left, and writes nothing.

    Parameters
    ----------
    records : sequence of EpochRecord
    losses : sequence of float
        The loss that each step began with; NaN where that is not known.

    Raises
    ------
    _DifferenceFound
        From its methods.
    """

    def __init__(self, records: Sequence[EpochRecord], losses: Sequence[float]) -> None:
        self.records, self.losses = records, losses
        self.epochs = self.steps = self.same_steps = 0
        self.last: EpochRecord | None = None

    def step(self, loss: float) -> None:
        """Compare the loss that a step began with: it shows what the step before it did."""
        known = self.losses[self.steps] if self.steps < len(self.losses) else math.nan
        self.steps += 1
        if math.isnan(known):
            return
        if known != loss:
            first = self.last.step + 1 if self.last else 1
            which = f"step {max(first, self.steps - 1)} of epoch {self.epochs + 1} is the first"
            at = "the loss it began with" if first == self.steps else "the loss at what it left"
            raise _DifferenceFound(f"{which} that differs: {at} was {known!r} and is {loss!r}")
        self.same_steps += 1

    def record(self, record: EpochRecord) -> None:
        """Compare the figures of an epoch, all but its time."""
        known = self.records[self.epochs].figures()
        for name, value in record.figures().items():
            if name != "seconds" and value != known[name]:
                raise _DifferenceFound(
                    f"step {record.step}, the last of epoch {record.epoch}, is the first that "
                    f"differs: {name} was {known[name]!r} and is {value!r}"
                )
        self.epochs, self.last = self.epochs + 1, record

    def save(self, state: TrainingState, *, last: bool = False, asked: bool = False) -> None:
        """Do nothing: there is nothing to save."""


def verify(run: RunDirectory, session: Session) -> Verification:
    """Make a run again, as many epochs as it has, and compare records, steps and model.

    Where the environment is another, that is said before anything is compared.

    Raises
    ------
    InUseError
        When the run is still being trained.
    ModelError
        When there is nothing to compare with.
    ResumeError
        When config, data or algorithm are not those of the run.
    """
    run.require()
    if run.is_locked():
        raise InUseError("another svmtrain is working on this run", path=run.path)
    with at_place(reload_config(run), session) as (config, session):
        return _verify(run, config, session)


def _verify(run: RunDirectory, config: Config, session: Session) -> Verification:
    """Make the steps of a run again, wherever its rows are; see `verify`."""
    job, notes = _prepare(run, config, session)
    for note in notes:
        session.say(f"warning: {note}")
    comparison = Comparison(read_records(run), read_trace(run.trace).tolist())
    difference = _of_counts(run, comparison) or _compare(job, comparison)
    return Verification(
        str(run.path),
        len(comparison.records),
        comparison.records[-1].step if comparison.records else 0,
        comparison.epochs,
        comparison.same_steps,
        finished(run),
        tuple(notes),
        difference,
    )


def _prepare(run: RunDirectory, config: Config, session: Session) -> tuple[Job, list[str]]:
    """Build a run again; return what is another in the environment than it was."""
    saved = _saved_identity(run)
    splits = load_splits(config, session.note, session.files)
    config = keep_best_metric(config, splits, saved)
    built = build(config, splits, start=find_start(config, splits))
    now = identity(config, splits, built, "")
    refuse_other({**saved, "run": "", "environment": now["environment"]}, now, str(run.path))
    info = run.read_info()
    known = info.get("environments", [info.get("environment")])
    environments = known if isinstance(known, list) else []
    notes = [note for one in environments for note in other_environment(one, now["environment"])]
    return Job(run, config, splits, built, session, now), list(dict.fromkeys(notes))


def _saved_identity(run: RunDirectory) -> dict[str, object]:
    """Return what a run was, by its model or, without one, its newest intact checkpoint."""
    if run.model.exists():
        return dict(load_model(run.model).trained)
    for path in run.checkpoint_files():
        try:
            return dict(load_model(path).trained)
        except ModelError:
            continue
    raise ModelError("has neither a model nor an intact checkpoint to verify", path=run.path)


def _of_counts(run: RunDirectory, comparison: Comparison) -> str | None:
    """Return what is wrong when there is less, or more, than run.json says."""
    info, found = run.read_info(), len(comparison.records)
    epochs = info.get("epochs")
    if info.get("status") == "finished" and not run.model.exists():
        return "run.json says that the run is finished, but it has no model"
    if isinstance(epochs, int) and found != epochs:
        return f"metrics.jsonl has {found} records, and run.json has {epochs} epochs"
    return None


def _compare(job: Job, comparison: Comparison) -> str | None:
    """Train as far as there are records; return the first difference, if there is one."""
    config, epochs = job.config, len(comparison.records)
    best = BestEpoch(best_metric(config, job.splits.validation is not None))
    progress = make_progress(
        job.session.stream,
        epochs=epochs,
        rows=len(job.built.problem.train),
        done=0,
        quiet=job.session.quiet,
    )
    training = Training(
        replace(job.built.problem, epochs=epochs),
        job.built.start,
        stopping=Stopping(StopRules("objective")),
        best=best,
        journal=comparison,
        progress=progress,
        cadence=Cadence(unit="none"),
    )
    try:
        ended = training.run().finished
    except _DifferenceFound as found:
        return str(found)
    finally:
        progress.close()
    if not ended:
        raise interrupts.interruption("stopped; no file was changed")
    if comparison.last is None or not finished(job.run):
        return None
    model, _ = choose(job, training.state, best, comparison.last)
    return _of_models(job.run, model)


def _of_models(run: RunDirectory, model: LinearClassifier) -> str | None:
    """Return what differs in the model of a run."""
    if read_bytes(run.model, ModelError, MODEL_LIMIT) == model.to_bytes():
        return None
    known = load_model(run.model)
    for name, array in model.arrays().items():
        if known.arrays()[name].tobytes() != array.tobytes():
            return f"all epochs are the same, but {name} of the model differs"
    card, before = model.card(), known.card()
    keys = sorted(key for key in {*card, *before} if card.get(key) != before.get(key))
    return f"all epochs and weights are the same, but the model says other things: {keys}"
