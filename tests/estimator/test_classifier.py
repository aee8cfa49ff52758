"""The estimator: scikit-learn's own checks, and the very training of a run."""

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from extent import TORTURE
from sklearn.base import clone, is_classifier
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from small_runs import QUIET, rows_of, settings_of, write_config

import svmtrain
from svmtrain import SVMClassifier
from svmtrain.model import load_model
from svmtrain.objective.linear import LinearObjective
from svmtrain.operations.fit import fit

ROOT = Path(svmtrain.__file__).parent.parent
LR = {"lr": 0.05, "batch_size": 8}
TABLE = rows_of(60)
X = np.array([row[:3] for row in TABLE], dtype=float)
Y = np.array([row[3] for row in TABLE])
TWO = Y != "oak"
Z = (X - X.mean(axis=0)) / X.std(axis=0)
SLOW = {"lr": 0.01, "batch_size": 8, "schedule": "constant"}
"""With these each epoch on Z is better than the one before."""


#: The search for a step size takes the most time of the checks by far.
CHECKED = [{"lr": 1e-3}, {"solver": "dual"}, *([{}, {"bias": "free"}] if TORTURE else [])]


@pytest.mark.parametrize("given", CHECKED, ids=str)
def test_scikit_learns_own_checks_pass(given):
    """All of those that it makes; it skips what depends on a variable of the environment."""
    with pytest.warns(UserWarning, match=r"does not inherit from `sklearn\.base\.BaseEstimator`"):
        found = check_estimator(SVMClassifier(**given), on_fail=None, on_skip=None)
    status = {one["check_name"]: one["status"] for one in found}
    assert [name for name, one in status.items() if one == "failed"] == []
    assert {name for name, one in status.items() if one != "passed"} <= {"check_array_api_input"}
    assert len(status) > 40


@pytest.mark.parametrize("two", [False, True])
@pytest.mark.parametrize(
    "given",
    [
        {"loss": "crammer_singer", "lam": 0.01, "momentum": 0.5, "averaging": "polyak"},
        {"solver": "dual", "delta": 2.0, "gap": 0.05, "class_weight": {"elm": 3.0}},
        {"bias": "free", "schedule": "cosine", "class_weight": "balanced", "lr": "auto"},
    ],
)
def test_a_fit_is_that_of_a_run(given, two, tmp_path):
    """The same settings on the same rows give the same weights, to the last bit."""
    rows = [row for row in TABLE if not two or row[3] != "oak"]
    table = "a,b,c,kind\n" + "".join(f"{','.join(map(str, row))}\n" for row in rows)
    (tmp_path / "train.csv").write_text(table)
    path = write_config(tmp_path, data="validation: 0")
    keys = {"lam": "objective.lambda", "gap": "stop.gap", "solver": "solver.name"}
    keys |= {key: f"objective.{key}" for key in ("loss", "delta", "bias", "class_weight")}
    sets = [
        f"{keys.get(key, f'solver.{key}')}={str(value).replace(chr(39), '')}"
        for key, value in given.items()
    ]
    result = fit(settings_of(path, "run", "preprocess.scale=none", *sets), QUIET)
    model = load_model(result.job.run.model)
    chosen = TWO if two else slice(None)
    ours = SVMClassifier(**{**LR, "epochs": 4, **given}).fit(X[chosen], Y[chosen])
    if two:
        np.testing.assert_array_equal(ours.coef_[0], model.W[:, 1] - model.W[:, 0])
    else:
        np.testing.assert_array_equal(ours.coef_, model.W.T)
        np.testing.assert_array_equal(ours.intercept_, model.b)
    assert (ours.bound_, ours.gap_) == (result.bound, result.gap)
    assert ours.n_iter_ == result.last.epoch
    assert ours.predict(X[chosen]).tolist() == model.predict(X[chosen])


def test_what_is_proven_holds():
    """The objective of the weights is above the bound by no more than the gap that was asked."""
    ours = SVMClassifier(solver="dual", epochs=500, gap=1e-3).fit(X, Y)
    y = np.searchsorted(ours.classes_, Y)
    value = LinearObjective(lam=0.03).value(X, y, ours.coef_.T, ours.intercept_)
    assert 0 <= value - ours.bound_ <= 1e-3 * value
    assert ours.gap_ == pytest.approx((value - ours.bound_) / value, rel=1e-6)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("labels", [Y, Y == "elm"])
