"""What a file, a label or a name holds never moves a terminal: every output for people."""

import ast
import csv
import io
import os
import pty
import re
import subprocess
from pathlib import Path

import pytest
from small_runs import command, drained, environment, rows_of

import svmtrain

ESCAPES = "\x1b[2J\u202e\x07"
"""Clears the screen, turns the direction of writing, rings."""

NAME = f"a{ESCAPES}\nLEAK"
"""For folders, files and runs, which may also hold line breaks."""

CELL = f"{ESCAPES}z"
TARGET = f"kind{ESCAPES}"
DATA, BAD = Path(f"{NAME}.csv"), Path(f"{NAME}-bad.csv")
CONFIG, CIRCUIT = Path(f"{NAME}.yaml"), Path(f"{NAME}.txt")
RUNS = Path(f"runs{NAME}")
RUN = RUNS / NAME


def write_rows(path, header, rows):
    """Write a CSV file."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


@pytest.fixture
def evil(here, monkeypatch, call):
    """Work in a folder of hostile names: data, a config, a circuit, a run and a path of runs."""
    folder = here / f"in{NAME}"
    folder.mkdir()
    monkeypatch.chdir(folder)
    header = [f"a{CELL}", "b", f"t{CELL}", TARGET]
    rows = [(a, b, f"{c % 2}{CELL}", label) for a, b, c, label in rows_of(60)]
    write_rows(DATA, header, rows)
    write_rows(BAD, header, [*rows[:9], (1, f"x{CELL}"), *rows[9:], (1, 2, CELL, f"u{CELL}")])
    write_rows(Path("plain.csv"), header, rows)
    text = "data: {train: plain.csv, target: 3, text: onehot, test: 0.2}\n"
    CONFIG.write_text(text + "solver: {epochs: 2, lr: 0.01}\n")
    CIRCUIT.write_text("x = 2\ny = 3 * x\n", encoding="utf-8")
    for words in ((), ("--set", "objective.lambda=[0.1, 0.01]")):
        code, _, err = call("fit", CONFIG, "--name", f"run{len(words)}", "-q", *words)
        assert code == 0, err
    Path("runs").rename(RUNS)
    (RUNS / "run0").rename(RUN)
    (RUNS / "run2").rename(RUNS / f"path{NAME}")
    return folder


def harmless(text):
    """Assert that a text holds nothing that a terminal obeys, and no line that a name broke off."""
    assert all(line.isprintable() for line in text.split("\n")), repr(text)
    assert not re.search(r"^LEAK", text, re.MULTILINE), text


READ = ("--target", TARGET, "--text-column", f"t{CELL}")
#: By what they show: the exit code, and the words of the command.
COMMANDS = {
    "dry run": (0, "fit", CONFIG, "--name", "new", "--dry-run"),
    "fit without a name": (2, "fit", CONFIG),
    "fit": (0, "fit", CONFIG, "--name", "new", "-v", "--set", "data.validation=0"),
    "resume": (0, "resume", RUN, "--set", "solver.epochs=3", "-v"),
    "resume quietly": (0, "resume", RUN, "--set", "solver.epochs=4", "-q"),
    "resume a path": (0, "resume", RUNS / f"path{NAME}"),
    "evaluate": (0, "evaluate", RUN),
    "evaluate a file": (0, "evaluate", RUN, DATA),
    "model show": (0, "model", "show", RUN),
    "export": (0, "export", RUN, "--to", "json", "-o", f"m{NAME}.json"),
    "export that cannot be": (2, "export", RUN, "--to", "c", "-o", "m.c"),
    "export to what is none": (2, "export", RUN, "--to", f"c{ESCAPES}"),
    "import of no model": (4, "import", DATA, "-o", "m.npz"),
    "runs list": (0, "runs", "list", "--dir", RUNS),
    "runs show": (0, "runs", "show", RUN),
    "runs compare": (0, "runs", "compare", RUN, RUN),
    "data info": (0, "data", "info", DATA, *READ),
    "data check": (0, "data", "check", DATA, *READ),
    "data check of bad data": (3, "data", "check", BAD, *READ),
    "data info of bad data": (3, "data", "info", BAD, *READ),
    "data split": (0, "data", "split", DATA, *READ[:2], "-o", f"parts{NAME}"),
    "data convert": (0, "data", "convert", DATA, f"store{NAME}", *READ),
    "config show": (0, "config", "show", CONFIG),
    "config init": (0, "config", "init", DATA, "--target", TARGET),
    "config init to a file": (
        *(0, "config", "init", DATA, "--target", TARGET),
        *("-o", f"new{NAME}.yaml"),
    ),
    "doctor": (0, "doctor", CONFIG),
    "gradcheck": (0, "gradcheck", CONFIG, "--samples", "3"),
    "circuit": (0, "circuit", "--file", CIRCUIT),
    "a bad circuit": (2, "circuit", "x + 1", f"x{ESCAPES}=1"),
    "circuit of a loss": (0, "circuit", "--loss", "config", "--config", RUN, "--row", "3"),
    "a bad data file": (3, "evaluate", RUN, BAD),
    "a bad path": (3, "evaluate", RUN, f"none{NAME}.csv"),
    "a bad model": (4, "model", "show", DATA),
    "a bad label column": (3, "data", "info", DATA, "--target", f"no{CELL}"),
    "a bad option": (2, "data", "info", DATA, "--format", f"no{CELL}"),
    "a bad command": (2, f"no{CELL}"),
    "a bad setting": (2, "fit", CONFIG, "--set", f"solver.no{ESCAPES}=1"),
    "a traceback": (4, "--debug", "model", "show", DATA),
}
NOTHING_FOREIGN = {"gradcheck", "circuit", "circuit of a loss", "config show"}
NOTHING_FOREIGN |= {"dry run", "fit", "evaluate", "evaluate a file"}


def test_no_output_for_people_moves_a_terminal(evil, call):
    """ESC, direction marks, bells and line breaks are shown as escapes, by every command."""
    for what, (code, *words) in COMMANDS.items():
        found, out, err = call(*words)
        assert found == code, (what, err)
        harmless(out)
        harmless(err)
        assert ("\\x1b[2J" in out + err) == (what not in NOTHING_FOREIGN), (what, out, err)


def test_no_model_has_a_class_that_moves_a_terminal(here, call):
    """No training makes one, and a forged one is refused: what `predict` writes is harmless."""
    write_rows(here / "train.csv", ["a", "kind"], [(i, "xy"[i % 2] + ESCAPES) for i in range(40)])
    code, out, err = call("fit", "c.yaml")
    assert (code, out) == (3, "")
    harmless(err)
    assert "has a control character in it" in err


def test_a_terminal_gets_csv_escaped_and_a_pipe_as_it_is(evil, call):
    """A program reads the name itself; a person cannot be fooled by it."""
    words = ("runs", "list", "--csv", "--dir", RUNS)
    code, out, err = call(*words)
    assert (code, err) == (0, "")
    assert NAME in [row[0] for row in csv.reader(io.StringIO(out))]
    ours, theirs = pty.openpty()
    options = {"stdout": theirs, "stderr": subprocess.PIPE, "env": environment()}
    with subprocess.Popen(command(*words), **options) as process:
        os.close(theirs)
        text = drained(ours).decode().replace("\r\n", "\n")
        assert (process.wait(timeout=60), process.stderr.read()) == (0, b"")
    harmless(text)
    assert "\\x1b[2J" in text


def test_only_one_place_prints():
    """Text for people goes through `tell`, so that no command can forget to escape."""
    package = Path(svmtrain.__file__).parent
    for path in sorted(package.rglob("*.py")):
        printing = [
            node.lineno
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call)
            and ast.unparse(node.func) in ("print", "click.echo", "click.secho", "sys.stdout.write")
        ]
        assert not printing or path.name == "output.py", (path, printing)
