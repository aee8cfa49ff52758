"""Runs by dual ascent: the gap of every epoch is exact, stops a run, and survives every stop."""

from dataclasses import replace

import numpy as np
import pytest
from small_runs import QUIET, fit_small, start, write_config

from svmtrain import checkpoint as checkpoints
from svmtrain import container
from svmtrain.build import rows as build_rows
from svmtrain.build import training
from svmtrain.config import load_config
from svmtrain.data.dataset import Dataset
from svmtrain.data.density import compressed
from svmtrain.data.scaling import Scaler
from svmtrain.errors import CheckFailed, ConfigError, ModelError, ResumeError
from svmtrain.model import load_model
from svmtrain.objective.losses import LOSSES
from svmtrain.operations import fit as fitting
from svmtrain.operations.describe import plan, summary
from svmtrain.operations.doctor import examine
from svmtrain.operations.fit import reload_config, resume_run
from svmtrain.solvers.dual import DualAscent
from svmtrain.training.sources import CompiledMemoryRows, GatheredRows, MemoryRows, SparseMemoryRows

DUAL = "name: dual; epochs: 8; batch_size: auto"


def run(folder, *overrides):
    """Fit 60 rows by dual ascent and return the result."""
    return fit_small(folder, DUAL, *overrides)


@pytest.mark.parametrize("sparse", ["false", "true"])
@pytest.mark.parametrize("bias", ["none", "regularized"])
@pytest.mark.parametrize("loss", LOSSES)
def test_the_bound_only_rises_and_is_below_every_objective(tmp_path, loss, bias, sparse):
    """Every epoch of every loss, dense and sparse, with class weights, to a gap of 1 %."""
    result = run(
        tmp_path,
        *(f"objective.loss={loss}", f"objective.bias={bias}", f"data.sparse={sparse}"),
        *("objective.class_weight={ash: 2.0, oak: 0.5}", "objective.lambda=0.1"),
        *("solver.epochs=200", "stop.gap=0.01"),
    )
    bounds = [record.bound for record in result.records]
    assert bounds == sorted(bounds)
    assert bounds[-1] <= min(record.objective for record in result.records)
    for record in result.records:
        assert record.gap == (record.objective - record.bound) / record.objective
        assert record.lr == 0.0
    assert result.records[-1].gap <= 0.01
    assert "proven to be within" in result.outcome.reason
    assert "dual ascent" in summary(result)


@pytest.mark.parametrize(
    ("setting", "reason"),
    [("objective.bias=free", "bias is free"), ("objective.lambda=0", "lambda is 0")],
)
def test_an_objective_without_a_dual_is_refused(tmp_path, setting, reason):
    """The message says why."""
    with pytest.raises(ConfigError, match=f"dual has nothing to ascend: objective.{reason}"):
        run(tmp_path, setting)


def test_settings_of_the_step_size_have_no_effect(tmp_path):
    """Nor is one looked for; the plan of a run names none."""
    plain = run(tmp_path)
    other = run(
        tmp_path,
        *("solver.lr=auto", "solver.schedule=constant", "solver.momentum=0.9"),
        *("solver.averaging=polyak", "solver.init=normal"),
    )
    assert other.job.built.search is None
    objectives = [[record.objective for record in one.records] for one in (plain, other)]
    assert objectives[0] == objectives[1]
    text, document = plan(other.job.config)
    assert "dual ascent" in text
    assert document["lr"] == 0.0


def test_a_batch_is_all_rows_unless_there_are_very_many(tmp_path):
    """A step goes over those that move more than once, the better the more there are."""
    config = load_config(write_config(tmp_path, DUAL), ())
    sizes = [training.batch_size(config.solver, rows) for rows in (10, 64, 10**6)]
    assert sizes == [10, 64, 65536]


def test_a_run_of_four_epochs_prolonged_to_eight_equals_one_of_eight(tmp_path):
    """The variables are in the checkpoint."""
    config = write_config(tmp_path, "name: dual; epochs: 8")
    whole = start(config, "whole")
    start(config, "part", "solver.epochs=4")
    part = start(config, "part", resume=True)
    assert part.model.read_bytes() == whole.model.read_bytes()


def test_checkpoints_come_back_and_forged_variables_are_refused(tmp_path):
    """A row of variables too few belongs to other data; a class too few, to none."""
    done = start(write_config(tmp_path, DUAL), "run")
    path = done.checkpoint_files()[0]
    loaded = checkpoints.load(path)
    assert checkpoints.to_bytes(loaded, load_model(path)) == path.read_bytes()
    header, arrays = container.read(path)
    name = f"{checkpoints.PREFIX}a"
    for wrong in (arrays[name][:, :2], arrays[name].ravel(), arrays[name] * np.nan, np.zeros(())):
        path.write_bytes(container.pack(header, {**arrays, name: np.ascontiguousarray(wrong)}))
        with pytest.raises(ModelError, match="solver_a"):
            checkpoints.load(path)
    for other in done.checkpoint_files()[1:]:
        other.unlink()
    path.write_bytes(container.pack(header, {**arrays, name: arrays[name][1:]}))
    with pytest.raises(ResumeError, match="a of the checkpoint has shape"):
        resume_run(done, reload_config(done), QUIET)


