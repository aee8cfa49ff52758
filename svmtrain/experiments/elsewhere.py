"""Runs that the workers of a cluster train, each whole at one worker, into one shared folder."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from svmtrain.cluster.crew import Crew, crew_at
from svmtrain.cluster.desk import Desk
from svmtrain.cluster.tasks import Call, Came, each
from svmtrain.config import parse_config, to_yaml
from svmtrain.config.cluster import Cluster
from svmtrain.data.cache import Say
from svmtrain.errors import StorageError, SvmtrainError
from svmtrain.experiments.tasks import Ended, Task, carry_out
from svmtrain.files import TEMPORARY_SUFFIX, read_bytes, write_atomic

WITNESS = ".seen-by-workers-"
"""What the name of the file begins with that every worker must see."""
SIZE = 64


@dataclass(frozen=True)
class Posted:
    """A task on its way to a worker.

    Attributes
    ----------
    texts : tuple of str
        The configs of its runs, as YAML.
    task : Task
        The rest of it.
    folder : str
        Where relative paths begin, as an absolute path.
    """

    texts: tuple[str, ...]
    task: Task
    folder: str

    @classmethod
    def of(cls, task: Task) -> Posted:
        """Return what is sent of a task."""
        texts = tuple(to_yaml(config) for config in task.configs)
        return cls(texts, replace(task, configs=()), os.getcwd())

    @property
    def start(self) -> str:
        """Where relative paths begin, from the current folder of this process."""
        return os.path.relpath(self.folder)

    def told(self, ended: Ended) -> dict[str, Any]:
        """Return what is sent back of the end of a run: paths are as they were sent."""
        here = re.compile(rf"(?<![^\s'\"(]){re.escape(self.start)}/")
        problem = None if ended.problem is None else here.sub("", ended.problem)
        notes = [here.sub("", note) for note in ended.notes]
        return {**asdict(ended), "problem": problem, "notes": notes}

    def task_here(self) -> Task:
        """Return the task with paths as they are from the current folder of this process.

        Relative ones stay relative, since what is written into a run tells which they were.
        """
        start = self.start
        configs = tuple(parse_config(text, "config", start) for text in self.texts)
        files = self.task.predictions
        if files is not None:
            files = tuple(os.path.normpath(os.path.join(start, file)) for file in files)
        return replace(self.task, configs=configs, predictions=files)


@dataclass
class Workers:
    """The workers of a cluster, as those who train; see `Hands`."""

    crew: Crew
    jobs: int

    @contextlib.contextmanager
    def over(self, folder: Path) -> Iterator[None]:
        """Let every worker show that it sees the folder of an experiment.

        A file is written for that, and stays as long as the block lasts: for those that join.
        """
        for left in folder.glob(f"{WITNESS}*{TEMPORARY_SUFFIX}"):
            left.unlink(missing_ok=True)
        path = Path(os.path.abspath(folder)) / f"{WITNESS}{secrets.token_hex(8)}{TEMPORARY_SUFFIX}"
        content = secrets.token_hex(SIZE // 2)
        write_atomic(path, content.encode())
        try:
            self.crew.require(unseen, str(path), content)
            yield
        finally:
            with contextlib.suppress(OSError):
                path.unlink()

    def carry_out(self, tasks: Sequence[Task], tell: Callable[[Ended], None]) -> None:
        """Carry out tasks, each at one worker; see `Hands`."""
        told: defaultdict[int, set[str]] = defaultdict(set)

        def hear(number: int, message: dict[str, Any]) -> None:
            ended = Ended(**{**message, "notes": tuple(message["notes"])})
            if ended.name not in told[number]:  # one whose worker was lost after it was done
                told[number].add(ended.name)
                tell(ended)

        calls = [Call(train_there, (Posted.of(task),)) for task in tasks]
        for came in each(self.crew, calls, hear):
            for lost in _lost(came, tasks[came.number]):
                if lost.name not in told[came.number]:
                    tell(lost)


def _lost(came: Came, task: Task) -> Iterator[Ended]:
    """Yield the ends of runs of a task that did not come to its own."""
    try:
        came.opened()
    except SvmtrainError as error:
        for config in task.configs:
            yield Ended(str(config.output.name), str(error), error.exit_code)


def train_there(posted: Posted, desk: Desk) -> None:
    """Train the runs of a task, at a worker."""

    def tell(ended: Ended) -> None:
        desk.tell(posted.told(ended))

    desk.kept = carry_out(posted.task_here(), tell, desk.kept)


def unseen(path: str, content: str) -> str | None:
    """Return what is wrong where this worker does not see a file as it is; else None."""
    folder = os.path.dirname(path)
    try:
        if read_bytes(path, StorageError, SIZE) == content.encode():
            return None
    except StorageError:
        pass
    return (
        f"does not see the folder of the experiment, {folder}: it must be on storage that all "
        "workers share"
    )


@contextlib.contextmanager
def on_cluster(config: Cluster, jobs: int | None, say: Say) -> Iterator[Workers]:
    """Yield the workers of a cluster as those who train, so many runs at a time at most."""
    with crew_at(config, say, jobs) as crew:
        yield Workers(crew, crew.slots())
