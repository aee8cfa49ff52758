"""What must hold for a parser whatever it is given, checked in one place for all who try inputs.

Only our own error of the right kind escapes, in one line that a terminal cannot be harmed by;
within a second and within 64 MiB and eight times the input; and nothing on disk is other than it
was. A process that dies shows by itself.
"""

import contextlib
import os
import re
import shutil
import sys
import time
import tracemalloc
import warnings
from pathlib import Path

from svmtrain.errors import SvmtrainError, printable

SECONDS = 1.0
STATUS = Path("/proc/self/status")
MEMORY, MEMORY_TIMES = 64 << 20, 8
ACCEPTED, REFUSED, UNFIT = "accepted", "refused", "unfit"

# What Python reports before it is done, and no parser has a reason to do.
FORBIDDEN = {
    "os.chmod",
    "os.exec",
    "os.fork",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.symlink",
    "os.system",
    "pickle.find_class",
    "shutil.rmtree",
    "socket.connect",
    "subprocess.Popen",
}


class Broken(AssertionError):
    """A parser did what none may do."""


class _Watch:
    """Notes what Python reports of itself while it is switched on."""

    def __init__(self):
        self.on = False
        self.seen = []
        self.installed = False

    def __call__(self, event, args):
        if self.on and event in FORBIDDEN:
            self.seen.append(f"{event}{args!r}")

    @contextlib.contextmanager
    def watching(self):
        """Switch the watch on; hooks cannot be taken away, so there is one for all."""
        if not self.installed:
            sys.addaudithook(self)
            self.installed = True
        self.seen.clear()
        self.on = True
        try:
            yield
        finally:
            self.on = False


WATCH = _Watch()


def judge(target, content, folder, *, measured=True):
    """Give an input to a target, and return whether it was accepted, refused or unfit.

    The folder is an empty one to work in. Raises Broken when anything is not as it must be. The
    first inputs of a target are not measured: they make it import what it needs.
    """
    parts = target.parts(content)
    if parts is None:
        return UNFIT
    try:
        for name, part in parts.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(part)
        before = contents(folder)
        outcome, seconds, peak = _run(target, folder, measured)
        if measured and seconds > SECONDS:  # to note every allocation takes its time
            outcome, seconds, _ = _run(target, folder, False)
        require(seconds <= SECONDS or not measured, f"{seconds:.1f} s")
        allowed = MEMORY + MEMORY_TIMES * len(content)
        require(peak <= allowed, f"{peak:,} bytes of memory for {len(content):,}")
        require(contents(folder) == before, "files were changed")
    finally:
        _empty(folder)
    return outcome


def require(held, problem):
    """Raise Broken unless something held."""
    if not held:
        raise Broken(problem)


def _run(target, folder, memory):
    """Return the outcome of one call, its seconds of the processor and its peak of memory.

    Where a library has threads, which go on for a while after an error, the kernel alone is
    asked: Python before 3.13 dies when one of them allocates just as tracing is stopped.
    """
    if memory and not target.threads:
        tracemalloc.start()
    _forget_the_most()
    resident = _resident("VmRSS")
    try:
        start = time.process_time()
        with WATCH.watching(), warnings.catch_warnings():
            warnings.simplefilter("error")
            outcome = _called(target, Path(folder))
        seconds = time.process_time() - start
        grown = _resident("VmHWM") - resident
        peak = max(grown, tracemalloc.get_traced_memory()[1]) if memory else 0
    finally:
        tracemalloc.stop()
    require(not WATCH.seen, f"{WATCH.seen[:1]} was done")
    return outcome, seconds, peak


def _resident(which):
    """Return the bytes that the process has, or has had at most: libraries do not tell Python."""
    with contextlib.suppress(OSError):
        found = re.search(rf"{which}:\s+(\d+) kB", STATUS.read_text())
        return 1024 * int(found[1])
    return 0  # not Linux


def _forget_the_most():
    """Let the most that the process has had be what it has now."""
    with contextlib.suppress(OSError):
        (STATUS.parent / "clear_refs").write_text("5")


def _called(target, folder):
    """Call a target; its own errors are judged, and others go through."""
    try:
        target.read(folder)
    except SvmtrainError as error:
        kind, message = type(error), str(error)
        require(isinstance(error, target.errors), f"{kind.__name__}: {message}")
        require(message == printable(message), f"not for a terminal: {message!r}")
        require(len(error.problem) <= target.message, f"a message of {len(message):,} characters")
        return REFUSED
    return ACCEPTED


def contents(folder):
    """Return everything below a folder: the bytes of files, None for other things."""
    found = {}
    for place, folders, files in os.walk(folder):
        found |= dict.fromkeys(os.path.join(place, name) for name in folders)
        for name in files:
            path = os.path.join(place, name)
            found[path] = Path(path).read_bytes() if os.path.isfile(path) else None
    return found


def _empty(folder):
    """Remove everything from a folder."""
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry)
        else:
            os.unlink(entry)
