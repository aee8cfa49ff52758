"""Small models, made by hand, for what is done with models."""

import numpy as np

from svmtrain.data.columns import ColumnRule, Encoder, Rules
from svmtrain.data.scaling import Scaler
from svmtrain.model import LinearClassifier
from svmtrain.objective.linear import LinearObjective

#: What could end a literal, a comment or a line, in the languages that models are exported to.
HOSTILE = (
    "",
    '"; int x; "',
    "'''",
    "*/ /*",
    "*/+??/",
    "//",
    "100%s%n",
    "\\",
    "\\x41{0}",
    '\\"',
    "name\\u0041",
    "\u00e9\u4e2d\U0001f600",
    '"""',
)
CLASSES = {2: (3, 7), 3: ("ash", "elm", "oak")}


def make_model(n_features=5, classes=CLASSES[3], scale="standard", row_norm="none", **more):
    """Return a model with weights of no meaning, and features scaled by numbers of no meaning."""
    random = np.random.default_rng(len(classes) + n_features)
    moves, stretches = scale in ("standard", "minmax"), scale != "none"
    scaler = Scaler(
        scale,
        row_norm,
        random.normal(size=n_features) if moves else np.zeros(n_features),
        random.uniform(0.5, 2, n_features) if stretches else np.ones(n_features),
    )
    settings = {
        "W": random.normal(size=(n_features, len(classes))),
        "b": random.normal(size=len(classes)),
        "objective": LinearObjective(lam=0.1),
        **more,
    }
    return LinearClassifier(classes=classes, scaler=scaler, **settings)


def make_rows(model, count=200):
    """Return rows as they come from a file; the last is one that scaling takes to zeros."""
    rows = np.random.default_rng(1).normal(scale=3, size=(count, model.n_features))
    rows[-1] = model.scaler.offset
    return rows


def make_encoder(text="onehot", unseen="ignore", missing="mean"):
    """Return what takes a table with a column of numbers, one of text, and another of numbers."""
    fills = (2.5, "red", -1.0) if missing != "error" else (None, None, None)
    columns = (
        ColumnRule("size", None, fills[0]),
        ColumnRule("co'l\"our\\", ("", "blue", "it's", "red"), fills[1]),
        ColumnRule("weight", None, fills[2]),
    )
    return Encoder(columns, Rules(text, 100, unseen, missing, 0.0, ("", "?")), named=True)


def make_filler():
    """Return what fills the gaps among three columns of numbers."""
    columns = tuple(
        ColumnRule(name, None, fill) for name, fill in zip("abc", (1.5, -2.0, 0.0), strict=True)
    )
    return Encoder(columns, Rules(missing="mean"), named=True)


def with_encoder(encoder, **more):
    """Return a model for the features of an encoder."""
    names = encoder.feature_names
    return make_model(encoder.n_features, encoder=encoder, feature_names=names, **more)


def by_liblinear(content, rows):
    """Return the labels that LIBLINEAR's README says a model gives."""
    head, body = content.decode().split("\nw\n")
    facts = dict(line.split(" ", 1) for line in head.splitlines())
    labels = [int(word) for word in facts["label"].split()]
    w = np.array([[float(word) for word in line.split()] for line in body.splitlines()])
    bias = float(facts["bias"])
    if bias >= 0:
        rows = np.hstack([rows, np.full((len(rows), 1), bias)])
    assert len(w) == int(facts["nr_feature"]) + (bias >= 0)
    values = rows @ w
    if len(labels) == 2:
        return [labels[0] if value > 0 else labels[1] for value in values[:, 0]]
    return [labels[place] for place in values.argmax(axis=1)]
