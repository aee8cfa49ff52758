"""A model as Python source: a pipeline of scikit-learn, built from plain numbers when imported.

Names come from files. They stand in the source as `ascii` writes them, as literals alone.
"""

from __future__ import annotations

from collections.abc import Iterable

import svmtrain
from svmtrain.exchange.parts import Exported, Numbers, Parts, half_difference, parts_of
from svmtrain.model import LinearClassifier

HEAD = '''\
"""A linear classifier trained by svmtrain {version}, as a pipeline of scikit-learn.

    from FILE import pipeline

    pipeline.predict(rows)

It is built from the plain numbers below; nothing is unpickled. decision_function returns the scores
of svmtrain; for two classes that of the second minus that of the first. Where the model is
calibrated, predict_proba(rows) of this module gives its probabilities. To fit the pipeline again
is another training: of LinearSVC, with its defaults.
{how}"""

import numpy as np
from sklearn.pipeline import Pipeline
{imports}from sklearn.svm import LinearSVC

'''

TABLES = """\

rows is a list of rows, or an array of objects (n, {width}), with the columns of COLUMNS in that
order; or, where the columns have names of their own, a table that has them by name, in any order or
with others: a dict of lists, or a DataFrame of pandas, which is not needed for it. Read all cells
as text, as svmtrain does, so that 07 stays 07:

    pandas.read_csv(FILE, dtype=str, keep_default_na=False)
"""

ENCODE = '''

def encode(table):
    """Return the features (n, n_features) of a table: gaps filled, texts as numbers."""
    names = getattr(getattr(table, "dtype", None), "names", None)
    if NAMED and (names or hasattr(table, "keys") or hasattr(table, "columns")):
        cells_of = [list(table[name]) for name, _, _ in COLUMNS]
    else:
        rows = np.asarray(table, dtype=object)
        if rows.ndim != 2 or rows.shape[1] != len(COLUMNS):
            raise ValueError(f"rows have shape {rows.shape}; expected (n, {len(COLUMNS)})")
        cells_of = rows.T.tolist()
    features = np.zeros((len(cells_of[0]), N_FEATURES))
    at = 0
    for (name, texts, fill), cells in zip(COLUMNS, cells_of):
        cells = [fill if is_gap(cell) else cell for cell in cells]
        if any(cell is None for cell in cells):
            raise ValueError(f"column {name!r} has a gap, which the model does not fill")
        if texts is None:
            features[:, at] = [float(cell) for cell in cells]
            at += 1
            continue
        place = {text: i for i, text in enumerate(texts)}
        codes = np.array([place.get(str(cell).strip(), -1) for cell in cells], dtype=int)
        if (codes < 0).any() and not UNSEEN_PASS:
            text = cells[int(np.argmax(codes < 0))]
            raise ValueError(f"column {name!r} has {text!r}, which no training row had")
        if ONE_HOT:
            known = np.flatnonzero(codes >= 0)
            features[known, at + codes[known]] = 1.0
            at += len(texts)
        else:
            features[:, at] = codes
            at += 1
    return features


def is_gap(cell):
    """Return whether a cell is empty, a NaN or one of the marks of a gap."""
    return cell is None or cell != cell or str(cell).strip() in MARKS
'''

BUILD = '''

def build():
    """Return the pipeline, as if it had been fitted."""
    steps = []
'''

ENCODER = '    steps.append(("encode", FunctionTransformer(encode)))\n'

SCALER = """\
    scaler = StandardScaler(with_mean={moves})
    scaler.mean_, scaler.scale_ = np.array(MEAN), np.array(SCALE)
    scaler.var_ = np.square(scaler.scale_)
    scaler.n_features_in_, scaler.n_samples_seen_ = N_FEATURES, 1
    steps.append(("scale", scaler))
"""

UNIT = """\
    norm = Normalizer()
    norm.n_features_in_ = N_FEATURES
    steps.append(("norm", norm))
"""

REST = """\
    svm = LinearSVC()
    svm.coef_, svm.intercept_ = np.array(COEF), np.array(INTERCEPT)
    svm.classes_, svm.n_features_in_, svm.n_iter_ = np.array(CLASSES), N_FEATURES, 1
    steps.append(("svm", svm))
    return Pipeline(steps)


pipeline = build()
"""

CURVES = {
    "sigmoid": "1 / (1 + np.exp(-np.clip(CURVE_X[0] * margins + CURVE_Y[0], -700, 700)))",
    "isotonic": "np.interp(margins, CURVE_X, CURVE_Y)",
}

