"""Odd surroundings of the real command: each has a stated outcome, in a table."""

import ctypes
import fcntl
import gzip
import os
import pty
import re
import struct
import subprocess
import termios

import numpy as np
import pytest
from small_runs import command, drained, environment, start, tree, write_config, write_table

from svmtrain import threads
from svmtrain.cli import main

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1
DONE = r""
"""What stderr says when all is well."""

FIT = ("fit", "c.yaml", "-q")


def bound():
    """Have the modes of files bind this process, also where it is of the superuser."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0) == 0


def line(text):
    """Return the pattern of one line of an error."""
    return rf"svmtrain: error: {re.escape(text)}[^\n]*\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a folder with a config, its data, a run, and files that stand in the way."""
    here = tmp_path_factory.mktemp("made")
    start(write_config(here), "done")
    write_table(here / "donn\u00e9es.csv")
    text = (here / "donn\u00e9es.csv").read_text().replace("elm", "\u00e9lm")
    (here / "donn\u00e9es.csv").write_text(text, encoding="utf-8")
    (here / "accents.csv").write_text(text, encoding="utf-8")
    start(here / "c.yaml", "accents", f"data.train={here / 'accents.csv'}")
    for name in ("closed", "folder"):
        (here / name).mkdir()
    (here / "closed").chmod(0o555)
    (here / "file").write_text("1\n")
    (here / "runs" / "taken").write_text("1\n")
    np.savez(here / "X.npz", X=np.arange(40.0).reshape(20, 2), y=np.arange(20) % 2)
    (here / "X.npz.gz").write_bytes(gzip.compress((here / "X.npz").read_bytes()))
    cells = [f"{i % 7}.{'0' * 60}1" for i in range(70)]
    rows = [",".join([*cells[i % 9 :], *cells[: i % 9], "xy"[i % 2]]) for i in range(1000)]
    names = ",".join([*(f"c{i}" for i in range(70)), "kind"])
    (here / "large.csv").write_text("\n".join([names, *rows]) + "\n")
    assert (here / "large.csv").stat().st_size > 4 << 20
    return here


def begin(made, words, env=(), **options):
    """Run the real command with a changed environment; None takes a variable away."""
    settings = {**environment(), **dict(env)}
    settings = {name: value for name, value in settings.items() if value is not None}
    pipes = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
    return subprocess.run(
        command(*words),
        cwd=made,
        env=settings,
        check=False,
        timeout=60,
        **{**pipes, "stdin": subprocess.DEVNULL, **options},
    )


LARGE = ("fit", "c.yaml", "--set", "data.train=large.csv", "--set", "solver.epochs=1")
NOT_KEPT = r"(?s)svmtrain: large.csv: is read without a cache: {}\n(epoch [^\n]*\n)*"
NO_HOME = {"HOME": None, "XDG_CACHE_HOME": None}
SHUT_HOME = {"HOME": "{here}/closed", "XDG_CACHE_HOME": None}
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
ACCENTS = ("--set", "data.train=donn\u00e9es.csv")
#: Identity: words, exit code, the pattern of stderr, the environment. Modes bind all of them.
TABLE = {
    "read-only folder for runs": (
        (*FIT, "--out", "closed"),
        *(7, line("closed/c: cannot create the run: Permission denied (EACCES)"), {}),
    ),
    "missing folder for runs": ((*FIT, "--out", "new/folder/runs"), 0, DONE, {}),
    "folder as the output": (
        ("predict", "runs/done", "train.csv", "-o", "folder"),
        *(7, line("folder: cannot write: Is a directory (EISDIR)"), {}),
    ),
    "file as the run": (
        (*FIT, "--name", "taken"),
        *(2, line("runs/taken: exists and is not a folder"), {}),
    ),
    "file as the folder of runs": (
        (*FIT, "--out", "file"),
        *(7, line("file/c: cannot create the run: Not a directory (ENOTDIR)"), {}),
    ),
    "home that cannot be written": (
        (*LARGE, "--name", "shut"),
        *(0, NOT_KEPT.format(r"\S+ cannot be made \(Permission denied\)"), SHUT_HOME),
    ),
    "no home": (
        (*LARGE, "--name", "homeless"),
        *(0, NOT_KEPT.format("there is no home folder to keep one in"), NO_HOME),
    ),
    "no TMPDIR": (("data", "info", "X.npz.gz"), 0, DONE, {"TMPDIR": "/none"}),
    "locale C": ((*FIT, "--name", "locale", *ACCENTS), 0, DONE, {"LC_ALL": "C"}),
    "ASCII and a name that is not": (
        (*FIT, "--name", "ascii", *ACCENTS),
        *(2, line(r"--set data.train=donn\udcc3\udca9es.csv: control character U+DCC3"), ASCII),
    ),
    "ASCII and labels that are not": (
        (*FIT, "--name", "labels", "--set", "data.train=accents.csv"),
        *(0, DONE, ASCII),
    ),
}


