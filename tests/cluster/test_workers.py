"""Trainings on real workers, which are killed, join late, stall, or are not there."""

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest
from extent import TORTURE, extent
from small_runs import write_config
from workers import Killer, local_cluster, processes, until

from svmtrain.cli import main
from svmtrain.cluster import calls, dask_engine
from svmtrain.cluster.dask_engine import DaskEngine
from svmtrain.runs.directory import RunDirectory

pytest.importorskip("distributed")

MODES = {
    "sync": ("--set", "cluster.mode=sync", "--set", "solver.batch_size=12"),
    "local": ("--set", "cluster.mode=local", "--set", "cluster.interval=2"),
    "dual": ("--set", "solver.name=dual", "--set", "solver.batch_size=auto"),
}
TRIED = tuple(MODES) if TORTURE else ("local", "dual")
"""Those with real workers in every run: a step of sync is a round trip, and so takes long."""
LONG = {"sync": 4, "local": 12, "dual": 12}
"""Epochs that take long enough for some kills."""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty folder with a config, to work in."""
    write_config(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fit(cluster, mode, name, *words, shards=3):
    """Fit on a cluster; return the exit code."""
    address = cluster if isinstance(cluster, str) else cluster.scheduler_address
    options = ["--set", f"cluster.shards={shards}", "--cluster", address, "--name", name]
    return main(["fit", "c.yaml", "-q", *options, *MODES[mode], *words])


def model(name):
    """Return the bytes of the model of a run."""
    return Path(f"runs/{name}/model.npz").read_bytes()


def last(name):
    """Return the last record of a run."""
    return json.loads(Path(f"runs/{name}/metrics.jsonl").read_text().splitlines()[-1])


def test_a_run_on_workers_has_its_proof_and_its_rates(cluster, place, capsys):
    """The plan, the dashboard and the rates are told; records and run.json name the shards."""
    address = cluster.scheduler_address
    words = ["--cluster", address, "--name", "r", "--json", *MODES["local"]]
    assert main(["fit", "c.yaml", *words]) == 0
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert document["epochs"] == 4
    assert f"cluster: 2 workers at {address}" in err
    assert "cluster: dashboard http" in err
    assert "plan: mode local, 2 shards on 2 workers" in err
    lines = [line for line in err.splitlines() if line.startswith("epoch ")]
    assert len(lines) == 4
    assert all(", workers " in line and line.count("rows/s") == 2 for line in lines[:3])
    record = last("r")
    assert set(record["workers"]) == set(cluster.scheduler_info["workers"])
    assert all(rate > 0 for rate in record["workers"].values())
    assert "shards: 2" in Path("runs/r/config.yaml").read_text()
    assert main(["evaluate", "runs/r", "--split", "test"]) == 0


@pytest.mark.parametrize("mode", TRIED)
def test_the_number_of_workers_changes_no_bit(cluster, place, mode):
    """Shards decide, wherever they are: two workers and one make the same model."""
    assert fit(cluster, mode, "two") == 0
    assert fit("local:1", mode, "one") == 0
    assert model("two") == model("one")


@pytest.mark.parametrize("mode", TRIED)
def test_killed_workers_change_no_bit(cluster, place, figures, monkeypatch, mode):
    """kill -9 at any moment: the shard is made anew elsewhere, and the round is repeated.

    In the mode local, arrays are sent ahead of the tasks, as large ones are.
    """
    monkeypatch.setattr(calls, "LARGE", 0 if mode == "local" else calls.LARGE)
    epochs = ("--set", f"solver.epochs={LONG[mode] * extent(1, 5)}")
    assert fit(cluster, mode, "still", *epochs) == 0
    kills, wanted, seed = 0, extent(1, 30), 0
    while kills < wanted:
        with Killer(cluster, wanted - kills, seed) as killer:
            assert fit(cluster, mode, f"killed{seed}", *epochs) == 0
        kills, seed = kills + killer.kills, seed + 1
        name = f"killed{seed - 1}"
        assert last(name)["epoch"] == last("still")["epoch"]
        if mode == "dual":
            assert last(name)["bound"] <= last("still")["objective"] * (1 + 1e-9)
            more = ["--set", f"solver.epochs={last(name)['epoch'] + 2}"]
            again = ["resume", f"runs/{name}", "-q", "--cluster", cluster.scheduler_address, *more]
            assert main(again) == 0
        else:
            assert model(name) == model("still")
    figures(f"workers killed, mode {mode}", kills)


def test_dual_reaches_its_gap_whoever_is_killed(cluster, place):
    """Not the same bytes, but the same target."""
    words = ("--set", "stop.gap=0.01", "--set", "solver.epochs=2000")
    with Killer(cluster, extent(1, 10), seed=3) as killer:
        assert fit(cluster, "dual", "gap", *words) == 0
    assert last("gap")["gap"] <= 0.01
    assert killer.kills >= 1


def test_a_worker_that_comes_late_takes_a_shard_over(place, capsys):
    """Of three shards on one worker, one moves: the model is that of one worker."""
    with local_cluster(1) as small:
        later = threading.Timer(0.3, small.scale, [2])
        later.start()
        words = ["--cluster", small.scheduler_address, "--set", "cluster.shards=3"]
        words += ["--set", "solver.epochs=25", "--name", "late", *MODES["dual"]]
        assert main(["fit", "c.yaml", *words]) == 0
        later.join()
    told = capsys.readouterr().err
    assert "moves from tcp://" in told
    assert len(last("late")["workers"]) == 2
    assert fit("local:1", "dual", "one", "--set", "solver.epochs=25") == 0
    assert model("late") == model("one")


@pytest.mark.parametrize("mode", TRIED[1:])
def test_a_run_that_was_stopped_goes_on_with_another_number_of_workers(place, mode):
    """SIGTERM saves; resume needs no word about shards, and ends in the same bytes."""
    epochs = ("--set", "solver.epochs=12")
    assert fit("local:1", mode, "whole", *epochs, shards=2) == 0
    threading.Thread(target=signal_later, args=("stopped",)).start()
    assert fit("local:2", mode, "stopped", *epochs, shards=2) == 143
    assert 0 < last("stopped")["epoch"] < 12
    assert main(["resume", "runs/stopped", "-q", "--cluster", "local:1"]) == 0
    assert model("stopped") == model("whole")


def signal_later(name, number=signal.SIGTERM):
    """Send a signal to this process once a run has some epochs."""
    until(lambda: os.path.exists(f"runs/{name}/metrics.jsonl") and last_epoch(name) >= 2)
    os.kill(os.getpid(), number)


def test_a_save_that_is_asked_for_brings_the_variables_of_the_workers(place):
    """SIGUSR2 in dual rounds: what it saves is gone on from to the same bytes."""
    words = ("--set", "solver.epochs=15", "--set", "checkpoint.every=none")
    asks = threading.Thread(target=signal_later, args=("asked", signal.SIGUSR2))
    asks.start()
    assert fit("local:1", "dual", "asked", *words, shards=2) == 0
    asks.join()
    saved, end = sorted(Path("runs/asked/checkpoints").iterdir())
    whole = model("asked")
    end.unlink()
    Path("runs/asked/model.npz").unlink()
    assert main(["resume", "runs/asked", "-q", "--cluster", "local:1"]) == 0
    assert saved.exists()
    assert model("asked") == whole


def last_epoch(name):
    """Return how many lines the records of a run have."""
    return Path(f"runs/{name}/metrics.jsonl").read_text().count("\n")


def test_a_run_stays_in_its_mode_and_its_shards(cluster, place, capsys):
    """Other steps would be made: exit code 5, and the run is as it was."""
    assert fit(cluster, "local", "kept") == 0
    before = model("kept")
    address = cluster.scheduler_address
    words = ["resume", "runs/kept", "-q", "--cluster", address, "--set", "solver.epochs=9"]
    for change in ("cluster.shards=2", "cluster.mode=sync", "cluster.interval=3"):
        assert main([*words, "--set", change]) == 5
        assert "the run was trained on a cluster (interval 2, mode local" in capsys.readouterr().err
    assert main(["resume", "runs/kept", "-q", "--set", "cluster.at=null"]) == 5
    assert "and is now on one machine" in capsys.readouterr().err
    assert model("kept") == before


def test_a_scheduler_is_found_by_its_file(cluster, place):
    """scheduler.json, as Dask writes it, relative to the current folder."""
    Path("scheduler.json").write_text(json.dumps({"address": cluster.scheduler_address}))
    assert fit("scheduler.json", "local", "filed") == 0
    assert "at: ../../scheduler.json" in Path("runs/filed/config.yaml").read_text()


@pytest.mark.parametrize(
    ("at", "code", "problem"),
    [
        ("tcp://127.0.0.1:9", 7, "cannot reach the scheduler of the cluster"),
        ("none.json", 7, "no scheduler has written this file"),
        ("local:0", 2, "cluster.at must be local:N"),
        ("somewhere", 2, "cluster.at must be local:N"),
    ],
)
def test_a_cluster_that_is_not_there_is_told_in_one_sentence(place, capsys, at, code, problem):
    """And nothing is written."""
    assert fit(at, "sync", "none", "--set", "cluster.wait=0") == code
    err = capsys.readouterr().err
    assert problem in err
    assert err.count("\n") == 1
    assert not os.path.exists("runs")


def test_without_dask_there_is_one_clear_error(place, capsys, monkeypatch):
    """It names what to install."""
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    assert fit("local:2", "sync", "none") == 2
    assert capsys.readouterr().err.count("pip install 'svmtrain[cluster]'") == 1


def test_a_cluster_without_workers_is_waited_for_so_long(place, capsys):
    """Then it is told; with a worker in time, training begins."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=0, dashboard_address=":0") as empty:
        address = empty.scheduler_address
        assert fit(address, "local", "none", "--set", "cluster.wait=0.3") == 7
        assert "the cluster has no worker after 0.3 seconds" in capsys.readouterr().err
        later = threading.Timer(0.3, empty.scale, [1])
        later.start()
        assert fit(address, "local", "some") == 0
        later.join()


