"""Sources of rows: the same sums whatever holds the rows, and nothing is copied whole."""

import mmap
import tracemalloc

import numpy as np
import pytest

from svmtrain.build import rows as build_rows
from svmtrain.build.rows import row_source
from svmtrain.data.dataset import Dataset
from svmtrain.data.density import compressed
from svmtrain.data.mapped import mapping_of
from svmtrain.data.scaling import SCALINGS, Scaler
from svmtrain.objective.linear import LinearObjective
from svmtrain.objective.losses import LOSSES
from svmtrain.solvers.sgd import SGD
from svmtrain.training.certificate import Certificate
from svmtrain.training.sources import GatheredRows, MemoryRows, SparseMemoryRows, measure_rows

N, FEATURES, CLASSES = 60, 7, (0, 1, 2)


def pixels(n=N, dtype=np.uint8):
    """Return rows of whole numbers, with zeros, and their classes."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (n, FEATURES)) * (rng.random((n, FEATURES)) < 0.7)
    return X.astype(dtype), rng.integers(0, 3, n)


def weights(dtype):
    """Return some W and b."""
    rng = np.random.default_rng(1)
    return rng.normal(size=(FEATURES, 3)).astype(dtype), rng.normal(size=3).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("row_norm", ["none", "l2"])
@pytest.mark.parametrize("scale", SCALINGS)
def test_rows_scaled_batch_by_batch_give_the_bits_of_rows_scaled_at_once(scale, row_norm, dtype):
    """Of a whole dataset and of a part of one: term, gradient, measure and mean square."""
    X, y = pixels()
    objective, parameters = LinearObjective(lam=0.1), weights(dtype)
    for data in (Dataset(X, y, CLASSES), Dataset(X, y, CLASSES).rows(np.arange(0, N, 3))):
        scaler = Scaler.fit(data.blocks(), scale, row_norm)
        whole = MemoryRows(scaler.transform(data.X, dtype), data.y)
        gathered = GatheredRows(data, scaler, dtype)
        rows = np.array([3, 0, 11, 19])
        one, other = (source.term(objective, rows, *parameters) for source in (whole, gathered))
        assert (one.loss, one.count, one.active, one.correct) == (
            *(other.loss, other.count, other.active, other.correct),
        )
        assert one.dW.tobytes() == other.dW.tobytes()
        assert one.db.tobytes() == other.db.tobytes()
        measures = [source.measure(objective, *parameters) for source in (whole, gathered)]
        assert measures[0] == measures[1]
        assert whole.mean_square() == pytest.approx(gathered.mean_square(), rel=1e-6)
        assert len(whole) == len(gathered) == len(data)


@pytest.mark.parametrize("scale", SCALINGS)
def test_sparse_rows_in_memory_and_gathered_ones_agree_with_dense_ones(scale):
    """Also for W and b, as the momentum needs them."""
    X, y = pixels(dtype=np.float64)
    scaler = Scaler.fit(X, scale, "l2")
    data = Dataset(compressed(X), y, CLASSES)
    objective, parameters = LinearObjective(lam=0.1), weights("float64")
    sources = [
        MemoryRows(scaler.transform(X, "float64"), y),
        SparseMemoryRows(scaler.transform(data.X, "float64"), y),
        GatheredRows(data, scaler, "float64"),
    ]
    rows = np.array([3, 0, 11, 59])
    want, *found = [source.term(objective, rows, *parameters) for source in sources]
    for term in found:
        np.testing.assert_allclose(term.dW, want.dW, rtol=1e-11, atol=1e-12)
        assert term.loss == pytest.approx(want.loss, rel=1e-12)
    want, *found = [source.measure(objective, *parameters) for source in sources]
    for term in found:
        assert term.loss == pytest.approx(want.loss, rel=1e-12)
        assert (term.count, term.correct) == (want.count, want.correct)
    squares = [source.mean_square() for source in sources]
    assert squares == pytest.approx([squares[0]] * 3, rel=1e-11)


def test_the_source_follows_from_what_holds_the_rows(tmp_path, monkeypatch):
    """Floats are scaled at once; bytes, and rows of large mapped files, batch by batch."""
    X, y = pixels()
    scaler = Scaler.fit(X, "standard", "none")
    np.save(tmp_path / "X.npy", X.astype(np.float32))
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    kinds = [
        (X.astype(np.float64), MemoryRows),
        (X, GatheredRows),
        (np.asarray(mapped), MemoryRows),
        (compressed(X), SparseMemoryRows),
    ]
    for matrix, kind in kinds:
        assert type(row_source(Dataset(matrix, y, CLASSES), scaler, "float64")) is kind
    monkeypatch.setattr(build_rows, "MAPPED_LIMIT", 100)
    large = Dataset(np.asarray(mapped), y, CLASSES)
    assert type(row_source(large, scaler, "float64")) is GatheredRows


def test_a_mapped_array_is_told_from_one_in_memory(tmp_path):
    """However many views lie between."""
    np.save(tmp_path / "X.npy", np.ones((4, 3)))
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert isinstance(mapping_of(np.asarray(mapped)[1:, ::2]), mmap.mmap)
    assert mapping_of(np.ones(3)[1:]) is None
    assert mapping_of(np.frombuffer(b"12345678")) is None


def test_rows_of_bytes_are_never_converted_whole():
    """Fitting the scaler and a step allocate a few blocks, not eight bytes a cell."""
    n, width = 4000, 500
    X = np.random.default_rng(0).integers(0, 256, (n, width), dtype=np.uint8)
    y = np.arange(n) % 3
    objective = LinearObjective(lam=0.1)
    W, b = np.zeros((width, 3)), np.zeros(3)
    tracemalloc.start()
    data = Dataset(X, y, CLASSES).rows(np.arange(0, n, 2))
    source = row_source(data, Scaler.fit(data.blocks(256), "standard", "none"), "float64")
    source.term(objective, np.arange(64), W, b)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(source, GatheredRows)
    assert peak < X.nbytes


def test_measured_blocks_are_bounded_by_their_cells():
    """Wide rows are measured fewer at a time; sparse ones do not depend on the width."""
    assert measure_rows(10) == measure_rows(256)
    assert measure_rows(10**6) < measure_rows(1000) < measure_rows(10)
    assert measure_rows(10**6, sparse=True) == measure_rows(10)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("n_classes", [2, 40])
@pytest.mark.parametrize("of_bytes", [False, True], ids=["floats", "bytes"])
def test_a_step_makes_no_array_of_the_size_of_its_batch(loss, n_classes, of_bytes):
    """After the first one; what is left is numpy's own buffer for sums in another precision."""
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 255, (9000, 60)).astype(np.uint8), rng.integers(0, n_classes, 9000)
    scaler = Scaler.fit(X, "standard", "none")
    source = GatheredRows(Dataset(X, y, tuple(range(n_classes))), scaler, "float32")
    if not of_bytes:
        source = MemoryRows(scaler.transform_dense(X, "float32"), y)
    objective = LinearObjective(loss, class_weight=np.arange(1.0, n_classes + 1))
    objective = objective.narrowed(n_classes)
    columns = 1 if objective.paired else n_classes
    solver = SGD(lambda step: 0.01, averaging="tail")
    state = solver.start(np.zeros((60, columns), np.float32), np.zeros(columns, np.float32))
    proof = Certificate.begin(*state.weights, sparse=False)
    peaks = []
    for step in range(4):
        rows = rng.permutation(9000)[:8000]
        tracemalloc.start()
        term = source.term(objective, rows, *state.parameters)
        proof.add(objective, term)
        solver.descend(state, objective, term)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert state.step == step + 1
    assert peaks[0] > 8000 * 60 * 4
    assert max(peaks[1:]) < 8192 * 20
