"""A model as safetensors: eight bytes of length, a header in JSON, then the arrays as they are.

Source: the description of the format by its makers (https://github.com/huggingface/safetensors).
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svmtrain.exchange.json_form import REST, SCORES, UNIT, probability_rule
from svmtrain.exchange.parts import Exported
from svmtrain.model import LinearClassifier

DTYPES = {"float64": "F64", "float32": "F32"}
ALIGNMENT = 8


def export(classifier: LinearClassifier) -> Exported:
    """Return a model as tensors that torch and others map, and its card beside them.

    Tensors: `weight` (n_classes, n_features) and `bias` (n_classes,) as a layer of torch has them,
    in the dtype of the model; `offset` and `factor` (n_features,) of the features before it,
    float64; of a calibrated model `calibration_x` and `calibration_y`. The metadata hold `format`,
    `scores` and `probabilities` (the rules in words) and `model`, the card in JSON.
    """
    unit = classifier.scaler.row_norm != "none"
    tensors = {
        "weight": np.ascontiguousarray(classifier.W.T),
        "bias": classifier.b,
        "offset": classifier.scaler.offset,
        "factor": classifier.scaler.factor,
    }
    rest = REST.replace("z W + b", "z weight^T + bias")
    metadata = {
        "format": "svmtrain",
        "scores": f"{SCORES}{UNIT if unit else ''}{rest}",
        "model": json.dumps(classifier.card(), allow_nan=False),
    }
    if classifier.calibration is not None:
        curve = classifier.calibration.curve
        tensors |= {"calibration_x": curve.x, "calibration_y": curve.y}
        metadata["probabilities"] = probability_rule(classifier.calibration.method)
    return Exported(_packed(tensors, metadata))


def _packed(tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> bytes:
    """Return the bytes of a file of tensors."""
    header: dict[str, object] = {"__metadata__": metadata}
    body = b""
    # The largest items first, so that every one begins at a multiple of its size.
    for name in sorted(tensors, key=lambda name: -tensors[name].itemsize):
        array = tensors[name]
        content = array.astype(array.dtype.newbyteorder("<")).tobytes()
        header[name] = {
            "dtype": DTYPES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [len(body), len(body) + len(content)],
        }
        body += content
    text = json.dumps(header).encode("ascii")
    text += b" " * (-len(text) % ALIGNMENT)
    return struct.pack("<Q", len(text)) + text + body
