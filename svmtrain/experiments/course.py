"""How an experiment goes: its runs trained, each told of when it ends, and the command to go on."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from svmtrain import interrupts
from svmtrain.errors import CheckFailed, Interrupted
from svmtrain.experiments.hands import Hands
from svmtrain.experiments.tasks import Ended, Task
from svmtrain.operations.job import Session
from svmtrain.training.pace import clock_text, runs_left

Words = Callable[[str], str]


@dataclass
class Course:
    """The runs of an experiment while they are trained.

    Attributes
    ----------
    session : Session
        Who is told.
    hands : Hands
        Who trains.
    total : int
        How many runs there will be.
    problems : dict of str to str
        By the name of each run that failed, why it did.
    """

    session: Session
    hands: Hands
    total: int
    problems: dict[str, str] = field(default_factory=dict)
    ended: int = 0
    known: int = 0
    began: float = field(default_factory=time.monotonic)
    took: list[float] = field(default_factory=list)

    def train(self, tasks: Sequence[Task], words: Words) -> None:
        """Carry out some tasks; `words` says what came out of a run that is finished.

        Raises
        ------
        Interrupted
            When a signal came; its message has the command that goes on.
        """
        command = tuple(self.session.command)
        tasks = [replace(task, command=command) for task in tasks]
        try:
            self.hands.carry_out(tasks, lambda ended: self.tell(ended, words))
        except Interrupted:
            done = f"{self.ended} of {self.total} runs are done"
            raise interrupts.interruption(f"saved; {done}; go on with: {self._command()}") from None

    def tell(self, ended: Ended, words: Words) -> None:
        """Tell of a run that ended, and how long the rest will take at this pace."""
        self.ended += 1
        self.known += ended.known
        for note in ended.notes:
            self.session.note(f"{ended.name}: {note}")
        place = f"{self.ended} of {self.total}: {ended.name}"
        if ended.problem is not None:
            self.problems[ended.name] = ended.problem
            self.session.say(f"{place}: failed: {ended.problem}")
            return
        self.problems.pop(ended.name, None)
        if ended.known:
            self.session.note(f"{place}: {words(ended.name)}, as it was")
            return
        self.took.append(ended.seconds)
        left, elapsed = self.total - self.ended, time.monotonic() - self.began
        seconds = runs_left(self.took, left, self.hands.jobs, elapsed)
        rest = f"; about {clock_text(seconds)} left" if left else ""
        self.session.note(f"{place}: {words(ended.name)}, {ended.seconds:.1f} s{rest}")

    def _command(self) -> str:
        """Return the command line of this session without what would begin again."""
        words = [word for word in self.session.command if word != "--force"]
        return shlex.join(words) if words else "the same call"

    def failure(self) -> CheckFailed | None:
        """Return the error that an experiment ends with of which runs failed; None without."""
        if not self.problems:
            return None
        first, why = next(iter(self.problems.items()))
        return CheckFailed(
            f"{len(self.problems)} of {self.total} runs failed, such as {first} ({why}); the same "
            "command tries them again"
        )
