"""The gates: each is its forward function and its local gradient, one entry in `GATES`.

A gate takes float64 arrays (a scalar is an array of shape ()) and gives one. Its backward
function takes the gradient from above, the cached output and the inputs, and returns the
gradient of each input. Gates that work element by element broadcast as numpy does; their
backward functions return gradients of the broadcast shape, and the circuit sums them back to the
shape of the input, once, in one place.

To add one, write its two functions and enter it in `GATES`; the tests walk the table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.errors import shown

Array = NDArray[np.float64]
TIES = ("second", "first", "both")


@dataclass(frozen=True)
class Gate:
    """One entry of `GATES`.

    Attributes
    ----------
    forward : callable
        `forward(*inputs, **options)` is the output.
    backward : callable
        `backward(g, out, *inputs, **options)` is a tuple, the gradient of each input, where `g`
        is the gradient of the output.
    arity : int
        The number of inputs.
    about : str
        One line: the formula, its local gradient, its domain.
    elementwise : bool
        Whether it works element by element, and so broadcasts.
    domain : callable, optional
        `domain(*inputs, **options)` returns what is wrong with the inputs, or None.
    options : tuple of str
        The names of its options.
    """

    forward: Callable[..., Array]
    backward: Callable[..., tuple[Array, ...]]
    arity: int
    about: str
    elementwise: bool = True
    domain: Callable[..., str | None] | None = None
    options: tuple[str, ...] = ()

    def complaint(self, values: Sequence[Array], options: Mapping[str, Any]) -> str | None:
        """Return what is wrong with the inputs, or None."""
        return self.domain(*values, **options) if self.domain else None

    def run(self, values: Sequence[Array], options: Mapping[str, Any]) -> tuple[Array, Any]:
        """Return the output; the second place is what a composite gate would remember."""
        return np.asarray(self.forward(*values, **options), dtype=np.float64), None

    def pull(
        self,
        gradient: Array,
        out: Array,
        values: Sequence[Array],
        options: Mapping[str, Any],
        memory: Any,
    ) -> tuple[Array, ...]:
        """Return the gradient of each input, before broadcasting is undone."""
        return self.backward(gradient, out, *values, **options)


def _wins(x: Array, y: Array, ties: str) -> tuple[Array, Array]:
    """Return where the first input takes the gradient of a maximum, and where the second."""
    first, second = (x > y).astype(float), (y > x).astype(float)
    tie = (x == y).astype(float)
    if ties in ("first", "both"):
        first = first + tie
    if ties in ("second", "both"):
        second = second + tie
    return first, second


def _max_backward(g: Array, out: Array, x: Array, y: Array, ties: str) -> tuple[Array, ...]:
    first, second = _wins(x, y, ties)
    return g * first, g * second


def _min_backward(g: Array, out: Array, x: Array, y: Array, ties: str) -> tuple[Array, ...]:
    first, second = _wins(-x, -y, ties)
    return g * first, g * second


def _ties_known(*inputs: Array, ties: str = "second") -> str | None:
    return None if ties in TIES else f"ties must be one of {', '.join(TIES)}, got {shown(ties)}"


def _no_zero(what: str) -> Callable[..., str | None]:
    def domain(*inputs: Array, **options: Any) -> str | None:
        return f"{what} is 0" if np.any(inputs[-1] == 0) else None

    return domain


def _positive(x: Array) -> str | None:
    return None if np.all(x > 0) else f"the logarithm of {float(np.min(x)):g}"


def _not_negative(x: Array) -> str | None:
    return None if np.all(x >= 0) else f"the square root of {float(np.min(x)):g}"


def _power_domain(x: Array, exponent: float) -> str | None:
    if not math.isfinite(exponent):
        return f"the power {exponent}"
    if exponent != int(exponent) and np.any(x < 0):
        return f"a negative number to the power {exponent:g}"
    if exponent < 0 and np.any(x == 0):
        return f"0 to the power {exponent:g}"
    return None


def _power_backward(g: Array, out: Array, x: Array, exponent: float) -> tuple[Array, ...]:
    if exponent == 0:
        return (np.zeros_like(g * x),)
    return (g * exponent * x ** (exponent - 1),)


def _sigmoid(x: Array) -> Array:
    small = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1 / (1 + small), small / (1 + small)))


Axes = int | tuple[int, ...] | None


def _spread(g: Array, x: Array, axis: Axes) -> Array:
    """Return the gradient of a sum along some axes, given to every element of x."""
    return np.broadcast_to(g if axis is None else np.expand_dims(g, axis), x.shape)


def _axis_known(x: Array, axis: Axes = None) -> str | None:
    wanted = () if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if all(-x.ndim <= one < x.ndim for one in wanted):
        return "an empty array" if x.size == 0 else None
    return f"axis {axis} of an array of shape {x.shape}"


def _mean_backward(g: Array, out: Array, x: Array, axis: Axes = None) -> tuple[Array, ...]:
    return (_spread(g, x, axis) * (out.size / x.size),)


def _matmul_domain(x: Array, y: Array) -> str | None:
    if x.ndim == y.ndim == 2 and x.shape[1] == y.shape[0]:
        return None
    return f"the matrix product of shapes {x.shape} and {y.shape}"


def _dot_domain(x: Array, y: Array) -> str | None:
    if x.ndim == y.ndim == 1 and x.shape == y.shape:
        return None
    return f"the dot product of shapes {x.shape} and {y.shape}"


def _is_matrix(x: Array) -> str | None:
    return None if x.ndim == 2 else f"the transpose of an array of shape {x.shape}"


def _reshape_domain(x: Array, shape: tuple[int, ...]) -> str | None:
    fits = all(n >= 0 for n in shape) and int(np.prod(shape)) == x.size
    return None if fits else f"shape {tuple(shape)} for {x.size} elements"


def _take(x: Array, rows: Any = None, classes: Any = None) -> Array:
    if classes is not None:
        return np.asarray(x[np.arange(len(x)), classes])
    return np.asarray(x[rows])


def _take_backward(
    g: Array, out: Array, x: Array, rows: Any = None, classes: Any = None
) -> tuple[Array, ...]:
    gradient = np.zeros_like(x)
    where = rows if classes is None else (np.arange(len(x)), classes)
    np.add.at(gradient, where, g)
    return (gradient,)


def _take_domain(x: Array, rows: Any = None, classes: Any = None) -> str | None:
    if (rows is None) == (classes is None):
        return "neither or both of rows and classes"
    if x.ndim < (1 if classes is None else 2):
        return f"the rows of an array of shape {x.shape}"
    index, limit = (rows, x.shape[0]) if classes is None else (classes, x.shape[1])
    index = np.asarray(index)
    if classes is not None and index.shape != (x.shape[0],):
        return f"{index.size} classes for {x.shape[0]} rows"
    whole = index.dtype.kind in "iu"
    inside = whole and (index.size == 0 or 0 <= index.min() <= index.max() < limit)
    return None if inside else f"an index outside 0 ... {limit - 1}"


GATES: dict[str, Gate] = {
    "add": Gate(np.add, lambda g, out, x, y: (g, g), 2, "x + y; gradients g and g; anywhere"),
    "subtract": Gate(
        np.subtract, lambda g, out, x, y: (g, -g), 2, "x - y; gradients g and -g; anywhere"
    ),
    "multiply": Gate(
        np.multiply,
        lambda g, out, x, y: (g * y, g * x),
        2,
        "x y; gradients g y and g x: each takes the other's value; anywhere",
    ),
    "divide": Gate(
        np.divide,
        lambda g, out, x, y: (g / y, -g * out / y),
        2,
        "x / y; gradients g / y and -g x / y^2; y not 0",
        domain=_no_zero("the divisor"),
    ),
    "reciprocal": Gate(
        lambda x: np.asarray(1 / x),
        lambda g, out, x: (-g * out * out,),
        1,
        "1 / x; gradient -g / x^2; x not 0",
        domain=_no_zero("the divisor"),
    ),
    "negate": Gate(np.negative, lambda g, out, x: (-g,), 1, "-x; gradient -g; anywhere"),
    "power": Gate(
        lambda x, exponent: np.asarray(x**exponent),
        _power_backward,
        1,
        "x^c for a constant c; gradient g c x^(c-1); x >= 0 unless c is whole, not 0 if c < 0",
        domain=_power_domain,
        options=("exponent",),
    ),
    "square": Gate(np.square, lambda g, out, x: (2 * g * x,), 1, "x^2; gradient 2 g x; anywhere"),
    "exp": Gate(np.exp, lambda g, out, x: (g * out,), 1, "e^x; gradient g e^x; anywhere"),
    "log": Gate(
        np.log, lambda g, out, x: (g / x,), 1, "ln x; gradient g / x; x > 0", domain=_positive
    ),
    "sqrt": Gate(
        np.sqrt,
        lambda g, out, x: (g / (2 * out),),
        1,
        "x^(1/2); gradient g / (2 x^(1/2)); x >= 0, and no gradient at 0",
        domain=_not_negative,
    ),
    "max": Gate(
        lambda x, y, ties="second": np.maximum(x, y),
        lambda g, out, x, y, ties="second": _max_backward(g, out, x, y, ties),
        2,
        "max(x, y); gradients g [x > y] and g [y > x], at a tie as `ties` says; anywhere",
        domain=_ties_known,
        options=("ties",),
    ),
    "min": Gate(
        lambda x, y, ties="second": np.minimum(x, y),
        lambda g, out, x, y, ties="second": _min_backward(g, out, x, y, ties),
        2,
        "min(x, y); gradients g [x < y] and g [y < x], at a tie as `ties` says; anywhere",
        domain=_ties_known,
        options=("ties",),
    ),
    "relu": Gate(
        lambda x: np.maximum(x, 0),
        lambda g, out, x: (g * (x > 0),),
        1,
        "max(x, 0); gradient g [x > 0]; anywhere",
    ),
    "abs": Gate(
        np.abs, lambda g, out, x: (g * np.sign(x),), 1, "|x|; gradient g sign(x), 0 at 0; anywhere"
    ),
    "sigmoid": Gate(
        _sigmoid,
        lambda g, out, x: (g * out * (1 - out),),
        1,
        "s = 1 / (1 + e^-x); gradient g s (1 - s); anywhere",
    ),
    "tanh": Gate(
        np.tanh, lambda g, out, x: (g * (1 - out * out),), 1, "t = tanh x; g (1 - t^2); anywhere"
    ),
    "sum": Gate(
        lambda x, axis=None: np.asarray(np.sum(x, axis=axis)),
        lambda g, out, x, axis=None: (_spread(g, x, axis),),
        1,
        "the sum of all elements or along axes; g to every element; not empty",
        elementwise=False,
        domain=_axis_known,
        options=("axis",),
    ),
    "mean": Gate(
        lambda x, axis=None: np.asarray(np.mean(x, axis=axis)),
        _mean_backward,
        1,
        "the mean of n elements, all or along axes; g / n to every element; not empty",
        elementwise=False,
        domain=_axis_known,
        options=("axis",),
    ),
    "matmul": Gate(
        lambda x, y: np.asarray(x @ y),
        lambda g, out, x, y: (g @ y.T, x.T @ g),
        2,
        "X Y of matrices; gradients G Y^T and X^T G; columns of X = rows of Y",
        elementwise=False,
        domain=_matmul_domain,
    ),
    "dot": Gate(
        lambda x, y: np.asarray(x @ y),
        lambda g, out, x, y: (g * y, g * x),
        2,
        "x . y of vectors; gradients g y and g x; equal lengths",
        elementwise=False,
        domain=_dot_domain,
    ),
    "transpose": Gate(
        lambda x: x.T,
        lambda g, out, x: (g.T,),
        1,
        "X^T; gradient G^T; a matrix",
        elementwise=False,
        domain=_is_matrix,
    ),
    "reshape": Gate(
        lambda x, shape: np.reshape(x, shape),
        lambda g, out, x, shape: (g.reshape(x.shape),),
        1,
        "the same elements in another shape; g in the old shape; as many elements",
        elementwise=False,
        domain=_reshape_domain,
        options=("shape",),
    ),
    "take": Gate(
        _take,
        _take_backward,
        1,
        "some rows, or the entry of a class in each row; g is added where it was taken; in range",
        elementwise=False,
        domain=_take_domain,
        options=("rows", "classes"),
    ),
}

TIED: dict[str, Callable[..., Any]] = {
    "max": np.equal,
    "min": np.equal,
    "relu": lambda x: x == 0,
    "abs": lambda x: x == 0,
}
"""Gates with a kink: where their inputs sit on it."""
