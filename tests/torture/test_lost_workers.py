"""Kill -9 of workers at random moments: what they had in hand comes to the same end."""

import pytest
from extent import extent
from small_experiments import write_learnable
from workers import Killer, local_cluster

from svmtrain import threads
from svmtrain.cli import main

GRID = ("--grid", "objective.lambda=0.3,0.1", "--grid", "solver.seed=0,1,2")


def left(folder):
    """Return the models of a sweep, and its leaderboard without times."""
    models = {path.parent.name: path.read_bytes() for path in folder.glob("runs/*/model.npz")}
    lines = (folder / "leaderboard.csv").read_text().splitlines()
    return models, [line.rpartition(",")[0] for line in lines]


def test_workers_killed_at_random_change_no_result(tmp_path, monkeypatch, figures, capfd):
    """A run that lost too many is told to have failed; the same command then goes on with it."""
    pytest.importorskip("distributed")
    for name in threads.VARIABLES:
        monkeypatch.setenv(name, "1")
    monkeypatch.chdir(tmp_path)
    write_learnable(tmp_path, f"epochs: {extent(5, 150)}")
    assert main(["sweep", "c.yaml", *GRID, "--out", "whole", "-q", "--jobs", "1"]) == 0
    kills, calls, codes = 0, 0, [1]
    with local_cluster(2) as cluster:
        words = ("sweep", "c.yaml", *GRID, "--out", "killed", "--cluster")
        with Killer(cluster, extent(1, 8), 8, (0.1, extent(0.4, 1.5))) as killer:
            while codes[-1] == 1 and calls < 60:
                codes.append(main([*words, cluster.scheduler_address, "-q"]))
                calls += 1
        kills = killer.kills
    assert codes[-1] == 0, capfd.readouterr().err
    assert set(codes) <= {0, 1}
    assert left(tmp_path / "killed") == left(tmp_path / "whole")
    figures("kills of the workers of a sweep", kills)
    figures("calls until it was done", calls)
