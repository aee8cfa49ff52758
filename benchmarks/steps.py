"""How long svmtrain's training steps take, apart from the measuring at the end of each epoch.

A training tells its progress after each step; here that is a clock. The rest is `fit` as it is.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from svmtrain.config import parse_config
from svmtrain.operations import fit as fitting
from svmtrain.operations.job import Session


class Clock:
    """A progress that notes when which step was done."""

    def __init__(self) -> None:
        self.epochs: list[list[tuple[int, float]]] = [[]]

    def step(self, state: Any) -> None:
        """Note a step."""
        self.epochs[-1].append((state.solver.step, time.perf_counter()))

    def epoch(self, record: Any) -> None:
        """Begin the next epoch."""
        self.epochs.append([])

    def close(self) -> None:
        """Do nothing: there is nothing to close."""

    def a_step(self, number: int) -> float:
        """Return the mean seconds a step of an epoch, over all its steps but the first."""
        (first, began), (last, ended) = self.epochs[number][0], self.epochs[number][-1]
        return (ended - began) / (last - first)


def timed_fit(settings: Mapping[str, Any]) -> tuple[list[float], list[float]]:
    """Train; return the mean seconds a step of each epoch, and the seconds of each epoch.

    Parameters
    ----------
    settings : mapping
        A config: section, key, value. The run directory is a temporary one.
    """
    clock = Clock()
    usual = fitting.make_progress
    fitting.make_progress = lambda *given, **named: clock
    try:
        with tempfile.TemporaryDirectory() as folder:
            output = {"dir": folder, "name": "timed"}
            config = parse_config(json.dumps({**settings, "output": output}))
            result = fitting.fit(config, Session(say=lambda text: None, quiet=True))
    finally:
        fitting.make_progress = usual
    ends = [0.0, *(record.seconds for record in result.records)]
    whole = [after - before for before, after in pairwise(ends)]
    return [clock.a_step(number) for number in range(len(result.records))], whole
