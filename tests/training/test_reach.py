"""What validation accuracy is out of reach: never too little, and told by a run that gives up."""

import math

import numpy as np
import pytest
from small_experiments import write_learnable
from small_paths import stopped
from small_runs import QUIET, results, settings_of, start

from svmtrain.build import build, load_splits
from svmtrain.config import load_config
from svmtrain.errors import ConfigError
from svmtrain.model import load_model
from svmtrain.objective.losses import LOSSES
from svmtrain.operations.fit import fit
from svmtrain.operations.verify import verify
from svmtrain.runs.catalogue import read_records
from svmtrain.runs.directory import RunDirectory
from svmtrain.training.reach import _centre, reachable

SGD, DUAL = "epochs: 6; lr: 0.5", "name: dual; epochs: 2"
CHEAP = ("checkpoint.every=none", "solver.gradcheck=false")
FAR = ("solver.name=dual", "solver.epochs=400", "stop.gap=1e-6", *CHEAP)


def trained(folder, name, *overrides):
    """Return what a run was built of, the state it ended with, its lowest objective and bound."""
    run = start(folder / "c.yaml", name, "data.validation=0.4", *CHEAP, *overrides)
    config = load_config(run.config)
    records = read_records(run)
    state = run.latest_checkpoint()[0].state
    lowest = min(record.objective for record in records)
    return build(config, load_splits(config)), state, lowest, records[-1].bound


def most(built, state, lowest, bound):
    """Return the accuracy on validation rows that is not proven to be out of reach."""
    problem = built.problem
    return reachable(problem.objective, problem.validation, state, lowest, bound)


def accuracy(built, W, b):
    """Return the validation accuracy of weights, as the loop measures it."""
    term = built.problem.validation.measure(built.problem.objective, W, b)
    return term.correct / term.count


CASES = [
    (SGD, "weston_watkins", "regularized", "false", "float64", 3),
    (SGD, "crammer_singer_squared", "none", "true", "float64", 2),
    (SGD, "one_vs_rest", "regularized", "true", "float32", 3),
    *((DUAL, loss, "regularized", "false", "float64", 3) for loss in LOSSES if "one" not in loss),
    (DUAL, "weston_watkins", "none", "true", "float64", 2),
    (DUAL, "one_vs_rest_squared", "regularized", "true", "float32", 2),
]


@pytest.mark.parametrize(("solver", "loss", "bias", "sparse", "dtype", "classes"), CASES)
def test_no_weights_as_good_as_the_best_so_far_are_more_accurate(
    tmp_path, solver, loss, bias, sparse, dtype, classes
):
    """Not the optimum, and none of those drawn at random around it with such an objective."""
    path = write_learnable(tmp_path, solver)
    if classes == 2:
        table = tmp_path / "train.csv"
        table.write_text(table.read_text().replace("oak", "elm"))
    same = [f"objective.loss={loss}", f"objective.bias={bias}", "objective.lambda=0.1"]
    near = trained(tmp_path, "near", *same, f"data.sparse={sparse}", f"solver.dtype={dtype}")
    built, state, lowest, bound = near
    reach = most(*near)
    optimum = load_model(start(path, "far", "data.validation=0.4", *same, *FAR).model)
    objective, rows = built.problem.objective, built.problem.train
    W, b = (a.astype(dtype) for a in objective.narrow(optimum.W, optimum.b))
    assert accuracy(built, W, b) <= reach
    centre, shift = _centre(objective, state)
    radius = math.sqrt((lowest - bound) / objective.lam) + 1e-3 * (dtype == "float32")
    random, inside = np.random.default_rng(0), 0
    for scale in (0.003, 0.01, 0.03, 0.1, 0.3) * 6:
        V = (W + scale * random.normal(0, radius, W.shape)).astype(dtype)
        a = b if bias == "none" else (b + scale * random.normal(0, radius, b.shape)).astype(dtype)
        term = rows.measure(objective, V, a)
        if term.loss / term.count + objective.penalty(V, a) > lowest:
            continue
        inside += 1
        away = np.vdot(V - centre, V - centre) + np.vdot(a - shift, a - shift)
        assert math.sqrt(objective.copies * away) <= radius * (1 + 1e-6)
        assert accuracy(built, V, a) <= reach
    assert inside > 3


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("solver", [SGD, DUAL])
def test_the_bound_is_the_lowest_point_of_a_parabola_below_the_objective(tmp_path, solver, classes):
    """Its place and its width are those of the sum of all tangents: nowhere above P."""
    write_learnable(tmp_path, solver)
    if classes == 2:
        table = tmp_path / "train.csv"
        table.write_text(table.read_text().replace("oak", "elm"))
    built, state, _, bound = trained(tmp_path, "run", "objective.lambda=0.1")
    objective, rows, random = built.problem.objective, built.problem.train, np.random.default_rng(0)
    (C, c), k = _centre(objective, state), objective.copies
    for scale in (0.0, 0.01, 0.1, 1.0, 10.0) * 4:
        W, b = C + scale * random.normal(size=C.shape), c + scale * random.normal(size=c.shape)
        squares = np.vdot(W - C, W - C) + np.vdot(b - c, b - c)
        parabola = bound + 0.1 * k * squares
        term = rows.measure(objective, W, b)
        assert parabola <= (term.loss / term.count + objective.penalty(W, b)) * (1 + 1e-12)
        if state.certificate is not None:
            G, g = state.certificate.best_W, state.certificate.best_b
            tangents = state.certificate.best_constant + k * (np.vdot(G, W) + np.vdot(g, b))
            assert parabola == pytest.approx(tangents + objective.penalty(W, b), rel=1e-10)


