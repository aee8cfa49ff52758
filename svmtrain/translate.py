"""The settings with which other programs minimise the same objective, or why none does.

Ours, for scores S = x W + b and a margin delta (p is 2 for the squared losses, and else 1):

    P = (1/n) sum_i loss_i(W)^p + lam ||W||^2        (and lam ||b||^2 of a regularized bias)

Two ways lead from it to theirs.

Other margins. With W = delta V a loss of margin delta is delta^p times that of V with margin 1, so
P = delta^p (1/n) sum loss(V)^p + lam delta^2 ||V||^2: divided by its last factor twice, it is
||V||^2 / 2 + C sum loss(V)^p with C = delta^(p-2) / (2 lam n).

Two classes. At the optimum W = (-w, w): the penalty is lam ||u||^2 / 2 for u = 2 w, and the losses
are those of one number u.x:

    weston_watkins, crammer_singer   max(0, delta - y u.x)^p
    one_vs_rest                      2 max(0, delta - y u.x / 2)^p

so with u = delta v the first are ||v||^2 / 2 + C sum max(0, 1 - y v.x)^p with
C = delta^(p-2) / (lam n), and the second, with w = delta v, has half of that C. The second is also
2^(1-p) times the first with margin 2 delta, by which programs that know the first have it too.

Sources: Fan et al. (2008), LIBLINEAR; the user guides of scikit-learn (LinearSVC, SVC,
SGDClassifier), mlpack (linear_svm, whose penalty is lambda/2 of all parameters) and torch
(MultiMarginLoss, a mean over the classes; the weight decay of SGD is half a penalty).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from svmtrain.objective.linear import LinearObjective

Label = int | str

SHOWN_MOST = 10
"""Weights of classes that are written out."""


@dataclass(frozen=True)
class Elsewhere:
    """How another program minimises the same.

    Attributes
    ----------
    peer : str
    call : str or None
        What is written there, with every number in full; None where nothing is the same.
    settings : mapping of str to float
        The numbers in it.
    scale : float
        The weights of here are so many times those of there: for two classes, where there is one
        column there, those of the second class.
    note : str
        What else must be done, or why nothing is the same.
    """

    peer: str
    call: str | None = None
    settings: Mapping[str, float] = field(default_factory=dict)
    scale: float = 1.0
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {**asdict(self), "settings": dict(self.settings)}

    def in_words(self) -> str:
        """Return what is to be done there."""
        if self.call is None:
            return f"none: {self.note}"
        more = [self.note] if self.note else []
        if self.scale != 1:
            more.append(f"its weights times {self.scale:.10g} are those here")
        return "; ".join([self.call, *more])


@dataclass(frozen=True)
class Problem:
    """An objective, the number of its rows, and its classes."""

    objective: LinearObjective
    rows: int
    labels: tuple[Label, ...]

    @property
    def two(self) -> bool:
        """Whether there are two classes, and so one column elsewhere."""
        return len(self.labels) == 2

    @property
    def apart(self) -> bool:
        """Whether each class has a problem of its own (one against rest)."""
        return self.objective.rule.own_term

    @property
    def squared(self) -> bool:
        """Whether the hinges are squared."""
        return self.objective.rule.squared

    @property
    def hinges(self) -> bool:
        """Whether hinges of single columns are added: what binary machines can do."""
        return self.apart or self.two

    @property
    def alpha(self) -> float:
        """What stands before ||v||^2 / 2 when the mean of the losses of margin 1 has factor 1."""
        one_column = self.two and not self.apart
        objective = self.objective
        scaled = objective.lam if self.squared else objective.lam * objective.delta
        return scaled if one_column else 2 * scaled

    @property
    def C(self) -> float:
        """What stands before the sum of these losses when ||v||^2 / 2 has factor 1."""
        return 1 / (self.alpha * self.rows)

    @property
    def scale(self) -> float:
        """Our weights (of the second class, for two) over v."""
        one_column = self.two and not self.apart
        return self.objective.delta / 2 if one_column else self.objective.delta

    @property
    def weights(self) -> dict[Label, float] | None:
        """The weight of each class, where there are such."""
        weight = self.objective.class_weight
        if weight is None:
            return None
        return dict(zip(self.labels, weight.astype(np.float64).tolist(), strict=True))


def elsewhere(
    objective: LinearObjective, rows: int | None, labels: Sequence[Label]
) -> list[Elsewhere]:
    """Return what minimises the same objective in other programs, an entry for each of `PEERS`.

    Parameters
    ----------
    objective : LinearObjective
    rows : int or None
        The number of training rows; None when it is not known.
    labels : sequence of label
        The classes.
    """
    if not objective.lam > 0:
        why = "lambda is 0, or not known, and they know no such objective"
        return [Elsewhere(peer, note=why) for peer in PEERS]
    if not rows:
        why = "the model does not say how many rows it was trained on"
        return [Elsewhere(peer, note=why) for peer in PEERS]
    problem = Problem(objective, rows, tuple(labels))
    return [find(peer, problem) for peer, find in PEERS.items()]


def _liblinear(peer: str, problem: Problem) -> Elsewhere:
    """`train`: one against rest by -s 3 and -s 1, Crammer and Singer's loss by -s 4."""
    objective = problem.objective
    joint = objective.loss == "crammer_singer" and not problem.two
    if not (problem.hinges or joint):
        return Elsewhere(peer, note=f"it has no solver for {objective.loss} of over two classes")
    if objective.bias == "free":
        return Elsewhere(peer, note="it penalises the bias, and here it is free")
    weights = problem.weights
    if weights is not None and not (problem.two or joint):
        note = "its -wi would weigh the rows of a class in the problem of that class alone"
        return Elsewhere(peer, note=note)
    solver = 4 if joint else 1 if problem.squared else 3
    bias = 1 if objective.bias == "regularized" else -1
    words = ["train", f"-s {solver}", f"-c {problem.C:.10g}", f"-B {bias}"]
    whole = all(isinstance(label, int) for label in problem.labels)
    for place, (label, weight) in enumerate((weights or {}).items()):
        words.append(f"-w{label if whole else place} {weight:.10g}")
    note = "" if whole else "labels are numbered from 0"
    settings = {"s": solver, "c": problem.C, "B": bias}
    return Elsewhere(peer, " ".join(words), settings, problem.scale, note)


