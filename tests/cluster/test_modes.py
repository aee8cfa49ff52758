"""The three ways of training over shards, all in this process: what they compute."""

import itertools

import numpy as np
import pytest
from shards import alone, in_shards
from small_runs import write_config

from svmtrain.objective.dual import DualPoint
from svmtrain.solvers.dual import DualState

CLOSE = 1e-10
SOLVERS = {
    "plain": "averaging: none; schedule: constant",
    "averaged": "averaging: polyak; epochs: 3",
    "momentum": "momentum: 0.9; nesterov: true; schedule: cosine",
    "float32": "dtype: float32",
    "searched": "lr: auto",
    "once": "shuffle: once; batch_size: 7",
}
OBJECTIVES = {
    "squared": "objective: {loss: weston_watkins_squared, class_weight: balanced}",
    "worst": "objective: {loss: crammer_singer, bias: none}\npreprocess: {row_norm: l2}",
    "rest": "objective: {loss: one_vs_rest, delta: 0.5}\npreprocess: {scale: minmax}",
    "free": "objective: {bias: free}",
}
SPARSE = "data.sparse=true"


def both(folder, shards, solver="", *overrides, more=""):
    """Return a training on one machine and one in shards."""
    config = write_config(folder, solver, more=more)
    return alone(config, *overrides), in_shards(config, shards, *overrides)


def same_path(one, other, within=CLOSE):
    """Hold every figure of every epoch of two trainings against each other."""
    assert len(one.figures) == len(other.figures) > 0
    for mine, theirs in zip(one.figures, other.figures, strict=True):
        for a, b in zip(mine, theirs, strict=True):
            assert (a is None) == (b is None)
            assert a is None or abs(a - b) <= within * max(1, abs(a))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("shards", [1, 3])
def test_sync_has_the_objective_path_of_one_machine(tmp_path, solver, shards):
    """Whatever the number of shards: only the order of sums differs."""
    one, other = both(tmp_path, shards, SOLVERS[solver])
    same_path(one, other, 1e-5 if solver == "float32" else CLOSE)
    assert one.built.lr == other.built.lr


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_sync_has_the_path_of_every_objective(tmp_path, objective):
    """Losses, biases, class weights, scalings and norms."""
    same_path(*both(tmp_path, 4, more=OBJECTIVES[objective]))


def test_sync_has_the_path_of_two_classes(tmp_path):
    """One column stands for both."""
    table = tmp_path / "train.csv"
    write_config(tmp_path)
    table.write_text(table.read_text().replace("ash", "elm"))
    one, other = both(tmp_path, 3)
    assert one.state.solver.W.shape[1] == 1
    same_path(one, other)


@pytest.mark.parametrize("scale", ["standard", "none", "maxabs"])
def test_sync_has_the_path_of_sparse_rows(tmp_path, scale):
    """One machine steps lazily, a cluster does not: the iterates are the same."""
    one, other = both(tmp_path, 3, "", SPARSE, f"preprocess.scale={scale}")
    assert one.splits.train.sparse
    assert other.splits.train.sparse
    same_path(one, other)


def test_the_weights_are_those_of_one_machine(tmp_path):
    """Not the figures alone."""
    one, other = both(tmp_path, 5)
    for mine, theirs in zip(one.state.solver.weights, other.state.solver.weights, strict=True):
        assert np.abs(mine - theirs).max() < CLOSE


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("solver", ["plain", "averaged"])
def test_local_steps_of_one_shard_are_those_of_one_machine(tmp_path, solver, sparse):
    """With one shard there is nothing to average."""
    words = ["cluster.mode=local", "cluster.interval=3", *([SPARSE] if sparse else [])]
    one, other = both(tmp_path, 1, f"{SOLVERS[solver]}; batch_size: 6", *words)
    same_path(one, other)


def reference_round(parts, W, b, objective, rate, first, batch):
    """Make the local steps of each part in slow loops; return their weights, and how many rows."""
    found = []
    for X, y in parts:
        V, c = W.copy(), b.copy()
        for step, start in enumerate(range(0, len(y), batch)):
            some = slice(start, start + batch)
            _, dW, db = objective.value_and_gradient(X[some], y[some], V, c)
            V, c = V - rate(first + step) * dW, c - rate(first + step) * db
        found.append((V, c, len(y)))
    return found