def forged(folder, changes):
    """Return a run of two epochs whose checkpoint was changed, as it stands on disk."""
    done = start(write_config(folder, "name: dual; epochs: 2"), "run")
    path = done.checkpoint_files()[0]
    for other in done.checkpoint_files()[1:]:
        other.unlink()
    header, arrays = container.read(path)
    for name, change in changes.items():
        arrays[checkpoints.PREFIX + name] = change(arrays[checkpoints.PREFIX + name].copy())
    path.write_bytes(container.pack(header, arrays))
    return done


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"factors": lambda f: f + 1e6}, "has the bound"),
        ({"factors": lambda f: f + 1e-3}, "has the bound"),
        ({"a": lambda a: a * 0}, "its variables prove 0"),
        ({"wait": lambda w: w + 255}, "rest for too long"),
        ({"rest": lambda r: r + 8}, "rest for too long"),
    ],
)
def test_a_bound_that_its_variables_do_not_prove_is_refused(tmp_path, changes, problem):
    """A checkpoint that someone made up proves nothing."""
    done = forged(tmp_path, changes)
    with pytest.raises(ResumeError, match=problem):
        resume_run(done, reload_config(done, ["solver.epochs=9"]), QUIET)


@pytest.mark.parametrize("factor", [1.05, 100.0, -3.0])
def test_variables_that_are_not_feasible_prove_no_more_than_feasible_ones(
    tmp_path, factor, monkeypatch
):
    """Weights and bound are those of the nearest ones that are; the run goes on with a true gap."""
    monkeypatch.setattr(fitting, "refuse_bound", lambda *args: None)
    done = forged(tmp_path, {"a": lambda a: a * factor, "factors": lambda f: f * 0})
    result = resume_run(done, reload_config(done, ["solver.epochs=60"]), QUIET)
    best = run(tmp_path, "solver.epochs=60")
    assert result.gap >= 0
    assert result.bound <= best.chosen.objective * (1 + 1e-12)


@pytest.mark.parametrize("checked", [True, False])
def test_a_bound_of_other_data_is_never_written_down(tmp_path, checked, monkeypatch):
    """The records know another; and were they forged too, no bound is above its objective."""
    error, problem = ResumeError, "has the bound .* but metrics.jsonl has"
    if not checked:
        monkeypatch.setattr(fitting, "refuse_bound", lambda *args: None)
        error, problem = CheckFailed, "is above the objective"
    done = start(write_config(tmp_path, "epochs: 2"), "run")
    path = done.checkpoint_files()[0]
    header, arrays = container.read(path)
    name = f"{checkpoints.PROOF}factors"
    arrays[name] = arrays[name] + np.array([0.0, 1e3, 0.0, 0.0])
    path.write_bytes(container.pack(header, arrays))
    metrics = done.metrics.read_bytes()
    with pytest.raises(error, match=problem):
        resume_run(done, reload_config(done, ["solver.epochs=9"]), QUIET)
    assert done.metrics.read_bytes() == metrics


def test_a_cache_on_disk_that_is_damaged_is_not_used(tmp_path, monkeypatch):
    """Nor one that cannot be written: the loops are then compiled in memory."""
    pytest.importorskip("numba")
    monkeypatch.setattr(build_rows, "COMPILED_CELLS", 10)
    calls = []

    def broken(self, state, objective, X):
        calls.append("load")
        if len(calls) == 1:
            raise OSError("the disk is full")

    monkeypatch.setattr(DualAscent, "_load", broken)
    monkeypatch.setattr("svmtrain.solvers.dual.use_no_cache", lambda: calls.append("no cache"))
    run(tmp_path, "solver.epochs=1")
    assert calls == ["load", "no cache", "load"]


@pytest.mark.parametrize(("offset", "form"), [(10.0, "sparse"), (1000.0, "dense")])
def test_rows_far_from_zero_are_not_held_without_their_zeros(tmp_path, monkeypatch, offset, form):
    """Centred, they would be differences of large numbers."""
    pytest.importorskip("numba")
    monkeypatch.setattr(build_rows, "COMPILED_CELLS", 10)
    rng = np.random.default_rng(0)
    X = np.where(rng.random((60, 8)) < 0.3, rng.normal(size=(60, 8)), 0.0)
    X[:, 0] = rng.normal(size=60) + offset
    data = Dataset(X, np.arange(60) % 3, (0, 1, 2))
    scaler = Scaler.fit([X], "standard", "none")
    found = {
        as_sparse: build_rows.compiled_source(data, scaler, "float32", as_sparse=as_sparse)
        for as_sparse in (True, False)
    }
    assert bool(len(found[True].X.indptr)) == (form == "sparse")
    assert not len(found[False].X.indptr)