def _sklearn(peer: str, problem: Problem) -> Elsewhere:
    """LinearSVC, which penalises the bias, or SVC, which leaves it free."""
    objective = problem.objective
    joint = objective.loss == "crammer_singer" and not problem.two
    if not (problem.hinges or joint):
        note = f"LinearSVC and SVC have no {objective.loss} of over two classes"
        return Elsewhere(peer, note=note)
    weighed, note = _weighed(problem, by_row=problem.apart and not problem.two)
    if objective.bias != "free":
        kind = "squared_hinge" if problem.squared else "hinge"
        loss = "multi_class='crammer_singer'" if joint else f"loss='{kind}'"
        biased = objective.bias == "regularized"
        call = f"LinearSVC({loss}, C={problem.C:.10g}, fit_intercept={biased}{weighed})"
        return Elsewhere(peer, call, {"C": problem.C}, problem.scale, note)
    if joint or problem.squared:
        note = "LinearSVC penalises the bias, here it is free, and SVC has no such loss"
        return Elsewhere(peer, note=note)
    call = f"SVC(kernel='linear', C={problem.C:.10g}{weighed})"
    if not problem.two:
        if problem.weights is not None:
            return Elsewhere(peer, note="OneVsRestClassifier of SVC hands on no weights of rows")
        call = f"OneVsRestClassifier({call})"
    return Elsewhere(peer, call, {"C": problem.C}, problem.scale, note)


def _sgd(peer: str, problem: Problem) -> Elsewhere:
    """SGDClassifier, which leaves the bias free."""
    objective = problem.objective
    if not problem.hinges:
        return Elsewhere(peer, note=f"it has no {objective.loss} of over two classes")
    if objective.bias == "regularized":
        note = "it leaves the bias free, and here it is penalised"
        return Elsewhere(peer, note=note)
    weighed, note = _weighed(problem, by_row=not problem.two)
    kind = "squared_hinge" if problem.squared else "hinge"
    biased = objective.bias == "free"
    call = (
        f"SGDClassifier(loss='{kind}', alpha={problem.alpha:.10g}, fit_intercept={biased}{weighed})"
    )
    return Elsewhere(peer, call, {"alpha": problem.alpha}, problem.scale, note)


