"""The time that is left: right within 20 % after a quarter, whatever the clock says."""

import io
import random
import re
from types import SimpleNamespace

import pytest

from svmtrain.training.history import EpochRecord
from svmtrain.training.pace import Pace, clock_text, rate_text, runs_left
from svmtrain.training.progress import Lines, SafeStream

ROWS, STEPS = 1000, 10


def noisy(count, seed=1):
    """Return durations of epochs that differ by up to 15 %, as those of a busy machine do."""
    draw = random.Random(seed)
    return [10 * draw.uniform(0.85, 1.15) for _ in range(count)]


#: How long each epoch takes, and how much longer the first step.
DURATIONS = {
    "constant": ([10.0] * 20, 0.0),
    "noisy": (noisy(20), 0.0),
    "slow first epoch by a compiler": ([10.0] * 20, 60.0),
    "slow first epoch by caches": ([50.0] + [10.0] * 19, 0.0),
    "slow first epoch of four": ([10.0] * 4, 40.0),
    "slowly faster": ([12.0 - 0.1 * at for at in range(20)], 0.0),
    "longer checkpoints every fifth": ([10.0 + 5.0 * (at % 5 == 4) for at in range(40)], 0.0),
    "one second for a hundred": ([0.01] * 100, 1.0),
}


class Clock:
    """A clock that goes only when it is told to."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        """Return the time."""
        return self.now


def told_after(durations, first_step):
    """Yield (share done, estimate, truth) after each epoch of a run of such durations."""
    clock = Clock()
    pace = Pace(len(durations), ROWS, 0, clock.now)
    end = clock.now + sum(durations) + first_step
    for at, seconds in enumerate(durations):
        for step in range(1, STEPS + 1):
            clock.now += seconds / STEPS + (first_step if (at, step) == (0, 1) else 0)
            pace.step(step * ROWS // STEPS, clock.now)
        pace.epoch(clock.now)
        yield (at + 1) / len(durations), pace.left(clock.now), end - clock.now


@pytest.mark.parametrize(("durations", "first"), DURATIONS.values(), ids=DURATIONS)
def test_the_time_left_is_right_within_a_fifth_from_the_first_quarter_on(durations, first):
    """Against what the rest really takes; of the last tenth one odd epoch may be all there is."""
    seen = [one for one in told_after(durations, first) if 0.25 <= one[0] <= 0.9]
    assert seen
    for share, estimate, truth in seen:
        assert abs(estimate - truth) <= 0.2 * truth, (share, estimate, truth)


def test_at_the_end_nothing_is_left():
    """Nor less than nothing."""
    *_, (share, estimate, truth) = told_after([10.0] * 4, 0.0)
    assert (share, estimate) == (1.0, 0.0)
    assert truth == pytest.approx(0.0)


def test_a_long_first_epoch_tells_from_its_steps():
    """What is left is known before an epoch is done: half of one of 100 s, and three more."""
    pace = Pace(4, ROWS, 0, 0.0)
    assert pace.left(1.0) is None
    pace.step(100, 30.0)  # the first step took 20 s longer
    assert pace.left(30.0, 100) is None
    assert pace.left(70.0, 500) == pytest.approx(50 + 300)


def test_what_passed_of_an_epoch_is_no_longer_left():
    """Between two epochs the time counts down."""
    pace = Pace(3, ROWS, 0, 0.0)
    pace.epoch(10.0)
    assert pace.left(10.0) == pytest.approx(20.0)
    assert pace.left(14.0, 400) == pytest.approx(16.0)


def test_a_resumed_run_counts_what_is_still_to_do():
    """Epochs of earlier sessions are done; one that is half done does not pass for a fast one."""
    pace = Pace(10, ROWS, 7, 0.0)
    pace.step(600, 0.5)
    pace.epoch(4.5)
    assert pace.left(4.5) == pytest.approx(2 * 10.0)


def test_the_line_of_each_epoch_tells_rate_and_time_left():
    """The last has no time left to tell."""
    clock, stream = Clock(), io.StringIO()
    lines = Lines(SafeStream(stream), 4, ROWS, clock=clock)
    for epoch in range(1, 5):
        clock.now += 50
        lines.step(SimpleNamespace(epoch=epoch - 1, position=500))
        clock.now += 50
        lines.epoch(
            EpochRecord(epoch, 10 * epoch, 1.0, 0.01, 1.0, *[0.5] * 4, None, None, 1.0, 0.5)
        )
    told = re.findall(r"([^ ]+ rows/s)(?:, ([^ ]+) left)?$", stream.getvalue(), re.MULTILINE)
    assert told == [("10 rows/s", left) for left in ("5:00", "3:20", "1:40", "")]


@pytest.mark.parametrize("jobs", [1, 2, 3])
@pytest.mark.parametrize("runs", [5, 12])
@pytest.mark.parametrize("first", [10.0, 12.0])
def test_the_rest_of_many_runs_is_right_within_a_fifth(runs, jobs, first):
    """Side by side, with a first run of each process that also reads the rows."""
    events, free = [], [0.0] * jobs
    for at in range(runs):
        free.sort()
        seconds = first if at < jobs else 10.0
        free[0] += seconds
        events.append((free[0], seconds))
    events.sort()
    end = events[-1][0]
    for done in range(-(-runs // 4), runs):
        elapsed = events[done - 1][0]
        known = [seconds for _, seconds in events[:done]]
        estimate, truth = runs_left(known, runs - done, jobs, elapsed), end - elapsed
        assert abs(estimate - truth) <= max(0.2 * truth, 1e-9), (done, estimate, truth)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (7.4, "0:07"), (59.6, "1:00"), (750, "12:30"), (3723, "1:02:03")],
)
def test_times_are_told_as_a_clock_tells_them(seconds, text):
    """Minutes and seconds, and hours where there are some."""
    assert clock_text(seconds) == text


@pytest.mark.parametrize(
    ("rows", "text"), [(5, "5 rows/s"), (12_345, "12.3k rows/s"), (2.5e6, "2.5M rows/s")]
)
def test_rates_have_three_digits(rows, text):
    """And a unit that goes with their size."""
    assert rate_text(rows) == text
