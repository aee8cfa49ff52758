"""Explanations, held to difference quotients and to the scores they explain."""

import numpy as np
import pytest

from svmtrain.data.scaling import Scaler
from svmtrain.data.sparse import Csr
from svmtrain.model import LinearClassifier
from svmtrain.model.explain import explain
from svmtrain.objective.linear import LinearObjective

CASES = [(scale, norm) for scale in ("none", "standard", "minmax") for norm in ("none", "l2")]


def model(scale, norm, n_features=5, n_classes=3):
    """Return a classifier with random weights, and the rows its scaler was fitted on."""
    generator = np.random.default_rng(0)
    X = generator.standard_normal((30, n_features)) * [1, 10, 0.1, 5, 1] + 2
    found = LinearClassifier(
        W=generator.standard_normal((n_features, n_classes)),
        b=generator.standard_normal(n_classes),
        classes=tuple("abc"[:n_classes]),
        scaler=Scaler.fit(X, scale, norm),
        objective=LinearObjective(),
    )
    return found, X


@pytest.mark.parametrize(("scale", "norm"), CASES)
def test_the_parts_and_the_biases_are_the_difference_of_the_scores(scale, norm):
    """Nothing is left over."""
    classifier, X = model(scale, norm)
    for row in X[:10]:
        why = explain(classifier, row[np.newaxis])
        scores = classifier.decision_function(row[np.newaxis])[0]
        best, second = np.argsort(-scores)[:2]
        assert (why.found, why.other) == (best, second)
        assert why.difference == pytest.approx(scores[best] - scores[second], rel=1e-12)
        biases = classifier.b[best] - classifier.b[second]
        assert why.parts.sum() + biases == pytest.approx(why.difference, rel=1e-9)


@pytest.mark.parametrize(("scale", "norm"), CASES)
def test_the_gradient_is_that_of_the_difference(scale, norm):
    """Central difference quotients with respect to the row as it comes from the file."""
    classifier, X = model(scale, norm)
    why = explain(classifier, X[:1])
    for j in range(X.shape[1]):
        step = np.zeros((1, 5))
        step[0, j] = 1e-5
        ahead, behind = (classifier.decision_function(X[:1] + s)[0] for s in (step, -step))
        change = (ahead[why.found] - ahead[why.other]) - (behind[why.found] - behind[why.other])
        assert why.gradient[j] == pytest.approx(change / 2e-5, rel=1e-5, abs=1e-7)


def test_the_strongest_features_come_first():
    """By size and not by sign; those that add nothing are left out."""
    classifier, X = model("standard", "none")
    why = explain(classifier, X[3:4])
    order = why.strongest(5)
    sizes = np.abs(why.parts[order])
    assert (np.diff(sizes) <= 0).all()
    assert len(why.strongest(2)) == 2
    plain, _ = model("none", "none")
    assert explain(plain, np.array([[0, 0, 3.0, 0, 0]])).strongest(5).tolist() == [2]


def test_sparse_rows_are_explained_like_dense_ones():
    """Also where centring fills them."""
    classifier, X = model("standard", "l2")
    X[:, 1:3] = 0
    at = np.flatnonzero(X[0]).astype(np.int32)
    row = Csr(X[0, at], at, np.array([0, len(at)]), (1, 5))
    dense, sparse = explain(classifier, X[:1]), explain(classifier, row)
    assert sparse.parts == pytest.approx(dense.parts, rel=1e-12)
    assert sparse.gradient == pytest.approx(dense.gradient, rel=1e-12)
