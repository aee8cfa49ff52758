"""How fast a training goes, and how long the rest of it will take.

Nothing here reads a clock: the times come in, so that a test can say what they were.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Mapping, Sequence

UNIT, FEW = " rows/s", 4
"""What rates are of, and up to how many workers each is told by itself."""
WINDOW, MOST = 5, 100
"""Epochs that count at least for the pace, and that are kept; the later half of those counts."""


class Pace:
    """The pace of a training, from when its steps and epochs ended.

    The first epoch of a session is slower than the others: files are read for the first time, and
    loops compiled. So it counts only while there is no other, and then from its first step on.

    Parameters
    ----------
    epochs : int
        How many the whole run has.
    rows : int
        Of one epoch.
    done : int
        Epochs of earlier sessions.
    now : float
        When the session began, in seconds of any clock.
    """

    def __init__(self, epochs: int, rows: int, done: int, now: float) -> None:
        self.epochs, self.rows, self.done = epochs, rows, done
        self._seconds: deque[float] = deque(maxlen=MOST)
        self._began, self._only_first = now, True
        self._first: tuple[float, int] | None = None

    @property
    def waits(self) -> bool:
        """Whether the first step is still to come."""
        return self._first is None

    def step(self, position: int, now: float) -> None:
        """Take in that the rows before `position` of the epoch under way are done."""
        if self._first is None:
            self._first = (now, position)

    def epoch(self, now: float) -> None:
        """Take in that an epoch is done: its steps, its measures and what was saved before it."""
        seconds = now - self._began
        if self._seconds and self._only_first:
            self._only_first = False
            self._seconds.clear()
        elif self._first is not None and self._only_first:
            then, position = self._first
            if 0 < position < self.rows:
                seconds = (now - then) * self.rows / (self.rows - position)
        self._seconds.append(seconds)
        self.done += 1
        self._began = now

    @property
    def seconds(self) -> float | None:
        """How long an epoch takes; None before the first is done."""
        known = list(self._seconds)
        last = known[-max(WINDOW, len(known) // 2) :]
        return sum(last) / len(last) if last else None

    def rate(self) -> float | None:
        """Return the rows a second of the epoch that ended last, if it took any time."""
        took = self._seconds[-1] if self._seconds else 0.0
        return self.rows / took if took > 0 else None

    def left(self, now: float, position: int = 0) -> float | None:
        """Return the seconds that are left; None where nothing tells.

        Parameters
        ----------
        now : float
        position : int
            Rows of the epoch under way that are done.
        """
        ahead = self.epochs - self.done
        if self.seconds is not None:
            return max(ahead * self.seconds - (now - self._began), 0.0)
        if self._first is None or position <= self._first[1]:
            return None
        then, before = self._first
        return (now - then) / (position - before) * (ahead * self.rows - position)


def runs_left(seconds: Sequence[float], left: int, jobs: int, elapsed: float) -> float:
    """Return the seconds that the rest of many runs takes, at the moment when one ended.

    Parameters
    ----------
    seconds : sequence of float
        How long each that ended took, in order.
    left : int
        Runs that are under way or not begun.
    jobs : int
        How many are trained side by side.
    elapsed : float
        Since the first was begun.
    """
    if not left or not seconds:
        return 0.0
    known = seconds[jobs:] or seconds  # the first of a process also reads the rows
    each = sum(known) / len(known)
    begun = max(elapsed * jobs - sum(seconds), 0.0)  # what those under way have behind them
    others = min(jobs - 1, left)
    ends = [0.0] * (jobs - others)
    for _ in range(others):  # as if they ended one by one
        ends.append(max(each - begun, 0.0))
        begun = max(begun - each, 0.0)
    heapq.heapify(ends)
    for _ in range(left - others):
        heapq.heappush(ends, heapq.heappop(ends) + each)
    return max(ends)


def clock_text(seconds: float) -> str:
    """Return a time as people read it: 0:07, 12:30, 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def workers_text(rates: Mapping[str, float]) -> str:
    """Return the rows a second of each of a few workers; of many, of the slowest and fastest."""
    if len(rates) <= FEW:
        each = ", ".join(rate_text(rate).removesuffix(UNIT) for rate in rates.values())
        return f"workers {each}{UNIT}"
    name = min(rates, key=lambda one: rates[one])
    low, high = rate_text(rates[name]).removesuffix(UNIT), rate_text(max(rates.values()))
    return f"{len(rates)} workers {low} ({name}) to {high}"


def rate_text(rows: float) -> str:
    """Return how many rows a second, with three digits that count."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if rows >= size:
            return f"{rows / size:.3g}{unit}{UNIT}"
    return f"{rows:.3g}{UNIT}"
