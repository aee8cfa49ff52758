"""Processes that train runs side by side, and end together when a signal comes.

Every process is a new Python that is given its tasks through a pipe; nothing comes from a file.
The one process that is asked to work alone does so itself.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import connection, resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from svmtrain import interrupts
from svmtrain.errors import Interrupted
from svmtrain.experiments.tasks import UNEXPECTED, Ended, Task, carry_out

PAUSE = 0.1
"""Seconds after which a process that waits looks whether a signal came."""

STOPPED = 75
"""What a process ends with that was stopped by a signal."""

Tell = Callable[[Ended], None]


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def how_many(asked: int | None, threads: int, note: Callable[[str], None]) -> int:
    """Return how many processes may work side by side, each with so many threads.

    Never more than there are cores for, and at least one; what is asked for beyond that is noted.
    """
    most = max(1, cores() // threads)
    if asked is not None and asked > most:
        note(
            f"--jobs {asked} is more than {cores()} cores are for with {threads} threads each: "
            f"{most} used"
        )
    return most if asked is None else max(1, min(asked, most))


def carry_out_all(tasks: Sequence[Task], jobs: int, tell: Tell) -> None:
    """Carry out tasks by so many processes; see `tasks.carry_out`.

    Parameters
    ----------
    tasks : sequence of Task
        Taken in this order.
    jobs : int
    tell : callable
        Is told of every run when it ends.

    Raises
    ------
    Interrupted
        When a signal came, after every process has saved what it trained.
    """
    interrupts.check()
    if min(jobs, len(tasks)) <= 1:
        job = None
        for task in tasks:
            job = carry_out(task, tell, job)
        return
    with _Pool(tasks, min(jobs, len(tasks)), tell) as pool:
        pool.work()


class _Worker:
    """One process, the pipe to it, and the task that it is at."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(other,), daemon=True)
        self.task: Task | None = None
        self.told: set[str] = set()
        with _signals_held():
            self.process.start()
        other.close()

    def give(self, task: Task) -> None:
        """Hand a task over."""
        self.task, self.told = task, set()
        with contextlib.suppress(OSError):  # one that died is found by its pipe
            self.pipe.send(task)


class _Pool:
    """The processes at work on some tasks."""

    def __init__(self, tasks: Sequence[Task], jobs: int, tell: Tell) -> None:
        self.left, self.tell = list(tasks), tell
        self.workers = [_Worker() for _ in range(jobs)]

    def __enter__(self) -> _Pool:
        return self

    def __exit__(self, *_: object) -> None:
        """Let every process save what it is at, and wait for its end."""
        for worker in self.workers:
            if worker.task is not None and worker.process.pid is not None:
                with contextlib.suppress(OSError):
                    os.kill(worker.process.pid, signal.SIGTERM)
            worker.pipe.close()
        for worker in self.workers:
            worker.process.join()

    def work(self) -> None:
        """Hand the tasks out until all are done."""
        for worker in self.workers:
            self._next(worker)
        while busy := [worker for worker in self.workers if worker.task is not None]:
            interrupts.check()
            ready = connection.wait([worker.pipe for worker in busy], PAUSE)
            for worker in busy:
                if worker.pipe in ready:
                    self._hear(worker)

    def _next(self, worker: _Worker) -> None:
        """Give a process its next task, if there is one."""
        worker.task = None
        if self.left:
            worker.give(self.left.pop(0))

    def _hear(self, worker: _Worker) -> None:
        """Take in what a process says: how a run ended, or that its task is done."""
        try:
            message: Ended | None = worker.pipe.recv()
        except (EOFError, OSError):
            self._bury(worker)
            return
        if message is None:
            self._next(worker)
            return
        worker.told.add(message.name)
        self.tell(message)

    def _bury(self, worker: _Worker) -> None:
        """Tell what is lost with a process that died, and let another take its place."""
        worker.pipe.close()
        worker.process.join()
        if worker.process.exitcode == STOPPED:
            time.sleep(PAUSE)  # it may be a signal to all, of which we hear at once
            interrupts.check()
        what = f"the process that trained it ended with {worker.process.exitcode}"
        names = [str(config.output.name) for config in worker.task.configs] if worker.task else []
        for name in (name for name in names if name not in worker.told):
            self.tell(Ended(name, what, UNEXPECTED))
        other = _Worker()
        self.workers[self.workers.index(worker)] = other
        self._next(other)


def _serve(pipe: Connection[Any, Any]) -> None:
    """Carry out what comes through a pipe until it is closed; the whole life of a process."""
    with interrupts.watching():
        signal.pthread_sigmask(signal.SIG_UNBLOCK, interrupts.STOP_SIGNALS)
        threading.Thread(target=_end_with_parent, daemon=True).start()
        with contextlib.suppress(EOFError, OSError):
            job = None
            while True:
                task = pipe.recv()
                try:
                    job = carry_out(task, pipe.send, job)
                except Interrupted:
                    raise SystemExit(STOPPED) from None
                pipe.send(None)


def _end_with_parent() -> None:
    """Stop at the next step when the process that gives the tasks is gone."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """Let a process that is started here have no stop signal until it can deal with one."""
    resource_tracker.ensure_running()  # it lets signals through when it starts, so it does before
    before = signal.pthread_sigmask(signal.SIG_BLOCK, interrupts.STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
