"""A run resumed at any of its steps ends in the bytes of the run that was never stopped.

One run saves at every step; from each of its checkpoints alone it is gone on with. See
`test_lost_state.py` for the same sweep over checkpoints that lost a part of the state.
"""

import numpy as np
import pytest
from extent import TORTURE, spread
from small_runs import CLASSES, results, rows_of, write_table
from stepwise import SETTINGS, every_step, resumed_from

from svmtrain import checkpoint as checkpoints
from svmtrain.build import rows
from svmtrain.operations.data.convert import convert
from svmtrain.runs.trace import read_trace

STORED = ("nesterov tail", "float32 cosine", "sparse tail", "sparse momentum", "dual")
COMPILED = ("dual", "dual float32", "dual balanced", "dual sparse")
LEAST = 200


def sweep(tmp_path, name, figures, *overrides):
    """Hold a resume at every step against the run that was not stopped."""
    settings, run, expected = every_step(tmp_path, name, *overrides)
    files = run.checkpoint_files()
    losses = read_trace(run.trace)
    assert len(files) >= (LEAST if TORTURE else 50)
    if name == "patience":
        assert "has not improved for 35 epochs" in run.read_info()["reason"]
    tried = spread(files[::-1], 3)
    for path in tried:
        other = resumed_from(run, path, settings, tmp_path / "runs" / "other")
        assert results(other) == expected, path.name
        assert np.array_equal(read_trace(other.trace), losses), path.name
    what = {"data.train": ", store", "checkpoint.best": ", compiled"}
    where = what.get(overrides[0].partition("=")[0], "") if overrides else ""
    figures(f"steps resumed at, {name}{where}", len(tried))
    assert len(tried) >= (LEAST if TORTURE else 3)
    return run


@pytest.mark.parametrize("name", sorted({*spread(SETTINGS, 3), "patience"}))
def test_a_resume_at_any_step_is_exact(tmp_path, name, figures):
    """Rows in memory."""
    sweep(tmp_path, name, figures)


def store_of(folder, sparse):
    """Make a store of the small table, or of its rows as svmlight; return its path."""
    source, place = write_table(folder / "train.csv"), folder / "train.store"
    if sparse:
        source = folder / "train.svm"
        kinds = {kind: number for number, kind in enumerate(CLASSES)}
        lines = [f"{kinds[kind]} 1:{a} 2:{b} 3:{c}" for a, b, c, kind in rows_of(60)]
        source.write_text("\n".join(lines) + "\n")
    convert(str(source), str(place), target=None if sparse else "kind")
    return place


@pytest.mark.parametrize("name", spread(STORED, 2))
def test_a_resume_at_any_step_is_exact_from_a_store(tmp_path, name, figures):
    """Rows mapped from a disk, dense or sparse."""
    place = store_of(tmp_path, "sparse" in name)
    target = ("data.target=null",) if "sparse" in name else ()
    sweep(tmp_path, name, figures, f"data.train={place}", *target)


@pytest.mark.parametrize("name", spread(COMPILED, 1))
def test_a_resume_at_any_step_is_exact_with_compiled_loops(tmp_path, name, figures, monkeypatch):
    """The loops that numba compiles, which small data would do without."""
    pytest.importorskip("numba")
    monkeypatch.setattr(rows, "COMPILED_CELLS", 0)
    run = sweep(tmp_path, name, figures, "checkpoint.best=objective")
    saved = checkpoints.load(run.checkpoint_files()[0]).identity["environment"]
    assert saved["kernel"].startswith("numba")
