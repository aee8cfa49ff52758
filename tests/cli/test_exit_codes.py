"""Every exit code by a real cause: one line on stderr, no traceback, nothing on disk harmed."""

import json
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_runs import environment, run_command, start, tree, write_config, write_table
from tone import faults_of

from svmtrain.checkpoint import load
from svmtrain.model import load_model
from svmtrain.runs.directory import RunDirectory

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
LONG = "epochs: 100000; batch_size: 1"


@pytest.fixture
def here(tmp_path):
    """Return a folder with a config and its data."""
    write_config(tmp_path)
    return tmp_path


def line_of(done, code):
    """Assert that a command ended with a code and one plain line; return the line."""
    assert done.returncode == code, done.stderr
    assert faults_of(done.stderr) == []
    return done.stderr


def refused(here, code, *words, **options):
    """Run a command that must fail and change nothing; return its line."""
    before = tree(here)
    message = line_of(run_command(*words, cwd=here, **options), code)
    assert tree(here) == before
    return message


def test_the_readme_has_the_codes_of_the_errors():
    """The table for users and the tree of exceptions say the same."""
    codes = {
        int(n) for row in re.findall(r"^\| ([0-9, ]+) \|", README, re.M) for n in row.split(",")
    }
    assert codes >= {*range(9), 75, 129, 130, 141, 143}


def test_0_when_done(here):
    """And nothing on stderr when quiet."""
    done = run_command("fit", "c.yaml", "-q", cwd=here)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "words",
    [
        ("fit", "c.yaml", "--set", "solver.epochs=0"),
        ("fit", "c.yaml", "--set", "solver.epoch=1"),
        ("fit", "none.yaml"),
        ("fit", "c.yaml", "--threads", "many"),
        ("fit", "c.yaml", "--name", "../up"),
        ("fit",),
        ("train", "c.yaml"),
    ],
)
def test_2_for_usage_and_config(here, words):
    """A value out of range, an unknown key, a missing file, a wrong command line."""
    refused(here, 2, *words)


def test_3_for_data(here):
    """A missing file, a bad cell, one class only: the file is named, and the line of a cell."""
    assert "none.csv: no such file" in refused(
        here, 3, "fit", "c.yaml", "--set", "data.train=none.csv"
    )
    lines = (here / "train.csv").read_text().splitlines()
    (here / "cell.csv").write_text("\n".join([*lines[:7], "1,n/a,2,oak", *lines[7:]]) + "\n")
    assert "cell.csv:8" in refused(here, 3, "fit", "c.yaml", "--set", "data.train=cell.csv")
    (here / "one.csv").write_text("a,b,c,kind\n" + "1,2,3,oak\n4,5,6,oak\n" * 9)
    message = refused(here, 3, "fit", "c.yaml", "--set", "data.train=one.csv")
    assert "one.csv" in message
    assert "'oak'; expected at least two classes" in message