PROBABILITIES = '''

def curve(margins):
    """Return the probability that a margin above the other classes stands for."""
    return {curve}


def predict_proba(rows):
    """Return the probability of each of CLASSES for rows, (n, n_classes); a row sums to 1."""
    scores = pipeline.decision_function(rows)
    if scores.ndim == 1:
        second = curve(scores)
        return np.column_stack([1 - second, second])
    best, at = scores.argmax(axis=1), np.arange(len(scores))
    others = scores.copy()
    others[at, best] = -np.inf
    margins = scores - scores[at, best][:, np.newaxis]
    margins[at, best] = scores[at, best] - others.max(axis=1)
    found = curve(margins)
    whole = found.sum(axis=1, keepdims=True)
    even = np.full_like(found, 1 / found.shape[1])
    return np.divide(found, whole, out=even, where=whole > 0)
'''


def one_score(W: Numbers, b: Numbers) -> tuple[Numbers, Numbers]:
    """Return coefficients (n_scores, n_features) and intercepts (n_scores,) as scikit-learn's.

    For two classes there is one score: the second minus the first.
    """
    if W.shape[1] == 2:
        w, c = half_difference(W, b)
        W, b = 2 * w, 2 * c
    return W.T, b


def export(classifier: LinearClassifier) -> Exported:
    """Return a model as a Python module that holds a `pipeline`; everything of it travels."""
    parts = parts_of(classifier)
    encoder = classifier.encoder
    coef, intercept = one_score(parts.W, parts.b)
    how = "" if encoder is None else TABLES.format(width=len(encoder.columns))
    text = [HEAD.format(version=svmtrain.__version__, how=how, imports=_imports(classifier, parts))]
    text.append(f"CLASSES = {_texts(classifier.classes)}\n")
    text.append(f"N_FEATURES = {classifier.n_features}\n")
    if encoder is not None:
        text.append(_encoder(classifier))
    if parts.scaled:
        text.append(f"MEAN = {parts.offset.tolist()!r}\n")
        text.append(f"SCALE = {(1 / parts.factor).tolist()!r}\n")
    rows = "".join(f"    {row!r},\n" for row in coef.tolist())
    text.append(f"COEF = [\n{rows}]\nINTERCEPT = {intercept.tolist()!r}\n")
    if encoder is not None:
        text.append(ENCODE)
    text.append(BUILD)
    text.append(ENCODER if encoder is not None else "")
    text.append(SCALER.format(moves=bool(parts.offset.any())) if parts.scaled else "")
    text.append(f"{UNIT if parts.unit else ''}{REST}")
    text.append(_probabilities(classifier))
    return Exported("".join(text).encode("ascii"))


def _imports(classifier: LinearClassifier, parts: Parts) -> str:
    """Return the line of what preprocessing needs; nothing without any."""
    used = {
        "FunctionTransformer": classifier.encoder is not None,
        "Normalizer": parts.unit,
        "StandardScaler": parts.scaled,
    }
    names = ", ".join(name for name, needed in used.items() if needed)
    return f"from sklearn.preprocessing import {names}\n" if names else ""


def _probabilities(classifier: LinearClassifier) -> str:
    """Return the code of a calibration; nothing without one."""
    calibration = classifier.calibration
    if calibration is None:
        return ""
    x, y = calibration.curve.x.tolist(), calibration.curve.y.tolist()
    code = PROBABILITIES.format(curve=CURVES[calibration.method])
    return f"\nCURVE_X, CURVE_Y = {x!r}, {y!r}\n{code}"


def _encoder(classifier: LinearClassifier) -> str:
    encoder = classifier.encoder
    if encoder is None:
        return ""
    columns = "".join(
        f"    ({one.name!a}, "
        f"{None if one.categories is None else _texts(one.categories)}, {one.fill!a}),\n"
        for one in encoder.columns
    )
    return (
        f"COLUMNS = [  # (name, its texts or None for numbers, what fills its gaps)\n{columns}]\n"
        f"NAMED = {encoder.named}\n"
        f"MARKS = {_texts(encoder.rules.marks)}\n"
        f"ONE_HOT = {encoder.rules.text == 'onehot'}\n"
        f"UNSEEN_PASS = {encoder.rules.unseen == 'ignore'}\n"
    )


def _texts(values: Iterable[object]) -> str:
    """Return a list of texts or whole numbers as a literal."""
    return f"[{', '.join(map(ascii, values))}]"
