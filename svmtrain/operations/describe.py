"""What a training will do, and what it did, in words."""

from __future__ import annotations

import shlex
from typing import Any

import numpy as np

from svmtrain.build import Built, Splits, best_metric, build, load_splits, stop_rules
from svmtrain.config import Config, to_dict, to_yaml
from svmtrain.data.columns import Encoder
from svmtrain.errors import printable
from svmtrain.model import LinearClassifier
from svmtrain.objective.linear import LinearObjective
from svmtrain.operations.job import FitResult, Session
from svmtrain.operations.place import at_place
from svmtrain.operations.warm_start import find_start
from svmtrain.solvers.dual import DualAscent
from svmtrain.solvers.schedules import SCHEDULES
from svmtrain.training.certificate import why_no_bound
from svmtrain.translate import Elsewhere, elsewhere, in_words


def objective_in_words(objective: LinearObjective) -> str:
    """Return the objective as a formula with its numbers."""
    norm = "||W||^2 + ||b||^2" if objective.bias == "regularized" else "||W||^2"
    scores = "x W" if objective.bias == "none" else "x W + b"
    mean = "mean over rows" if objective.class_weight is None else "weighted mean over rows"
    lines = [
        f"minimise {mean} of {objective.rule.formula}",
        f"         + {objective.lam:g} ({norm})",
        f"with scores S = {scores}, delta = {objective.delta:g}, y the true class",
        f"loss {objective.loss}: {objective.rule.source}",
    ]
    return "\n".join(lines)


def plan(config: Config, session: Session | None = None) -> tuple[str, dict[str, Any]]:
    """Load and build everything; return what would be done, as text and as plain values."""
    with at_place(config, session or Session()) as (config, session):
        return _plan(config, session)


def _plan(config: Config, session: Session) -> tuple[str, dict[str, Any]]:
    """Return what would be done, wherever the rows are."""
    splits = load_splits(config, read=session.files)
    built = build(config, splits, start=find_start(config, splits))
    has_validation = splits.validation is not None
    rules = stop_rules(config, has_validation)
    problem, train = built.problem, splits.train
    counts = {
        "train": len(train),
        "validation": len(splits.validation) if splits.validation else 0,
        "test": len(splits.test) if splits.test else 0,
    }
    document = {
        "config": to_dict(config),
        "rows": counts,
        "features": train.n_features,
        "columns": splits.n_columns,
        "classes": list(train.classes),
        "class_counts": train.counts().tolist(),
        "lambda": problem.objective.lam,
        "batch_size": problem.batch_size,
        "lr": built.lr,
        "lr_tried": built.search and [list(pair) for pair in built.search.tried],
        "steps": problem.epochs * -(-len(train) // problem.batch_size),
        "best_metric": best_metric(config, has_validation),
        "stop_metric": rules.metric,
        "parameters": (train.n_features + 1) * len(train.classes),
        "elsewhere": [one.to_dict() for one in _elsewhere(splits, built)],
    }
    return _plan_text(config, splits, built, document), document


def _plan_text(config: Config, splits: Splits, built: Built, document: dict[str, Any]) -> str:
    """Return what would be done as text."""
    problem, rows = built.problem, document["rows"]
    n_features, n_classes = document["features"], len(built.classes)
    shapes = (
        f"X {rows['train']:,} x {n_features}{_of_columns(splits)} ({config.solver.dtype}), "
        f"W {n_features} x {n_classes}, b {n_classes}; {rows['validation']:,} validation rows, "
        f"{rows['test']:,} test rows"
    )
    steps = f"{document['steps']:,} steps of {problem.batch_size} rows, {_pace(built)}"
    if not isinstance(problem.solver, DualAscent):
        schedule = SCHEDULES[config.solver.schedule]
        steps += f" ({config.solver.schedule}: {schedule.formula})"
    parts = {
        "resolved config": to_yaml(config).rstrip(),
        "shapes": shapes,
        "objective": objective_in_words(problem.objective),
        "the same optimum elsewhere, on the rows as they are scaled here": in_words(
            _elsewhere(splits, built)
        ),
        "training": steps,
    }
    return "\n\n".join(f"# {title}\n{text}" for title, text in parts.items())


def _elsewhere(splits: Splits, built: Built) -> list[Elsewhere]:
    """Return what would minimise the objective of a training in other programs."""
    return elsewhere(built.problem.objective, len(splits.train), splits.train.classes)


def _pace(built: Built) -> str:
    """Return how steps are made: the step size, or that there is none."""
    solver = built.problem.solver
    return (
        f"dual ascent ({solver.kernel})" if isinstance(solver, DualAscent) else f"lr {built.lr:g}"
    )


def one_line(result: FitResult) -> str:
    """Return the result of a training in one line."""
    chosen, name = result.chosen, result.job.run.path.name
    accuracies = _accuracies(result)
    return f"{printable(name)}: objective {chosen.objective:.4f}, accuracy {accuracies}"


def _accuracies(result: FitResult) -> str:
    chosen = result.chosen
    parts = [f"train {chosen.train_accuracy:.4f}"]
    if chosen.validation_accuracy is not None:
        parts.append(f"validation {chosen.validation_accuracy:.4f}")
    if result.test is not None:
        parts.append(f"test {result.test.report.accuracy:.4f}")
    return ", ".join(parts)


def summary(result: FitResult) -> str:
    """Return the result of a training in a few lines, the next command among them."""
    job, chosen = result.job, result.chosen
    train = job.splits.train
    held = [
        f"{len(rows):,} {name}"
        for name, rows in (("validation", job.splits.validation), ("test", job.splits.test))
        if rows is not None
    ]
    objective = job.built.problem.objective
    which = "best" if job.config.output.model == "best" else "last"
    lines = [
        ("trained", f"{objective.loss}, {_strength(result)}, {_pace(job.built)}"),
        (
            "on",
            f"{len(train):,} rows x {_features_in_words(result)}, {len(train.classes)} classes"
            + (f" (held out: {', '.join(held)})" if held else ""),
        ),
        ("ended", f"{result.outcome.reason} ({result.last.seconds:.2f} s of training)"),
        (f"{which} epoch", f"{chosen.epoch} of {result.last.epoch}{_why(result)}"),
        (
            "objective",
            f"{chosen.objective:.6f} = loss {chosen.train_loss:.6f} + penalty {chosen.penalty:.6f}",
        ),
        ("proven", proof_in_words(result)),
        ("accuracy", _accuracies(result)),
        ("model", str(job.run.model)),
        ("next", _next_command(result)),
    ]
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name.ljust(width)}  {printable(text)}" for name, text in lines)


