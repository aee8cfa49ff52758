"""A model as ONNX, written byte by byte: from features in float64 to labels and scores.

Input `features` (rows, n_features); outputs `label` (rows,), whole numbers or texts as the classes
are, and `scores` (rows, n_classes). Gaps (NaN) are filled where the model fills them.

Source: onnx.proto and the operators of opset 13 (https://onnx.ai/onnx/operators/).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import svmtrain
from svmtrain.errors import ConfigError
from svmtrain.exchange.parts import (
    Exported,
    Numbers,
    Parts,
    integer_labels,
    left_behind,
    parts_of,
    refuse_texts,
)
from svmtrain.exchange.protobuf import block, blocks, whole
from svmtrain.model import LinearClassifier

IR_VERSION = 7
OPSET = 13
LIMIT = 2**31 - 1
"""Bytes that a message of protocol buffers may have."""

# Numbers of TensorProto.DataType and of AttributeProto.AttributeType.
INT64, STRING, DOUBLE = 7, 8, 11
INT, INTS = 2, 7


def export(classifier: LinearClassifier) -> Exported:
    """Return a model as ONNX of opset 13.

    Raises
    ------
    ConfigError
        For columns of text, and for a model beyond the 2 GiB that such a file may have.
    """
    refuse_texts(classifier, "ONNX")
    parts = parts_of(classifier)
    nodes, arrays = _steps(parts)
    nodes += [
        _node("MatMul", ["z", "W"], "products"),
        _node("Add", ["products", "b"], "scores"),
        _node("ArgMax", ["scores"], "place", axis=1, keepdims=0),
        _node("Gather", ["classes", "place"], "label", axis=0),
    ]
    arrays |= {"W": parts.W, "b": parts.b}
    labels = integer_labels(classifier)
    kind = STRING if labels is None else INT64
    outputs = (_value("label", kind, []), _value("scores", DOUBLE, [len(parts.b)]))
    graph = blocks(1, nodes) + block(2, "svmtrain")
    graph += blocks(5, [_doubles(name, array) for name, array in arrays.items()])
    graph += block(5, _classes([str(label) for label in classifier.classes], labels))
    if parts.unit:
        graph += block(5, _integers("axis", [1]))
    graph += block(11, _value("features", DOUBLE, [len(parts.W)])) + blocks(12, outputs)
    content = _model(graph, classifier)
    if len(content) > LIMIT:
        raise ConfigError(
            f"the model takes {len(content):,} bytes, and a file of ONNX holds {LIMIT:,}; "
            "export it with --to safetensors"
        )
    return Exported(content, tuple(left_behind(classifier)))


def _model(graph: bytes, classifier: LinearClassifier) -> bytes:
    """Return the whole file around a graph."""
    facts = {"objective": classifier.objective.loss}
    if classifier.feature_names is not None:
        facts["features"] = "\n".join(classifier.feature_names)
    content = whole(1, IR_VERSION) + block(2, "svmtrain") + block(3, svmtrain.__version__)
    content += block(7, graph) + block(8, whole(2, OPSET))
    return content + blocks(14, [block(1, key) + block(2, text) for key, text in facts.items()])


def _steps(parts: Parts) -> tuple[list[bytes], dict[str, Numbers]]:
    """Return the nodes that make z of the features, and the arrays that they need."""
    nodes, arrays, at = [], {}, "features"
    if parts.fill is not None:
        nodes.append(_node("IsNaN", [at], "gaps"))
        nodes.append(_node("Where", ["gaps", "fill", at], "filled"))
        arrays["fill"], at = parts.fill, "filled"
    if parts.scaled:
        nodes.append(_node("Sub", [at, "offset"], "moved"))
        nodes.append(_node("Mul", ["moved", "factor"], "scaled"))
        arrays |= {"offset": parts.offset, "factor": parts.factor}
        at = "scaled"
    if parts.unit:
        nodes += _to_length_one(at)
        arrays |= {"zero": np.zeros(1), "one": np.ones(1)}
        at = "unit"
    nodes.append(_node("Identity", [at], "z"))
    return nodes, arrays


def _to_length_one(at: str) -> list[bytes]:
    """Return the nodes that divide rows by their length, by way of their largest value.

    So no square leaves the floats; rows of zeros stay.
    """
    return [
        _node("Abs", [at], "sizes"),
        _node("ReduceMax", ["sizes"], "most", axes=[1], keepdims=1),
        _node("Equal", ["most", "zero"], "empty"),
        _node("Where", ["empty", "one", "most"], "largest"),
        _node("Div", [at, "largest"], "small"),
        _node("Mul", ["small", "small"], "squares"),
        _node("ReduceSum", ["squares", "axis"], "sum", keepdims=1),
        _node("Sqrt", ["sum"], "root"),
        _node("Where", ["empty", "one", "root"], "length"),
        _node("Div", ["small", "length"], "unit"),
    ]


def _node(
    operator: str, inputs: Sequence[str], output: str, **attributes: int | list[int]
) -> bytes:
    """Return a NodeProto with one output."""
    content = blocks(1, inputs) + block(2, output) + block(3, output) + block(4, operator)
    for name, value in attributes.items():
        if isinstance(value, list):
            body = b"".join(whole(8, one) for one in value) + whole(20, INTS)
        else:
            body = whole(3, value) + whole(20, INT)
        content += block(5, block(1, name) + body)
    return content


def _tensor(name: str, kind: int, shape: Sequence[int], body: bytes) -> bytes:
    """Return a TensorProto around its values."""
    return b"".join(whole(1, size) for size in shape) + whole(2, kind) + block(8, name) + body


def _doubles(name: str, array: Numbers) -> bytes:
    return _tensor(name, DOUBLE, array.shape, block(9, array.astype("<f8").tobytes()))


def _integers(name: str, numbers: Sequence[int]) -> bytes:
    content = np.array(numbers, dtype="<i8").tobytes()
    return _tensor(name, INT64, [len(numbers)], block(9, content))


def _classes(texts: Sequence[str], numbers: Sequence[int] | None) -> bytes:
    if numbers is not None:
        return _integers("classes", numbers)
    return _tensor("classes", STRING, [len(texts)], blocks(6, texts))


def _value(name: str, kind: int, shape: Sequence[int]) -> bytes:
    """Return a ValueInfoProto: an array of any number of rows, each of a shape."""
    sizes = block(1, block(2, "rows")) + b"".join(block(1, whole(1, size)) for size in shape)
    return block(1, name) + block(2, block(1, whole(1, kind) + block(2, sizes)))
