"""Fresh processes, all with the same environment, and measurements of several in turn."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parent.parent
THREADS = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
TUNING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OPENBLAS_VERBOSE", "MKL_DEBUG_CPU_TYPE")
"""Variables that change which kernels a library picks: nobody has them."""

Result = TypeVar("Result")


class ChildFailedError(Exception):
    """A process ended with an error; the message is the end of what it said."""


def environment(threads: int = 1) -> dict[str, str]:
    """Return the environment of every measured process."""
    kept = {name: value for name, value in os.environ.items() if name not in TUNING}
    kept.update({name: str(threads) for name in THREADS})
    kept["PYTHONPATH"] = str(ROOT)
    kept["PYTHONWARNINGS"] = "ignore"
    return kept


def run(command: list[str], folder: Path, limit: float = 3600) -> tuple[str, float]:
    """Run a command to its end; return what it printed and the seconds that it took."""
    began = time.time()
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ChildFailedError(f"no end after {limit:.0f} s") from None
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise ChildFailedError(lines[-1] if lines else f"exit code {done.returncode}")
    return done.stdout, time.time() - began


def ask(module: str, spec: Mapping[str, Any], limit: float = 3600) -> dict[str, Any]:
    """Run a module with a specification in a fresh process; return the JSON that it prints last."""
    told = json.dumps({**spec, "started": time.time()})
    printed, wall = run([sys.executable, "-m", module, told], ROOT, limit)
    answer: dict[str, Any] = json.loads(printed.strip().splitlines()[-1])
    return {**answer, "wall": wall}


def in_turn(
    runners: Mapping[str, Callable[[], Result]], repeats: int, say: Callable[[str], None]
) -> dict[str, list[Result]]:
    """Run each of some runners, then each again; one that fails is named and left out."""
    found: dict[str, list[Result]] = {name: [] for name in runners}
    for _ in range(repeats):
        for name, runner in runners.items():
            if name not in found:
                continue
            try:
                found[name].append(runner())
            except ChildFailedError as error:
                say(f"{name} is left out: {error}")
                del found[name]
    return found


def installed(package: str) -> bool:
    """Return whether a package can be imported here."""
    return importlib.util.find_spec(package) is not None


def peak_bytes() -> int:
    """Return the most memory that this process has had resident so far."""
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            line = next(line for line in file if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
