"""The training loop: equal to slow SGD, equal after any interruption, and honest about failure."""

import copy
import math
import signal
from dataclasses import replace

import numpy as np
import pytest
import reference

from svmtrain import interrupts
from svmtrain.data.splits import epoch_order
from svmtrain.errors import DivergedError
from svmtrain.objective.linear import LinearObjective
from svmtrain.solvers.sgd import SGD
from svmtrain.training.loop import Cadence, Problem, Training
from svmtrain.training.progress import Silent
from svmtrain.training.sources import MemoryRows
from svmtrain.training.state import TrainingState
from svmtrain.training.stopping import BestEpoch, Stopping, StopRules

N, FEATURES, CLASSES = 23, 4, 3
MOVES = {
    "plain": {},
    "momentum": {"momentum": 0.9},
    "nesterov": {"momentum": 0.8, "nesterov": True},
    "polyak": {"averaging": "polyak"},
    "tail and nesterov": {"momentum": 0.7, "nesterov": True, "averaging": "tail"},
}


def rate(step):
    """Return a rate that changes with the step."""
    return 0.03 / (1 + 0.05 * step)


def rows(n=N, seed=0):
    """Return rows of overlapping classes."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, CLASSES, n)
    return rng.normal(size=(n, FEATURES)) + np.eye(CLASSES, FEATURES)[y], y


def make_problem(move=None, dtype=np.float64, validation=True, **changes):
    """Return a problem whose last batch of an epoch is smaller than the others."""
    X, y = rows()
    V, v = rows(11, seed=1)
    parts = {
        "objective": LinearObjective(lam=0.01),
        "solver": SGD(rate, **(move or {})),
        "train": MemoryRows(X.astype(dtype), y),
        "validation": MemoryRows(V.astype(dtype), v) if validation else None,
        "epochs": 3,
        "batch_size": 5,
        "seed": 7,
    }
    return Problem(**{**parts, **changes})


class Journal:
    """Keeps records and copies of states in memory; refuses a state that is not finite."""

    def __init__(self):
        self.records, self.saves, self.steps = [], [], []

    def step(self, loss):
        """Keep the loss that a step began with."""
        self.steps.append(loss)

    def record(self, record):
        """Keep a record, as the line that would be written."""
        record.to_json()
        self.records.append(record)

    def save(self, state, *, last=False, asked=False):
        """Keep a copy."""
        assert all(np.isfinite(array).all() for array in state.solver.arrays().values())
        assert np.isfinite(state.best_W).all()
        self.saves.append((copy.deepcopy(state), last))


class Signalling(Silent):
    """Progress during which a signal comes, after some step of the run."""

    def __init__(self, step):
        self.at = step

    def step(self, state):
        """Receive the signal, as the handler would."""
        if state.solver.step == self.at:
            interrupts._received.append(signal.SIGTERM)


@pytest.fixture(autouse=True)
def _no_signals(monkeypatch):
    """Give each test a list of signals of its own."""
    monkeypatch.setattr(interrupts, "_received", [])


def begin(problem):
    """Return the state before the first step, from weights that are not zero."""
    rng = np.random.default_rng(3)
    dtype = problem.train.X.dtype
    W, b = rng.normal(0, 0.1, (FEATURES, CLASSES)), rng.normal(0, 0.1, CLASSES)
    return TrainingState.begin(problem.solver.start(W.astype(dtype), b.astype(dtype)))


def session(problem, state=None, journal=None, progress=None, rules=None, cadence=None):
    """Return one session of a run, with its records replayed."""
    journal = Journal() if journal is None else journal
    stopping = Stopping(StopRules("objective") if rules is None else rules)
    best = BestEpoch("objective")
    stopping.replay(journal.records)
    best.replay(journal.records)
    return Training(
        problem,
        begin(problem) if state is None else state,
        stopping=stopping,
        best=best,
        journal=journal,
        progress=Silent() if progress is None else progress,
        cadence=Cadence(unit="none") if cadence is None else cadence,
    )


def bits(state):
    """Return everything in a state, bit for bit."""
    arrays = {**state.solver.arrays(), "best_W": state.best_W, "best_b": state.best_b}
    counts = state.solver.step, state.epoch, state.position, state.online_loss.hex()
    return {name: array.tobytes() for name, array in arrays.items()}, counts


def without_time(records):
    """Return records with the clock taken out."""
    return [replace(record, seconds=0.0) for record in records]


OBJECTIVES = {
    "default": LinearObjective(lam=0.01),
    "squared, weighted": LinearObjective(
        "weston_watkins_squared", 0.5, 0.05, "free", np.array([1.0, 2.0, 0.5])
    ),
    "one against rest, no bias": LinearObjective("one_vs_rest", 1.0, 0.0, "none"),
    "crammer and singer": LinearObjective("crammer_singer", 2.0, 0.1),
}
SHAPES = [(5, "full"), (4, "once"), (N, "full"), (50, "none"), (1, "full")]


@pytest.mark.parametrize(("batch_size", "shuffle"), SHAPES)
@pytest.mark.parametrize("objective", sorted(OBJECTIVES))
@pytest.mark.parametrize("move", sorted(MOVES))
def test_loop_equals_slow_sgd(move, objective, batch_size, shuffle):
    """Weights and every figure of every record equal the slow reference at 1e-12."""
    objective = OBJECTIVES[objective]
    epochs = 2 if batch_size == 1 else 3
    problem = make_problem(
        MOVES[move], objective=objective, epochs=epochs, batch_size=batch_size, shuffle=shuffle
    )
    training = session(problem)
    state = training.state
    slow = reference.SGD(
        reference.flat(state.solver.W.tolist(), state.solver.b.tolist()), rate=rate, **MOVES[move]
    )
    settings = {
        "loss": objective.loss,
        "delta": objective.delta,
        "lam": objective.lam,
        "bias": objective.bias,
        "class_weight": None if objective.class_weight is None else objective.class_weight.tolist(),
    }
    X, y = problem.train.X.tolist(), problem.train.y.tolist()
    orders = [epoch_order(shuffle, 7, epoch, N).tolist() for epoch in range(epochs)]
    wanted = reference.train(X, y, orders, batch_size, slow, CLASSES, settings)

    outcome = training.run()

    assert outcome.finished
    assert outcome.reason == f"all {epochs} epochs are done"
    assert (state.epoch, state.position, state.online_loss) == (epochs, 0, 0.0)
    assert state.solver.step == epochs * math.ceil(N / batch_size)
    found = reference.flat(state.solver.W.tolist(), state.solver.b.tolist())
    np.testing.assert_allclose(found, slow.w, rtol=0, atol=1e-12)
    assert len(training.journal.records) == epochs
    assert len(training.journal.steps) == state.solver.step
    for record, (judged, online) in zip(training.journal.records, wanted, strict=True):
        holds(record, problem, judged, online, settings)


def holds(record, problem, judged, online, settings):
    """Assert that a record holds the figures of some weights, computed by slow loops."""
    W, b = reference.unflat(judged, FEATURES, CLASSES)
    both = []
    for source in (problem.train, problem.validation):
        both.append(reference.problem(source.X.tolist(), source.y.tolist(), W, b, **settings))
    train, held = both
    steps = math.ceil(N / problem.batch_size)
    want = {
        "step": steps * record.epoch,
        "lr": rate(steps * record.epoch - 1),
        "online_loss": online,
        "train_loss": train["loss"] / N,
        "penalty": train["value"] - train["loss"] / N,
        "objective": train["value"],
        "train_accuracy": train["correct"] / N,
        "validation_loss": held["loss"] / 11,
        "validation_accuracy": held["correct"] / 11,
        "weight_norm": math.sqrt(sum(w * w for row in W for w in row)),
        "active_margins": train["active"] / N,
    }
    for name, value in want.items():
        assert getattr(record, name) == pytest.approx(value, rel=1e-11, abs=1e-12), name


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("move", sorted(MOVES))
def test_interruption_at_any_step_changes_nothing(move, dtype):
    """Stopped by a signal after any step and continued, a run ends with the same bits."""
    whole = session(make_problem(MOVES[move], dtype))
    whole.run()
    steps = whole.state.solver.step
    assert steps == 15
    for split in range(1, steps + 1):
        first = session(make_problem(MOVES[move], dtype), progress=Signalling(split))
        outcome = first.run()
        assert not outcome.finished
        assert outcome.reason == "interrupted by a signal"
        assert first.state.solver.step == split
        saved, last = first.journal.saves[-1]
        assert last
        assert bits(saved) == bits(first.state)
        interrupts._received.clear()
        second = session(make_problem(MOVES[move], dtype), saved, first.journal)
        assert second.run().finished
        assert bits(second.state) == bits(whole.state)
        assert without_time(first.journal.records) == without_time(whole.journal.records)


@pytest.mark.parametrize("move", sorted(MOVES))
def test_any_saved_checkpoint_continues_to_the_same_end(move):
    """Saves change nothing, and from each of them the run ends with the same bits."""
    whole = session(make_problem(MOVES[move]))
    whole.run()
    often = session(make_problem(MOVES[move]), cadence=Cadence(1, "steps"))
    often.run()
    assert bits(often.state) == bits(whole.state)
    lasts = [last for _, last in often.journal.saves]
    assert lasts[-1]
    assert sum(lasts) == 1
    assert {saved.solver.step for saved, _ in often.journal.saves} == set(range(1, 16))
    for saved, _ in often.journal.saves:
        journal = Journal()
        journal.records = often.journal.records[: saved.epoch]
        resumed = session(make_problem(MOVES[move]), copy.deepcopy(saved), journal)
        assert resumed.run().finished
        assert bits(resumed.state) == bits(whole.state)
        assert without_time(journal.records) == without_time(whole.journal.records)


def test_signal_during_evaluation_leaves_the_epoch_to_be_closed():
    """A signal that comes while an epoch is measured is obeyed; its record is made later."""

    class Rows(MemoryRows):
        def measure(self, *args):
            interrupts._received.append(signal.SIGINT)
            return super().measure(*args)

    problem = make_problem()
    V = problem.validation
    first = session(replace(problem, validation=Rows(V.X, V.y)))
    assert not first.run().finished
    assert (first.state.epoch, first.state.position) == (0, N)
    assert first.journal.records == []
    interrupts._received.clear()
    second = session(problem, first.journal.saves[-1][0], first.journal)
    second.run()
    whole = session(make_problem())
    whole.run()
    assert bits(second.state) == bits(whole.state)
    assert without_time(first.journal.records) == without_time(whole.journal.records)


@pytest.mark.parametrize("move", sorted(MOVES))
def test_best_weights_are_those_judged_at_the_best_epoch(move):
    """Averaged weights where there is an average; the best epoch, not the last."""

    def rising(step):
        return 0.05 if step < 10 else 2.0

    problem = make_problem(epochs=6, solver=SGD(rising, **MOVES[move]))
    training = session(problem)
    judged = {}

    class Watching(Silent):
        def epoch(self, record):
            judged[record.epoch] = [array.copy() for array in training.state.solver.weights]

    training.progress = Watching()
    training.run()
    best = min(training.journal.records, key=lambda record: record.objective)
    assert training.best.epoch == best.epoch
    assert np.array_equal(training.state.best_W, judged[best.epoch][0])
    assert np.array_equal(training.state.best_b, judged[best.epoch][1])


def exploding(at, lr=1e300):
    """Return a rate that explodes at a step."""
    return lambda step: lr if step == at else 0.01


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("move", sorted(MOVES))
@pytest.mark.parametrize("at", [0, 3, 4, 7, 14])
def test_divergence_is_found_at_once_and_never_saved(move, at, dtype):
    """Within one step of the explosion the run ends; step and lr are named, all saves finite."""
    problem = make_problem(solver=SGD(exploding(at), **MOVES[move]), dtype=dtype)
    training = session(problem, cadence=Cadence(1, "steps"))
    with pytest.raises(DivergedError, match=r"^diverged at step \d+ with .* \(lr ") as caught:
        training.run()
    step = int(str(caught.value).split()[3])
    assert at + 1 <= step <= at + 2
    assert f"(lr {exploding(at)(step - 1):.3g})" in str(caught.value)
    assert caught.value.exit_code == 6
    assert all(not last for _, last in training.journal.saves)


@pytest.mark.parametrize("lr", [1e5, 1e10, 1e20, 1e30, 1e100, 1e200, 1e306])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_explosion_at_the_last_step_is_found_too(dtype, lr):
    """Weights that blow up when no step is left are not handed out as a model."""
    for lam in (0.0, 0.01):
        problem = make_problem(
            solver=SGD(exploding(14, lr * 10)), objective=LinearObjective(lam=lam), dtype=dtype
        )
        training = session(problem)
        with pytest.raises(DivergedError, match="diverged at step 15 with "):
            training.run()
        assert training.journal.saves == []
        assert len(training.journal.records) == 2


def test_slow_divergence_is_found():
    """A penalty that grows without bound with each step ends as diverged, not as a model."""
    problem = make_problem(
        solver=SGD(lambda step: 2.0), objective=LinearObjective(lam=10.0), epochs=200
    )
    training = session(problem)
    with pytest.raises(DivergedError, match="diverged at step"):
        training.run()
    assert training.state.solver.step < 50


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_rows_that_are_not_finite_end_the_run_at_their_step(bad):
    """A masked hinge cannot hide a NaN in the rows."""
    problem = make_problem(shuffle="none")
    problem.train.X[12, 1] = bad
    with pytest.raises(DivergedError, match="diverged at step 3 "):
        session(problem).run()


def test_stop_rule_ends_the_run_and_gives_its_reason():
    """The epoch at which a rule says stop is the last, and is saved."""
    training = session(make_problem(epochs=50), rules=StopRules("objective", target=1e9))
    outcome = training.run()
    assert outcome.finished
    assert outcome.reason == "objective reached its target 1e+09"
    assert len(training.journal.records) == 1
    saved, last = training.journal.saves[-1]
    assert last
    assert bits(saved) == bits(training.state)


def test_run_that_is_over_makes_no_more_steps():
    """Resumed after its end, a run ends again with the same reason."""
    first = session(make_problem())
    first.run()
    before = bits(first.state)
    again = session(make_problem(), first.state, first.journal)
    assert again.run() == first.run()
    assert bits(again.state) == before
    assert len(first.journal.records) == 3


@pytest.mark.parametrize(
    ("cadence", "steps"),
    [
        (Cadence(2, "epochs"), [10, 15]),
        (Cadence(4, "steps"), [4, 8, 12, 15]),
        (Cadence(0, "seconds"), [*range(1, 16), 15]),
        (Cadence(1e9, "seconds"), [15]),
        (Cadence(1, "none"), [15]),
    ],
)
def test_checkpoints_are_saved_as_often_as_asked(cadence, steps):
    """By epochs, steps or seconds, at every new best epoch, and always once at the end."""
    training = session(make_problem(), cadence=cadence)
    training.run()
    best, improved = np.inf, set()
    for record in training.journal.records if cadence.saves else ():
        if record.objective < best:
            best = record.objective
            improved.add(record.step)
    saved = [state.solver.step for state, _ in training.journal.saves]
    assert saved == sorted(saved)
    assert set(saved) == set(steps) | improved
    closed = {state.solver.step for state, _ in training.journal.saves if state.position == 0}
    assert improved <= closed


def test_longer_run_begins_like_a_shorter_one():
    """Where the schedule needs no horizon, more epochs only go on from where fewer end."""
    short, long = session(make_problem(epochs=2)), session(make_problem(epochs=4))
    short.run()
    long.run()
    grown = session(make_problem(epochs=4), short.state, short.journal)
    grown.run()
    assert bits(grown.state) == bits(long.state)


def test_run_without_validation_records_none():
    """Without held-out rows the record says so."""
    training = session(make_problem(validation=False))
    training.run()
    assert training.journal.records[0].validation_loss is None
    assert training.journal.records[0].validation_accuracy is None


def test_seconds_go_on_from_earlier_sessions():
    """Training time is that of all sessions together."""
    problem = make_problem()
    journal = Journal()
    Training(
        problem,
        begin(problem),
        stopping=Stopping(StopRules("objective")),
        best=BestEpoch("objective"),
        journal=journal,
        progress=Silent(),
        cadence=Cadence(),
        seconds_before=100.0,
    ).run()
    seconds = [record.seconds for record in journal.records]
    assert seconds == sorted(seconds)
    assert 100 <= seconds[0] < 200


def test_measure_adds_up_over_chunks(monkeypatch):
    """Evaluation in chunks gives the counts and the loss of all rows at once."""
    monkeypatch.setattr("svmtrain.training.sources.MEASURE_ROWS", (4, 4))
    problem = make_problem()
    X, y = rows()
    W, b = np.ones((FEATURES, CLASSES)) * np.arange(CLASSES), np.zeros(CLASSES)
    found = problem.train.measure(problem.objective, W, b)
    want = problem.objective.measure(X, y, W, b)
    assert found.loss == pytest.approx(want.loss, rel=1e-13)
    assert (found.count, found.active, found.correct) == (N, want.active, want.correct)