def test_partial_fits_over_all_rows_are_the_epochs_of_a_fit(labels, sparse):
    """The same steps in the same order; nothing is proven of them."""
    rows = wide(Z) if sparse else Z
    ours = SVMClassifier(**SLOW)
    for epochs in (1, 2, 3):
        ours.partial_fit(rows, labels, classes=np.unique(labels))
        whole = SVMClassifier(**SLOW, epochs=epochs).fit(rows, labels)
        np.testing.assert_allclose(ours.coef_, whole.coef_, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(ours.intercept_, whole.intercept_, rtol=1e-12, atol=1e-15)
        assert (ours.n_iter_, ours.gap_, ours.bound_) == (epochs, None, None)
    assert whole.gap_ is not None


def wide(rows):
    """Return rows as a sparse matrix that is wide enough to stay sparse."""
    return scipy.sparse.csr_array(np.hstack([rows, np.zeros((len(rows), 1500))]))


def test_a_partial_fit_goes_on_from_a_fit():
    """From its weights, which one step with next to no learning rate leaves as they are."""
    for labels in (Y, Y == "elm"):
        ours = SVMClassifier(lr=1e-15, epochs=3, solver="dual", schedule="constant")
        before = ours.fit(X, labels).coef_.copy()
        ours.partial_fit(X[:9], labels[:9])
        np.testing.assert_allclose(ours.coef_, before, rtol=1e-9, atol=1e-12)
        assert ours.gap_ is None


def test_batches_may_be_sparse_or_dense_and_lack_classes():
    """What counts is what the rows are; classes are settled by the first call."""
    rows = wide(X)
    ours = SVMClassifier(**LR).partial_fit(rows[:20], Y[:20], classes=["oak", "elm", "ash"])
    other = clone(ours).partial_fit(rows[:20], Y[:20], classes=np.unique(Y))
    ours.partial_fit(rows[20:].toarray(), Y[20:])
    other.partial_fit(rows[20:], Y[20:], classes=["ash", "elm", "oak"])
    np.testing.assert_allclose(ours.coef_, other.coef_, rtol=1e-12)
    ours.partial_fit(rows[:1], ["elm"])
    assert ours.n_iter_ == 3


def test_sparse_rows_are_the_same_rows():
    """In whatever form scipy holds them, with cells that are given twice."""
    dense = SVMClassifier(**LR).fit(wide(X).toarray(), Y)
    twice = scipy.sparse.coo_array(wide(X))
    half = (np.concatenate([twice.data, twice.data]) / 2, np.tile(twice.coords, 2))
    for rows in (wide(X).tolil(), scipy.sparse.coo_array(half, shape=twice.shape)):
        ours = SVMClassifier(**LR).fit(rows, Y)
        np.testing.assert_allclose(ours.coef_, dense.coef_, rtol=1e-9, atol=1e-12)
        scores = dense.decision_function(wide(X).toarray())
        np.testing.assert_allclose(ours.decision_function(rows), scores, rtol=1e-9, atol=1e-12)


def test_it_works_inside_scikit_learn():
    """Cloned, in a pipeline, in a search over its parameters, pickled."""
    search = GridSearchCV(
        make_pipeline(StandardScaler(), SVMClassifier(epochs=3, lr=0.05)),
        {"svmclassifier__lam": [1e-3, 1.0], "svmclassifier__loss": ["one_vs_rest"]},
        cv=2,
    ).fit(X, Y)
    assert is_classifier(SVMClassifier())
    best = search.best_estimator_[-1]
    assert clone(best).get_params() == best.get_params()
    assert repr(best) == "SVMClassifier(epochs=3, lam=0.001, loss='one_vs_rest', lr=0.05)"
    again = pickle.loads(pickle.dumps(search))
    assert again.predict(X).tolist() == search.predict(X).tolist()
    assert search.score(X, Y) == np.mean(search.predict(X) == Y)


def test_a_score_takes_weights_of_rows():
    """As those of scikit-learn do."""
    ours = SVMClassifier(**LR).fit(X, Y)
    right = ours.predict(X) == Y
    weights = np.arange(60.0)
    assert ours.score(X, Y, weights) == pytest.approx(weights[right].sum() / weights.sum())


def test_the_seed_is_what_a_random_state_gives():
    """None is 0; a generator is asked for a number; numbers are themselves."""
    coef = {
        name: SVMClassifier(**LR, epochs=1, random_state=state).fit(X, Y).coef_
        for name, state in {
            **{"none": None, "zero": 0, "one": np.int64(1)},
            **{"old": np.random.RandomState(3), "new": np.random.default_rng(3)},
            **{"same": np.random.RandomState(3)},
        }.items()
    }
    np.testing.assert_array_equal(coef["none"], coef["zero"])
    np.testing.assert_array_equal(coef["old"], coef["same"])
    for name in ("one", "old", "new"):
        assert (coef[name] != coef["zero"]).any()


def test_columns_are_compared_by_name():
    """Others, or in another order, are refused; a side without names is warned of."""
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    ours = SVMClassifier(**LR).fit(frame, Y)
    assert ours.feature_names_in_.tolist() == ["a", "b", "c"]
    with pytest.raises(ValueError, match="must be in the same order"):
        ours.predict(frame[["b", "a", "c"]])
    with pytest.raises(ValueError, match=r"unseen at fit time:\n- x\n.*now missing:\n- c\n"):
        ours.predict(frame.rename(columns={"c": "x"}))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        ours.predict(X)
    ours.fit(X, Y)
    assert not hasattr(ours, "feature_names_in_")
    with pytest.warns(UserWarning, match="fitted without feature names"):
        ours.predict(frame)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"loss": "hinge"}, "objective.loss must be one of weston_watkins"),
        ({"lam": -1}, "objective.lambda must be"),
        ({"lam": [0.1, 0.2]}, "objective.lambda"),
        ({"epochs": 0}, "solver.epochs must be an integer >= 1, got 0"),
        ({"lr": "fast"}, "solver.lr must be"),
        ({"bias": "free", "solver": "dual"}, "solver.name dual has nothing to ascend"),
        ({"bias": "free", "gap": 0.1}, "stop.gap cannot be proven"),
        ({"lam": 0.0}, "pegasos needs objective.lambda > 0"),
        ({"class_weight": "even"}, "class_weight is 'even'; expected a mapping or 'balanced'"),
        ({"class_weight": {"fir": 1.0}}, "class_weight names the class 'fir', which y has not"),
        ({"class_weight": {"elm": 0.0}}, "class_weight of 'elm' is 0.0; expected more than 0"),
    ],
)
def test_parameters_that_cannot_be_used_are_refused(given, problem):
    """By a ValueError, in the words of the config."""
    with pytest.raises(ValueError, match=problem):
        SVMClassifier(**given).fit(X, Y)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"class_weight": "balanced"}, "needs all rows"),
        ({"schedule": "cosine"}, "schedule cosine needs to know its end"),
        ({"schedule": "fast"}, "solver.schedule must be one of"),
    ],
)
def test_what_a_partial_fit_cannot_know_is_refused(given, problem):
    """Weights that all rows together give, schedules with an end."""
    ours = SVMClassifier(**given)
    with pytest.raises(ValueError, match=problem):
        ours.partial_fit(X, Y)
    with pytest.raises(NotFittedError):
        ours.predict(X)


