"""The settings of other programs: small problems solved by each, and the optima compared.

What counts is our objective at the weights that they find, beside the optimum of it: a bound that
dual ascent proves, or for a free bias, which has none, the optimum of a general solver.
"""

import shutil
import subprocess

import numpy as np
import pytest
from scipy.optimize import LinearConstraint, minimize
from sklearn.linear_model import SGDClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import SVC, LinearSVC

from svmtrain import SVMClassifier
from svmtrain.objective.linear import LinearObjective
from svmtrain.objective.losses import LOSSES
from svmtrain.translate import PEERS, elsewhere

CLOSE = 1e-6
"""How far above the optimum, as a share, what a peer finds may be; a C that is off by a per cent
ends farther away than that."""


def make(n_classes, rows=60):
    """Return rows and classes that overlap, the classes of unequal sizes."""
    random = np.random.default_rng(n_classes)
    y = np.sort(random.integers(0, n_classes, rows) * random.integers(0, 2, rows))
    y[:n_classes] = range(n_classes)
    X = random.normal(size=(rows, 3)) + 0.8 * np.eye(3)[y] + 0.3
    return X, y


def objective_of(loss, n_classes, *, bias="regularized", delta=1.0, weighed=False, lam=0.02):
    """Return an objective."""
    weight = np.array([0.5, 2.0, 1.25])[:n_classes] if weighed else None
    return LinearObjective(loss=loss, delta=delta, lam=lam, bias=bias, class_weight=weight)


def found(peer, objective, n_classes, rows=60):
    """Return what is said of a peer."""
    entries = elsewhere(objective, rows, range(n_classes))
    return next(one for one in entries if one.peer == peer)


def optimum(objective, X, y):
    """Return a lower bound on our optimum, proven to a millionth of it."""
    weight = objective.class_weight
    ours = SVMClassifier(
        **{name: getattr(objective, name) for name in ("loss", "delta", "lam", "bias")},
        class_weight=None if weight is None else dict(enumerate(weight)),
        solver="dual",
        epochs=20000,
        gap=CLOSE / 10,
    ).fit(X, y)
    assert ours.gap_ <= CLOSE / 10
    return ours.bound_


def value(objective, X, y, coef, intercept, scale):
    """Return our objective at the weights of a peer, (n_scores, n_features), times a scale."""
    W, b = np.atleast_2d(coef).T * scale, np.broadcast_to(intercept, len(np.atleast_2d(coef)))
    b = b * scale
    if W.shape[1] == 1:
        W, b = np.hstack([-W, W]), np.hstack([-b, b])
    return objective.value(X, y, W, b)


def evaluated(call, X, y, sample_weight=None, **more):
    """Return the estimator of scikit-learn that a call names, fitted to the end of its patience."""
    names = {
        "LinearSVC": lambda **given: LinearSVC(
            **given, tol=1e-10, max_iter=10**6, dual=True, random_state=0
        ),
        "SVC": lambda **given: SVC(**given, tol=1e-7),
        "OneVsRestClassifier": OneVsRestClassifier,
        "SGDClassifier": lambda **given: SGDClassifier(
            **given, tol=None, max_iter=4000, average=True, random_state=0
        ),
    }
    return eval(call, names).fit(
        X, y, **({} if sample_weight is None else {"sample_weight": sample_weight})
    )


EVERY = [
    (loss, n_classes, bias, weighed)
    for loss in LOSSES
    for n_classes in (2, 3)
    for bias in ("regularized", "none")
    for weighed in (False, True)
]


def solvable(peer, cases):
    """Return the cases in which a peer minimises the same."""
    return [
        case
        for case in cases
        if found(peer, objective_of(case[0], case[1], bias=case[2], weighed=case[3]), case[1]).call
    ]


@pytest.mark.parametrize(("loss", "n_classes", "bias", "weighed"), solvable("scikit-learn", EVERY))
def test_linear_svc_finds_our_optimum(loss, n_classes, bias, weighed):
    """LIBLINEAR inside, to a millionth, at a margin that is not 1."""
    X, y = make(n_classes)
    objective = objective_of(loss, n_classes, bias=bias, delta=1.5, weighed=weighed)
    one = found("scikit-learn", objective, n_classes)
    by_row = objective.class_weight[y] if "sample_weight" in one.note else None
    theirs = evaluated(one.call, X, y, by_row)
    reached = value(objective, X, y, theirs.coef_, theirs.intercept_, one.scale)
    assert 0 <= reached - optimum(objective, X, y) <= CLOSE * reached


