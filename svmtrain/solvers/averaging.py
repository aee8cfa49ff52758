"""Averaging of the iterates: the share that the newest weights take in the running mean.

To add a rule, write a function of the number of iterates averaged so far (the newest included)
and enter it in `AVERAGING`.
"""

from __future__ import annotations

from collections.abc import Callable

TAIL_ETA = 8


def polyak(count: int) -> float:
    """Return 1/count: all iterates weigh the same.

    Source: Polyak and Juditsky (1992).
    """
    return 1 / count


def tail(count: int) -> float:
    """Return (eta + 1) / (count + eta): iterate t weighs about t^eta, so the tail of the run.

    The early iterates are forgotten without a horizon being known, so a run can be prolonged.

    Source: Shamir and Zhang (2013), polynomial-decay averaging; eta is `TAIL_ETA`.
    """
    return (TAIL_ETA + 1) / (count + TAIL_ETA)


AVERAGING: dict[str, Callable[[int], float]] = {"polyak": polyak, "tail": tail}