def test_a_worker_that_stalls_is_named(cluster, place, capsys, monkeypatch):
    """It does not answer, and is not gone: who waits is told for whom."""
    monkeypatch.setattr(calls, "PATIENCE", 0.3)
    pid, more = processes(cluster)[0], ("--set", "solver.epochs=30")
    stalls = threading.Thread(target=stall, args=(pid, "slow"))
    stalls.start()
    words = ["--cluster", cluster.scheduler_address, "--name", "slow", *MODES["local"], *more]
    assert main(["fit", "c.yaml", *words]) == 0
    stalls.join()
    told = capsys.readouterr().err
    after = told[told.index("epoch 2/30") :]
    assert any(f"cluster: waiting {k} s for tcp://" in after for k in (0, 1, 2))
    assert last("slow")["epoch"] == 30


def stall(pid, name):
    """Stop a process for a while once a run has some epochs."""
    until(lambda: os.path.exists(f"runs/{name}/metrics.jsonl") and last_epoch(name) >= 2)
    os.kill(pid, signal.SIGSTOP)
    time.sleep(1.5)
    os.kill(pid, signal.SIGCONT)


def test_a_bad_row_is_told_as_on_one_machine(cluster, place, capsys):
    """What a worker finds wrong has its file, its line and its exit code."""
    table = Path("train.csv")
    table.write_text(table.read_text().replace("5.5", "5.5x", 1))
    assert main(["fit", "c.yaml", "-q"]) == 3
    here = capsys.readouterr().err
    assert fit(cluster, "sync", "bad") == 3
    there = capsys.readouterr().err
    assert there.replace(f"{place}{os.sep}", "") == here