@pytest.mark.skipif(not shutil.which("liblinear-train"), reason="LIBLINEAR is not installed")
@pytest.mark.parametrize(("loss", "n_classes", "bias", "weighed"), solvable("LIBLINEAR", EVERY))
def test_liblinear_finds_our_optimum(loss, n_classes, bias, weighed, tmp_path):
    """Its own program, called as it says."""
    X, y = make(n_classes)
    objective = objective_of(loss, n_classes, bias=bias, delta=0.5, weighed=weighed, lam=0.2)
    one = found("LIBLINEAR", objective, n_classes)
    lines = (" ".join(f"{i}:{v!r}" for i, v in enumerate(row, 1)) for row in X.tolist())
    text = "".join(f"{label} {line}\n" for label, line in zip(y, lines, strict=True))
    (tmp_path / "rows").write_text(text)
    program, *words = one.call.split()
    assert program == "train"
    subprocess.run(
        ["liblinear-train", "-q", "-e", "1e-9", *words, "rows", "m"],
        **{"cwd": tmp_path, "check": True, "timeout": 60},
    )
    head, body = (tmp_path / "m").read_text().split("\nw\n")
    facts = dict(line.split(" ", 1) for line in head.splitlines())
    w = np.array([line.split() for line in body.splitlines()], dtype=float)
    order = np.argsort([int(label) for label in facts["label"].split()])
    b = w[3] if float(facts["bias"]) > 0 else np.zeros(w.shape[1])
    W = w[:3]
    if w.shape[1] == 1:  # w.x > 0 is the first label that it names
        W, b = (W, b) if order[0] == 1 else (-W, -b)
    else:
        W, b = W[:, order], b[order]
    reached = value(objective, X, y, W.T, b, one.scale)
    assert 0 <= reached - optimum(objective, X, y) <= CLOSE * reached


def general_optimum(objective, X, y):
    """Return the optimum for two classes with a free bias, of one column w and slacks.

    minimise lam 2 ||w||^2 + (1/n) sum_i c_i s_i^p with s_i >= 0, s_i >= delta' - y_i (w.x_i + b)
    """
    n, lam = len(y), objective.lam
    own, power = objective.rule.own_term, 2 if objective.rule.squared else 1
    weight = np.ones(2) if objective.class_weight is None else objective.class_weight
    margin, times = (1.0, 2.0) if own else (0.5, 2.0**power)
    costs = times * weight[y] / n

    def function(v):
        w, s = v[:3], v[4:]
        slopes = np.concatenate([4 * lam * w, [0.0], costs * power * s ** (power - 1)])
        return 2 * lam * w @ w + costs @ s**power, slopes

    signs = np.where(y == 1, 1.0, -1.0)[:, np.newaxis]
    table = np.hstack([signs * X, signs, np.eye(n)])
    limits = LinearConstraint(table, margin * objective.delta)
    found = minimize(
        function,
        np.concatenate([np.zeros(4), np.full(n, 2.0 * objective.delta)]),
        **{"jac": True, "constraints": limits, "method": "SLSQP"},
        bounds=[(None, None)] * 4 + [(0, None)] * n,
        options={"maxiter": 500, "ftol": 1e-12},
    )
    assert found.success, found.message
    return found.fun


FREE = [(loss, weighed) for loss in LOSSES for weighed in (False, True)]


@pytest.mark.parametrize(("loss", "weighed"), [one for one in FREE if "squared" not in one[0]])
def test_svc_finds_our_optimum_with_a_free_bias(loss, weighed):
    """Which SVC leaves out of its penalty."""
    X, y = make(2, rows=40)
    objective = objective_of(loss, 2, bias="free", delta=1.5, weighed=weighed)
    one = found("scikit-learn", objective, 2, rows=40)
    assert one.call.startswith("SVC(")
    theirs = evaluated(one.call, X, y)
    reached = value(objective, X, y, theirs.coef_, theirs.intercept_, one.scale)
    assert reached == pytest.approx(general_optimum(objective, X, y), rel=CLOSE)


def test_svc_one_against_rest_is_a_problem_a_class():
    """Each of three classes with its free bias, as if it were alone."""
    X, y = make(3, rows=40)
    objective = objective_of("one_vs_rest", 3, bias="free", lam=0.2)
    one = found("scikit-learn", objective, 3, rows=40)
    theirs = evaluated(one.call, X, y).estimators_
    coef = np.vstack([machine.coef_ for machine in theirs])
    intercept = np.concatenate([machine.intercept_ for machine in theirs])
    reached = value(objective, X, y, coef, intercept, one.scale)
    alone = objective_of("one_vs_rest", 2, bias="free", lam=0.2)
    best = sum(general_optimum(alone, X, (y == label).astype(int)) for label in range(3)) / 2
    assert reached == pytest.approx(best, rel=CLOSE)


