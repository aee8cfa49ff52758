"""Progress: lines and bars, and streams that fail without ending the run."""

import fcntl
import io
import os
import pty
import re
import struct
import termios
from types import SimpleNamespace

import pytest

from svmtrain.training.history import EpochRecord
from svmtrain.training.progress import (
    Bars,
    Lines,
    SafeStream,
    Silent,
    counting,
    describe,
    make_progress,
)


def record(epoch=1, validation=0.75):
    """Return a record with figures that are easy to read."""
    return EpochRecord(
        epoch=epoch,
        step=10 * epoch,
        seconds=1.0,
        lr=0.0123,
        online_loss=1.0,
        train_loss=0.5,
        penalty=0.125,
        objective=0.625,
        train_accuracy=0.875,
        validation_loss=None if validation is None else 0.25,
        validation_accuracy=validation,
        weight_norm=1.0,
        active_margins=0.5,
    )


class Failing(io.StringIO):
    """A stream on which every call fails."""

    def __init__(self, error, terminal=False):
        super().__init__()
        self.error, self.terminal, self.tried = error, terminal, 0

    def write(self, text):
        """Fail."""
        self.tried += 1
        raise self.error

    def flush(self):
        """Fail."""
        if getattr(self, "error", None):
            raise self.error

    def isatty(self):
        """Say what it was told to say."""
        return self.terminal


class Terminal(io.StringIO):
    """A text buffer that calls itself a terminal."""

    def isatty(self):
        """Say yes."""
        return True


ERRORS = [
    OSError(28, "No space left on device"),
    BrokenPipeError(32, "Broken pipe"),
    OSError(5, "Input/output error"),
    ValueError("I/O operation on closed file"),
    UnicodeEncodeError("ascii", "x", 0, 1, "no"),
]


def whole_run(progress, epochs=2, positions=(4, 8, 10)):
    """Tell a progress about a whole run."""
    for epoch in range(1, epochs + 1):
        for position in positions:
            progress.step(SimpleNamespace(epoch=epoch - 1, position=position))
        progress.epoch(record(epoch))
    progress.close()


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_stream_that_fails_never_ends_a_run(error, terminal):
    """Full, broken and closed streams, as a terminal or not: everything goes on."""
    stream = Failing(error, terminal)
    whole_run(make_progress(stream, epochs=2, rows=10, done=0, quiet=False))
    assert stream.tried > 0
    stream.error = None


@pytest.mark.parametrize("make", [Lines, Bars])
def test_closed_stream_never_ends_a_run(make):
    """Closed before, or in the middle of, a run."""
    stream = io.StringIO()
    stream.close()
    whole_run(make(SafeStream(stream), 2, 10))
    stream = io.StringIO()
    progress = make(SafeStream(stream), 2, 10)
    progress.epoch(record(1))
    stream.close()
    whole_run(progress)


def test_full_device_never_ends_a_run():
    """A real stream with no room left."""
    with (
        open("/dev/full", "wb", buffering=0) as device,
        io.TextIOWrapper(device, write_through=True) as stream,
    ):
        with pytest.raises(OSError, match="No space left"):
            stream.write("x")
        whole_run(Lines(SafeStream(stream), 2, 10))
        whole_run(Bars(SafeStream(stream), 2, 10))


def test_stream_that_is_none_swallows_everything():
    """Python has no stderr at all when it is started without one."""
    safe = SafeStream(None)
    assert safe.write("abc") == 3
    safe.flush()
    assert safe.isatty() is False
    whole_run(make_progress(None, epochs=2, rows=10, done=0, quiet=False))


def test_working_stream_is_written_to():
    """What can be written is written."""
    stream = io.StringIO()
    SafeStream(stream).write("abc")
    assert stream.getvalue() == "abc"


