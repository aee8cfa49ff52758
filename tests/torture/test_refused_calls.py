"""Any write, fsync, rename or removal may be refused, once or for good: one sentence, no loss."""

import errno
import os
import resource
import shutil
import signal
import warnings
from dataclasses import replace

import pytest
from extent import TORTURE, extent, spread
from small_runs import QUIET, results, settings_of, write_config
from system_calls import REAL, Countdown, points, watched

from svmtrain import checkpoint as checkpoints
from svmtrain.errors import ModelError, StorageError, SvmtrainError
from svmtrain.operations.fit import fit
from svmtrain.runs.directory import RunDirectory

CODES = ("ENOSPC", "EIO", "EDQUOT", "EROFS", "EACCES", "EFBIG")
LEAST = 200
SIZES = 20


class Refusing:
    """Refuses calls from the n-th point on: one of them, or all."""

    def __init__(self, at, code, for_good):
        self.countdown = Countdown(at, self._refuse)
        self.code, self.for_good, self.refused = code, for_good, 0

    def __call__(self, name, args):
        if self.for_good and self.refused:
            self._refuse(name, args)
        self.countdown(name, args)

    def _refuse(self, name, args):
        self.refused += 1
        raise OSError(self.code, os.strerror(self.code))


def intact(run):
    """Return the checkpoints of a run that can be loaded, by name."""
    found = {}
    for path in run.checkpoint_files():
        try:
            checkpoints.load(path)
        except ModelError:
            continue
        found[path.name] = path.read_bytes()
    return found


def attempt(settings, before):
    """Train from the start while calls are refused; return the error, None when it finished."""
    try:
        with watched(before):
            fit(settings, QUIET, resume=True)
    except SvmtrainError as error:
        return error
    return None


@pytest.fixture
def prepared(tmp_path):
    """Return a config of 3 epochs with a checkpoint each, its run, and what comes of it."""
    settings = settings_of(write_config(tmp_path, "epochs: 3; momentum: 0.5"), "run")
    run = RunDirectory(tmp_path / "runs" / "run")
    (tmp_path / "runs").mkdir()
    total = points(lambda: fit(settings, QUIET))
    return settings, run, results(run), total


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for-good"])
def test_a_refused_call_costs_one_sentence_and_nothing_else(prepared, for_good, figures):
    """Exit code 7 or none at all, no checkpoint half written, and a resume to the same bytes."""
    settings, run, expected, total = prepared
    cases = [(at, code) for at in range(total) for code in CODES]
    injected = 0
    for at, name in spread(cases, 20):
        shutil.rmtree(run.path)
        refusing = Refusing(at, getattr(errno, name), for_good)
        error = attempt(settings, refusing)
        assert refusing.refused, f"{name} at {at} was never met"
        injected += 1
        assert error is None or isinstance(error, StorageError), f"{name} at {at}: {error!r}"
        assert "\n" not in str(error)
        assert len(intact(run)) == len(run.checkpoint_files())
        if error is None:
            assert results(run) == expected, f"{name} at {at}"
        fit(settings, QUIET, resume=True)
        assert results(run) == expected, f"{name} at {at}"
    figures(f"refused calls, {'for good' if for_good else 'once'}", injected)
    assert injected >= (LEAST if TORTURE else 20)


def test_what_was_saved_before_the_disk_was_full_stays(prepared, figures):
    """Byte for byte, wherever a session that goes on with it is cut off from the disk."""
    settings, run, expected, total = prepared
    begun = replace(settings, solver=replace(settings.solver, epochs=2))
    shutil.rmtree(run.path)
    fit(begun, QUIET)
    total = points(lambda: fit(settings, QUIET, resume=True))
    stopped = 0
    for at in spread(range(total), 8):
        shutil.rmtree(run.path)
        fit(begun, QUIET)
        before = intact(run)
        error = attempt(settings, Refusing(at, errno.ENOSPC, True))
        stopped += error is not None
        assert max(before) in intact(run)
        fit(settings, QUIET, resume=True)
        assert results(run) == expected
    figures("sessions cut off by a full disk", stopped)
    assert stopped >= (20 if TORTURE else 5)


def test_short_writes_are_gone_on_with(prepared, figures):
    """The system may take fewer bytes than it is given, at every write of a run."""
    settings, run, expected, _ = prepared
    shutil.rmtree(run.path)
    short = 0

    def one_byte_less(name, args):
        nonlocal short
        if name not in ("write", "pwrite") or len(args[1]) < 2:
            return None
        short += 1
        return REAL[name](args[0], args[1][: len(args[1]) // 2 + 1], *args[2:])

    with watched(one_byte_less):
        fit(settings, QUIET)
    assert results(run) == expected
    figures("short writes", short)
    assert short > 20


def limited(size, work):
    """Do some work in a child whose files cannot grow beyond a size; return its exit code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        code = 99
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
            work()
            code = 0
        except SvmtrainError as error:
            code = error.exit_code
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_full_disk_of_any_size_ends_a_run_with_7_or_not_at_all(prepared, figures):
    """The kernel itself refuses to let files grow, from no byte at all to more than is needed."""
    settings, run, expected, _ = prepared
    largest = max(path.stat().st_size for path in run.path.rglob("*") if path.is_file())
    count = extent(5, SIZES)
    codes = []
    for number in range(count):
        size = (largest + 256) * number // (count - 1)
        shutil.rmtree(run.path, ignore_errors=True)
        codes.append(limited(size, lambda: fit(settings, QUIET, resume=True)))
        assert len(intact(run)) == len(run.checkpoint_files())
        fit(settings, QUIET, resume=True)
        assert results(run) == expected, f"after {size} bytes"
    figures("sizes of a full disk", len(codes))
    assert set(codes) == {0, 7}
    assert codes == sorted(codes, reverse=True)
