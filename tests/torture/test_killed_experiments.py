"""Kill -9 of experiments at random moments: the same command goes on to the same end."""

import random
import signal
import time

import pytest
from extent import extent, spread
from real_runs import begin, ended
from small_experiments import write_learnable
from small_runs import QUIET

from svmtrain.config import load_config
from svmtrain.experiments.sweep import Plan, sweep
from svmtrain.runs.directory import RunDirectory

GRID = ("objective.lambda=0.3,0.1,0.03", "solver.averaging=none,tail")
SECONDS = 1.5


def left(folder):
    """Return the models of a sweep, and its leaderboard without times."""
    runs = sorted((folder / "runs").iterdir())
    lines = (folder / "leaderboard.csv").read_text().splitlines()
    models = {run.name: RunDirectory(run).model.read_bytes() for run in runs}
    return models, [line.rpartition(",")[0] for line in lines]


@pytest.mark.parametrize("how", spread([(), ("--halving", "--eta", "2")], 1))
def test_a_killed_sweep_goes_on_to_the_same_end(tmp_path, figures, how):
    """However often it is killed; what works for it ends by itself."""
    config = load_config(write_learnable(tmp_path, f"epochs: {extent(10, 400)}"))
    sweep(config, tmp_path / "whole", QUIET, Plan(GRID, halving=bool(how), eta=2), jobs=1)
    grid = [word for one in GRID for word in ("--grid", one)]
    words = ("sweep", "c.yaml", *grid, *how, "--jobs", "2", "--out", "killed", "-q")
    chance, kills = random.Random(len(how)), 0
    for _ in range(extent(1, 40)):
        process = begin(tmp_path, *words)
        time.sleep(SECONDS * chance.random())
        kills += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
    done = ended(begin(tmp_path, *words))
    assert (done.returncode, done.stderr) == (0, "")
    assert left(tmp_path / "killed") == left(tmp_path / "whole")
    figures("kills of a sweep" + " with halving" * bool(how), kills)
