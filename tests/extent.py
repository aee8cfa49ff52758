"""How far the long tests go: a sample in every run, all of it under `make torture`.

`extent(sample, full)` is the number of points, kills or examples of a test. A test hands what it
reached to the fixture `figures`, and the run under `make torture` ends with a table of them.
"""

import os

TORTURE = os.environ.get("SVMTRAIN_TORTURE") == "1"


def extent(sample, full):
    """Return how many of something a test makes in this run."""
    return full if TORTURE else sample


def spread(things, sample):
    """Return all of a list under torture, and else about `sample` of it, evenly spread."""
    things = list(things)
    stride = 1 if TORTURE else max(1, -(-len(things) // sample))
    return things[::stride]
