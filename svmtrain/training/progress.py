"""Progress on stderr: bars on a terminal, one plain line an epoch elsewhere.

Nothing that goes wrong with stderr ever ends a run.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NoReturn, TextIO

from svmtrain.training.history import EpochRecord
from svmtrain.training.state import TrainingState

if TYPE_CHECKING:
    from tqdm import tqdm

INNER_DELAY = 1.0


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


LINE_NAMES = ("loss", "objective", "train", "validation")
BAR_NAMES = ("loss", "obj", "acc", "val")


def describe(record: EpochRecord, names: tuple[str, ...] = LINE_NAMES) -> str:
    """Return the figures of an epoch in a few words, under long or short names."""
    values = (
        record.train_loss,
        record.objective,
        record.train_accuracy,
        record.validation_accuracy,
    )
    pairs = zip(names, values, strict=True)
    parts = [f"{name} {value:.4f}" for name, value in pairs if value is not None]
    if record.gap is not None and record.gap <= 1:  # a bound below 0 says nothing
        parts.append(f"gap {record.gap:.2%}")
    return ", ".join([*parts, f"lr {record.lr:.2g}"] if record.lr else parts)


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

    def __init__(self, stream: SafeStream, epochs: int) -> None:
        self.stream = stream
        self.epochs = epochs

    def step(self, state: TrainingState) -> None:
        """Say nothing."""

    def epoch(self, record: EpochRecord) -> None:
        """Write the line."""
        self.stream.write(f"epoch {record.epoch}/{self.epochs}: {describe(record)}\n")
        self.stream.flush()

    def close(self) -> None:
        """Say nothing."""


class Bars:
    """A bar over the epochs, and one inside an epoch that takes more than a second."""

    def __init__(self, stream: SafeStream, epochs: int, rows: int, done: int) -> None:
        from tqdm import tqdm

        tqdm.monitor_interval = 0
        self.stream = stream
        self.rows = rows
        self.make = tqdm
        self.outer: tqdm[NoReturn] = tqdm(
            total=epochs,
            initial=done,
            desc="epochs",
            file=stream,
            dynamic_ncols=True,
            unit="ep",
        )
        self.inner: tqdm[NoReturn] | None = None

    def step(self, state: TrainingState) -> None:
        """Advance the inner bar."""
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

    def epoch(self, record: EpochRecord) -> None:
        """Advance the outer bar and show the figures."""
        if self.inner is not None:
            self.inner.close()
            self.inner = None
        self.outer.set_postfix_str(describe(record, BAR_NAMES), refresh=False)
        self.outer.update(1)

    def close(self) -> None:
        """Leave the outer bar as it stands."""
        if self.inner is not None:
            self.inner.close()
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
    return Lines(safe, epochs)


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
