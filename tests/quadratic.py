"""The optimum of an objective by scipy's solver of quadratic programs: nothing of svmtrain's."""

import numpy as np
import pytest
from scipy.optimize import minimize


def hinges(loss, y, delta, n_classes):
    """Return (row, own slack, coefficients of the scores) of every hinge of a loss, and slacks."""
    found, slacks = [], 0
    for i, label in enumerate(y.tolist()):
        for j in range(n_classes):
            sign = np.zeros(n_classes)
            if loss.startswith("one_vs_rest"):
                sign[j] = -1.0 if j == label else 1.0
            elif j == label:
                continue
            else:
                sign[j], sign[label] = 1.0, -1.0
            shared = loss.startswith("crammer_singer") and found and found[-1][0] == i
            slacks += 0 if shared else 1
            found.append((i, slacks - 1, sign))
    return found, slacks


def optimum(objective, X, y):
    """Return the optimum of the objective, and its W and b.

    Slack variables are at least each hinge, and at least 0; every class occurs in y.
    """
    n_features, n_classes = X.shape[1], int(y.max()) + 1
    found, slacks = hinges(objective.loss, y, objective.delta, n_classes)
    design = np.column_stack([X, np.ones(len(y))]) if objective.bias != "none" else X
    size = design.shape[1] * n_classes
    A = np.zeros((len(found) + slacks, size + slacks))
    share = np.zeros(slacks)
    weight = objective.class_weight
    for at, (i, slack, sign) in enumerate(found):
        A[at, :size] = -np.outer(design[i], sign).ravel()
        A[at, size + slack] = 1.0
        share[slack] = (1.0 if weight is None else weight[y[i]]) / len(y)
    A[len(found) :, size:] = np.eye(slacks)
    limits = np.concatenate([np.full(len(found), objective.delta), np.zeros(slacks)])
    power = 2 if objective.rule.squared else 1

    def value(z):
        return float(share @ z[size:] ** power) + objective.lam * float(z[:size] @ z[:size])

    def slope(z):
        return np.concatenate(
            [2 * objective.lam * z[:size], share * power * z[size:] ** (power - 1)]
        )

    start = np.concatenate([np.zeros(size), np.full(slacks, objective.delta)])
    solved = minimize(
        value,
        start,
        jac=slope,
        method="SLSQP",
        constraints={"type": "ineq", "fun": lambda z: A @ z - limits, "jac": lambda z: A},
        options={"maxiter": 500, "ftol": 1e-13},
    )
    W = solved.x[:size].reshape(-1, n_classes)
    b = W[n_features] if objective.bias != "none" else np.zeros(n_classes)
    reached = objective.value(X, y, W[:n_features], b)
    assert reached == pytest.approx(solved.fun, rel=1e-8)
    return reached, W[:n_features], b
