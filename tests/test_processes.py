"""The real command as a process: killed, raced, cut off from its streams."""

import json
import signal
import subprocess
import time

import pytest
from small_runs import command, environment, run_command, start, write_config, write_table

from svmtrain.runs.directory import RunDirectory
from svmtrain.runs.path import PathDirectory, runs_of

KILLS = 10


@pytest.fixture
def here(tmp_path):
    """Return a folder with a config of 4 epochs and its data."""
    write_config(tmp_path)
    return tmp_path


def begin(here, *words, **options):
    """Start the real command."""
    pipes = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen(
        command(*words), cwd=here, env=environment(), **{**pipes, "text": True, **options}
    )


def wait_for(condition, process):
    """Wait until something is the case while a process works; False when it ended before."""
    while process.poll() is None:
        if condition():
            return True
        time.sleep(0.002)
    return False


def steps_of(run):
    """Return the newest step that was saved."""
    names = [path.name for path in run.checkpoint_files()]
    return int(names[0][5:-4]) if names else -1


def records_of(run):
    """Return the records of a run, without their times."""
    records = [json.loads(line) for line in run.metrics.read_text().splitlines()]
    return [{k: v for k, v in record.items() if k != "seconds"} for record in records]


def test_a_run_killed_again_and_again_ends_in_the_same_bytes(here):
    """Kill -9 at moments spread over start, training and saving; then resume until it is done."""
    write_config(here, "epochs: 150; batch_size: 1; momentum: 0.5")
    run, kills = RunDirectory(here / "runs" / "c"), 0
    while kills < KILLS:
        at = steps_of(run)
        process = begin(here, "fit", "c.yaml", "--resume", "-q")
        # Some kills come before the first save of a session, some just after it.
        moved = wait_for(lambda at=at: run.exists() and steps_of(run) > at, process)
        if moved and kills % 3:
            time.sleep(0.003 * kills)
        process.kill()
        process.communicate()
        kills += 1
    last = run_command("fit", "c.yaml", "--resume", "-q", cwd=here)
    assert last.returncode == 0, last.stderr
    whole = start(here / "c.yaml", "whole")
    assert run.model.read_bytes() == whole.model.read_bytes()
    assert records_of(run) == records_of(whole)
    assert not list(run.path.rglob("*svmtrain-tmp"))


def test_a_path_killed_again_and_again_ends_in_the_same_bytes(here):
    """Kill -9 whenever something moved, in and between its runs; then resume until it is done."""
    write_config(here, "name: dual; epochs: 40", more="objective: {lambda: [0.1, 0.03, 0.01]}")
    folder, kills = PathDirectory(here / "runs" / "c"), 0

    def place():
        return [steps_of(run) for run in runs_of(folder.path)]

    while kills < KILLS:
        at = place()
        process = begin(here, "fit", "c.yaml", "--resume", "-q")
        moved = wait_for(lambda at=at: place() != at, process)
        if moved and kills % 3:
            time.sleep(0.03 * kills)
        process.kill()
        process.communicate()
        kills += 1
    last = run_command("fit", "c.yaml", "--resume", "-q", cwd=here)
    assert last.returncode == 0, last.stderr
    whole = run_command("fit", "c.yaml", "-q", "--name", "whole", cwd=here)
    assert whole.returncode == 0, whole.stderr
    others = runs_of(here / "runs" / "whole")
    assert [len(runs_of(folder.path)), len(others)] == [3, 3]
    for run, other in zip(runs_of(folder.path), others, strict=True):
        assert run.model.read_bytes() == other.model.read_bytes()
        assert records_of(run) == records_of(other)
    assert not list(folder.path.rglob("*svmtrain-tmp"))


def test_of_two_processes_for_one_path_one_wins(here):
    """The other says that it is in use, and changes nothing."""
    words = ("fit", "c.yaml", "-q", "--set", "objective.lambda=[0.1, 0.01]")
    assert run_command(*words, cwd=here).returncode == 0
    with PathDirectory(here / "runs" / "c").locked():
        for mode in ("--resume", "--force"):
            other = run_command(*words, mode, cwd=here)
            assert other.returncode == 8
            assert "another svmtrain is working on this run" in other.stderr


@pytest.mark.parametrize("mode", [(), ("--resume",), ("--force",)])
def test_of_two_processes_for_one_run_one_wins(here, mode):
    """The loser says so in one line and does not disturb the winner."""
    write_config(here, "epochs: 150; batch_size: 1")
    both = [begin(here, "fit", "c.yaml", "-q", *mode) for _ in range(2)]
    ends = [(process.communicate(timeout=60), process.returncode) for process in both]
    codes = sorted(code for _, code in ends)
    assert codes[0] == 0
    assert codes[1] in (2, 8)
    loser = next(err for (_, err), code in ends if code)
    assert loser.startswith("svmtrain: error: runs/c: ")
    assert loser.count("\n") == 1
    whole = start(here / "c.yaml", "whole")
    assert (here / "runs/c/model.npz").read_bytes() == whole.model.read_bytes()


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
