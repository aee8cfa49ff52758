"""The catalogue of bad inputs through the command line: code, one line, position, no change."""

import bz2
import contextlib
import gzip
import lzma
import os
import re

import pytest
from bad_checkpoints import CHECKPOINTS, SETTINGS, SURROUNDINGS
from bad_data import CIFAR, CSV, IDX, LABELS, NPY_X, NPY_Y, NPZ, SVMLIGHT, X, Y
from bad_models import MODELS
from bad_yaml import CASES, GOOD
from small_runs import start, tree
from tone import faults_of

from svmtrain.data.readers import compressed

ENTRIES = range(1, 115)

#: Identity: (place, telling part of the message, words of the command, content of each file).
TABLES = {
    "40-wrong-delimiter": (
        "bad.csv:1",
        "delimiter ',' finds one column, ';' would find 3 (set data.delimiter)",
        ("data.delimiter=','",),
        {"bad.csv": b"x;z;label\n1;2;a\n"},
    ),
    "43-one-class": (
        "bad.csv",
        "every row has the label 'oak'; expected at least two classes",
        (),
        {"bad.csv": b"x,label\n" + b"1,oak\n2,oak\n" * 9},
    ),
    "84-labels-by-their-name": (
        "train-labels-idx1-ubyte",
        "are images and labels swapped",
        (),
        {"train-labels-idx1-ubyte": LABELS},
    ),
}


def of_tables():
    """Return the entries of data in one form, those of the readers' tables among them."""
    cases = dict(TABLES)
    for format, entries in (("csv", CSV), ("svmlight", SVMLIGHT), ("npz", NPZ)):
        for name, (content, *position, message) in entries.items():
            at = [str(number) for number in position if number is not None]
            place = ":".join([f"bad.{format}", *at])
            cases[name] = (place, message, (f"data.format={format}",), {f"bad.{format}": content})
    for name, (format, content, message) in CIFAR.items():
        cases[name] = ("bad.bin", message, (f"data.format={format}",), {"bad.bin": content})
    pairs = {f"{name}-X": (x, Y[1], message, "features") for name, (x, message) in NPY_X.items()}
    pairs |= {f"{name}-y": (X[1], y, message, "labels") for name, (y, message) in NPY_Y.items()}
    for format, entries in (("npy", pairs), ("idx", IDX)):
        for name, (features, labels, message, bad) in entries.items():
            place = {"features": f"bad.{format}", "labels": "bad.labels"}[bad]
            words = (f"data.format={format}", "data.labels=bad.labels")
            files = {f"bad.{format}": features, "bad.labels": labels}
            cases[name] = (place, message, words, files)
    return cases


DATA = of_tables()


def refused(here, call, code, place, message, words, as_whom=contextlib.nullcontext):
    """Run a command line that must fail in one line of the form, and change nothing."""
    before = tree(here)
    with as_whom():
        found, out, err = call(*words)
    assert (found, out) == (code, ""), err
    assert tree(here) == before
    line = re.fullmatch(rf"svmtrain: error: {re.escape(place)}: ([^\n]+)\n", err)
    assert line, err
    assert message in line[1]
    assert len(line[1]) < 300
    assert faults_of(err) == []


@pytest.mark.parametrize(("content", "position", "message"), CASES.values(), ids=CASES)
def test_a_bad_config_ends_the_command(here, call, content, position, message):
    """1 to 26: code 2, with line and column where there are such."""
    (here / "bad.yaml").write_bytes(content)
    refused(here, call, 2, f"bad.yaml{position}", message, ("fit", "bad.yaml"))


@pytest.mark.parametrize(("place", "message", "settings", "files"), DATA.values(), ids=DATA)
def test_bad_data_end_the_command(here, call, place, message, settings, files):
    """27 to 91: code 3, and nothing is begun."""
    for name, content in files.items():
        (here / name).write_bytes(content)
    (here / "bad.yaml").write_text(f"data: {{train: {next(iter(files))}}}\n")
    words = [word for setting in settings for word in ("--set", setting)]
    refused(here, call, 3, place, message, ("fit", "bad.yaml", *words))


def test_09_a_number_with_an_exponent_and_no_dot_is_accepted(here, call):
    """`1e-3` is 0.001; the tail of `1e-3x` is refused by the table."""
    (here / "good.yaml").write_bytes(GOOD + b"objective:\n  delta: 1e-3\n")
    code, out, err = call("config", "show", "good.yaml")
    assert (code, err) == (0, "")
    assert re.search(r"^  delta: 0\.001\b", out, re.MULTILINE)


def unreadable(path):
    """Make a file that only others may read."""
    path.write_bytes(GOOD)
    path.chmod(0)


NO_FILES = {
    "25-folder": (os.mkdir, "cannot be read: it is a folder"),
    "25-fifo": (os.mkfifo, "cannot be read: it is not a regular file"),
    "25-missing": (lambda path: None, "no such file"),
    "25-unreadable": (unreadable, "cannot be opened: Permission denied"),
}


@pytest.mark.parametrize(("make", "message"), NO_FILES.values(), ids=NO_FILES)
def test_25_what_is_no_readable_file_is_no_config(here, call, make, message):
    """Not waited for, and the reason of the system is passed on."""
    make(here / "bad.yaml")
    refused(here, call, 2, "bad.yaml", message, ("fit", "bad.yaml"), as_nobody)


@contextlib.contextmanager
def as_nobody():
    """Work without the right to read everything, if this process has it."""
    if os.geteuid():
        yield
        return
    os.chmod(".", 0o777)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


BEYOND = {f"56-{command}": command for command in ("predict", "evaluate")}


@pytest.mark.parametrize("command", BEYOND.values(), ids=BEYOND)
def test_56_an_index_beyond_the_model_ends_the_command(here, call, command):
    """The line has the index, and how many features the model has."""
    (here / "good.svm").write_text("".join(f"{1 + i % 2} 1:{i % 5} 2:{i % 3}\n" for i in range(40)))
    start(here / "c.yaml", "run", "data.train=good.svm", "data.target=null")
    (here / "bad.svm").write_bytes(b"1 1:1\n1 2:1 12:1\n")
    message = "index '12' is beyond the 2 features of the model"
    refused(here, call, 3, "bad.svm:2:7", message, (command, "runs/run", "bad.svm"))


BOMBS = {f"87-{module.__name__}": module.compress for module in (gzip, bz2, lzma)}


@pytest.mark.parametrize("pack", BOMBS.values(), ids=BOMBS)
def test_87_a_bomb_ends_the_command(here, call, monkeypatch, pack):
    """What expands to more than 200 times its size is not unpacked to its end."""
    monkeypatch.setattr(compressed, "EXPANSION_FREE", 1 << 16)
    (here / "bad.csv").write_bytes(pack(b"1,2\n" * (1 << 18)))
    words = ("fit", "c.yaml", "--set", "data.train=bad.csv")
    refused(here, call, 3, "bad.csv", "more than 200 times (save it uncompressed)", words)


def test_every_entry_of_the_catalogue_is_claimed():
    """A number that no table has is an entry that nobody tests."""
    tables = (CASES, NO_FILES, DATA, BEYOND, BOMBS, MODELS, CHECKPOINTS, SURROUNDINGS, SETTINGS)
    names = [name for table in tables for name in table]
    assert len(set(names)) == len(names)
    numbers = {int(name.partition("-")[0]) for name in names}
    assert sorted(numbers) == list(ENTRIES)
