"""The benchmark suite, on made-up times: its arithmetic and its report. Nothing is timed."""

import json
import re

import numpy as np
import pytest
import reference

from benchmarks import bench, cluster_page, gaps, report, tables
from benchmarks.datasets import idx, made, numbered, svmlight, write_idx, write_svmlight
from benchmarks.limits import epoch_limits
from benchmarks.objectives import accuracy, equivalents, objective
from benchmarks.ours import Fit, told
from benchmarks.scaling import exponent

KINDS = ("weston_watkins", "crammer_singer", "one_vs_rest")


def spread(median):
    """Return a spread around a median."""
    return {"median": median, "min": 0.9 * median, "max": 1.2 * median}


def answer(*points, bounds=None):
    """Return what a process answers, for points of (seconds, objective)."""
    path = [
        {"seconds": s, "objective": p, "accuracy": 1 - 0.05 * p, "setting": f"setting {s:g}"}
        for s, p in points
    ]
    for point, bound in zip(path, bounds or (), strict=False):
        point["bound"] = bound
    figures = {"load": 0.5, "train": points[-1][0], "total": 1.5, "peak": 50_000_000}
    return {**figures, "chosen": len(path) - 1, "path": path}


def race():
    """Return a race of svmtrain, with a bound, and two peers, of which one is slow to come near."""
    ours = answer((1, 1.2), (2, 1.005), (3, 1.0001), bounds=(0.5, 0.999, 1.0))
    quick, slow = answer((0.5, 1.5), (4, 1.0004)), answer((9, 1.3))
    contestants = {
        "svmtrain dual, Weston-Watkins": ("weston_watkins", [ours, ours]),
        "plain numpy loop, Weston-Watkins": ("weston_watkins", [quick]),
        "LIBLINEAR -s 4, Crammer-Singer": ("crammer_singer", [slow]),
    }
    return {
        **{"dataset": "some", "lambda": 1e-3, "rows": 10, "features": 3, "classes": 4},
        "sparse": False,
        "contestants": {
            name: {"kind": kind, "family": kind, "repeats": repeats}
            for name, (kind, repeats) in contestants.items()
        },
    }


def results():
    """Return the results of a made-up run of the whole suite."""
    machine = {"processor": "p", "cores": 2, "memory": 8e9, "system": "s", "python": "3"}
    line = {"solver": "sgd", "base": {"rows": 10, "features": 2, "classes": 2}, "exponent": 1.0}
    times = {"sizes": [10, 20], "seconds": [spread(0.1), spread(0.2)]}
    return {
        "machine": {**machine, "packages": {"numpy": "2"}, "load": 0.1, "date": "2020-01-01"},
        "options": {"quick": True, "repeats": 2, "budget": 1.0},
        "skipped": ["mnist is skipped"],
        "load_after": 0.2,
        "epoch": {
            "rows": 100,
            "rates": {name: spread(1e10) for name in ("skinny", "large", "bandwidth", "gather")},
            "kernels": ["some blas"],
            "limits": {"skinny": spread(0.05), "large": spread(0.025)},
            "seconds": {"svmtrain, steps alone": spread(0.1), "plain numpy loop": spread(0.2)},
        },
        "step": {
            **{"batch": 64, "features": 64, "classes": 10, "svmtrain": spread(5e-5)},
            **{"bare products": spread(1e-5), "overhead": spread(4e-5)},
        },
        "races": [race()],
        "whole": {
            **{"data": "MNIST", "rows": 100, "lambda": 1e-4},
            "contestants": {
                "svmtrain fit": {"seconds": spread(3), "peak": spread(1e8), "accuracy": spread(0.9)}
            },
        },
        "scaling": [{**line, **times, "grows": grows} for grows in ("rows", "features", "classes")],
    }


@pytest.fixture
def small():
    """Return rows, classes and weights of a small problem."""
    generator = np.random.default_rng(3)
    W, b = generator.normal(size=(5, 4)), generator.normal(size=4)
    return generator.normal(size=(30, 5)), generator.integers(0, 4, 30), W, b


@pytest.mark.parametrize("kind", KINDS)
def test_an_objective_is_the_slow_formula(small, kind):
    """Dense and sparse rows alike."""
    sparse = pytest.importorskip("scipy.sparse")
    X, y, W, b = small
    slow = reference.problem(X.tolist(), y.tolist(), W.tolist(), b.tolist(), loss=kind, lam=0.07)
    for rows in (X, sparse.csr_matrix(X)):
        assert objective(kind, rows, y, W, b, 0.07) == pytest.approx(slow["value"], rel=1e-12)


