"""`SVMClassifier`: the training of svmtrain in the conventions of scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.config import Config
from svmtrain.data.sparse import Csr, Matrix
from svmtrain.errors import ConfigError, shown
from svmtrain.estimator.conventions import Conventions, NotFittedError, own_or_sklearn
from svmtrain.estimator.inputs import (
    labels_of,
    names_of,
    places_in,
    refuse_other_columns,
    rows_of,
)
from svmtrain.estimator.training import Fitted, Steps, settings, train
from svmtrain.objective.losses import Floats
from svmtrain.solvers.schedules import SCHEDULES

LARGEST_SEED = 2**31 - 1


class SVMClassifier(Conventions):
    """A linear SVM, trained by the steps and to the objective of `svmtrain fit`.

        P(W, b) = (1/n) sum_i loss_i(x_i W + b) + lam (||W||^2 + ||b||^2)

    Features are taken as they are: scale them before, as with any linear model, such as by
    `make_pipeline(StandardScaler(), SVMClassifier())`.

    Parameters
    ----------
    loss : str
        weston_watkins, crammer_singer or one_vs_rest, each also with _squared.
    lam : float
        The L2 strength; there is no 1/2 before it.
    delta : float
        The margin.
    bias : str
        regularized, free or none.
    class_weight : mapping of label to float, "balanced" or None
        Factor on the losses of each class; 1 for those that are not named.
    solver : str
        "sgd", or "dual" for dual ascent, which needs no learning rate and proves its gap.
    epochs : int
        Most passes over the rows.
    batch_size : int or "auto"
    lr : float or "auto"
        The first step size; auto is found on a sample of the rows.
    schedule : str
        constant, linear, cosine, step, exponential, inverse_scaling or pegasos.
    averaging : str
        none, polyak or tail.
    momentum : float
    gap : float or None
        Stop once the objective is proven to be within this share of the optimum.
    random_state : int, RandomState, Generator or None
        Seed of the order of the rows; None is 0, so that a fit gives the same every time.

    Attributes
    ----------
    classes_ : ndarray (n_classes,), sorted
    coef_ : ndarray (n_classes, n_features), or (1, n_features) for two classes
    intercept_ : ndarray (n_classes,), or (1,)
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only after a fit on a table whose columns have names.
    n_iter_ : int
        Passes over the rows, or calls of `partial_fit`.
    bound_, gap_ : float or None
        A lower bound on the optimum of the objective, and how far above it the objective is at
        most, as a share of it; None where nothing is proven, as after `partial_fit`.
    """

    def __init__(
        self,
        *,
        loss: str = "weston_watkins",
        lam: float = 0.03,
        delta: float = 1.0,
        bias: str = "regularized",
        class_weight: Mapping[Any, float] | str | None = None,
        solver: str = "sgd",
        epochs: int = 30,
        batch_size: int | str = "auto",
        lr: float | str = "auto",
        schedule: str = "pegasos",
        averaging: str = "tail",
        momentum: float = 0.0,
        gap: float | None = None,
        random_state: Any = None,
    ) -> None:
        self.loss = loss
        self.lam = lam
        self.delta = delta
        self.bias = bias
        self.class_weight = class_weight
        self.solver = solver
        self.epochs = epochs
        self.batch_size = batch_size
        self.lr = lr
        self.schedule = schedule
        self.averaging = averaging
        self.momentum = momentum
        self.gap = gap
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> SVMClassifier:
        """Train on rows X (n_samples, n_features), dense or sparse, with labels y (n_samples,).

        Raises
        ------
        ValueError
            For data or parameters that cannot be used.
        DivergedError
            When the steps leave the finite numbers.
        """
        rows = rows_of(X)
        labels = labels_of(y, type(self).__name__, rows.shape[0])
        classes = _classes(labels)
        config = self._config(classes)
        try:
            fitted = train(config, rows, places_in(classes, labels), len(classes))
        except ConfigError as error:
            raise ValueError(error.problem) from None
        self._begin(X, rows, classes)
        self._take(fitted)
        self._steps: Steps | None = None
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> SVMClassifier:
        """Make one pass of stochastic steps over some rows, on from where the weights are.

        Parameters
        ----------
        X, y
            See `fit`.
        classes : array-like (n_classes,), optional
            All labels that will ever come; needed in the first call, where it is not after a fit,
            unless that has rows of each.

        Raises
        ------
        ValueError
            For what `fit` refuses, labels that are none of the classes, weights "balanced", which
            only all rows together could give, and schedules that need to know their end.
        """
        if self.class_weight == "balanced":
            raise ValueError("class_weight 'balanced' needs all rows: give partial_fit a mapping")
        if SCHEDULES[self.schedule].needs_horizon if self.schedule in SCHEDULES else False:
            raise ValueError(
                f"schedule {self.schedule} needs to know its end; partial_fit has none"
            )
        fresh = not hasattr(self, "classes_")
        rows = rows_of(X) if fresh else self._checked(X)
        labels = labels_of(y, type(self).__name__, rows.shape[0])
        known = self._known(labels, classes)
        places = places_in(known, labels)
        if fresh or self._steps is None:
            config = self._config(known, solver="sgd")
            start = None if fresh else self._weights()
            try:
                steps = Steps(config, rows, places, len(known), start)
            except ConfigError as error:
                raise ValueError(error.problem) from None
            if fresh:
                self._begin(X, rows, known)
            self._steps = steps
        self._steps.take(rows, places)
        self._take(Fitted(*self._steps.weights, self._steps.calls, None, None))
        return self

    def decision_function(self, X: Any) -> Floats:
        """Return the scores (n, n_classes); for two classes (n,), the second minus the first.

        Raises
        ------
        NotFittedError
            Before a fit.
        ValueError
            For rows that cannot be used, or have other features than those of the fit.
        """
        rows = self._checked(X)
        product = (rows.to_scipy() if isinstance(rows, Csr) else rows) @ self.coef_.T
        scores: Floats = product + self.intercept_
        return scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the label (n,) of each row: that of the largest score, the first at a tie."""
        scores = self.decision_function(X)
        two = scores.ndim == 1
        labels: NDArray[Any] = self.classes_[(scores > 0).astype(int) if two else scores.argmax(1)]
        return labels

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the (weighted) share of rows whose label is that of y (n,)."""
        predicted = self.predict(X)
        labels = labels_of(y, type(self).__name__, len(predicted))
        return float(np.average(predicted == labels, weights=sample_weight))

    def _config(self, classes: NDArray[Any], solver: str | None = None) -> Config:
        """Return the parameters as a config, whose classes are called by their places."""
        given = {
            "objective.loss": self.loss,
            "objective.lambda": self.lam,
            "objective.delta": self.delta,
            "objective.bias": self.bias,
            "solver.name": solver or self.solver,
            "solver.epochs": self.epochs,
            "solver.batch_size": self.batch_size,
            "solver.lr": self.lr,
            "solver.schedule": self.schedule,
            "solver.averaging": self.averaging,
            "solver.momentum": self.momentum,
            "solver.seed": self._seed(),
            "stop.gap": self.gap,
        }
        return settings(given, self._class_weight(classes))

    def _seed(self) -> int:
        source = self.random_state
        if source is None:
            return 0
        if isinstance(source, np.random.Generator):
            return int(source.integers(LARGEST_SEED))
        return int(source.randint(LARGEST_SEED)) if hasattr(source, "randint") else int(source)

    def _class_weight(self, classes: NDArray[Any]) -> dict[int, float] | str:
        """Return the weights by the places of the classes; ValueError for one that is unknown."""
        given = self.class_weight
        if given is None:
            return "none"
        if isinstance(given, str):
            if given != "balanced":
                raise ValueError(f"class_weight is {given!r}; expected a mapping or 'balanced'")
            return given
        found = {}
        for label, weight in given.items():
            places = np.flatnonzero(classes == label)
            if len(places) != 1:
                raise ValueError(f"class_weight names the class {label!r}, which y has not")
            if not 0 < weight < np.inf:
                raise ValueError(f"class_weight of {label!r} is {weight!r}; expected more than 0")
            found[int(places[0])] = float(weight)
        return found or "none"

    def _known(self, labels: NDArray[Any], classes: Any) -> NDArray[Any]:
        """Return the classes of a partial fit; ValueError when they are not those of before."""
        if classes is None:
            known: NDArray[Any] = self.classes_ if hasattr(self, "classes_") else _classes(labels)
            return known
        given = _classes(np.asarray(classes))
        if hasattr(self, "classes_") and not np.array_equal(given, self.classes_):
            raise ValueError(
                f"classes {shown(given.tolist())} are not those of before, "
                f"{shown(self.classes_.tolist())}"
            )
        return given

    def _begin(self, X: Any, rows: Matrix, classes: NDArray[Any]) -> None:
        """Set what a first fit settles."""
        self.classes_ = classes
        self.n_features_in_ = int(rows.shape[1])
        names = names_of(X)
        if names is not None:
            self.feature_names_in_ = names
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    def _take(self, fitted: Fitted) -> None:
        """Set what a training came to; of two classes the difference is kept."""
        W, b = fitted.W, fitted.b
        if W.shape[1] == 2:
            W, b = W[:, 1:] - W[:, :1], b[1:] - b[:1]
        self.coef_, self.intercept_ = np.ascontiguousarray(W.T), b
        self.n_iter_, self.bound_, self.gap_ = fitted.epochs, fitted.bound, fitted.gap

    def _weights(self) -> tuple[Floats, Floats]:
        """Return W and b of all classes."""
        W, b = self.coef_.T, self.intercept_
        if len(self.classes_) > 2:
            return W.copy(), b.copy()
        return np.hstack([-W, W]) / 2, np.hstack([-b, b]) / 2

    def _checked(self, X: Any) -> Matrix:
        """Return rows for the weights as they are."""
        name = type(self).__name__
        if not hasattr(self, "coef_"):
            error = own_or_sklearn("NotFittedError", NotFittedError)
            raise error(f"This {name} instance is not fitted yet: call fit before this")
        refuse_other_columns(name, X, getattr(self, "feature_names_in_", None))
        rows = rows_of(X)
        if rows.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {rows.shape[1]} features, but {name} is expecting {self.n_features_in_} "
                "features as input"
            )
        return rows


def _classes(labels: NDArray[Any]) -> NDArray[Any]:
    """Return the different labels, sorted; ValueError unless there are at least two."""
    classes = np.unique(labels)
    if len(classes) < 2:
        raise ValueError(
            f"The number of classes has to be greater than one; got {len(classes)} class"
        )
    return classes
