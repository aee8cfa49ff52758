"""Dual variables that are lost with a worker, at any call of a training: what is left is true."""

import numpy as np
import pytest
from extent import spread
from shards import in_shards
from small_runs import write_config

from svmtrain.cluster.engine import InProcess

SETTINGS = {"a round an epoch": "batch_size: auto", "several": "batch_size: 13"}


class Losing(InProcess):
    """Shards of which one loses its dual variables before a call of a given number."""

    def __init__(self, at, shard):
        super().__init__()
        self.at, self.shard, self.calls = at, shard, 0

    def each(self, method, each, common=(), rows=()):
        """Lose the variables, where it is time, and call."""
        self.calls += 1
        if self.calls == self.at:
            shard = self.shards[self.shard]
            shard._variables, shard._version, shard._undo = None, -1, None
        return super().each(method, each, common, rows)


def trained(config, at, shard=1):
    """Return a training whose checkpoints, after every epoch, are held to what they claim."""
    return in_shards(config, 3, "checkpoint.every=1 epochs", engine=Losing(at, shard))


def is_true(found):
    """Hold the weights and the bound of a state against its own variables."""
    way, state, problem = found.built.problem.steps, found.state, found.built.problem
    way.collect(state)
    total = way.settling(state)
    point = total.point(problem.objective, len(problem.train))
    assert state.solver.bound <= point.bound(problem.objective.lam_of_column) + 1e-12
    assert np.abs(state.solver.W - point.G / (-2 * problem.objective.lam)).max() < 1e-12
    kept = [shard.variables(way._version).a for shard in found.engine.shards]
    assert np.array_equal(np.concatenate(kept), state.solver.a)


@pytest.mark.parametrize("name", SETTINGS)
def test_variables_lost_at_any_call_leave_a_state_that_proves_its_bound(tmp_path, figures, name):
    """And records whose bound never falls, never passes the optimum, and comes to the gap."""
    more = "objective: {lambda: 0.05}"
    config = write_config(tmp_path, f"name: dual; epochs: 12; {SETTINGS[name]}", more=more)
    whole = trained(config, 0)
    optimum = in_shards(config, 1, "solver.epochs=300", "stop.gap=1e-8").records[-1].objective
    calls = spread(range(1, whole.engine.calls), 12)
    for at in calls:
        found = trained(config, at, at % 3)
        bounds = [record.bound for record in found.records]
        assert bounds == sorted(bounds), at
        assert bounds[-1] <= optimum * (1 + 1e-8), at
        assert len(found.records) == 12
        if at < whole.engine.calls // 3:  # later there are too few rounds to make it good
            assert found.records[-1].gap < whole.records[-1].gap + 0.05, at
        is_true(found)
    figures(f"calls before which variables are lost, {name}", len(calls))


def test_sums_from_before_a_loss_are_not_used_after_it(tmp_path):
    """Variables that are lost between the last round of an epoch and its bound change both."""
    found = in_shards(write_config(tmp_path, "name: dual; epochs: 4; batch_size: auto"), 3)
    way, state, rows = found.built.problem.steps, found.state, len(found.built.problem.train)
    way.step(state, np.arange(rows))
    assert way._total is not None
    shard = found.engine.shards[0]
    shard._variables, shard._version, shard._undo = None, -1, None
    way.collect(state)
    assert way.settle(state)
    is_true(found)
