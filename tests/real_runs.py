"""The real command as a process that others disturb, and what must be left of a run then."""

import contextlib
import hashlib
import subprocess
import time
from collections import Counter

from small_runs import command, environment, records_of, write_config

from svmtrain.checkpoint import load
from svmtrain.files import TEMPORARY_SUFFIX
from svmtrain.runs.path import runs_of

LIMIT = 120
"""Seconds that any of these processes may take on a busy machine before a test gives up."""


def begin(here, *words, prefix=(), **options):
    """Start the real command; a prefix is what runs it elsewhere, as in a network namespace."""
    pipes = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
    settings = {**pipes, "text": True, "cwd": here, "env": environment(), **options}
    return subprocess.Popen([*prefix, *command(*words)], **settings)


def ended(process):
    """Return what became of a process: code, stdout and stderr."""
    out, err = process.communicate(timeout=LIMIT)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def wait_for(condition, process, pause=0.002):
    """Wait until something is the case while a process works; False when it ended before."""
    while process.poll() is None:
        if condition():
            return True
        time.sleep(pause)
    return False


def wait_until(moment, process):
    """Wait until a moment of the monotonic clock; False when the process ended before."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(max(0.0, moment - time.monotonic()))
        return False
    return True


def length_of(here, *words):
    """Run the real command undisturbed, and return how many seconds it took."""
    started = time.monotonic()
    done = ended(begin(here, *words))
    assert done.returncode == 0, done.stderr
    return time.monotonic() - started


def undisturbed_run(here, solver):
    """Train in a folder where nobody disturbs; return the outcome and the seconds it took."""
    write_config(here, solver)
    seconds = length_of(here, "fit", "c.yaml", "-q")
    return outcome_of(here / "runs" / "c"), seconds


def steps_of(run):
    """Return the newest step that was saved."""
    names = [path.name for path in run.checkpoint_files()]
    return int(names[0][5:-4]) if names else -1


def leftovers(folder):
    """Return the temporary files below a folder."""
    return list(folder.rglob(f"*{TEMPORARY_SUFFIX}"))


def outcome_of(folder):
    """Return what must not depend on a disturbance: digests of models, and the records.

    The folder is that of a run, or of a path of several.
    """
    runs = runs_of(folder)
    models = [hashlib.sha256(run.model.read_bytes()).hexdigest() for run in runs]
    return [run.path.name for run in runs[1:]], models, [records_of(run) for run in runs]


def phase_of(folder):
    """Return where in its course a run, or a path, was stopped."""
    runs = runs_of(folder)
    if not any(run.exists() for run in runs):
        return "before the run"
    if leftovers(folder):
        return "inside a write"
    newest = runs[-1]
    if newest.model.exists():
        return "after the model"
    return "training" if newest.checkpoint_files() else "before a save"


def told(phases):
    """Return counts of phases as the figure of a test."""
    counts = Counter(phases)
    return f"{counts.total()} ({', '.join(f'{n} {name}' for name, n in sorted(counts.items()))})"


def intact(run):
    """Assert that every checkpoint of a run verifies; return their steps."""
    return [load(path).state.solver.step for path in run.checkpoint_files()]
