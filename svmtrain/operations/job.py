"""One session of training, as the functions of this package hand it on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from svmtrain.build import FILES_HERE, Built, Files, Splits
from svmtrain.config import Config
from svmtrain.operations.judged import Evaluation
from svmtrain.runs.catalogue import read_records
from svmtrain.runs.directory import RunDirectory
from svmtrain.training.history import EpochRecord, gap_between
from svmtrain.training.loop import Outcome


@dataclass(frozen=True)
class Session:
    """How a command wants its training told.

    Attributes
    ----------
    say : callable
        Takes a sentence for the user.
    stream : text stream or None
        Where progress goes.
    quiet : bool
        No progress.
    verbose : bool
        Say more on the way.
    command : sequence of str
        The command line, for run.json.
    exact : bool
        Refuse to resume where the bits may come out different than without the stop.
    tensorboard : str or None
        The folder that gets the records for TensorBoard too, in a folder a run.
    files : Files
        What reads the data: this process, or a cluster that is connected.
    """

    say: Callable[[str], None] = print
    stream: TextIO | None = None
    quiet: bool = False
    verbose: bool = False
    command: Sequence[str] = ()
    exact: bool = False
    tensorboard: str | None = None
    files: Files = FILES_HERE

    def note(self, text: str) -> None:
        """Say what a quiet session leaves out."""
        if not self.quiet:
            self.say(text)


@dataclass(frozen=True)
class Job:
    """One session of training: where, what, on what, for whom.

    Attributes
    ----------
    run : RunDirectory
        Locked by this process.
    config : Config
    splits : Splits
    built : Built
    session : Session
    identity : dict
        See `operations.identity`.
    gradcheck : dict or None
        The figures of the gradient check, if this session made one.
    """

    run: RunDirectory
    config: Config
    splits: Splits
    built: Built
    session: Session
    identity: dict[str, Any]
    gradcheck: dict[str, Any] | None = None


@dataclass(frozen=True)
class FitResult:
    """What came out of a training.

    Attributes
    ----------
    job : Job
    outcome : Outcome
    last : EpochRecord
    chosen : EpochRecord
        That of the epoch whose weights became the model.
    test : Evaluation or None
        Of the model, on the test rows.
    """

    job: Job
    outcome: Outcome
    last: EpochRecord
    chosen: EpochRecord
    test: Evaluation | None

    @property
    def records(self) -> list[EpochRecord]:
        """The records of all epochs, read from the run."""
        return read_records(self.job.run)

    @property
    def bound(self) -> float | None:
        """The best lower bound on the optimum, if there is one."""
        return self.last.bound

    @property
    def gap(self) -> float | None:
        """How far above the optimum the chosen epoch's objective is at most, as a share of it."""
        return gap_between(self.chosen.objective, self.bound)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values."""
        return {
            "run": str(self.job.run.path),
            "model": str(self.job.run.model),
            "reason": self.outcome.reason,
            "epochs": self.last.epoch,
            "lr": self.job.built.lr,
            "lambda": self.job.built.problem.objective.lam,
            "bound": self.bound,
            "gap": self.gap,
            "chosen": self.chosen.to_dict(),
            "last": self.last.to_dict(),
            "test": self.test and self.test.to_dict(),
        }
