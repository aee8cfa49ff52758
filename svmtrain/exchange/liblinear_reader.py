"""Read LIBLINEAR's text models; see `svmtrain.exchange.liblinear` for the form.

Nothing in a file is believed before it is checked: no size in the header is taken before it is
held against the size of the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import NoReturn

import numpy as np

from svmtrain.data.scaling import Scaler
from svmtrain.errors import ModelError, shown
from svmtrain.exchange.liblinear import CRAMMER_SINGER
from svmtrain.exchange.parts import Numbers
from svmtrain.files import read_bytes
from svmtrain.model import MAX_CLASSES, LinearClassifier
from svmtrain.objective.linear import LinearObjective

LIMIT = 2 << 30
"""Bytes of a file."""
LINE_LIMIT = 1000
"""Bytes of a line of the header, but for that of the labels."""
NUMBER_BYTES = b"0123456789+-.eE "
LARGEST = 2**31 - 1

KEYS = ("solver_type", "nr_class", "label", "nr_feature", "bias")

LOSSES = {
    "L2R_L2LOSS_SVC_DUAL": "one_vs_rest_squared",
    "L2R_L2LOSS_SVC": "one_vs_rest_squared",
    "L2R_L1LOSS_SVC_DUAL": "one_vs_rest",
    CRAMMER_SINGER: "crammer_singer",
}
"""The loss that a solver of LIBLINEAR minimises together with the square of the weights."""
OTHERS = {
    "L2R_LR": "the logistic loss",
    "L2R_LR_DUAL": "the logistic loss",
    "L1R_LR": "the logistic loss and the sizes of the weights",
    "L1R_L2LOSS_SVC": "the squared hinge loss and the sizes of the weights",
}
"""What the other solvers of classification minimise, which no objective here is."""
STAND_IN = "one_vs_rest_squared"


@dataclass(frozen=True)
class Header:
    """The facts of a model of LIBLINEAR.

    Attributes
    ----------
    solver : str
    labels : tuple of int
        In the order of the columns of w.
    n_features : int
    bias : float
        The value of the feature of the bias; none when negative.
    """

    solver: str
    labels: tuple[int, ...]
    n_features: int
    bias: float

    @property
    def columns(self) -> int:
        """The numbers in a line of w."""
        two = len(self.labels) == 2 and self.solver != CRAMMER_SINGER
        return 1 if two else len(self.labels)

    @property
    def rows(self) -> int:
        """The lines of w."""
        return self.n_features + (self.bias >= 0)


def read(path: str | Path) -> tuple[LinearClassifier, tuple[str, ...]]:
    """Return the classifier of a file that LIBLINEAR saved, and notes on what is not as it was.

    It labels rows as `liblinear-predict` does, but for ties: a row whose scores are equal, such as
    one without any feature where there is no bias, gets the smallest of their labels here, and
    there the first in the file, of two the second. lambda is 0, which stands for unknown: the file
    does not say what C was. For two classes the scores are w.x and -w.x.

    Raises
    ------
    ModelError
        With the line, for a file that is missing, malformed or none of classification.
    """
    lines = read_bytes(path, ModelError, LIMIT).split(b"\n")
    header, at = _header(lines, path)
    values = _weights(lines, at, header, path)
    W, b = values[: header.n_features], np.zeros(header.columns)
    if header.bias >= 0:
        with np.errstate(over="ignore"):
            b = values[-1] * header.bias
        if not np.isfinite(b).all():
            raise ModelError("has a bias that is beyond the floats", path=path)
    if len(header.labels) == 2:  # the first column decides alone, even where there are two
        W, b = np.hstack([W[:, :1], 0 - W[:, :1]]), np.hstack([b[:1], 0 - b[:1]])
    order = np.argsort(header.labels)
    classifier = LinearClassifier(
        W=np.ascontiguousarray(W[:, order]),
        b=b[order],
        classes=tuple(header.labels[place] for place in order),
        scaler=Scaler("none", "none", np.zeros(len(W)), np.ones(len(W))),
        objective=LinearObjective(
            loss=LOSSES.get(header.solver, STAND_IN),
            lam=0.0,
            bias="regularized" if header.bias >= 0 else "none",
        ),
        trained={"imported": {"from": "LIBLINEAR", "solver_type": header.solver}},
    )
    return classifier, _notes(header)


def _notes(header: Header) -> tuple[str, ...]:
    if header.solver not in OTHERS:
        return ()
    return (
        f"{header.solver} minimised {OTHERS[header.solver]}, which no loss here is: labels and "
        f"scores are its own, the losses that svmtrain shows of it are those of {STAND_IN}",
    )


def _header(lines: list[bytes], path: str | Path) -> tuple[Header, int]:
    """Return the header of a file, and the number of lines up to that of `w`."""
    found: dict[str, bytes] = {}
    places: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        key, _, value = line.rstrip(b"\r ").partition(b" ")
        name = key.decode("ascii", "replace")
        if name == "w" and not value:
            return _parsed(found, places, path), number
        if name not in KEYS:
            raise ModelError(
                f"{shown(name)} in the header; expected a model of LIBLINEAR, which begins with "
                f"{', '.join(KEYS)} and w",
                path=path,
                line=number,
            )
        if name in found:
            raise ModelError(f"{name} stands there a second time", path=path, line=number)
        if name != "label" and len(line) > LINE_LIMIT:
            raise ModelError(f"{name} is {len(line):,} bytes long", path=path, line=number)
        found[name], places[name] = value.strip(), number
        if len(found) == len(KEYS) and number == len(lines):
            break
    raise ModelError("ends before its weights (the line w)", path=path)


def _parsed(found: Mapping[str, bytes], places: Mapping[str, int], path: str | Path) -> Header:
    """Return a header out of its lines."""
    missing = [key for key in KEYS if key not in found]
    if missing:
        raise ModelError(f"has no {missing[0]} before its weights", path=path)

    def refuse(key: str, expected: str) -> NoReturn:
        text = shown(found[key].decode("ascii", "replace"))
        raise ModelError(f"{key} is {text}; expected {expected}", path=path, line=places[key])

    solver = found["solver_type"].decode("ascii", "replace")
    if solver not in LOSSES and solver not in OTHERS:
        of = "one of classification"
        if solver.endswith("_SVR") or "_SVR_" in solver:
            of = f"{of}, since this one is of regression and predicts numbers"
        refuse("solver_type", f"{of}: {', '.join([*LOSSES, *OTHERS])}")
    n_classes = _whole(found["nr_class"])
    if n_classes is None or not 2 <= n_classes <= MAX_CLASSES:
        refuse("nr_class", f"a whole number from 2 to {MAX_CLASSES}")
    n_features = _whole(found["nr_feature"])
    if n_features is None or not 1 <= n_features <= LARGEST:
        refuse("nr_feature", f"a whole number from 1 to {LARGEST}")
    labels = [_whole(token) for token in found["label"].split()]
    known = [label for label in labels if label is not None]
    if len(known) != n_classes or len(labels) != n_classes or len({*known}) != n_classes:
        refuse("label", f"{n_classes} different whole numbers")
    bias = _number(found["bias"])
    if bias is None:
        refuse("bias", "a finite number")
    return Header(solver, tuple(known), n_features, bias)


def _whole(token: bytes) -> int | None:
    digits = token.removeprefix(b"-")
    if not digits.isdigit() or len(digits) > 10 or abs(int(token)) > LARGEST:
        return None
    return int(token)


def _number(token: bytes) -> float | None:
    if not token or b" " in token or token.translate(None, NUMBER_BYTES):
        return None
    try:
        value = float(token)
    except ValueError:
        return None
    return value if isfinite(value) else None


def _weights(lines: list[bytes], at: int, header: Header, path: str | Path) -> Numbers:
    """Return w, (rows, columns), from the lines after the header."""
    while len(lines) > at and not lines[-1].strip():
        lines.pop()
    if len(lines) - at != header.rows:
        raise ModelError(
            f"has {len(lines) - at:,} lines of weights; expected {header.rows:,}, by nr_feature "
            "and bias",
            path=path,
        )
    shortest = header.columns * 2 - 1
    for number in range(at, len(lines)):  # before memory is taken for so many columns
        if len(lines[number]) < shortest:
            _refuse_line(lines[number], number, header, path)
    values = np.empty((header.rows, header.columns))
    for row, number in enumerate(range(at, len(lines))):
        numbers = _numbers(lines[number])
        if numbers is None or len(numbers) != header.columns:
            _refuse_line(lines[number], number, header, path)
        values[row] = numbers
    return values


def _numbers(line: bytes) -> list[float] | None:
    """Return the numbers of a line; None when some word of it is none."""
    line = line.removesuffix(b"\r")
    if line.translate(None, NUMBER_BYTES):
        return None
    try:
        numbers = list(map(float, line.split()))
    except ValueError:
        return None
    return numbers if all(map(isfinite, numbers)) else None


def _refuse_line(line: bytes, number: int, header: Header, path: str | Path) -> NoReturn:
    """Raise the error for a line of weights, whose number is from 0."""
    tokens = line.split()
    bad = next((token for token in tokens if _number(token) is None), None)
    if bad is not None:
        text = shown(bad.decode("ascii", "replace"))
        problem = f"weight {text}; expected a finite number"
    else:
        count = f"{len(tokens)} weight{'' if len(tokens) == 1 else 's'}"
        problem = f"has {count}; expected {header.columns}, with a blank between two"
    raise ModelError(problem, path=path, line=number + 1)
