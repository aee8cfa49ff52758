"""The calls by which svmtrain changes a disk, counted, cut short, refused or written down.

`watched(before)` puts a function before each of them, and nothing else changes: what the product
calls is what runs. `points(...)` counts them; a process can be killed at any, see `killed_at`.
"""

import contextlib
import os
import signal
import warnings

CHANGING = (
    *("write", "pwrite", "fsync", "ftruncate", "replace", "rename"),
    *("unlink", "mkdir", "rmdir"),
)
REAL = {name: getattr(os, name) for name in (*CHANGING, "open", "close")}


@contextlib.contextmanager
def watched(before):
    """Call `before(name, args)` before every call that changes the disk.

    What it returns, if it returns something, stands for the result of the call. Opening counts
    where it makes or empties a file.
    """

    def standing_for(name):
        def call(*args, **kwargs):
            if name == "open" and not args[1] & (os.O_CREAT | os.O_TRUNC):
                return REAL[name](*args, **kwargs)
            result = before(name, args)
            return REAL[name](*args, **kwargs) if result is None else result

        return call

    try:
        for name in (*CHANGING, "open"):
            setattr(os, name, standing_for(name))
        yield
    finally:
        for name, function in REAL.items():
            setattr(os, name, function)


class Countdown:
    """Acts at the n-th point, from 0; a write has two: before it, and when half of it is done."""

    def __init__(self, at, act):
        self.left, self.act = at, act

    def __call__(self, name, args):
        self._point(name, args)
        if name in ("write", "pwrite"):
            if self.left == 0 and len(args[1]) > 1:
                REAL[name](args[0], args[1][: len(args[1]) // 2], *args[2:])
            self._point(name, args)

    def _point(self, name, args):
        self.left -= 1
        if self.left == -1:
            self.act(name, args)


def die(*_):
    """End this process as kill -9 does."""
    os.kill(os.getpid(), signal.SIGKILL)


def killed_at(at, work):
    """Do some work in a child that is killed at a point; True when it was, False when it ended.

    Work that fails in another way fails the test.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # no thread of ours is left behind
        child = os.fork()
    if child == 0:
        code = 99
        with contextlib.suppress(BaseException), watched(Countdown(at, die)):
            work()
            code = 0
        os._exit(code)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, "the work failed without being killed"
    return False


def points(work):
    """Return how many points some work has."""
    counter = Countdown(1 << 60, die)
    with watched(counter):
        work()
    return (1 << 60) - counter.left