def _weighed(problem: Problem, *, by_row: bool) -> tuple[str, str]:
    """Return the argument of weights of classes for scikit-learn, and what to say of it."""
    weights = problem.weights
    if weights is None:
        return "", ""
    if by_row:
        return "", "fit with sample_weight, for each row the weight of its class"
    if len(weights) > SHOWN_MOST:
        return ", class_weight={...}", "class_weight as it is here"
    written = ", ".join(f"{label!r}: {weight:.10g}" for label, weight in weights.items())
    return f", class_weight={{{written}}}", ""


def _margin(problem: Problem) -> tuple[float, float] | None:
    """Return the margin at which a loss is Weston and Watkins's, and how many times it that is."""
    objective = problem.objective
    if objective.loss.startswith("weston_watkins") or (problem.two and not problem.apart):
        return objective.delta, 1.0
    if problem.two:
        return 2 * objective.delta, 0.5 if problem.squared else 1.0
    return None


def _mlpack(peer: str, problem: Problem) -> Elsewhere:
    """linear_svm: Weston and Watkins's loss with a penalty of lambda/2 on all parameters."""
    objective, margin = problem.objective, _margin(problem)
    if margin is None or problem.squared:
        return Elsewhere(peer, note=f"linear_svm has Weston and Watkins's loss, {_not(problem)}")
    if objective.bias == "free":
        return Elsewhere(peer, note="linear_svm penalises the bias, and here it is free")
    if problem.weights is not None:
        return Elsewhere(peer, note="linear_svm has no weights of classes")
    settings = {"lambda_": 2 * objective.lam, "delta": margin[0]}
    bare = ", no_intercept=True" if objective.bias == "none" else ""
    call = f"linear_svm(lambda_={settings['lambda_']:.10g}, delta={margin[0]:.10g}{bare})"
    return Elsewhere(peer, call, settings)


def _torch(peer: str, problem: Problem) -> Elsewhere:
    """MultiMarginLoss, the mean over the classes of Weston and Watkins's loss."""
    objective, margin = problem.objective, _margin(problem)
    if margin is None:
        note = f"MultiMarginLoss is Weston and Watkins's loss, {_not(problem)}"
        return Elsewhere(peer, note=note)
    times = margin[1] * len(problem.labels)
    power, decay = 2 if problem.squared else 1, 2 * objective.lam / times
    weighed = ", weight=the weights of the classes" if problem.weights is not None else ""
    call = f"MultiMarginLoss(p={power}, margin={margin[0]:.10g}{weighed})"
    call += f" with SGD(weight_decay={decay:.10g})"
    notes = [] if times == 1 else [f"its objective is that of here divided by {times:.10g}"]
    if objective.bias == "free":
        notes.append("a weight_decay of 0 for the bias")
    if objective.bias == "none":
        notes.append("Linear(bias=False)")
    settings = {"p": power, "margin": margin[0], "weight_decay": decay, "times": times}
    return Elsewhere(peer, call, settings, note="; ".join(notes))


def _not(problem: Problem) -> str:
    """Return what a problem is in place of Weston and Watkins's loss, plain."""
    return f"and this is {problem.objective.loss}"


PEERS: dict[str, Callable[[str, Problem], Elsewhere]] = {
    "LIBLINEAR": _liblinear,
    "scikit-learn": _sklearn,
    "SGDClassifier": _sgd,
    "mlpack": _mlpack,
    "torch": _torch,
}
"""Each returns how a program minimises the objective of a `Problem`."""


def in_words(found: Sequence[Elsewhere]) -> str:
    """Return a line for each program."""
    width = max(len(one.peer) for one in found)
    return "\n".join(f"{one.peer.ljust(width)}  {one.in_words()}" for one in found)
