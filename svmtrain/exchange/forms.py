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
    use : mapping of str to str
        By the ending of the file's name, what uses it: a command or a line of Python, with {file}.
    """

    writers: Mapping[str, Write]
    what: str
    use: Mapping[str, str]


EXPORTS: dict[str, Form] = {
    "liblinear": Form(
        {".liblinear": liblinear.export},
        "text, for liblinear-predict",
        {".liblinear": "liblinear-predict ROWS {file} LABELS"},
    ),
    "sklearn": Form(
        {".py": python_source.export, ".skops": skops_file.export},
        "a pipeline of scikit-learn, as Python source or a file of skops",
        {
            ".py": "import it as a module; its pipeline.predict(rows) gives labels",
            ".skops": "skops.io.load({file!r}).predict(rows)",
        },
    ),
    "onnx": Form(
        {".onnx": onnx.export},
        "for onnxruntime and others, float64",
        {".onnx": "onnxruntime.InferenceSession({file!r})"},
    ),
    "safetensors": Form(
        {".safetensors": safetensors.export},
        "arrays for torch and others",
        {".safetensors": "safetensors.numpy.load_file({file!r})"},
    ),
    "json": Form(
        {".json": json_form.export}, "every number and fact", {".json": "json.load(open({file!r}))"}
    ),
    "c": Form({".c": c_source.export}, "one function in C99", {".c": "cc -std=c99 -O2 -c {file}"}),
}