def test_labels_that_are_no_classes_are_refused():
    """Others than those of before, in rows or as classes; and one class alone."""
    ours = SVMClassifier(**LR).partial_fit(X, Y)
    with pytest.raises(ValueError, match="y holds 'fir', which is none of the classes"):
        ours.partial_fit(X[:1], ["fir"])
    with pytest.raises(ValueError, match="are not those of before"):
        ours.partial_fit(X, Y, classes=["ash", "elm"])
    with pytest.raises(ValueError, match="greater than one; got 1 class"):
        ours.fit(X, ["elm"] * 60)
    with pytest.warns(DataConversionWarning, match="column-vector"):
        ours.fit(X, Y[:, np.newaxis])


WITHOUT = """
import sys
sys.modules["sklearn"] = None
import svmtrain
ours = svmtrain.SVMClassifier(lr=0.1, epochs=2)
try:
    ours.predict([[1.0]])
except ValueError as error:
    print(type(error).__name__)
ours.fit([[-1.0], [1.0]] * 9, ["a", "b"] * 9)
print(*ours.predict([[-1.0], [1.0]]), ours.get_params()["lr"], hasattr(svmtrain, "nothing"))
print([name for name in sys.modules if name.startswith("sklearn.")])
"""


def test_it_does_without_scikit_learn():
    """Where that is not installed nothing asks for it."""
    words = [sys.executable, "-W", "error", "-c", WITHOUT]
    options = {"capture_output": True, "text": True, "timeout": 60, "check": True}
    done = subprocess.run(words, cwd=ROOT, **options)
    assert done.stdout.splitlines() == ["NotFittedError", "a b 0.1 False", "[]"]
