"""Predictions and evaluations whose rows the workers read: the same bytes, the same figures."""

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from small_experiments import write_learnable
from small_runs import write_table

from svmtrain import interrupts, threads
from svmtrain.cli import main
from svmtrain.errors import DataError
from svmtrain.operations import elsewhere
from svmtrain.operations.evaluate import Part
from svmtrain.operations.judged import CHUNK_ROWS

pytest.importorskip("distributed")

FORMS = {
    "labels": (),
    "scores": ("--scores",),
    "proba": ("--proba",),
    "top": ("--top-k", "2"),
    "explain": ("--explain", "2"),
    "threshold": ("--threshold", "0.8", "--reject-as", "?"),
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Return a folder with a run that has probabilities, and its data in parts."""
    folder = tmp_path_factory.mktemp("model")
    config = write_learnable(folder, "epochs: 3")
    words = ("--set", "output.calibration=sigmoid", "--out", str(folder), "--name", "run", "-q")
    assert main(["fit", str(config), *words]) == 0
    with open(folder / "train.csv", newline="") as file:
        header, *rows = csv.reader(file)
    for k, size in enumerate((50, 5, 30, 1, 34)):
        taken, rows = rows[:size], rows[size:]
        with open(folder / f"part-{k}.csv", "w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *taken])
    return folder


@pytest.fixture(autouse=True)
def here(model, tmp_path, monkeypatch):
    """Work in an empty folder beside the run."""
    for name in threads.VARIABLES:
        monkeypatch.setenv(name, "1")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").symlink_to(model / "run")
    for path in model.glob("part-*.csv"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


@pytest.fixture
def both(address, capfd):
    """Return a function that runs a command here and on the cluster: (code, out, err) of each."""

    def run(*words):
        found = []
        for more in ((), ("--cluster", address)):
            capfd.readouterr()
            code = main([*words, *more])
            out, err = capfd.readouterr()
            lines = [line for line in err.splitlines() if not line.startswith("svmtrain: cluster:")]
            found.append((code, out, lines))
        return found

    return run


@pytest.mark.parametrize("form", FORMS)
def test_predictions_of_workers_are_those_of_one_machine(both, form):
    """Byte for byte, in the order of the files, rows numbered over all of them."""
    alone, spread = both("predict", "run", "part-*.csv", *FORMS[form])
    assert spread == alone
    assert alone[0] == 0
    assert alone[1].count("\n") >= 120


def test_a_file_that_is_written_is_the_same(here, address):
    """It replaces what was there, and no input."""
    assert main(["predict", "run", "part-*.csv", "--explain", "1", "-o", "a.csv"]) == 0
    words = ("predict", "run", "part-*.csv", "--explain", "1", "--cluster", address)
    assert main([*words, "-o", "b.csv"]) == 0
    assert Path("b.csv").read_bytes() == Path("a.csv").read_bytes()
    assert main([*words, "-o", "part-2.csv"]) == 2


@pytest.mark.parametrize("form", ["labels", "scores"])
def test_a_folder_gets_a_file_for_each_part(here, address, form):
    """Each is what predict writes of that part; parts of an earlier call are never among them."""
    words = ("predict", "run", "part-*.csv", *FORMS[form], "--cluster", address)
    assert main([*words, "-o", "out/"]) == 0
    ending = "txt" if form == "labels" else "csv"
    files = sorted(Path("out").iterdir())
    assert [file.name for file in files] == [f"part-0000{k}.{ending}" for k in range(5)]
    for k, file in enumerate(files):
        assert main(["predict", "run", f"part-{k}.csv", *FORMS[form], "-o", "one.txt"]) == 0
        assert file.read_bytes() == Path("one.txt").read_bytes()
    assert main([*words, "-o", "out"]) == 0
    (here / "part-4.csv").unlink()
    assert main([*words, "-o", "out"]) == 2
    assert sorted(Path("out").iterdir()) == files


def test_a_folder_of_the_data_or_of_a_run_gets_none(here, address, capfd):
    """Nothing that is read is replaced, and a run holds only its own."""
    (here / "in").mkdir()
    for k in range(2):
        (here / f"part-{k}.csv").rename(here / "in" / f"part-0000{k}.csv")
    before = {path: path.read_bytes() for path in (here / "in").iterdir()}
    words = ("predict", "run", "in/*.csv", "--scores", "--cluster", address)
    assert main([*words, "-o", "in"]) == 2
    assert "is read and would be replaced" in capfd.readouterr().err
    assert {path: path.read_bytes() for path in (here / "in").iterdir()} == before
    assert main([*words, "-o", "run"]) == 2
    assert "lies inside a run directory" in capfd.readouterr().err


def test_an_evaluation_by_workers_has_the_figures_of_one_machine(both):
    """Counts are equal, and sums of floats are to the last bits, being added in another order."""
    (code, alone, _), (other, spread, _) = both("evaluate", "run", "part-*.csv", "--json")
    assert (code, other) == (0, 0)
    _equal_figures(json.loads(spread), json.loads(alone), 120)


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_an_evaluation_of_the_rows_of_a_run_reads_them_at_the_workers(both, split):
    """Whatever the run was trained by."""
    (code, alone, _), (other, spread, err) = both("evaluate", "run", "--split", split, "--json")
    assert (code, other) == (0, 0)
    _equal_figures(json.loads(spread), json.loads(alone), 18)
    assert any("plan: mode sync, 2 shards on 2 workers" in line for line in err)


def _equal_figures(found, expected, least):
    assert expected["rows"] >= least
    for name, value in expected.items():
        if isinstance(value, float):
            assert found[name] == pytest.approx(value, rel=1e-12)
        else:
            assert found[name] == value


def test_a_large_store_is_several_parts(here, model, address, capfd, monkeypatch):
    """Cut between the chunks that one machine reads, so that the bytes are the same."""
    rows = 2 * CHUNK_ROWS + 100
    random = np.random.default_rng(3)
    np.savez("big.npz", X=random.normal(0, 2, (rows, 3)), y=np.arange(rows) % 3)
    assert main(["data", "convert", "big.npz", "big.store"]) == 0
    config = "data: {train: big.npz, validation: 0.1}\nsolver: {epochs: 1, lr: 0.01}\n"
    Path("big.yaml").write_text(config)
    assert main(["fit", "big.yaml", "--name", "big", "--out", ".", "-q"]) == 0
    capfd.readouterr()
    monkeypatch.setattr(elsewhere, "PART_ROWS", CHUNK_ROWS)
    assert main(["predict", "big", "big.store", "--scores", "-o", "a.csv"]) == 0
    words = ("--cluster", address)
    assert main(["predict", "big", "big.store", "--scores", "-o", "b.csv", *words]) == 0
    assert Path("b.csv").read_bytes() == Path("a.csv").read_bytes()
    assert main(["predict", "big", "big.store", "-o", "out/", *words]) == 0
    lines = [len(path.read_text().splitlines()) for path in sorted(Path("out").iterdir())]
    assert lines == [CHUNK_ROWS, CHUNK_ROWS, 100]
    capfd.readouterr()
    found = []
    for more in ((), words):
        assert main(["evaluate", "big", "big.store", "--json", *more]) == 0
        found.append(json.loads(capfd.readouterr().out))
    _equal_figures(found[1], found[0], rows)


def test_addresses_are_read_by_the_workers(model, address, capfd):
    """By their own file systems; what is said of them calls them as they were given."""
    assert main(["predict", "run", "part-*.csv"]) == 0
    alone, where = capfd.readouterr().out, ("--cluster", address)
    assert main(["predict", "run", f"file://{model}/part-*.csv", *where]) == 0
    assert capfd.readouterr().out == alone
    assert main(["evaluate", "run", f"file://{model}/none.csv", *where]) == 3
    assert f"error: file://{model}/none.csv: " in capfd.readouterr().err


def test_a_copy_of_a_file_from_elsewhere_is_deleted_again(model, tmp_path):
    """It is there for as long as it is read; an error names the address."""
    url = f"simplecache::file://{model}/part-0.csv"
    scratch = tmp_path / "scratch"
    with elsewhere.at_hand(Part(url), str(scratch)) as part:
        assert Path(part.path).read_bytes() == (model / "part-0.csv").read_bytes()
        assert scratch in Path(part.path).parents
    assert list(scratch.rglob("*")) == []
    with (
        pytest.raises(DataError) as caught,
        elsewhere.at_hand(Part(url), str(scratch)) as part,
    ):
        raise DataError("is wrong", path=part.path, line=2)
    assert str(caught.value) == f"{url}:2: is wrong"


def test_an_error_in_a_part_is_that_of_one_machine(here, both):
    """What comes before it is written to stdout, as there."""
    Path("part-2.csv").write_text("a,b,c,kind\n1,2,x,ash\n")
    (code, out, err), (other, spread, told) = both("predict", "run", "part-*.csv")
    assert (code, other) == (3, 3)
    assert spread == out
    assert out.count("\n") == 55
    assert told == [line.replace("part-2", f"{here}/part-2") for line in err]


def test_what_needs_this_process_is_refused_before_a_cluster_is_reached(capfd):
    """In one sentence; nobody listens at that address."""
    where = ("--cluster", "tcp://127.0.0.1:1")
    for words in (("predict", "run", "-"), ("evaluate", "run", "-")):
        assert main([*words, *where]) == 2
        assert "have no part in the standard input of this command" in capfd.readouterr().err
    assert main(["predict", "run", "none-*.csv", *where]) == 3
    assert "no file matches this pattern" in capfd.readouterr().err
    assert main(["predict", "run", "part-*.csv", "--cluster", "nowhere"]) == 2
    assert "cluster.at must be local:N" in capfd.readouterr().err


def test_text_and_gaps_are_read_in_one_place_by_evaluate_of_a_run(here, address, capfd):
    """They are refused in one sentence; as files they are judged all the same."""
    write_table(here / "train.csv")
    text = (here / "train.csv").read_text().replace("0.0,", "NA,", 3)
    (here / "train.csv").write_text(text)
    config = "data: {train: train.csv, target: kind, test: 0.2, missing: mean}\n"
    (here / "gaps.yaml").write_text(config + "solver: {epochs: 1, lr: 0.01}\n")
    assert main(["fit", "gaps.yaml", "--out", ".", "-q"]) == 0
    assert main(["evaluate", "gaps", "--cluster", address]) == 2
    assert "data.missing other than error needs all rows" in capfd.readouterr().err
    found = []
    for more in ((), ("--cluster", address)):
        assert main(["evaluate", "gaps", "train.csv", "--json", *more]) == 0
        found.append(json.loads(capfd.readouterr().out))
    _equal_figures(found[1], found[0], 60)


def test_a_signal_leaves_the_parts_that_are_whole(here, address, capfd, monkeypatch):
    """And tells how many they are."""
    write = elsewhere.write_atomic

    def write_and_signal(path, content):
        write(path, content)
        monkeypatch.setattr(interrupts, "_received", [2])

    monkeypatch.setattr(elsewhere, "write_atomic", write_and_signal)
    words = ("predict", "run", "part-*.csv", "--cluster", address, "-o", "out/")
    assert main(words) == 130
    assert "SIGINT: stopped; 1 of 5 parts are written" in capfd.readouterr().err
    assert [path.name for path in Path("out").iterdir()] == ["part-00000.txt"]


def test_workers_that_are_killed_cost_no_line(both, kill, monkeypatch):
    """What is left is labelled by others, which are sent the model too."""
    known, killed = elsewhere.PredictionsElsewhere.each, []

    def each_and_kill(self):
        for text in known(self):
            if not killed:
                killed.append(kill(idle=True))
            yield text

    monkeypatch.setattr(elsewhere, "AHEAD", 1)
    monkeypatch.setattr(elsewhere.PredictionsElsewhere, "each", each_and_kill)
    alone, spread = both("predict", "run", "part-*.csv", "--scores")
    assert killed == [2]
    assert spread[:2] == alone[:2], spread[2]


@pytest.mark.parametrize(
    "words",
    [
        ("predict", "run", "part-*.csv"),
        ("evaluate", "run", "part-*.csv"),
        ("evaluate", "run"),
        ("cv", "c.yaml"),
    ],
)
def test_without_the_extra_there_is_one_clear_error(here, words, capfd, monkeypatch):
    """It names what to install."""
    write_learnable(here)
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main([*words, "--cluster", "local:2"]) == 2
    assert "pip install 'svmtrain[cluster]'" in capfd.readouterr().err