def test_one_column_has_the_optimum_of_two(small):
    """Columns w / 2 and -w / 2 have the loss and the penalty of one column w, for the hinge."""
    X, y, W, b = small
    y, w, c = y % 2, W[:, :1], b[:1]
    one = objective("hinge", X, y, w, c, 0.07)
    halves, biases = np.hstack([-w / 2, w / 2]), np.concatenate([-c / 2, c / 2])
    for kind in ("weston_watkins", "crammer_singer"):
        assert objective(kind, X, y, halves, biases, 0.07) == pytest.approx(one, rel=1e-12)
    assert accuracy(X, y, w, c) == accuracy(X, y, halves, biases)


@pytest.mark.parametrize("kind", ["one_vs_rest", "hinge"])
def test_the_peers_settings_scale_the_same_objective(small, kind):
    """LIBLINEAR's |w|^2 / 2 + C sum is n C times ours, scikit-learn's alpha is its penalty."""
    X, y, W, b = small
    W, b, y = (W[:, :1], b[:1], y % 2) if kind == "hinge" else (W, b, y)
    same, lam = equivalents(kind, 0.07, len(y)), 0.07
    squares = float((W * W).sum() + (b * b).sum())
    loss = objective(kind, X, y, W, b, 0.0)
    theirs = squares / 2 + same["C"] * loss * len(y)
    ours = objective(kind, X, y, W, b, lam)
    assert theirs / (same["C"] * len(y)) == pytest.approx(ours, rel=1e-12)
    assert loss + same["alpha"] / 2 * squares == pytest.approx(ours, rel=1e-12)


def test_exponents_are_slopes():
    """Seconds that grow with the square have exponent 2; the scale does not matter."""
    assert exponent([1, 2, 4, 8], [3, 12, 48, 192]) == pytest.approx(2)
    assert exponent([10, 20, 40], [5, 10, 20]) == pytest.approx(1)


def test_the_optimum_is_the_bound_only_where_it_is_close():
    """A tenth of the gap that is asked about; else it is the best objective seen."""
    paths = gaps.family_paths(race(), "weston_watkins")
    assert gaps.optimum(paths, 1e-2) == 1.0
    assert gaps.optimum(paths, 1e-4) == 1.0001


def test_reaching_is_not_proving():
    """A peer reaches a gap without knowing; a bound proves it, at times later."""
    this = race()
    ours = gaps.times_to(this, "svmtrain dual, Weston-Watkins", 1e-3)
    assert ours["reached"]["median"] == ours["proven"]["median"] == 3
    theirs = gaps.times_to(this, "plain numpy loop, Weston-Watkins", 1e-3)
    assert (theirs["reached"]["median"], theirs["proven"]) == (4, None)
    late = answer((1, 1.0), (2, 1.0), bounds=(0.5, 0.9999))["path"]
    assert (gaps.reached(late, 1.0, 1e-3), gaps.proven(late, 1e-3)) == (1, 2)


def test_a_spread_with_a_repeat_that_failed_is_none():
    """A median over those that got there would flatter."""
    assert gaps.spread([1.0, None]) is None
    assert gaps.spread([3.0, 1.0, 2.0]) == {"median": 2.0, "min": 1.0, "max": 3.0}


def test_losses_are_named():
    """A ratio above 1 is said to be slower."""
    lines = tables.duels([race()])
    assert [line["gap"] for line in lines] == [1e-2, 1e-3]
    text = tables.duel_table(lines)
    assert [line.split(" | ")[4:6] for line in text.splitlines()[2:]] == [
        ["2.00", "0.50"],
        ["3.00", "0.75"],
    ]
    assert "numba" not in text
    lines[0]["ours"] = ("svmtrain", spread(40.0))
    assert "10.00 slower" in tables.duel_table(lines)


def test_the_limit_of_an_epoch_is_its_arithmetic_and_one_read():
    """4 n d k operations and 4 n d bytes."""
    limits = epoch_limits({"skinny": 1e9, "large": 2e9, "bandwidth": 4e9}, 1000, 100, 10)
    assert limits["skinny"] == pytest.approx(4e6 / 1e9 + 4e5 / 4e9)
    assert limits["large"] == pytest.approx(4e6 / 2e9 + 4e5 / 4e9)


