"""The proven gap of a run: never wrong, never worse than before, and there after any stop."""

import numpy as np
import pytest
from small_runs import fit_small, start, write_config

from svmtrain.build import build, load_splits
from svmtrain.config import load_config
from svmtrain.errors import ConfigError
from svmtrain.objective.dual import DualPoint
from svmtrain.objective.linear import LinearObjective
from svmtrain.objective.losses import LOSSES
from svmtrain.operations.describe import summary
from svmtrain.training.certificate import Certificate, why_no_bound


def run(folder, *overrides):
    """Fit 60 rows for 8 epochs and return the result."""
    return fit_small(folder, "epochs: 8", *overrides)


@pytest.mark.parametrize("sparse", ["false", "true"])
@pytest.mark.parametrize("bias", ["none", "regularized"])
@pytest.mark.parametrize("loss", LOSSES)
def test_the_bound_only_rises_and_is_below_every_objective(tmp_path, loss, bias, sparse):
    """Every epoch of every loss, dense and sparse, with class weights."""
    result = run(
        tmp_path,
        *(f"objective.loss={loss}", f"objective.bias={bias}", f"data.sparse={sparse}"),
        "objective.class_weight={ash: 2.0, oak: 0.5}",
        "objective.lambda=0.1",
    )
    bounds = [record.bound for record in result.records]
    assert bounds == sorted(bounds)
    assert bounds[-1] <= min(record.objective for record in result.records)
    for record in result.records:
        assert record.gap == (record.objective - record.bound) / record.objective
    assert result.gap < 0.35
    assert f"within {result.gap:.2%} of the optimum" in summary(result)


def test_sparse_and_dense_rows_have_the_same_bound(tmp_path):
    """With a shift, and at 1e-10."""
    bounds = [
        [record.bound for record in run(tmp_path, f"data.sparse={sparse}").records]
        for sparse in ("false", "true")
    ]
    assert bounds[0] == pytest.approx(bounds[1], rel=1e-10)


def test_a_run_ends_when_its_gap_is_proven(tmp_path):
    """The reason says so; the record before was not good enough."""
    result = run(tmp_path, "stop.gap=0.05", "solver.epochs=200", "objective.lambda=0.3")
    assert "proven to be within" in result.outcome.reason
    assert len(result.records) < 200
    assert result.records[-1].gap <= 0.05 < result.records[-2].gap


@pytest.mark.parametrize(
    ("setting", "reason"),
    [("objective.bias=free", "bias is free"), ("objective.lambda=0", "lambda is 0")],
)
def test_without_a_bound_the_reason_is_told(tmp_path, setting, reason):
    """In the summary; and a gap to stop at is refused."""
    settings = (setting, "solver.schedule=constant")
    result = run(tmp_path, *settings)
    assert result.bound is None
    assert {record.gap for record in result.records} == {None}
    assert f"no bound on the optimum: objective.{reason}" in summary(result)
    with pytest.raises(ConfigError, match=f"cannot be proven: objective.{reason}"):
        run(tmp_path, *settings, "stop.gap=0.1")
    assert why_no_bound(LinearObjective(bias="regularized", lam=1.0)) is None


def test_an_epoch_of_steps_is_one_point_of_the_dual(tmp_path):
    """The sums of the steps, each at its own weights, give the bound of the definition."""
    config = load_config(write_config(tmp_path, "averaging: none"))
    built = build(config, load_splits(config))
    problem, state = built.problem, built.start.solver
    certificate = Certificate.begin(*state.parameters, sparse=False)
    G, g, constant, n = 0.0, 0.0, 0.0, len(problem.train)
    for begin in range(0, n, 8):
        rows = np.arange(begin, min(begin + 8, n))
        X, y = problem.train.X[rows], problem.train.y[rows]
        scores = X @ state.W + state.b
        losses, dscores = problem.objective.losses(scores, y)
        G, g = G + X.T @ dscores / n, g + dscores.sum(axis=0) / n
        constant += float((losses - (dscores * scores).sum(axis=1)).sum()) / n
        term = problem.train.term(problem.objective, rows, *state.parameters)
        certificate.add(problem.objective, term)
        problem.solver.descend(state, problem.objective, term)
    lam = problem.objective.lam
    want = DualPoint(G, g, constant).bound(lam)
    assert certificate.close(n, lam, None) == pytest.approx(want, rel=1e-12)
    assert not certificate.sum_W.any()
    assert certificate.points == 1


def test_the_record_of_a_run_without_a_summary_has_the_bound_too(tmp_path):
    """metrics.jsonl holds it, and a resumed run goes on from it."""
    config = write_config(tmp_path, "epochs: 3")
    whole = start(config, "whole", "solver.epochs=6").metrics.read_text().splitlines()
    start(config, "part")
    parts = start(config, "part", "solver.epochs=6", resume=True).metrics.read_text().splitlines()
    bounds = [[line.split('"bound": ')[1] for line in lines] for lines in (whole, parts)]
    assert bounds[0] == bounds[1]
