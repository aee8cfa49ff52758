"""The bad inputs among models: by number in the catalogue and name, how each is forged.

Every entry is a function from the bytes of a good model of 3 features and 3 classes, and of a good
checkpoint of the same run, to the bytes of the bad one. It is signed again where that can be.
"""

import copy
import io
import json
import pickle
import struct

import numpy as np
from forged import COMMENT, forge, npy, signed

from svmtrain import container
from svmtrain.container import HEADER
from svmtrain.model import MAX_CLASSES


def parts(content):
    """Return a copy of the header and of the arrays of a container."""
    header, arrays = container.unpack(content, "good.npz")
    return copy.deepcopy(header), dict(arrays)


def changed(change):
    """Return a forgery: a model whose header and arrays a function changes, signed again."""

    def make(model, _checkpoint):
        header, arrays = parts(model)
        change(header, arrays)
        return container.pack(header, arrays)

    return make


def card(**values):
    """Return a forgery with other facts in the card of the model."""
    return changed(lambda header, arrays: header["model"].update(values))


def array(name, function):
    """Return a forgery with another array."""
    return changed(lambda header, arrays: arrays.update({name: function(arrays[name])}))


def calibration(*arrays, method="sigmoid"):
    """Return a forgery with another calibration: names of arrays, each with its values."""

    def change(header, kept):
        header["model"]["calibration"] = {"method": method, "rows": 5}
        kept.update({"calibration_x": np.ones(1), "calibration_y": np.ones(1)})
        for name, values in zip(arrays[::2], arrays[1::2], strict=True):
            kept[name] = np.array(values, np.float64)

    return changed(change)


def first(value):
    """Return a function that puts a value at the first place of an array."""

    def put(values):
        values = values.copy()
        values.flat[0] = value
        return values

    return put


def members(model):
    """Return the members of a model, in order, to be forged with."""
    header, arrays = parts(model)
    text = json.dumps(header, sort_keys=True, indent=1).encode()
    content = {f"{name}.npy": npy(value) for name, value in arrays.items()} | {HEADER: text}
    return [(name, content[name]) for name in sorted(content)]


def member(name, content):
    """Return a forgery in which one member holds other bytes."""
    return lambda model, _: forge([(n, content if n == name else c) for n, c in members(model)])


def directory(offset, value):
    """Return a forgery with another number in the second entry of the archive's directory."""

    def make(model, _checkpoint):
        second = model.index(b"PK\x01\x02", model.index(b"PK\x01\x02") + 1)
        at = second + offset
        return signed(model[:at] + struct.pack("<I", value) + model[at + 4 :])

    return make


def as_model(_model, checkpoint):
    """Return a checkpoint that says it is a model."""
    header, arrays = parts(checkpoint)
    return container.pack({**header, "format": "svmtrain-model"}, arrays)


def saved_by_numpy(model, _checkpoint):
    """Return what `numpy.savez` makes of the same arrays."""
    buffer = io.BytesIO()
    np.savez(buffer, **parts(model)[1])
    return buffer.getvalue()


def version(number):
    """Return a forgery of another format version, with an array that it would have."""

    def change(header, arrays):
        header["version"] = number
        arrays["new"] = np.zeros(3)

    return changed(change)


def thousand_million(header, arrays):
    """Say that there are 10^9 classes, in arrays that take no room."""
    arrays["W"], arrays["b"] = np.zeros((0, 10**9)), np.zeros(0)


