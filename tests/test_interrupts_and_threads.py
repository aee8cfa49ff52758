"""Signals as a flag, and the threads of the linear algebra."""

import os
import subprocess
import sys

from svmtrain import threads

TWICE = """
import os, signal, time
from svmtrain import interrupts
with interrupts.watching():
    os.kill(os.getpid(), signal.SIGINT)
    assert interrupts.pending() == signal.SIGINT
    print("first", flush=True)
    os.kill(os.getpid(), signal.SIGINT)
    print("second", flush=True)
"""


def test_a_second_sigint_ends_the_process_at_once():
    """The first is a flag; the second does not wait for anybody to look at it."""
    done = subprocess.run(
        [sys.executable, "-c", TWICE], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (130, "first\n")


def test_the_threads_are_set_before_numpy_is_imported(monkeypatch):
    """Every variable that a linear algebra listens to, and whether it was in time."""
    for name in threads.VARIABLES:
        monkeypatch.setenv(name, "7")
    assert threads.limit(threads.resolve("auto")) is ("numpy" not in sys.modules)
    assert {os.environ[name] for name in threads.VARIABLES} == {"1"}
    assert threads.in_force() == "1"
    assert threads.resolve(3) == 3
