"""A model as C: one function without dependencies, in C99, and the texts of its classes.

Names come from files. They stand in string literals alone, where everything but letters, digits
and some harmless signs is an escape of three octal digits, so that no quote, comment or trigraph
can end what it stands in.
"""

from __future__ import annotations

import string
from collections.abc import Iterable

import svmtrain
from svmtrain.errors import ConfigError, shown
from svmtrain.exchange.parts import (
    Exported,
    Numbers,
    Parts,
    left_behind,
    parts_of,
    refuse_texts,
)
from svmtrain.model import LinearClassifier

PLAIN = frozenset((string.ascii_letters + string.digits + " _-+=.,:;()[]<>").encode())
LONGEST = 4000
"""Bytes of a name: C99 asks a compiler for 4,095 in a literal."""
PER_LINE = 8

HEAD = """\
/* A linear classifier trained by svmtrain {version}: C99, no dependencies.
 *
 * int svmtrain_predict(const double *x, double *scores)
 *
 * takes the {features} features of a row as they are in the data{gaps}, writes the
 * {classes} scores, and returns the place of the largest, the first at a tie, whose name is in
 * svmtrain_classes; -1 when a score is not a number. The names of the features, where they have
 * some, are in svmtrain_features.
 */

"""

UNIT = """\
    double largest = 0, squares = 0, length = 1;
    for (f = 0; f < {features}; f++) {{
        const double z = {z};
        if (z > largest) largest = z;
        if (-z > largest) largest = -z;
    }}
    if (largest > 0) {{
        double before = 0;
        for (f = 0; f < {features}; f++) {{
            const double z = ({z}) / largest;
            squares += z * z;
        }}
        /* The root by Newton's method, from above: squares is at least 1. */
        length = squares;
        do {{
            before = length;
            length = (before + squares / before) / 2;
        }} while (length < before);
        length = before;
    }} else {{
        largest = 1;
    }}
"""

FUNCTION = """\
int svmtrain_predict(const double *x, double *scores)
{{
    int f, j, best = 0;
{unit}    for (j = 0; j < {classes}; j++) scores[j] = 0;
    for (f = 0; f < {features}; f++) {{
        const double z = {z_unit};
        for (j = 0; j < {classes}; j++) scores[j] += z * W[f][j];
    }}
    for (j = 0; j < {classes}; j++) {{
        scores[j] += B[j];
        if (scores[j] != scores[j]) return -1;
        if (scores[j] > scores[best]) best = j;
    }}
    return best;
}}
"""


def export(classifier: LinearClassifier) -> Exported:
    """Return a model as C source.

    Gaps (NaN) are filled where the model fills them.

    Raises
    ------
    ConfigError
        For columns of text, and for names that are longer than a literal may be.
    """
    refuse_texts(classifier, "C")
    parts = parts_of(classifier)
    n_features, n_classes = parts.W.shape
    named = classifier.feature_names
    sizes = {"features": n_features, "classes": n_classes}
    gaps = ", NaN for a gap" if parts.fill is not None else ""
    text = [HEAD.format(version=svmtrain.__version__, gaps=gaps, **sizes)]
    text.append(_names("svmtrain_classes", n_classes, map(str, classifier.classes)))
    if named is not None:
        text.append(_names("svmtrain_features", n_features, named))
    text.append(_tables(parts))
    z = _z(parts)
    unit = UNIT.format(z=z, **sizes) if parts.unit else ""
    z_unit = f"({z}) / largest / length" if parts.unit else z
    text.append(FUNCTION.format(unit=unit, z_unit=z_unit, **sizes))
    return Exported("".join(text).encode("ascii"), tuple(left_behind(classifier)))


def _z(parts: Parts) -> str:
    """Return the expression of feature f as the weights expect it."""
    z = "x[f]" if parts.fill is None else "(x[f] != x[f] ? FILL[f] : x[f])"
    return f"({z} - OFFSET[f]) * FACTOR[f]" if parts.scaled else z


def _tables(parts: Parts) -> str:
    n_features, n_classes = parts.W.shape
    text = [f"static const double W[{n_features}][{n_classes}] = {{\n"]
    text += [f"    {{{', '.join(map(_number, row))}}},\n" for row in parts.W.tolist()]
    text.append("};\n\n")
    text.append(_vector("B", parts.b))
    if parts.scaled:
        text += [_vector("OFFSET", parts.offset), _vector("FACTOR", parts.factor)]
    if parts.fill is not None:
        text.append(_vector("FILL", parts.fill))
    return "".join(text)


def _vector(name: str, values: Numbers) -> str:
    numbers = [_number(value) for value in values.tolist()]
    lines = [numbers[i : i + PER_LINE] for i in range(0, len(numbers), PER_LINE)]
    body = ",\n    ".join(", ".join(line) for line in lines)
    return f"static const double {name}[{len(numbers)}] = {{\n    {body}\n}};\n\n"


def _number(value: float) -> str:
    """Return a double with all its digits; NaN, which C99 has no literal for, as 0 over 0."""
    return "0.0 / 0.0" if value != value else repr(value)


def _names(name: str, count: int, texts: Iterable[str]) -> str:
    body = ",\n    ".join(literal(text) for text in texts)
    return f"const char *const {name}[{count}] = {{\n    {body}\n}};\n\n"


def literal(text: str) -> str:
    """Return a text as a string literal of C, in UTF-8.

    Raises
    ------
    ConfigError
        When it is too long for one.
    """
    content = text.encode("utf-8", "surrogatepass")
    if len(content) > LONGEST:
        raise ConfigError(
            f"the name {shown(text)} has {len(content):,} bytes; a literal of C takes {LONGEST:,} "
            "(--to json or --to sklearn takes any)"
        )
    return '"' + "".join(chr(b) if b in PLAIN else f"\\{b:03o}" for b in content) + '"'
