"""The targets and their corpus: what was found once is tried in every run, and seeds are seeds."""

import mmap
import os
import sys
import time
import warnings
from types import SimpleNamespace

import pytest

from svmtrain.data.readers import READERS
from svmtrain.errors import DataError, ModelError
from tests.fuzz.judge import ACCEPTED, REFUSED, UNFIT, Broken, judge
from tests.fuzz.seeds import PREFIX
from tests.fuzz.targets import CORPUS, TARGETS

EVERY = pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the most it had")
CORPUS_LIMIT = 200_000
LITTLE = 0.1  # seconds


def planted(read, errors=(DataError,)):
    """Return a target that is no parser."""
    return SimpleNamespace(
        read=read,
        errors=errors,
        threads=False,
        message=1000,
        parts=lambda content: {"data": content},
    )


@EVERY
def test_the_corpus_breaks_nothing(target, tmp_path):
    """Seeds and findings of old; and each target accepts a seed, so that mutants go deep."""
    for seed in target.seeds().values():
        judge(target, seed, tmp_path, measured=False)
    outcomes = {name: judge(target, seed, tmp_path) for name, seed in target.seeds().items()}
    assert ACCEPTED in {outcomes[name] for name in outcomes if name.startswith(PREFIX)}


def test_every_format_has_a_target_and_every_corpus_is_one_of_a_target():
    """A new reader is asked for its seeds, and no folder lies about unused."""
    assert {name for name in READERS if TARGETS[name].seeds()} == set(READERS)
    assert {path.name for path in CORPUS.iterdir()} == {one.corpus for one in TARGETS.values()}


def test_the_corpus_is_small():
    """It is kept in the repository."""
    files = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < CORPUS_LIMIT


def test_what_is_unfit_is_told_from_what_is_refused(tmp_path):
    """Nothing can be made of some inputs; others reach the parser."""
    assert judge(TARGETS["model-forged"], b"[", tmp_path) == UNFIT
    assert judge(TARGETS["model"], b"[", tmp_path) == REFUSED


def raising(error):
    """Return a function that raises an error."""

    def read(folder):
        raise error

    return read


def busy(folder):
    """Take more of the processor's time than is allowed."""
    end = time.process_time() + 2 * LITTLE
    while time.process_time() < end:
        pass


def greedy(folder):
    """Take more memory than is allowed."""
    return len(bytearray(80 << 20))


def library(folder):
    """Take more memory than is allowed, and let Python know nothing of it."""
    with mmap.mmap(-1, 80 << 20) as block:
        block[::4096] = bytes(len(block) // 4096)


def warning(folder):
    """Warn, as numpy does."""
    warnings.warn("overflow", RuntimeWarning, stacklevel=1)


@pytest.mark.parametrize(
    ("read", "problem"),
    [
        (raising(ModelError("x")), "ModelError: x"),
        (raising(DataError("a\nb")), "not for a terminal"),
        (raising(DataError("\x1b[2J")), "not for a terminal"),
        (raising(DataError("x" * 2000)), "a message of 2,000 characters"),
        (busy, " s$"),
        (greedy, "bytes of memory for 1"),
        pytest.param(library, "bytes of memory for 1", marks=ON_LINUX),
        (lambda folder: (folder / "data").write_bytes(b"y"), "files were changed"),
        (lambda folder: (folder / "new").touch(), "files were changed"),
        (lambda folder: os.system("true"), "os.system.* was done"),
    ],
)
def test_the_judge_notices(read, problem, tmp_path, monkeypatch):
    """Each rule is broken once, and seen to be."""
    if read is busy:
        monkeypatch.setattr("tests.fuzz.judge.SECONDS", LITTLE)
    with pytest.raises(Broken, match=problem):
        judge(planted(read), b"x", tmp_path)
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("error", [ValueError, RecursionError, MemoryError, RuntimeWarning])
def test_the_judge_lets_foreign_errors_through(error, tmp_path):
    """They end the test that asked, with their traceback; a warning is one of them."""
    read = warning if error is RuntimeWarning else raising(error("x"))
    with pytest.raises(error):
        judge(planted(read), b"x", tmp_path)