def finished_already(result: FitResult) -> str:
    """Return what to say of a run that was finished before it was resumed, and how it goes on."""
    run, reason = result.job.run.path, result.outcome.reason
    solver, epochs = result.job.config.solver, result.last.epoch
    told = f"{run} was finished already ({reason}), and nothing was trained"
    if epochs < solver.epochs:
        return f"{told}: a change of its stop rules, such as stop.patience, lets it go on"
    if SCHEDULES[solver.schedule].needs_horizon:
        return f"{told}: {solver.schedule} plans by the epochs, so more are another run"
    again = shlex.quote(str(run))
    return f"{told}: svmtrain resume {again} --set solver.epochs={2 * epochs} trains on"


def proof_in_words(result: FitResult) -> str:
    """Return how far from the optimum the objective is at most, or why that is not known."""
    why = why_no_bound(result.job.built.problem.objective)
    if why is not None:
        return f"no bound on the optimum: {why}"
    gap = result.gap
    if gap is None:
        return "no bound on the optimum: it is beyond the floats"
    if gap > 1:
        return "nothing yet: the bound on the optimum is below 0 (more epochs raise it)"
    return f"within {gap:.2%} of the optimum (at least {result.bound:.6f})"


def _features_in_words(result: FitResult) -> str:
    """Return how many features there are, and of how many columns when those are others."""
    splits = result.job.splits
    return f"{splits.train.n_features} features{_of_columns(splits)}"


def _of_columns(splits: Splits) -> str:
    columns = splits.n_columns
    return "" if columns == splits.train.n_features else f" of {columns} columns"


def _strength(result: FitResult) -> str:
    """Return lambda, and the objective.C that is the same; see `translate` for other programs."""
    lam = result.job.built.problem.objective.lam
    if not lam > 0:
        return "lambda 0"
    return f"lambda {lam:g} (objective.C {1 / (2 * lam * len(result.job.splits.train)):g})"


def _why(result: FitResult) -> str:
    config = result.job.config
    if config.output.model == "last":
        return ""
    return f" by {best_metric(config, result.job.splits.validation is not None)}"


def _next_command(result: FitResult) -> str:
    run = shlex.quote(str(result.job.run.path))
    if result.test is not None:
        return f"svmtrain evaluate {run} --split test"
    return f"svmtrain predict {run} DATA"


def _columns_in_words(encoder: Encoder) -> list[list[str]]:
    """Return (name, what it becomes, what fills its gaps) for each column of a table."""
    rows = []
    for column in encoder.columns:
        what = "number"
        if column.categories is not None:
            what = f"{encoder.rules.text} of {len(column.categories)} texts"
        rows.append([column.name, what, "-" if column.fill is None else str(column.fill)])
    return rows


def describe_model(classifier: LinearClassifier) -> dict[str, Any]:
    """Return what a classifier is, as plain values."""
    W, b = classifier.W.astype(np.float64), classifier.b.astype(np.float64)
    card = classifier.card()
    norms = np.sqrt(np.square(W).sum(axis=0))
    return {
        "classes": card["classes"],
        "features": classifier.n_features,
        "W": list(W.shape),
        "b": list(b.shape),
        "dtype": str(classifier.W.dtype),
        "weight norm": float(np.sqrt(np.square(W).sum())),
        "loss": card["loss"],
        "delta": card["delta"],
        "lambda": card["lambda"],
        "bias": card["bias"],
        "scale": card["scale"],
        "row_norm": card["row_norm"],
        "feature_names": card["feature_names"],
        "columns": [] if classifier.encoder is None else _columns_in_words(classifier.encoder),
        "class_norms": [
            [str(label), float(norms[i]), float(b[i])] for i, label in enumerate(classifier.classes)
        ],
        "elsewhere": [one.to_dict() for one in elsewhere_of(classifier)],
        "trained": card["trained"],
    }


def elsewhere_of(classifier: LinearClassifier) -> list[Elsewhere]:
    """Return what would minimise the objective of a model in other programs."""
    shape = classifier.trained.get("shape")
    rows = shape.get("train") if isinstance(shape, dict) else None
    known = rows if isinstance(rows, int) and rows > 0 else None
    return elsewhere(classifier.objective, known, classifier.classes)
