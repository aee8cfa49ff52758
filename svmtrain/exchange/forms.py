"""The table of the forms that a model can be written in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from svmtrain.exchange import (
    c_source,
    json_form,
    liblinear,
    onnx,
    python_source,
    safetensors,
    skops_file,
)
from svmtrain.exchange.parts import Exported
from svmtrain.model import LinearClassifier

Write = Callable[[LinearClassifier], Exported]


@dataclass(frozen=True)
class Form:
    """One entry of `EXPORTS`.

    Attributes
    ----------
    writers : mapping of str to callable
        By the ending of the file's name, what makes its content; the first is taken where no
        name is given, and one alone takes any name.
    what : str
        What it is for, in a few words.
    """

    writers: Mapping[str, Write]
    what: str


EXPORTS: dict[str, Form] = {
    "liblinear": Form({".liblinear": liblinear.export}, "text, for liblinear-predict"),
    "sklearn": Form(
        {".py": python_source.export, ".skops": skops_file.export},
        "a pipeline of scikit-learn, as Python source or a file of skops",
    ),
    "onnx": Form({".onnx": onnx.export}, "for onnxruntime and others, float64"),
    "safetensors": Form({".safetensors": safetensors.export}, "arrays for torch and others"),
    "json": Form({".json": json_form.export}, "every number and fact"),
    "c": Form({".c": c_source.export}, "one function in C99"),
}