def test_the_plain_result_of_dual_ascent_is_the_epoch_that_proves_it(tmp_path):
    """What later epochs took is not in its total."""
    figures = {"bound": 0.9, "objective": 1.0}
    epochs = [
        {**figures, "epoch": n + 1, "seconds": n + 1.0, "gap": gap}
        for n, gap in enumerate((0.5, 0.009, 0.0001))
    ]
    found = told(Fit(1.0, 4.2, 4.5, 10, tmp_path, epochs), [0.8, 0.9], 1e-2)
    assert (found["chosen"], found["train"], found["total"]) == (1, 2.0, 3.5)
    assert [point["accuracy"] for point in found["path"]] == [0.8, 0.9, None]


def test_the_report_is_written_from_the_json(tmp_path):
    """Every table is whole, every picture is there, and the JSON gives the same report again."""
    pytest.importorskip("matplotlib")
    report.write(results(), tmp_path)
    text = (tmp_path / "results.md").read_text()
    for picture in re.findall(r"!\[[^]]*\]\(([^)]*)\)", text):
        assert (tmp_path / picture).read_text().startswith("<?xml")
    for block in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        assert len({line.count("|") for line in block.splitlines()}) == 1
    assert "| svmtrain, steps alone | 0.100 (0.090-0.120) | 2.00 | 4.00 | 1.00 |" in text
    assert "40.0 (36.0-48.0) us" in text
    assert "- mnist is skipped" in text
    again = tmp_path / "again"
    report.write(json.loads((tmp_path / "results.json").read_text()), again)
    assert {path.name: path.read_bytes() for path in again.iterdir()} == {
        path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()
    }


def test_prepared_files_have_the_rows_to_the_last_bit(tmp_path):
    """svmlight text gives back every float32, and IDX every byte."""
    pytest.importorskip("scipy")
    X, y = made(40, features=20, classes=3)
    write_svmlight(X, y, tmp_path / "rows.svm")
    with open(tmp_path / "rows.svm", encoding="ascii") as lines:
        again, labels = svmlight(lines, 20)
    assert np.array_equal(again.toarray(), X)
    assert labels == y.tolist()
    pictures = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    write_idx(pictures, tmp_path / "pictures.gz")
    assert np.array_equal(idx(tmp_path / "pictures.gz"), pictures)


def test_labels_are_numbered_in_sorted_order():
    """Whatever they are."""
    assert numbered(["b", "a", "b"]).tolist() == [1, 0, 1]
    assert numbered([3, -1]).tolist() == [1, 0]


def test_parts_are_added_to_results_that_are_there(tmp_path):
    """Races by data set and lambda; what was measured again takes the place of the old."""
    old = {
        "epoch": 1,
        "races": [{"dataset": "a", "lambda": 1, "n": 0}, {"dataset": "b", "lambda": 1}],
    }
    (tmp_path / "results.json").write_text(json.dumps(old), encoding="utf-8")
    found = bench.added({"step": 2, "races": [{"dataset": "a", "lambda": 1, "n": 1}]}, tmp_path)
    races = [{"dataset": "b", "lambda": 1}, {"dataset": "a", "lambda": 1, "n": 1}]
    assert found == {"epoch": 1, "step": 2, "races": races}
    assert bench.added({"whole": 3}, tmp_path) == {**old, "whole": 3}


def test_the_page_that_plans_a_cluster_is_made_of_what_was_measured():
    """Nothing in it is typed in by hand; its figures are those of the file of results."""
    found = json.loads(cluster_page.RESULTS.read_text())
    assert cluster_page.PAGE.read_text() == cluster_page.page(found)
    modes = {"sync", "local", "dual", "partial_fit"}
    for one in found["rounds"].values():
        assert modes < set(one)
        assert all([row["shards"] for row in one[mode]] == [2, 4, 8, 16, 64] for mode in modes)
    halved = {**found, "workers": {**found["workers"], "sync": {"0": [1], "1": [2], "2": [1]}}}
    halved["workers"]["sync"]["efficiency"] = 1.0
    assert "| sync | 1 s [1, 1] | 2 s [2, 2] | 1 s [1, 1] | 100% |" in cluster_page.page(halved)
