"""Containers whose header and arrays are odd in ways that somebody could think of, signed again."""

import copy
import json

import numpy as np
from bad_models import parts
from forged import forge, npy

from svmtrain.container import DTYPES, HEADER, pack

DEEP = {"a": []}
for _ in range(20):
    DEEP = {"a": [DEEP]}
ODD = (
    *(None, True, False, [], {}, "", 0, 1, 2, 3, -1, 0.0, -0.0, 1.0, 0.5, -1.5),
    *(2**31, 2**62, 2**63, 10**30, -(10**30), 10**400, 1e-320, 1e300, -1e308, 1.0000001),
    *("NaN", "nan", "inf", "1", "x" * 5000, "\x1b[31m", "\n", "\0", "\ud800", "\u202e", "../../c"),
    *("step-00000001.npz", "sgd", "dual", "lazy_sgd", "hinge", "none", "svmtrain-model"),
    *([None], [1, 2, 3], ["a", "b"], [[]], [0] * 999, {"": 1}, {"0": [1.5]}, DEEP),
)
NUMBERS = (0.0, -0.0, 1.0, -1.0, np.nan, np.inf, -np.inf, 1e300, -1e300, 1e-310, 2.0**63)


def mutated(content, chance):
    """Return a container like the one in some bytes, with one to three parts mutated."""
    header, arrays = parts(content)
    for _ in range(chance.choice((1, 1, 2, 3))):
        if chance.random() < 0.55:
            _change_header(header, chance)
        else:
            _change_arrays(arrays, chance)
    if chance.random() < 0.03:
        return _with_a_key_twice(header, arrays, chance)
    return pack(header, arrays)


def _places(value):
    """Return every place in a header: what holds it, and its key there."""
    items = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    found = [(value, key) for key, _ in items]
    for _, inner in items:
        if isinstance(inner, dict | list):
            found += _places(inner)
    return found


def _change_header(header, chance):
    """Swap, take away, add or replace a value at some place."""
    places = _places(header)
    if not places:
        header["a"] = 1
        return
    holder, key = chance.choice(places)
    way = chance.choice(("swap", "remove", "add", "odd", "odd", "near", "near"))
    if way == "swap":
        other, there = chance.choice(places)
        mine, theirs = copy.deepcopy(holder[key]), copy.deepcopy(other[there])
        holder[key], other[there] = theirs, mine
    elif way == "remove":
        del holder[key]
    elif way == "add" and isinstance(holder, dict):
        holder[chance.choice(("a", "", "x" * 300, "state", "W", "\ud800"))] = chance.choice(ODD)
    elif way == "near" and isinstance(holder[key], int | float):
        holder[key] += chance.choice((-2, -1, 1, 2, 0.5, 1e-9))
    else:
        holder[key] = copy.deepcopy(chance.choice(ODD))


def _change_arrays(arrays, chance):
    """Give an array another shape, dtype, value or name; or take it away, add or swap one."""
    if not arrays:
        arrays["W"] = np.zeros((2, 2))
        return
    name, other = chance.choice(sorted(arrays)), chance.choice(sorted(arrays))
    way = chance.choice(("shape", "dtype", "number", "number", "scale", "name", "swap"))
    if way == "name":
        array = arrays.pop(name)
        if chance.random() < 0.5:
            arrays[chance.choice((name + "_", "W", "x" * 999, "header", "\x1b", "a/../b"))] = array
    elif way == "swap":
        arrays[name], arrays[other] = arrays[other], arrays[name]
    elif way == "shape":
        arrays[name] = _reshaped(arrays[name], chance)
    elif way == "dtype":
        with np.errstate(all="ignore"):
            arrays[name] = arrays[name].astype(chance.choice(DTYPES))
    elif arrays[name].size:
        arrays[name] = _other_values(arrays[name], way, chance)


def _reshaped(array, chance):
    """Return an array of another shape."""
    return chance.choice(
        (
            array.reshape(-1),
            array.T,
            array[..., None],
            array[:0],
            array[1:],
            array[..., :-1],
            np.concatenate([array, array]) if array.ndim else array[None],
            np.zeros((2,) * 9, array.dtype),
            np.zeros((0, 10**6), array.dtype),
        )
    )


def _other_values(array, way, chance):
    """Return an array with one odd value, or with all values multiplied."""
    array = array.copy()
    with np.errstate(all="ignore"):
        if way == "number":
            value = np.array(chance.choice(NUMBERS)).astype(array.dtype)
            array.flat[chance.randrange(array.size)] = value
        else:
            array = (array * chance.choice((-1.0, 0.0, 0.9, 2.0, 1e9, 1e200))).astype(array.dtype)
    return array


def _with_a_key_twice(header, arrays, chance):
    """Return a container whose header has the same key twice in one object."""
    text = json.dumps(header, sort_keys=True, indent=1)
    keys = [line.partition(":")[0] for line in text.splitlines() if '":' in line]
    if keys:
        key = chance.choice(keys)
        text = text.replace(f"{key}:", f"{key}: 1,{key}:", 1)
    members = {f"{name}.npy": npy(array) for name, array in arrays.items()}
    members[HEADER] = text.encode()
    return forge([(name, members[name]) for name in sorted(members)])