def test_lines_are_one_plain_line_an_epoch():
    """No control characters, and the figures that matter: 10 rows take 2 s, the clock says."""
    stream = io.StringIO()
    times = iter([0.0, 0.0, 2.0, 4.0])
    whole_run(Lines(SafeStream(stream), 2, 10, clock=lambda: next(times)), positions=(0, 10))
    told = "loss 0.5000, objective 0.6250, train 0.8750, validation 0.7500, lr 0.012, 5 rows/s"
    assert stream.getvalue() == f"epoch 1/2: {told}, 0:02 left\nepoch 2/2: {told}\n"


def test_validation_is_left_out_where_there_is_none():
    """Without held-out rows there is no figure for them."""
    assert describe(record(validation=None)) == (
        "loss 0.5000, objective 0.6250, train 0.8750, lr 0.012"
    )


@pytest.mark.parametrize(
    ("stream", "quiet", "kind"),
    [
        (Terminal(), False, Bars),
        (Terminal(), True, Silent),
        (io.StringIO(), False, Lines),
        (io.StringIO(), True, Silent),
        (None, False, Lines),
        (Failing(OSError(5, "bad")), False, Lines),
    ],
)
def test_progress_suits_the_stream(stream, quiet, kind):
    """Bars on a terminal, lines elsewhere, nothing when asked to be quiet."""
    progress = make_progress(stream, epochs=2, rows=10, done=0, quiet=quiet)
    assert type(progress) is kind
    progress.close()
    if isinstance(stream, Failing):
        stream.error = None


def test_silence_is_silent():
    """Silent takes everything and says nothing."""
    whole_run(Silent())


def test_bars_count_epochs_from_where_the_run_stands():
    """The outer bar ends at the number of epochs, also in a resumed run."""
    stream = Terminal()
    bars = make_progress(stream, epochs=5, rows=10, done=3, quiet=False)
    whole_run(bars)
    assert "5/5" in stream.getvalue()
    assert "val 0.7500" in stream.getvalue()


def test_bars_fit_the_width_of_the_terminal():
    """On a narrow terminal no bar is longer than a line, or each update would scroll."""
    assert max(map(len, shown_at(50))) <= 50


def shown_at(columns):
    """Return the lines that a run draws on a terminal of some width."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 20, columns, 0, 0))
    with open(theirs, "w", encoding="utf-8") as stream:
        whole_run(make_progress(stream, epochs=2, rows=10, done=0, quiet=False))
        stream.flush()
        shown = os.read(ours, 1 << 16).decode()
        while "2/2" not in shown:
            shown += os.read(ours, 1 << 16).decode()
    os.close(ours)
    return [re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", line) for line in re.split(r"[\r\n]", shown)]


@pytest.mark.parametrize("columns", [60, 80, 100])
def test_a_bar_is_drawn_whole_and_no_figure_is_cut(columns):
    """Figures that do not fit are left out from the least important; the bar keeps its width."""
    last = [line for line in shown_at(columns) if "2/2" in line][-1].rstrip()
    bar, figures = last.split("|")[1:]
    assert len(bar) == 12
    whole = r"[0-9.]+[kMG]? rows/s|obj 0\.6250|val 0\.7500|acc 0\.8750|loss 0\.5000"
    assert re.fullmatch(f" (?:{whole})(?:, (?:{whole}))*", figures)
    assert "obj" in figures
    assert ("loss" in figures) is (columns == 100)


@pytest.mark.parametrize("total", [None, 40])
def test_what_is_counted_moves_a_bar_on_a_terminal(total):
    """With its unit; the bar goes when all is done."""
    stream = Terminal()
    with counting(stream, total, "row") as count:
        for _ in range(4):
            count(10)
    text = stream.getvalue()
    assert "row" in text
    assert ("/40" in text) is (total is not None)


def test_without_a_terminal_nothing_is_counted_aloud():
    """Not to a file, and not to nowhere."""
    stream = io.StringIO()
    for where in (stream, None):
        with counting(where, 40, "row") as count:
            count(40)
    assert stream.getvalue() == ""