VAST = "an array of shape (3, 1000000000) does not fill its member"
REPEATED = "has classes that are repeated or not sorted"
FORGED = "damaged or forged: "
NOT_OURS = "damaged, or not a file of svmtrain"
#: Identity: (forgery, telling part of the message).
MODELS = {
    "92-checkpoint-called-a-model": (as_model, "unexpected or missing arrays: ['best_W', 'best_b'"),
    "92-of-another-kind": (
        changed(lambda header, arrays: header.update(format="svmtrain-data")),
        "is a 'svmtrain-data'; expected svmtrain-model or svmtrain-checkpoint",
    ),
    "93-npz-of-numpy": (saved_by_numpy, NOT_OURS),
    "93-pickle": (lambda model, _: pickle.dumps({"W": [1.0]}), "not a model"),
    "93-empty": (lambda model, _: b"", "the file is empty"),
    "94-newer-version": (version(2), "has format version 2; this svmtrain reads version 1"),
    "94-far-newer-version": (version(10**9), "has format version 1000000000; this svmtrain"),
    "95-no-classes": (card(classes=[]), "has 0 classes; expected at least 2"),
    "95-one-class": (card(classes=["elm"]), "has 1 class; expected at least 2"),
    "95-vast-count": (card(classes=10**9), "header field classes is 1000000000; expected a list"),
    "95-vast-list": (
        card(classes=list(range(MAX_CLASSES + 1))),
        "has 1000001 classes; expected at most 1000000",
    ),
    "95-vast-member": (member("W.npy", npy(shape="(3, 1000000000)")), VAST),
    "95-vast-and-empty": (changed(thousand_million), "W has shape (0, 1000000000) for 3 classes"),
    "96-W-too-wide": (array("W", lambda W: np.ones((3, 4))), "W has shape (3, 4) for 3 classes"),
    "96-W-turned": (array("W", lambda W: np.ones((4, 3)).T), "W has shape (3, 4) for 3 classes"),
    "96-b-too-short": (array("b", lambda b: b[:2]), "b has shape (2,) and dtype float64; exp"),
    "96-W-too-tall": (
        array("W", lambda W: np.ones((4, 3))),
        "scaler_offset has shape (3,) and dtype float64; expected (4,)",
    ),
    "96-too-few-names": (card(feature_names=["a", "b"]), "names 2 features of 3"),
    "96-no-array": (
        changed(lambda header, arrays: arrays.pop("scaler_factor")),
        "unexpected or missing arrays",
    ),
    "97-nan-weight": (array("W", first(np.nan)), "W contains a value that is not finite"),
    "97-inf-weight": (array("W", first(-np.inf)), "W contains a value that is not finite"),
    "97-nan-bias": (array("b", first(np.nan)), "b contains a value that is not finite"),
    "97-nan-scale": (array("scaler_factor", first(np.nan)), "scaler_factor contains a value that"),
    "97-nan-calibration": (calibration("calibration_x", [np.nan]), "is not finite"),
    "98-calibration-unknown": (calibration(method="psychic"), "a calibration 'psychic', which"),
    "98-calibration-too-long": (
        calibration("calibration_y", [0.0, 1.0]),
        "has a calibration of too many or too few numbers",
    ),
    "98-calibration-empty": (calibration("calibration_x", []), "calibration_x is not a row of"),
    "98-calibration-falling": (
        calibration("calibration_y", [1.0, 0.0], "calibration_x", [0.0, 1.0], method="isotonic"),
        "has an isotonic calibration that falls or leaves [0, 1]",
    ),
    "98-calibration-backwards": (
        calibration("calibration_y", [0.0, 1.0], "calibration_x", [1.0, 0.0], method="isotonic"),
        "has an isotonic calibration that falls or leaves [0, 1]",
    ),
    "98-calibration-above-one": (
        calibration("calibration_y", [0.0, 1.5], "calibration_x", [0.0, 1.0], method="isotonic"),
        "has an isotonic calibration that falls or leaves [0, 1]",
    ),
    "98-calibration-missing": (
        changed(lambda header, arrays: arrays.pop("calibration_x", None)),
        "unexpected or missing arrays",
    ),
    "98-calibration-for-nothing": (card(calibration=None), "unexpected or missing arrays"),
    "98-twice": (card(classes=["ash", "elm", "elm"]), REPEATED),
    "98-twice-as-numbers": (card(classes=[1, 1, 2]), REPEATED),
    "98-moving-a-terminal": (
        card(classes=["ash\x1b[2J", "elm", "oak"]),
        "has a class with a control character in it",
    ),
    "98-unsorted": (card(classes=["elm", "ash", "oak"]), REPEATED),
    "99-overlapping": (directory(42, 0), FORGED),
    "99-overlapping-names": (
        lambda model, _: forge(sorted([*members(model), members(model)[0]])),
        "is compressed or repeated",
    ),
    "99-gapped": (lambda model, _: forge(members(model), gap=b"hidden"), FORGED + "not in the"),
    "99-oversize": (directory(24, 2**31), FORGED + "'the members are larger than the file'"),
    "99-outside": (directory(42, 10**9), FORGED),
    "99-before": (lambda model, _: signed(b"#!/bin/sh\n" + model), FORGED),
    "99-behind": (lambda model, _: signed(model + b"#" * COMMENT), FORGED),
    "99-parent": (
        lambda model, _: forge(sorted([*members(model), ("../W.npy", npy())])),
        "unexpected or missing arrays",
    ),
}
