"""The real command as a process: looked at, cut off from its streams."""

import signal
import subprocess

import pytest
from real_runs import begin
from small_runs import command, environment, start, write_config, write_table


@pytest.fixture
def here(tmp_path):
    """Return a folder with a config of 4 epochs and its data."""
    write_config(tmp_path)
    return tmp_path


def test_listing_runs_never_keeps_a_run_from_its_lock(here):
    """Who only looks takes the lock for a moment, and the one who works waits that moment."""
    run = start(here / "c.yaml", "c")
    lister = begin(here, "runs", "list")
    for _ in range(200):
        with run.locked():
            assert run.is_locked()
        assert not run.is_locked()
    assert lister.communicate(timeout=60)[1] == ""


@pytest.mark.parametrize("words", [("config", "schema"), ("--help",), ("predict", "c", "big.csv")])
def test_a_reader_that_went_away_is_exit_141(here, words):
    """As with any filter; no traceback."""
    if words[0] == "predict":
        write_table(here / "big.csv", 9000, "abc")
        words = ("predict", start(here / "c.yaml", "c").model, "big.csv")
    process = begin(here, *words)
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 141
    assert err == ""


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", "2>&- -v", "2>/dev/full -v"])
def test_a_broken_stderr_ends_no_run(here, redirection):
    """Progress and notes are lost, the model is not."""
    words = " ".join(f"'{word}'" for word in command("fit", "c.yaml"))
    done = subprocess.run(
        ["sh", "-c", f"{words} {redirection}"],
        cwd=here,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout.startswith("trained")
    whole = start(here / "c.yaml", "whole")
    assert (here / "runs/c/model.npz").read_bytes() == whole.model.read_bytes()


def test_an_interrupt_while_waiting_for_input_ends_at_once(here):
    """Standard input stays open, and nothing more comes."""
    start(here / "c.yaml", "c")
    write_table(here / "big.csv", 12000, "abc")
    with begin(here, "predict", "runs/c", "-", stdin=subprocess.PIPE) as process:
        process.stdin.write((here / "big.csv").read_text())
        process.stdin.flush()
        assert process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
        assert process.returncode == 130
        err = process.stderr.read()
    assert err.startswith("svmtrain: SIGINT: ")
    assert err.count("\n") == 1