@pytest.mark.parametrize("scale", ["none", "standard"])
def test_every_source_gives_the_same_batches(scale):
    """Rows in memory, sparse ones and those that are scaled a batch at a time; parts are all."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 5)) * (rng.random((40, 5)) < 0.5), np.arange(40) % 3
    scaler = Scaler.fit([X], scale, "none")
    sources = [
        MemoryRows(scaler.transform(X, "float64"), y),
        SparseMemoryRows(scaler.transform(compressed(X), "float64"), y),
        GatheredRows(Dataset(X, y, (0, 1, 2)), scaler, "float64"),
        GatheredRows(Dataset(compressed(X), y, (0, 1, 2)), scaler, "float64"),
    ]
    rows = np.array([3, 0, 39])
    for source in sources:
        batch, classes = source.batch(rows)
        batch = batch if isinstance(batch, np.ndarray) else batch.toarray()
        np.testing.assert_allclose(batch, scaler.transform(X[rows], "float64"), atol=1e-12)
        assert classes.tolist() == y[rows].tolist()
        assert np.concatenate(list(source.parts())).tolist() == list(range(40))


@pytest.mark.parametrize(
    ("share", "limit", "compiled"), [(1.0, 2**30, True), (0.0, 2**30, True), (1.0, 10, False)]
)
def test_large_work_is_compiled_where_numba_is_installed(
    tmp_path, monkeypatch, share, limit, compiled
):
    """As sparse or dense rows, if they can be held; small work never looks for it."""
    pytest.importorskip("numba")
    plain = run(tmp_path)
    monkeypatch.setattr(build_rows, "COMPILED_CELLS", 10)
    monkeypatch.setattr(build_rows, "SPARSE_SHARE", share)
    monkeypatch.setattr(build_rows, "COMPILED_LIMIT", limit)
    result = run(tmp_path)
    kernels = [one.job.identity["environment"]["kernel"] for one in (plain, result)]
    assert kernels[0] == "numpy"
    assert kernels[1].startswith("numba") == compiled
    assert result.gap == pytest.approx(plain.gap, abs=0.02)
    held = result.job.built.problem.train
    assert isinstance(held, CompiledMemoryRows) == compiled
    assert not compiled or bool(len(held.X.indptr)) == (share == 1.0)


def test_without_numba_numpy_makes_the_moves(tmp_path, monkeypatch):
    """However large the work is."""
    monkeypatch.setattr(build_rows, "COMPILED_CELLS", 10)
    monkeypatch.setattr(build_rows, "numba_version", lambda: None)
    assert run(tmp_path).job.identity["environment"]["kernel"] == "numpy"


def test_a_compiled_run_resumes_to_the_same_bits(tmp_path, monkeypatch):
    """What rests is in the checkpoint, too."""
    pytest.importorskip("numba")
    monkeypatch.setattr(build_rows, "COMPILED_CELLS", 10)
    config = write_config(tmp_path, "name: dual; epochs: 8; batch_size: 7")
    whole = start(config, "whole")
    for stop in (1, 3, 4):
        start(config, f"part{stop}", f"solver.epochs={stop}")
        part = start(config, f"part{stop}", resume=True)
        assert part.model.read_bytes() == whole.model.read_bytes()


def test_the_doctor_looks_for_no_step_size(tmp_path):
    """What it trains to try the data is SGD, whatever the solver."""
    lines = examine(str(write_config(tmp_path, DUAL)))
    assert "dual ascent has none" in [line.figure for line in lines if line.what == "step size"]


@pytest.mark.parametrize(
    "overrides",
    [
        ["objective.bias=free"],
        ["objective.lambda=0"],
        ["solver.name=sgd", "objective.bias=free", "stop.gap=0.1"],
        ["checkpoint.best=validation_loss", "data.validation=0"],
    ],
)
def test_the_doctor_refuses_what_no_training_can_have(tmp_path, overrides):
    """As fit does: a checklist that is passed must not end in a refusal."""
    config = write_config(tmp_path, DUAL)
    with pytest.raises(ConfigError) as by_doctor:
        examine(str(config), overrides)
    with pytest.raises(ConfigError) as by_fit:
        run(tmp_path, *overrides)
    assert by_doctor.value.problem == by_fit.value.problem


def test_a_run_that_goes_on_with_another_kernel_says_so(tmp_path, monkeypatch):
    """It comes to the same optimum, but not by the same steps."""
    pytest.importorskip("numba")
    config = write_config(tmp_path, DUAL)
    done = start(config, "run", "solver.epochs=2")
    monkeypatch.setattr(build_rows, "COMPILED_CELLS", 10)
    said = []
    session = replace(QUIET, say=said.append)
    resume_run(done, reload_config(done, ["solver.epochs=3"]), session)
    assert [
        text for text in said if "warning: other steps" in text and "kernel was 'numpy'" in text
    ]