@pytest.mark.parametrize(
    ("loss", "bias", "close"),
    [
        ("one_vs_rest", "none", 1e-3),
        ("weston_watkins", "none", 1e-3),
        ("one_vs_rest_squared", "none", 1e-3),
        ("crammer_singer_squared", "free", 1e-3),
    ],
)
def test_sgd_classifier_comes_near_our_optimum(loss, bias, close):
    """As near as its steps come."""
    X, y = make(2, rows=40)
    objective = objective_of(loss, 2, bias=bias, delta=1.5, lam=0.2)
    one = found("SGDClassifier", objective, 2, rows=40)
    theirs = evaluated(one.call, X, y)
    reached = value(objective, X, y, theirs.coef_, theirs.intercept_, one.scale)
    best = general_optimum(objective, X, y) if bias == "free" else optimum(objective, X, y)
    assert reached == pytest.approx(best, rel=close)
    assert reached >= best * (1 - CLOSE)


def multi_margin(objective, settings, X, y, W, b):
    """Return torch's objective, from the formula in its manual, and half its weight decay."""
    scores, n = X @ W + b, len(y)
    own = scores[np.arange(n), y][:, np.newaxis]
    terms = np.maximum(0, settings["margin"] - own + scores) ** settings["p"]
    terms[np.arange(n), y] = 0
    weight = 1 if objective.class_weight is None else objective.class_weight[y]
    squares = np.sum(W**2) + (np.sum(b**2) if objective.bias == "regularized" else 0)
    return np.mean(weight * terms.sum(1) / W.shape[1]) + settings["weight_decay"] / 2 * squares


def weights_for(n_classes, bias):
    """Return some W and b; those of two classes are of the kind (-w, w)."""
    random = np.random.default_rng(0)
    W, b = random.normal(size=(3, n_classes)), random.normal(size=n_classes)
    if n_classes == 2:
        W, b = np.stack([-W[:, 1], W[:, 1]], 1), np.array([-b[1], b[1]])
    return W, b * (bias != "none")


@pytest.mark.parametrize(("loss", "n_classes", "bias", "weighed"), solvable("torch", EVERY))
def test_the_objective_of_torch_is_ours_divided(loss, n_classes, bias, weighed):
    """At any weights; for two classes at those of the kind (-w, w), where the optimum is."""
    X, y = make(n_classes)
    objective = objective_of(loss, n_classes, bias=bias, delta=1.5, weighed=weighed)
    one = found("torch", objective, n_classes)
    W, b = weights_for(n_classes, bias)
    theirs = multi_margin(objective, one.settings, X, y, W, b)
    ours = objective.value(X, y, W, b)
    assert theirs * one.settings["times"] == pytest.approx(ours, rel=1e-12)