@pytest.mark.parametrize("sparse", ["false", "true"])
def test_what_is_in_reach_comes_down_to_the_accuracy_of_the_optimum(tmp_path, sparse):
    """All rows while nothing is proven, and those that the optimum has right in the end."""
    write_learnable(tmp_path)
    same = ("objective.lambda=0.1", f"data.sparse={sparse}")
    first = trained(tmp_path, "first", *same, "solver.epochs=1")
    last = trained(tmp_path, "last", *same, *FAR)
    assert most(*first) == 1.0
    assert most(*last) == accuracy(last[0], *last[1].solver.weights) < 1
    assert most(last[0], last[1], last[3] + 10, last[3]) == 1.0


def test_a_row_counts_when_some_weights_within_the_radius_label_it_right(tmp_path):
    """With two classes: those that lean towards it as far as the proof allows, and no others."""
    path = write_learnable(tmp_path)
    table = tmp_path / "train.csv"
    table.write_text(table.read_text().replace("oak", "elm"))
    built, state, _, bound = trained(tmp_path, path.stem, "objective.lambda=0.1", *FAR)
    W, b = built.problem.objective.widen(*_centre(built.problem.objective, state))
    X, y = built.problem.validation.batch(np.arange(len(built.problem.validation)))
    X, W, found = np.column_stack([X, np.ones(len(y))]), np.vstack([W, b]), set()
    for above in np.geomspace(1e-6, 0.1, 16):
        radius, right = math.sqrt(above / 0.1), 0
        for x, own in zip(X, y, strict=True):
            lean = np.outer(x, [1.0, -1.0] if own == 0 else [-1.0, 1.0])
            scores = x @ (W + radius * lean / np.sqrt(np.vdot(lean, lean)))
            right += scores[own] >= scores[1 - own]
        assert most(built, state, bound + above, bound) == right / len(y)
        found.add(right)
    assert len(found) > 2


def test_a_run_gives_up_what_is_proven_to_be_out_of_reach(tmp_path, monkeypatch):
    """Before its gap says so; stopped anywhere and gone on with it ends the same; it verifies."""
    path = write_learnable(tmp_path, "name: dual; epochs: 400")
    same = ("data.validation=0.4", "objective.lambda=0.1", *CHEAP)
    full = start(path, "full", *same, "stop.gap=1e-7")
    reached = full.read_info()["chosen"]["validation_accuracy"]
    given_up = (*same, "stop.gap=1e-7", f"stop.must_reach={reached + 0.01}")
    early = start(path, "early", *given_up)
    info = early.read_info()
    assert info["status"] == "finished"
    assert "is proven to be out of reach" in info["reason"]
    assert info["epochs"] < full.read_info()["epochs"] / 1.5
    assert verify(early, QUIET).equal
    assert start(path, "not", *same, "stop.gap=1e-7", f"stop.must_reach={reached}").exists()
    assert RunDirectory(tmp_path / "runs/not").read_info()["epochs"] == full.read_info()["epochs"]
    for at in (5, info["epochs"] * 2, info["epochs"] * 3 - 1):
        settings = settings_of(path, f"parts-{at}", *given_up)
        assert stopped(monkeypatch, at, lambda s=settings: fit(s, QUIET)) is not None
        again = fit(settings, QUIET, resume=True)
        assert results(again.job.run) == results(early)


@pytest.mark.parametrize(
    ("overrides", "telling"),
    [
        (("objective.bias=free",), "stop.must_reach cannot be proven: objective.bias is free"),
        (("objective.lambda=0", "solver.schedule=constant"), "proven: objective.lambda is 0"),
        (("data.validation=0",), "cannot be proven: there are no validation rows"),
        (("output.model=last",), "it is about the epoch with the best objective"),
        (("checkpoint.best=train_loss",), "it is about the epoch with the best objective"),
    ],
)
def test_what_cannot_be_proven_is_refused(tmp_path, overrides, telling):
    """With the reason."""
    with pytest.raises(ConfigError, match=telling):
        start(write_learnable(tmp_path), "run", "stop.must_reach=0.9", *overrides)