def test_4_for_models_and_checkpoints(here):
    """A damaged model, a missing one, a run none of whose checkpoints is intact, twice the same."""
    run = start(here / "c.yaml", "run")
    content = bytearray(run.model.read_bytes())
    content[len(content) // 2] ^= 1
    (here / "bad.npz").write_bytes(content)
    for words in (("evaluate", "bad.npz", "train.csv"), ("model", "show", "bad.npz")):
        assert "bad.npz" in refused(here, 4, *words)
    refused(here, 4, "predict", "none.npz", "train.csv", "-o", "labels.txt")
    for path in run.checkpoint_files():
        path.write_bytes(path.read_bytes()[:-1])
    for _ in range(2):
        assert "none of the checkpoints is intact" in refused(here, 4, "resume", "runs/run")


def test_5_when_a_resume_does_not_match(here):
    """Another setting, with key, old and new; other data."""
    start(here / "c.yaml", "run")
    message = refused(here, 5, "resume", "runs/run", "--set", "solver.momentum=0.5")
    assert "solver.momentum was 0.0 and is now 0.5" in message
    write_table(here / "train.csv", 80)
    assert "data changed" in refused(here, 5, "resume", "runs/run")


def test_6_when_diverged(here):
    """The message helps; the last good checkpoint is intact, and run.json says what happened."""
    write_config(
        here, "lr: 1; schedule: constant", more="objective: {loss: weston_watkins_squared}"
    )
    words = ("--set", "checkpoint.every=1 steps", "-q")
    message = line_of(run_command("fit", "c.yaml", *words, cwd=here), 6)
    assert re.search(r"diverged at step \d+ with .*lr 1\).*try a smaller solver\.lr", message)
    run = RunDirectory(here / "runs" / "c")
    assert run.read_info()["status"] == "diverged"
    assert "diverged at step" in run.read_info()["reason"]
    assert not run.model.exists()
    newest = run.checkpoint_files()[0]
    assert load(newest).state.solver.step >= 1
    load_model(newest)
    listed = run_command("runs", "list", "--json", cwd=here)
    assert json.loads(listed.stdout)[0]["status"] == "diverged"


def test_6_when_every_step_size_diverges(here):
    """Features far too large, unscaled: nothing is written."""
    rows = [f"{1e200 * (i % 7)},{-1e200 * (i % 5)},{1e200},{'xy'[i % 2]}" for i in range(40)]
    (here / "huge.csv").write_text("\n".join(["a,b,c,kind", *rows]) + "\n")
    words = (
        "--set",
        "data.train=huge.csv",
        "--set",
        "solver.lr=auto",
        "--set",
        "preprocess.scale=none",
    )
    refused(here, 6, "fit", "c.yaml", *words)


@pytest.mark.parametrize("limit", [0, 100, 2000, 3500, 5000])
def test_7_when_the_disk_is_full(here, limit):
    """No file may be larger than `limit` bytes: what was there stays, and nothing half is left."""
    before = tree(here)
    fit = run_command("fit", "c.yaml", "-q", cwd=here, preexec_fn=lambda: small(limit))
    assert fit.returncode == 7, fit.stderr
    last = fit.stderr.splitlines()[-1]
    assert "(EFBIG)" in last
    assert ("svmtrain resume runs/c goes on" in last) is RunDirectory(here / "runs" / "c").exists()
    assert "Traceback" not in fit.stderr
    after = tree(here)
    assert {name: after[name] for name in before} == before
    assert not list(here.rglob("*svmtrain-tmp"))
    again = run_command("fit", "c.yaml", "-q", "--resume", cwd=here)
    assert again.returncode == 0, again.stderr
    whole = start(here / "c.yaml", "whole")
    assert (here / "runs/c/model.npz").read_bytes() == whole.model.read_bytes()


def small(limit):
    """Let this process write no file larger than `limit` bytes."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


def test_7_when_output_cannot_be_written(here):
    """To stdout or to a file: predictions are never cut short in silence."""
    start(here / "c.yaml", "run")
    with open("/dev/full", "w") as full:
        options = {"capture_output": False, "stdout": full, "stderr": subprocess.PIPE}
        for words in (("predict", "runs/run", "train.csv"), ("runs", "list"), ("--help",)):
            assert "(ENOSPC)" in refused(here, 7, *words, **options)
    words = ("predict", "runs/run", "train.csv", "-o")
    refused(here, 7, *words, "labels.txt", preexec_fn=lambda: small(20))
    refused(here, 7, *words, "no/such/folder/labels.txt")


@pytest.mark.parametrize("words", [("fit", "c.yaml", "--force"), ("resume", "runs/c")])
def test_8_when_the_run_is_in_use(here, words):
    """Another process holds the lock; its run is not touched."""
    run = start(here / "c.yaml", "c")
    with run.locked():
        assert "another svmtrain" in refused(here, 8, *words)


def wait_for(condition, process):
    """Wait until something is the case while a process works."""
    for _ in range(3000):
        if condition():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    raise AssertionError("it never happened")


WATCHED = (
    "import runpy, signal, sys\n"
    "signal.signal(signal.SIGHUP, signal.{})\n"
    "sys.argv[0] = 'svmtrain'\n"
    "runpy.run_module('svmtrain', run_name='__main__')\n"
)


def begin(here, *words, hangup="SIG_DFL"):
    """Start the real command, with a known way to take SIGHUP."""
    return subprocess.Popen(
        [sys.executable, "-c", WATCHED.format(hangup), *words],
        cwd=here,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_under_nohup_a_hangup_is_ignored(here):
    """Who asked for SIGHUP to be ignored gets just that."""
    write_config(here, LONG)
    process = begin(here, "fit", "c.yaml", "-q", hangup="SIG_IGN")
    wait_for(RunDirectory(here / "runs" / "c").checkpoint_files, process)
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143
