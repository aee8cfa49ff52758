"""Kill -9 of the real command, again and again: what it ends with is what it would have been."""

import contextlib
import random
import shutil
import signal
import time

import pytest
from extent import extent
from real_runs import (
    begin,
    ended,
    leftovers,
    length_of,
    outcome_of,
    phase_of,
    told,
    wait_for,
    wait_until,
)
from small_runs import write_config

from svmtrain.files import TEMPORARY_SUFFIX

GOING_ON = ("fit", "c.yaml", "--resume", "-q")
QUICK = 0.0003
DONE = "after the model"
WHOLE = ("fit", "c.yaml", "-q", "--name", "whole")


def there(folder, pattern):
    """Return the files of a pattern below a folder, each as its place and its inode."""
    found = set()
    for path in folder.rglob(pattern):
        with contextlib.suppress(FileNotFoundError):
            found.add((path, path.stat().st_ino))
    return found


def moments(folder, seconds, chance):
    """Yield for ever what waits for a kill: three in five at random, the others aimed.

    Each takes a process and returns False when that ended first.
    """

    def at_random(process):
        return wait_until(time.monotonic() + 1.1 * seconds * chance.random(), process)

    def in_a_write(process, pattern="*" + TEMPORARY_SUFFIX):
        seen, which = there(folder, pattern), chance.randrange(1, 4)

        def found():
            new = there(folder, pattern) - seen
            seen.update(new)
            found.count += len(new)
            return new and found.count >= which

        found.count = 0
        return wait_for(found, process, QUICK)

    def after_a_model(process):
        before = there(folder, "model.npz")
        return wait_for(lambda: there(folder, "model.npz") - before, process, QUICK)

    while True:
        yield from (at_random, in_a_write, at_random, after_a_model, at_random)


def killed(kills, here, seconds, chance):
    """Kill sessions until there are enough kills; return the outcomes of runs, and the phases.

    A run that came to its end in between is begun anew, so that kills fall everywhere; one that
    has its model already is killed no more, or again, by chance.
    """
    folder, outcomes, phases = here / "runs" / "c", [], []
    waits = moments(folder, seconds, chance)
    while True:
        process = begin(here, *GOING_ON)
        spared = len(phases) == kills or (phases[-1:] == [DONE] and chance.random() < 0.4)
        if not spared and next(waits)(process):
            process.kill()
        done = ended(process)
        if done.returncode == -signal.SIGKILL:
            phases.append(phase_of(folder))
            continue
        assert done.returncode == 0, done.stderr
        assert not leftovers(folder)
        outcomes.append(outcome_of(folder))
        if len(phases) == kills:
            return outcomes, phases
        shutil.rmtree(folder)


def all_the_same(here, kills, figures, name):
    """Assert that a command killed so often ends as one that nobody disturbed."""
    seconds = length_of(here, *WHOLE)
    outcomes, phases = killed(kills, here, seconds, random.Random(name))
    whole = outcome_of(here / "runs" / "whole")
    assert outcomes == [whole] * len(outcomes)
    assert len(phases) == kills
    figures(f"{name}: kills", told(phases))
    different = len({repr(one) for one in (whole, *outcomes)})
    figures(f"{name}: finished runs, different outcomes", f"{len(outcomes)}, {different}")
    return whole


@pytest.mark.parametrize(
    ("name", "settings", "every", "kills"),
    [
        ("every epoch", "epochs: 90; batch_size: 1; momentum: 0.5", "1 epochs", (2, 100)),
        ("every step", "epochs: 9; batch_size: 4; averaging: tail", "1 steps", (2, 40)),
    ],
)
def test_a_run_killed_again_and_again_ends_in_the_same_bytes(
    tmp_path, figures, name, settings, every, kills
):
    """Kill -9 at moments spread over start, training, saving and the end; then let it finish."""
    write_config(tmp_path, settings, more=f"checkpoint: {{every: {every}}}")
    all_the_same(tmp_path, extent(*kills), figures, name)


def test_a_path_killed_again_and_again_ends_in_the_same_bytes(tmp_path, figures):
    """Kill -9 in and between its runs; then let it finish."""
    lambdas = "objective: {lambda: [0.1, 0.03, 0.01]}"
    write_config(tmp_path, "name: dual; epochs: 20", more=lambdas)
    _, models, _ = all_the_same(tmp_path, extent(2, 30), figures, "path")
    assert len(models) == 3
