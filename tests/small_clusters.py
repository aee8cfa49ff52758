"""What the tests of clusters share."""

import time


def until(true, seconds=30):
    """Wait until something is true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