@pytest.mark.parametrize("case", TABLE)
def test_the_command_has_a_stated_outcome(made, case):
    """An exit code of the table and one line, or success; what was there stays."""
    words, code, told, env = TABLE[case]
    env = {name: value and value.format(here=made) for name, value in env.items()}
    before = tree(made)
    done = begin(made, words, env, preexec_fn=bound)
    err = done.stderr.decode()
    assert done.returncode == code, err
    assert re.fullmatch(told, err), err
    after = tree(made)
    assert {name: after.get(name) for name in before} == before
    assert code == 0 or after == before


SHELL = {
    "stdin closed that is read": (
        "{svmtrain} predict runs/done - <&-",
        *(3, line("<stdin>: standard input is closed")),
    ),
    "stdout closed after a training": ("{fit} --name out >&-", 0, DONE),
    "stdout a broken pipe": ("({fit} --name pipe; echo $? >&2) | true", 0, r"141\n"),
    "stderr closed with an error": ("{svmtrain} fit none.yaml 2>&-", 2, DONE),
    "all closed": ("{fit} --name all <&- >&- 2>&-", 0, DONE),
    "folder deleted for a run": (
        "mkdir gone && cd gone && rmdir ../gone && {svmtrain} fit ../c.yaml",
        *(7, line("runs/c: cannot create the run: No such file or directory (ENOENT)")),
    ),
}


@pytest.mark.parametrize("case", SHELL)
def test_streams_and_folders_that_are_gone_have_a_stated_outcome(made, case):
    """As a shell closes them, or as another process takes them away."""
    script, code, told = SHELL[case]
    words = " ".join(f"'{word}'" for word in command())
    script = script.format(svmtrain=words, fit=f"{words} {' '.join(FIT)}")
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=made,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert re.fullmatch(told, done.stderr), done.stderr
    name = re.search(r"--name (\w+)", script)
    assert not name or (made / "runs" / name[1] / "model.npz").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("runs", "list"),
        ("runs", "list", "--json"),
        ("runs", "list", "--csv"),
        ("predict", "runs/done", "train.csv"),
        ("model", "show", "runs/done"),
        ("config", "schema"),
    ],
)
def test_no_result_is_lost_in_silence(made, monkeypatch, capsys, words):
    """A closed stdout is an error for a command whose result it was to take."""
    monkeypatch.chdir(made)
    for name in threads.VARIABLES:
        monkeypatch.setenv(name, "1")
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdout", None)
        assert main(list(words)) == 7
    assert capsys.readouterr().err == "svmtrain: error: standard output is closed\n"


@pytest.mark.parametrize("case", ["ascii", "latin"])
def test_results_fit_the_locale_and_predictions_do_not_depend_on_it(made, case):
    """What a locale cannot show is escaped for people; labels are UTF-8."""
    env = {"ascii": ASCII, "latin": {"PYTHONIOENCODING": "latin-1"}}[case]
    shown = begin(made, ("evaluate", "runs/accents"), env)
    assert shown.returncode == 0, shown.stderr
    label = {"ascii": b"\\xe9lm", "latin": b"\xe9lm"}[case]
    assert re.search(rb"^" + re.escape(label) + rb" ", shown.stdout, re.MULTILINE)
    labels = begin(made, ("predict", "runs/accents", "accents.csv"), env)
    assert labels.returncode == 0, labels.stderr
    assert "\u00e9lm" in labels.stdout.decode("utf-8").splitlines()


def test_a_terminal_of_20_columns_is_enough(made):
    """No line of the progress is wider, and the training comes to its end."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 20, 0, 0))
    env = {**environment(), "COLUMNS": "20", "LINES": "24"}
    env.pop("TERM", None)
    words = command("fit", "c.yaml", "--name", "narrow")
    options = {"cwd": made, "stdin": theirs, "stdout": subprocess.PIPE, "stderr": theirs}
    with subprocess.Popen(words, env=env, **options) as process:
        os.close(theirs)
        text = drained(ours).decode()
        assert process.stdout.read().startswith(b"trained")
        assert process.wait(timeout=60) == 0, text
    lines = re.split(r"[\r\n]+", text)
    assert any(line.strip() for line in lines)
    assert max(map(len, lines)) <= 20
