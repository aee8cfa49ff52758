"""LIBLINEAR's text models: `liblinear-predict` reads what is written here, and the reverse.

    solver_type L2R_L1LOSS_SVC_DUAL
    nr_class 3
    label 1 2 3
    nr_feature 4
    bias 1
    w
    ... a line a feature, and one for the bias when there is one, with a number a class

For two classes there is one column w, and w.x > 0 means the first label; only Crammer and Singer's
solver has both columns, and still the first alone decides. Then the second class of the model
is written first: so a tie, where w.x is 0, goes to the first one, as in svmtrain.

Source: the README of LIBLINEAR (Fan et al., 2008), and its `save_model`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from svmtrain.errors import ConfigError, shown
from svmtrain.exchange.parts import (
    Exported,
    Numbers,
    half_difference,
    integer_labels,
    left_behind,
    parts_of,
    refuse_texts,
)
from svmtrain.model import LinearClassifier

LARGEST_LABEL = 2**31 - 1
NAMED_MOST = 20

CRAMMER_SINGER = "MCSVM_CS"
SOLVERS = {
    "one_vs_rest": "L2R_L1LOSS_SVC_DUAL",
    "one_vs_rest_squared": "L2R_L2LOSS_SVC_DUAL",
}
"""By loss; all others compare the scores of classes with each other, as that of `-s 4` does."""


def export(classifier: LinearClassifier) -> Exported:
    """Return a model as LIBLINEAR's `save_model` would write it.

    Scaling is folded into the weights and the bias. Labels that are no numbers are numbered from
    0, in order, and a note says so.

    Raises
    ------
    ConfigError
        For what the form cannot carry: rows divided by their length, columns of text, labels
        beyond 32 bits.
    """
    refuse_texts(classifier, "LIBLINEAR's form")
    parts = parts_of(classifier)
    if parts.unit:
        raise ConfigError(
            "rows are divided by their length (preprocess.row_norm), which LIBLINEAR's form cannot "
            "carry; export it with --to sklearn, onnx, c or json"
        )
    labels, notes = _labels(classifier)
    if parts.fill is not None:
        notes.append("gaps are not filled there: give it rows without any")
    notes += left_behind(classifier)
    W, b = parts.folded()
    solver = SOLVERS.get(classifier.objective.loss, CRAMMER_SINGER)
    if len(labels) == 2:
        labels.reverse()
        w, c = half_difference(W, b)
        W, b = (np.hstack([w, -w]), np.hstack([c, -c])) if solver == CRAMMER_SINGER else (w, c)
    content = "".join(_lines(solver, labels, W, b)).encode("ascii")
    return Exported(content, tuple(notes))


def _labels(classifier: LinearClassifier) -> tuple[list[int], list[str]]:
    """Return the labels as LIBLINEAR takes them, and notes on those that are others."""
    numbers = integer_labels(classifier, LARGEST_LABEL)
    if numbers is not None:
        return list(numbers), []
    if isinstance(classifier.classes[0], int):
        raise ConfigError(
            f"a class is beyond {LARGEST_LABEL:,}, the largest label of LIBLINEAR; "
            "export it with --to sklearn, onnx, c or json"
        )
    named = [f"{i} is {shown(label)}" for i, label in enumerate(classifier.classes[:NAMED_MOST])]
    more = ", ..." if len(classifier.classes) > NAMED_MOST else ""
    note = f"labels are numbers there: {', '.join(named)}{more}"
    return list(range(len(classifier.classes))), [note]


def _lines(solver: str, labels: list[int], W: Numbers, b: Numbers) -> Iterator[str]:
    biased = bool(b.any())
    yield f"solver_type {solver}\n"
    yield f"nr_class {len(labels)}\n"
    yield f"label {' '.join(map(str, labels))}\n"
    yield f"nr_feature {len(W)}\n"
    yield f"bias {1 if biased else -1}\n"
    yield "w\n"
    for row in (*W, b) if biased else W:
        yield " ".join(map(repr, row.tolist())) + " \n"