@pytest.mark.parametrize("sparse", [False, True])
def test_local_weights_are_the_mean_by_rows_of_those_of_the_shards(tmp_path, sparse):
    """Against loops written from the definition, over the rows as one machine scales them."""
    words = ["cluster.mode=local", "cluster.interval=2", *([SPARSE] if sparse else [])]
    solver = "averaging: none; schedule: pegasos; epochs: 2; batch_size: 5; shuffle: none"
    one, other = both(tmp_path, 3, solver, *words)
    rows, objective = one.built.problem.train, one.built.problem.objective
    X, y = rows.batch(np.arange(len(rows)))
    X = X.toarray() if sparse else X.copy()
    rate = one.built.problem.solver.rate
    bounds, n = [len(y) * k // 3 for k in range(4)], len(y)
    W, b, step, first = np.zeros((X.shape[1], 3)), np.zeros(3), 0, 0
    size = other.built.problem.batch_size
    assert size == 5 * 2 * 3
    for _ in range(2):
        for start in range(0, n, size):
            taken = np.arange(start, min(n, start + size))
            held = [taken[(taken >= bounds[k]) & (taken < bounds[k + 1])] for k in range(3)]
            parts = [(X[rows], y[rows]) for rows in held if len(rows)]
            moved = reference_round(parts, W, b, objective, rate, first + start // 15, 5)
            W = sum(V * count for V, _, count in moved) / len(taken)
            b = sum(c * count for _, c, count in moved) / len(taken)
            step += 1
        first += -(-n // 15)
    assert other.state.solver.step == step
    assert np.abs(other.state.solver.W - W).max() < CLOSE
    assert np.abs(other.state.solver.b - b).max() < CLOSE


@pytest.mark.parametrize("words", [(), (SPARSE,), ("solver.momentum=0.5",)])
def test_local_is_determined_by_seed_and_shards(tmp_path, words):
    """Twice the same records to the last bit, and others by another seed or number of shards."""
    config = write_config(tmp_path, "batch_size: 4")
    words = ["cluster.mode=local", "cluster.interval=2", *words]
    told = in_shards(config, 3, *words).told
    assert in_shards(config, 3, *words).told == told
    assert in_shards(config, 2, *words).told != told
    assert in_shards(config, 3, *words, "solver.seed=1").told != told


@pytest.fixture(scope="module")
def optimum(tmp_path_factory):
    """The least objective of the small table for lambda 0.05, by dual ascent on one machine."""
    more = "objective: {lambda: 0.05}"
    config = write_config(tmp_path_factory.mktemp("best"), "name: dual; epochs: 400", more=more)
    return alone(config, "stop.gap=1e-9", "solver.batch_size=auto").records[-1].objective


@pytest.mark.parametrize("mode", ["sync", "local", "dual"])
@pytest.mark.parametrize("sparse", [False, True])
def test_the_bound_is_below_every_objective(tmp_path, optimum, mode, sparse):
    """It adds up over shards in every mode: it is one on the optimum, which dual ascent finds."""
    config = write_config(tmp_path, "epochs: 60; batch_size: 6", more="objective: {lambda: 0.05}")
    words = [SPARSE] if sparse else []
    words += [f"cluster.mode={mode}", "cluster.interval=3"]
    words += ["solver.name=dual", "solver.batch_size=auto"] if mode == "dual" else []
    found = in_shards(config, 3, *words)
    bounds = [record.bound for record in found.records]
    assert all(bound <= optimum * (1 + 1e-9) for bound in bounds)
    assert bounds == sorted(bounds)
    assert all(record.objective >= optimum * (1 - 1e-9) for record in found.records)
    assert found.records[-1].gap < {"sync": 0.05, "local": 0.2, "dual": 0.01}[mode]


@pytest.mark.parametrize("objective", ["squared", "worst", "rest"])
@pytest.mark.parametrize("mode", ["local", "dual"])
@pytest.mark.parametrize("words", [(), (SPARSE,)], ids=["dense", "sparse"])
def test_the_bound_of_every_objective_is_below_its_optimum(tmp_path, mode, objective, words):
    """Squared losses, class weights, scalings and norms; two of three classes made one."""
    config = write_config(tmp_path, "epochs: 8; batch_size: 6", more=OBJECTIVES[objective])
    if objective == "squared":
        table = tmp_path / "train.csv"
        table.write_text(table.read_text().replace("ash", "elm"))
    dual = ["solver.name=dual", "solver.batch_size=auto"]
    best = alone(config, *dual, "solver.epochs=150").records[-1].objective
    words = [*words, f"cluster.mode={mode}", "cluster.interval=2"]
    found = in_shards(config, 3, *words, *(dual if mode == "dual" else []))
    bounds = [record.bound for record in found.records]
    assert all(bound <= best * (1 + 1e-9) for bound in bounds)
    assert bounds[-1] > 0
    assert bounds == sorted(bounds)


@pytest.mark.parametrize("mode", ["sync", "local", "dual"])
def test_a_gap_that_is_proven_ends_the_training(tmp_path, mode):
    """`stop.gap` works in every mode."""
    config = write_config(tmp_path, "epochs: 400; batch_size: 6", more="objective: {lambda: 0.05}")
    words = [f"cluster.mode={mode}", "stop.gap=0.1", "cluster.interval=2"]
    found = in_shards(config, 3, *words, *(["solver.name=dual"] if mode == "dual" else []))
    assert found.records[-1].gap <= 0.1 < found.records[-2].gap
    assert "proven to be within" in found.outcome.reason


@pytest.mark.parametrize("loss", ["weston_watkins", "weston_watkins_squared", "crammer_singer"])
@pytest.mark.parametrize("shards", [1, 2, 8])
def test_the_dual_rises_with_every_round(tmp_path, loss, shards):
    """Updates of all shards add up and never overshoot: that is what the scaling is safe for."""
    config = write_config(
        tmp_path, "name: dual; epochs: 12; batch_size: auto", more="objective: {lambda: 0.01}"
    )
    worth = []

    class Watched(type(in_shards(config, 1).engine)):
        """Keeps the value of the dual after every round."""

        def each(self, method, each, common=(), rows=()):
            found = super().each(method, each, common, rows)
            if method == "ascend":
                totals = [change.total for change in found]
                G, g = sum(one.G for one in totals), sum(one.g for one in totals)
                n, constant = sum(rows), sum(one.worth for one in totals)
                worth.append(DualPoint(G / n, g / n, constant / n).bound(0.01))
            return found

    in_shards(config, shards, f"objective.loss={loss}", engine=Watched())
    assert len(worth) == 12
    assert all(later >= before - 1e-12 for before, later in itertools.pairwise(worth))
    assert worth[-1] > worth[0]


def test_several_rounds_an_epoch_end_where_their_variables_say(tmp_path):
    """Weights after rounds that return changes are those that the variables add up to."""
    config = write_config(tmp_path, "name: dual; epochs: 5; batch_size: 10")
    found = in_shards(config, 3)
    way, state = found.built.problem.steps, found.state
    assert state.solver.step > 5
    before = state.solver.W.copy()
    way.collect(state)
    total = way.settling(state)
    total.close(state.solver, found.built.problem.objective)
    assert np.abs(state.solver.W - before).max() < 1e-12


def test_a_round_is_the_bytes_of_its_repetition(tmp_path):
    """A shard that is asked for the same version again goes back on what it did."""
    found = in_shards(write_config(tmp_path, "name: dual; epochs: 2; batch_size: auto"), 2)
    shard, state = found.engine.shards[0], found.state.solver
    version, rows = shard._version, np.arange(10)
    first = shard.ascend(version, rows, False, state.W, state.b)
    kept = shard.variables(version + 1).a.copy()
    again = shard.ascend(version, rows, False, state.W, state.b)
    assert np.array_equal(first.W, again.W)
    assert np.array_equal(shard.variables(version + 1).a, kept)
    assert shard.ascend(version + 7, rows, False, state.W, state.b) is None
    assert not shard.has(version - 1)


def test_variables_that_are_collected_are_those_of_the_weights(tmp_path):
    """The state that a checkpoint has is whole: one machine would go on from it."""
    found = in_shards(write_config(tmp_path, "name: dual; epochs: 3; batch_size: auto"), 3)
    state = found.state
    one = alone(write_config(tmp_path, "name: dual; epochs: 3; batch_size: auto"))
    W = state.solver.W.copy()
    assert isinstance(state.solver, DualState)
    one.state.solver.a[:] = state.solver.a
    one.built.problem.steps.settle(one.state)
    assert np.abs(one.state.solver.W - W).max() < 1e-12
