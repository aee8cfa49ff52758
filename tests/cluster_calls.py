"""What the workers of the tests are asked to do; they find it as this module."""

import os
import signal
import time
from pathlib import Path

from svmtrain import interrupts
from svmtrain.errors import DataError, Interrupted


def square(number, desk):
    """Return the square of a number."""
    return number * number


def late(number, seconds, desk):
    """Return a number and when it was begun, after a while."""
    began = time.time()
    time.sleep(seconds)
    return number, began


def counted(upto, desk):
    """Tell numbers, and what the call before left here; return how many."""
    desk.tell({"before": desk.kept})
    for number in range(upto):
        desk.tell(number)
    desk.kept = upto
    return upto


def refused(path, desk):
    """Raise an error with all that it can have."""
    raise DataError("is wrong", path=path, line=3, column=4)


def deadly(folder, times, desk):
    """End this worker so many times; then return how often it was tried."""
    tried = len(list(Path(folder).iterdir())) + 1
    Path(folder, f"{tried}").touch()
    desk.tell("begun")
    if tried <= times:
        time.sleep(0.3)  # so that what was told gets out
        os.kill(os.getpid(), signal.SIGKILL)
    return tried


def deadly_with(value, folder, desk):
    """Return what all calls have, and how often this was tried, which ends a worker once."""
    return value, deadly(folder, 1, desk)


def name(desk):
    """Return the address of this worker."""
    from distributed import get_worker

    return get_worker().address


def endless(folder, desk):
    """Work until this is to stop, and leave a file when it does."""
    Path(folder, "begun").touch()
    try:
        while True:
            time.sleep(0.01)
            interrupts.check()
    except Interrupted:
        Path(folder, "stopped").touch()
        raise


def shared(value, number, desk):
    """Return what all calls have, and a number of their own."""
    return value, number


def bad(word):
    """Return a problem with every worker."""
    return f"is {word}"


def good():
    """Return that nothing is wrong."""