def test_torch_itself_says_so():
    """Where it is installed: its own loss, with the settings that are printed."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    X, y = make(3)
    objective = objective_of("weston_watkins", 3, delta=1.5)
    one = found("torch", objective, 3)
    W, b = np.random.default_rng(0).normal(size=(3, 3)), np.array([0.1, 0.2, -0.3])
    loss = torch.nn.MultiMarginLoss(p=1, margin=one.settings["margin"])
    theirs = float(loss(torch.from_numpy(X @ W + b), torch.from_numpy(y)))
    theirs += one.settings["weight_decay"] / 2 * (np.sum(W**2) + np.sum(b**2))
    assert theirs * 3 == pytest.approx(objective.value(X, y, W, b), rel=1e-12)


@pytest.mark.parametrize(("loss", "n_classes", "bias", "weighed"), solvable("mlpack", EVERY))
def test_the_objective_of_mlpack_is_ours(loss, n_classes, bias, weighed):
    """By the formula in its source, at any weights, for two classes at those where the optimum is.

    The hinges of the wrong classes, their mean over the rows, and lambda/2 of all parameters.
    """
    X, y = make(n_classes)
    objective = objective_of(loss, n_classes, bias=bias, delta=1.5, weighed=weighed)
    settings = found("mlpack", objective, n_classes).settings
    W, b = weights_for(n_classes, bias)
    as_torch = {
        "margin": settings["delta"],
        "p": 1,
        "weight_decay": settings["lambda_"] / n_classes,
    }
    theirs = multi_margin(objective, as_torch, X, y, W, b) * n_classes
    assert theirs == pytest.approx(objective.value(X, y, W, b), rel=1e-12)


def by_mlpack(X, y, bias, settings):
    """Return the W and b that mlpack finds."""
    mlpack = pytest.importorskip("mlpack", reason="mlpack is not installed")
    model = mlpack.linear_svm(
        **{"training": X, "labels": y, "num_classes": 3, "seed": 1, **settings},
        no_intercept=bias == "none",
    )["output_model"].get_cpp_params()["LinearSVMModel"]
    order = np.argsort(np.ravel(model["mappings"]))
    W = np.asarray(model["svm"]["parameters"])[order].T
    return W[:3], np.zeros(3) if bias == "none" else W[3]


@pytest.mark.parametrize("bias", ["regularized", "none"])
def test_mlpack_comes_near_our_optimum(bias):
    """To a per cent: its L-BFGS supposes a smooth function, and stops at a kink of this one.

    It comes so near only where lambda is small, and so tells only a lambda that is far off: the
    formula above tells the rest.
    """
    X, y = make(3, rows=400)
    objective = objective_of("weston_watkins", 3, bias=bias, delta=1.5, lam=0.01)
    settings, reached = found("mlpack", objective, 3).settings, {}
    for times in (1, 20):
        given = {**settings, "lambda_": settings["lambda_"] * times}
        reached[times] = objective.value(X, y, *by_mlpack(X, y, bias, given))
    best = optimum(objective, X, y)
    assert best <= reached[1] <= 1.01 * best
    assert reached[20] > 1.01 * best


@pytest.mark.parametrize("peer", PEERS)
def test_where_nothing_is_the_same_a_reason_is_given(peer):
    """For every loss, bias and number of classes: a call, or why there is none."""
    for loss, n_classes, _, weighed in EVERY:
        for bias in ("regularized", "none", "free"):
            objective = objective_of(loss, n_classes, bias=bias, weighed=weighed)
            one = found(peer, objective, n_classes)
            assert one.call or one.note
            assert ("none: " in one.in_words()) == (one.call is None)
            assert one.to_dict()["settings"] == dict(one.settings)


NEVER = [
    ("LIBLINEAR", "weston_watkins", 3, "regularized", False, "no solver for weston_watkins"),
    ("LIBLINEAR", "crammer_singer_squared", 3, "regularized", False, "no solver for crammer_s"),
    ("LIBLINEAR", "one_vs_rest", 3, "free", False, "penalises the bias, and here it is free"),
    ("LIBLINEAR", "one_vs_rest", 3, "none", True, "-wi would weigh the rows of a class in the"),
    ("scikit-learn", "weston_watkins", 3, "none", False, "have no weston_watkins of over two"),
    ("scikit-learn", "one_vs_rest_squared", 2, "free", False, "SVC has no such loss"),
    ("SGDClassifier", "one_vs_rest", 2, "regularized", False, "leaves the bias free"),
    ("mlpack", "weston_watkins", 3, "free", False, "penalises the bias"),
    ("mlpack", "weston_watkins", 3, "none", True, "no weights of classes"),
    ("mlpack", "weston_watkins_squared", 3, "none", False, "this is weston_watkins_squared"),
    ("torch", "crammer_singer", 3, "none", False, "this is crammer_singer"),
]


@pytest.mark.parametrize(("peer", "loss", "n_classes", "bias", "weighed", "why"), NEVER)
def test_what_differs_is_named(peer, loss, n_classes, bias, weighed, why):
    """Loss, bias or weights: no setting is printed that minimises something else."""
    objective = objective_of(loss, n_classes, bias=bias, weighed=weighed)
    one = found(peer, objective, n_classes)
    assert one.call is None
    assert why in one.note


def test_a_lambda_or_a_number_of_rows_that_is_not_known_is_said():
    """As of models that were imported."""
    for objective, rows, why in (
        (objective_of("one_vs_rest", 2, lam=0.0), 60, "lambda is 0"),
        (objective_of("one_vs_rest", 2), None, "how many rows"),
    ):
        for one in elsewhere(objective, rows, (0, 1)):
            assert one.call is None
            assert why in one.note


def test_calls_are_written_out():
    """By hand: n 60, lam 0.02, delta 1; C = 1/(2 lam n) and for a joint loss of two 1/(lam n)."""
    objective = objective_of("one_vs_rest", 3)
    words = {one.peer: one.in_words() for one in elsewhere(objective, 60, ("a", "b", "c"))}
    assert words["LIBLINEAR"] == "train -s 3 -c 0.4166666667 -B 1; labels are numbered from 0"
    assert words["scikit-learn"] == "LinearSVC(loss='hinge', C=0.4166666667, fit_intercept=True)"
    weighed = objective_of("weston_watkins", 2, weighed=True, bias="none", delta=2.0)
    words = {one.peer: one.in_words() for one in elsewhere(weighed, 60, (-1, 7))}
    assert words["LIBLINEAR"] == "train -s 3 -c 0.4166666667 -B -1 -w-1 0.5 -w7 2"
    assert words["SGDClassifier"] == (
        "SGDClassifier(loss='hinge', alpha=0.04, fit_intercept=False, class_weight={-1: 0.5, 7: 2})"
    )
    assert words["torch"] == (
        "MultiMarginLoss(p=1, margin=2, weight=the weights of the classes) with "
        "SGD(weight_decay=0.02); its objective is that of here divided by 2; Linear(bias=False)"
    )