def test_shards_are_let_go_when_a_training_ends(cluster, place):
    """Workers outlive trainings, and keep no rows of them."""
    from distributed import Client

    assert fit(cluster, "local", "once") == 0
    with Client(cluster) as client:
        assert set(client.run(kept).values()) == {0}


def kept():
    """Return how many shards a worker keeps."""
    from svmtrain.cluster import worker

    return len(worker._kept)


def test_rounds_that_lose_a_worker_every_time_end(cluster, place, monkeypatch):
    """Twenty times, then the run ends with a sentence; it can be gone on with."""
    monkeypatch.setattr(dask_engine, "TRIES", 2)
    monkeypatch.setattr(DaskEngine, "_revive", lambda self, shards: None)
    assert fit(cluster, "local", "lossy") == 7
    assert not RunDirectory("runs/lossy").exists()


def test_certificates_come_together(place, capsys):
    """One without the others is a mistake, told before anything is connected."""
    words = ("--set", "cluster.tls_cert=c.pem")
    assert fit("local:1", "sync", "none", *words) == 2
    assert "cluster.tls_ca_file is not set, and tls_cert is" in capsys.readouterr().err
    words = [*words, "--set", "cluster.tls_ca_file=c.yaml", "--set", "cluster.tls_key=c.yaml"]
    assert fit("local:1", "sync", "none", *words) == 2
    assert "cluster.tls_cert names no file: c.pem" in capsys.readouterr().err
