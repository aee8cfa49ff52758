"""Progress on stderr: bars on a terminal, one plain line an epoch elsewhere.

Nothing that goes wrong with stderr ever ends a run.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NoReturn, TextIO

from svmtrain.training.history import EpochRecord
from svmtrain.training.pace import Pace, clock_text, rate_text, workers_text
from svmtrain.training.state import TrainingState

if TYPE_CHECKING:
    from tqdm import tqdm

Clock = Callable[[], float]

INNER_DELAY = 1.0
REFRESH, OFTEN = 0.5, 0.1
"""Seconds between two looks at the time left inside an epoch, and after short ones."""
BAR_WIDTH = 12
OUTER = f"epochs {{n_fmt}}/{{total_fmt}} |{{bar:{BAR_WIDTH}}}|"
OUTER_WIDTH = len("epochs / || ") + 1
"""Columns of the outer bar besides the bar, its two counts and its figures."""


class SafeStream:
    """A text stream that swallows every failure to write."""

    def __init__(self, stream: TextIO | None) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write if possible."""
        with contextlib.suppress(OSError, ValueError):
            if self.stream is not None:
                self.stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush if possible."""
        with contextlib.suppress(OSError, ValueError):
            if self.stream is not None:
                self.stream.flush()

    @property
    def encoding(self) -> str:
        """The encoding of the stream, by which bars know what they can draw."""
        return getattr(self.stream, "encoding", None) or "ascii"

    def fileno(self) -> int:
        """Return the descriptor, by which bars find the width of the terminal."""
        if self.stream is None:
            raise OSError("there is no stream")
        return self.stream.fileno()

    def isatty(self) -> bool:
        """Return whether there is a terminal at the other end."""
        try:
            return self.stream is not None and self.stream.isatty()
        except (OSError, ValueError):
            return False


def columns_of(stream: SafeStream) -> int | None:
    """Return how many columns a terminal has; None where nothing tells."""
    with contextlib.suppress(OSError, ValueError):
        return os.get_terminal_size(stream.fileno()).columns or None
    return None


def fitting(parts: Sequence[str], width: int | None) -> str:
    """Return as many of some parts, with commas, as fit; the first are those that count most."""
    text = ""
    for part in parts:
        longer = f"{text}, {part}" if text else part
        if width is not None and len(longer) > width:
            break
        text = longer
    return text


LINE_NAMES = ("loss", "objective", "train", "validation")


def describe(record: EpochRecord) -> str:
    """Return the figures of an epoch in a few words."""
    values = (
        record.train_loss,
        record.objective,
        record.train_accuracy,
        record.validation_accuracy,
    )
    pairs = zip(LINE_NAMES, values, strict=True)
    parts = [f"{name} {value:.4f}" for name, value in pairs if value is not None]
    if record.gap is not None and record.gap <= 1:  # a bound below 0 says nothing
        parts.append(f"gap {record.gap:.2%}")
    if record.workers:
        parts.append(workers_text(record.workers))
    return ", ".join([*parts, f"lr {record.lr:.2g}"] if record.lr else parts)


def brief(record: EpochRecord) -> list[str]:
    """Return the figures of an epoch for a bar, those that count most first."""
    parts = [f"obj {record.objective:.4f}"]
    if record.validation_accuracy is not None:
        parts.append(f"val {record.validation_accuracy:.4f}")
    if record.gap is not None and record.gap <= 1:
        parts.insert(1, f"gap {record.gap:.2%}")
    if record.workers:
        parts.append(workers_text(record.workers))
    return [*parts, f"acc {record.train_accuracy:.4f}", f"loss {record.train_loss:.4f}"]


class Silent:
    """Progress that says nothing."""

    def step(self, state: TrainingState) -> None:
        """Say nothing."""

    def epoch(self, record: EpochRecord) -> None:
        """Say nothing."""

    def close(self) -> None:
        """Say nothing."""


class Lines:
    """One plain line an epoch."""

    def __init__(
        self,
        stream: SafeStream,
        epochs: int,
        rows: int,
        done: int = 0,
        clock: Clock = time.monotonic,
    ) -> None:
        self.stream, self.epochs, self.clock = stream, epochs, clock
        self.pace = Pace(epochs, rows, done, clock())

    def step(self, state: TrainingState) -> None:
        """Look at the clock, and say nothing."""
        if self.pace.waits:
            self.pace.step(state.position, self.clock())

    def epoch(self, record: EpochRecord) -> None:
        """Write the line."""
        now = self.clock()
        self.pace.epoch(now)
        text = ", ".join([describe(record), *_times(self.pace, now)])
        self.stream.write(f"epoch {record.epoch}/{self.epochs}: {text}\n")
        self.stream.flush()

    def close(self) -> None:
        """Say nothing."""


def _times(pace: Pace, now: float) -> list[str]:
    """Return the rate, and the time left, where they are known."""
    rate, left = pace.rate(), pace.left(now)
    parts = [] if rate is None else [rate_text(rate)]
    if left is not None and pace.done < pace.epochs:
        parts.append(f"{clock_text(left)} left")
    return parts


class Bars:
    """A bar over the epochs, and one inside an epoch that takes more than a second."""

    def __init__(
        self,
        stream: SafeStream,
        epochs: int,
        rows: int,
        done: int = 0,
        clock: Clock = time.monotonic,
    ) -> None:
        from tqdm import tqdm

        tqdm.monitor_interval = 0
        self.stream, self.rows, self.clock = stream, rows, clock
        self.pace, self.looked = Pace(epochs, rows, done, clock()), clock()
        self.parts: list[str] = []
        self.make = tqdm
        self.outer: tqdm[NoReturn] = tqdm(
            total=epochs,
            initial=done,
            file=stream,
            dynamic_ncols=True,
            bar_format=OUTER,
        )
        self.inner: tqdm[NoReturn] | None = None

    def step(self, state: TrainingState) -> None:
        """Advance the inner bar; now and then, look how much time is left."""
        if self.inner is None:
            self.inner = self.make(
                total=self.rows,
                initial=0,
                desc=f"epoch {state.epoch + 1}",
                file=self.stream,
                dynamic_ncols=True,
                leave=False,
                position=1,
                delay=INNER_DELAY,
                unit="row",
                unit_scale=True,
            )
        self.inner.update(state.position - self.inner.n)
        now = self.clock()
        self.pace.step(state.position, now)
        if now - self.looked > REFRESH:
            self._show(now, state.position)

    def _show(self, now: float, position: int) -> None:
        """Show the time left, the rate and the figures, as far as the line is wide."""
        self.looked = now
        left, rate = self.pace.left(now, position), self.pace.rate()
        parts = [] if left is None or self.pace.done == self.pace.epochs else [clock_text(left)]
        parts = [f"{text} left" for text in parts] + ([] if rate is None else [rate_text(rate)])
        columns = columns_of(self.stream)
        taken = BAR_WIDTH + OUTER_WIDTH + 2 * len(str(self.pace.epochs))
        text = fitting([*parts, *self.parts], None if columns is None else columns - taken)
        self.outer.bar_format = f"{OUTER} {text}"
        self.outer.refresh()

    def epoch(self, record: EpochRecord) -> None:
        """Advance the outer bar and show the figures."""
        if self.inner is not None:
            self.inner.close()
            self.inner = None
        now = self.clock()
        self.pace.epoch(now)
        self.parts = brief(record)
        self.outer.n += 1
        if now - self.looked > OFTEN:
            self._show(now, 0)

    def close(self) -> None:
        """Leave the outer bar as it stands."""
        if self.inner is not None:
            self.inner.close()
        self._show(self.clock(), 0)
        self.outer.close()


def make_progress(
    stream: TextIO | None, *, epochs: int, rows: int, done: int, quiet: bool
) -> Silent | Lines | Bars:
    """Return the progress that suits the stream: bars, lines or nothing."""
    safe = SafeStream(stream)
    if quiet:
        return Silent()
    if safe.isatty():
        return Bars(safe, epochs, rows, done)
    return Lines(safe, epochs, rows, done)


@contextlib.contextmanager
def counting(
    stream: TextIO | None, total: int | None, unit: str
) -> Iterator[Callable[[int], object]]:
    """Yield a function to call with how much more is done, which moves a bar.

    Parameters
    ----------
    stream : text stream or None
        Without a terminal at its end nothing is shown.
    total : int or None
        How much there is to do, if that is known.
    unit : str
        What is counted.
    """
    safe = SafeStream(stream)
    if not safe.isatty():
        yield lambda more: None
        return
    from tqdm import tqdm

    tqdm.monitor_interval = 0
    with tqdm(
        total=total, file=safe, dynamic_ncols=True, unit=unit, unit_scale=True, leave=False
    ) as bar:
        yield bar.update
